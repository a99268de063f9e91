"""Loading of a study from its file and the command line, with absolute paths."""

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from study.addresses import data_place
from study.study_file.code import refusals
from study.study_file.errors import Lines, Problem, SpecError
from study.study_file.errors import Path as KeyPath
from study.study_file.overrides import apply_smoke, locate, override, put, read_document
from study.study_file.study import Study
from trainables.errors import InputError
from trainables.storage.object_store import is_url


def load(
    source: str | Path,
    overrides: Sequence[str] = (),
    *,
    data: str | Path | None = None,
    small: bool = False,
    allow_code: bool = False,
) -> Study:
    """Read and check a study file.

    Args:
        source: A path, or the name of a study that comes with segstudy.
        overrides: `key.sub=value`, applied before anything is checked.
        data: The dataset's folder or URL, instead of the file's `dataset.path`.
        small: Whether the file's `smoke` section replaces its lines (`study.study_file.overrides`).
        allow_code: Whether it may name losses and networks of the user's own, whose code a trial runs.

    Returns:
        The study; `dataset.path` is absolute, or a URL. What the file says is relative to the file, what the command
        line says (`data`, or `dataset.path=…`) to the working directory.

    Raises:
        SpecError: The file says something wrong; `lines` has all of it.
        InputError: There is no such file, or an override is no setting.
    """
    file, folder = locate(source)
    document = read_document(source, file)
    apply_smoke(document, str(source), wanted=small)
    override(document, overrides)
    if data is not None:
        put(document, ("dataset", "path"), str(data), option="--data")
    study = Study.from_plain(document.value, source=str(source), lines=document.lines)
    if not allow_code and (refused := refusals({"models": study.models, "losses": study.losses})):
        raise SpecError(str(source), [problem.line(document.lines) for problem in refused])
    if not study.dataset.path:
        text = "this study comes without data" if folder is None else "expected the dataset's folder, found nothing"
        text += ": add --data DIR."
        raise SpecError(str(source), [Problem(("dataset", "path"), text).line(document.lines)])
    place = partial(_place, folder, document.lines)
    split = study.dataset.split
    if split.file is not None:
        split = split.model_copy(update={"file": place(split.file, ("dataset", "split", "file"))})
    try:
        path = data_place(study.dataset.path)
    except InputError as error:
        problem = Problem(("dataset", "path"), str(error))
        raise SpecError(str(source), [problem.line(document.lines)]) from None
    if not is_url(path):
        path = place(path, ("dataset", "path"))
    changed = {"path": path, "split": split}
    return study.model_copy(update={"dataset": study.dataset.model_copy(update=changed)})


def _place(folder: Path | None, lines: Lines, path: str, key: KeyPath) -> str:
    """Return a path of the study file, absolute: relative to the file, or to the working directory for an option.

    Args:
        folder: The study file's; None for one that comes with segstudy.
        lines: Where each key was written.
        path: As written.
        key: Under which key.
    """
    written = next((lines[key[:end]] for end in range(len(key), 0, -1) if key[:end] in lines), None)
    base = Path.cwd() if written in ("--set", "--data") or folder is None else folder
    return os.path.normpath(base / Path(path).expanduser())

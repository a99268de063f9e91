"""`segstudy score`: the project's metrics on two folders of masks."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from study.command.options import HOME, Home, LedgerAt, Places, made
from trainables.errors import InputError

if TYPE_CHECKING:
    from study.scoring.matching import Matched
    from study.scoring.rules import Rules


def score(
    predictions: Annotated[Path, typer.Argument(metavar="PREDICTIONS", help="Folder of predicted masks.")],
    references: Annotated[Path, typer.Argument(metavar="REFERENCES", help="Folder of reference masks.")],
    study: Annotated[
        str | None, typer.Option("--study", help="Score as this study scores its test cases: labels, regions, cases.")
    ] = None,
    labels: Annotated[
        str | None, typer.Option(help="NAME=VALUE,…; else dataset.json beside REFERENCES, else each value found.")
    ] = None,
    regions: Annotated[
        str | None, typer.Option(help="NAME=LABEL+LABEL,…: what is scored; else each label by itself.")
    ] = None,
    metric: Annotated[
        list[str] | None, typer.Option(help="A metric by name; repeatable. Else all that masks suffice for.")
    ] = None,
    other_labels: Annotated[
        bool, typer.Option("--other-labels", help="Take values that no label names as background.")
    ] = False,
    empty_as_one: Annotated[
        bool, typer.Option("--empty-as-one", help="Count cases without a region: 1 where it is predicted nowhere.")
    ] = False,
    resample: Annotated[
        bool, typer.Option("--resample", help="Resample predictions on other grids, by the nearest voxel.")
    ] = False,
    partial: Annotated[
        bool, typer.Option("--partial", help="Score the cases that have both masks though others lack one.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder for scores.csv and scores.html.")
    ] = None,
    home: Home = HOME,
    ledger: LedgerAt = None,
) -> None:
    """Score predicted masks against reference masks, matched by the names of their files.

    Both are read, placed and measured as in a study's evaluation. Ends with 2 if a case lacks one of its masks, unless
    `--partial` is given, or if grids differ.

    Example: segstudy score masks labelsTs --labels liver=1,lesion=2 --output scores
    """
    from reports.formats import scores, terminal
    from reports.formats.visible import visible
    from study.scoring.matching import masks_in, match
    from study.scoring.scored import score_pairs
    from trainables.storage.requested_files import replace_files

    truths = masks_in(references)
    folder = None if output is None else made(output, "--output")  # before minutes of scoring
    if study is not None:
        if labels or regions or other_labels or empty_as_one:
            raise InputError("--study gives labels, regions and the count of empty cases: leave those options out.")
        rules = _of_study(study, Places.of(home, ledger), metric or [])
        truths = _tested(truths, rules, study)
    else:
        rules = _of_options(truths, references, labels, regions, metric or [], other_labels, empty_as_one)
    matched = match(masks_in(predictions), truths)
    lacking = _lacking(matched)
    if lacking and not partial:
        raise InputError(f"{'; '.join(lacking)}. Add or take away the files, or give --partial to leave them out.")
    with _by_options(study):
        found = score_pairs(matched.pairs, rules, resample=resample)
    measured = found.measured
    tables = scores.tables(measured.scores, measured.counts, measured.lesions, pixels=found.pixels)
    remarks = (*lacking, *found.warnings)
    for table in tables:
        typer.echo(visible(terminal.table(table).rpartition("\n")[0] + "\n" + "\n".join(table.notes)) + "\n")
    for line in remarks:
        typer.echo(visible(f"Note: {line}"))
    if folder is None:
        return
    title = f"{predictions} against {references}"
    contents = {
        "scores.csv": scores.tidy(measured.scores, matched.without_prediction, matched.without_reference),
        "scores.html": scores.page(title, tables, remarks),
    }
    replace_files({folder / name: text.encode() for name, text in contents.items()})
    typer.echo(f"{folder / 'scores.csv'}, {folder / 'scores.html'}")


def _of_study(name: str, places: Places, metrics: list[str]) -> "Rules":
    from study.ledger import Ledger
    from study.scoring.rules import rules_of_study

    with Ledger.open(places.ledger, read_only=True) as opened:
        return rules_of_study(opened, name, metrics)


def _of_options(
    truths: dict[str, Path],
    references: Path,
    labels: str | None,
    regions: str | None,
    metrics: list[str],
    others: bool,
    empty_as_one: bool,
) -> "Rules":
    from study.scoring.rules import (
        Described,
        described,
        labels_found,
        labels_of_text,
        regions_of_text,
        rules_of_labels,
    )

    if labels is not None:
        known = Described(labels_of_text(labels))
    else:
        known = described(references) or Described(labels_found(truths.values()))
    return rules_of_labels(
        known.labels,
        known.regions if regions is None else regions_of_text(regions),
        metrics,
        ignore=known.ignore,
        others=others,
        empty="one" if empty_as_one else "missing",
    )


def _tested(truths: dict[str, Path], rules: "Rules", study: str) -> dict[str, Path]:
    """Return the references of the study's test cases.

    Raises:
        InputError: One has none.
    """
    from study.scoring.matching import short_name

    assert rules.cases is not None, "a study names its test cases"
    by_name = {short_name(name): path for name, path in truths.items()} | truths
    files = {name: by_name.get(name, by_name.get(short_name(name))) for name in sorted(rules.cases)}
    if missing := [name for name, path in files.items() if path is None]:
        raise InputError(f"no reference of test cases of {study}: {', '.join(missing)}. Give the folder that has them.")
    return {name: path for name, path in files.items() if path is not None}


@contextmanager
def _by_options(study: str | None) -> Iterator[None]:
    """Name this command's options in errors, in place of the study file's keys, unless a study gave the labels."""
    try:
        yield
    except InputError as error:
        if study is not None:
            raise
        said = str(error).replace("under `dataset.labels`", "by `--labels`")
        raise InputError(said.replace("set `dataset.other_labels: background`", "give `--other-labels`")) from error


def _lacking(matched: "Matched") -> list[str]:
    """Return the cases without a partner, in words."""
    said = []
    if matched.without_prediction:
        said.append(f"no prediction of {', '.join(matched.without_prediction)}")
    if matched.without_reference:
        said.append(f"no reference of {', '.join(matched.without_reference)}")
    return said

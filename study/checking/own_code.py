"""Own code: imports the user's own losses and networks before a study starts, and calls the losses."""

import inspect
from collections.abc import Iterator

from study.design import Arm
from study.study_file import SpecError, Study, trial_fields
from study.study_file.code import CODE
from trainables.errors import InputError

SIDE = 8  # size in voxels of the images on which a loss is tried


def try_code(study: Study) -> None:
    """Import and try the user's own losses and networks that a study file names.

    Raises:
        SpecError: Something is wrong; one line each.
    """
    problems: list[str] = []
    for key, entries, attempt in (("models", study.models, _network), ("losses", study.losses, _loss)):
        for name, parameters in entries.items():
            if CODE not in parameters:
                continue
            arm = next(arm for arm in study.arms if name == (arm.model if key == "models" else arm.loss))
            try:
                problems += [f"{key}.{name}: {problem}" for problem in attempt(study, arm)]
            except InputError as error:
                problems.append(f"{key}.{name}: {error}")
    if problems:
        raise SpecError(study.name, problems)


def _network(study: Study, arm: Arm) -> Iterator[str]:
    from trainables.user_code import imported

    parameters = dict(trial_fields(study, arm, arm.default)["model_parameters"])
    path = parameters.pop(CODE)
    wrong = _unbound(imported(path), (1, len(study.classes), len(study.patch.size)), parameters)
    if wrong is not None:
        yield f"{path} cannot be called as (in_channels, out_channels, dim, {', '.join(parameters)}): {wrong}."


def _loss(study: Study, arm: Arm) -> Iterator[str]:
    import torch

    from study.cases.from_study_file import options_of
    from trainables.losses import LOSSES
    from trainables.losses.written import written_loss
    from trainables.user_code import imported

    parameters = trial_fields(study, arm, arm.default)["loss_parameters"]
    path = parameters[CODE]
    imported(path)
    loss = written_loss(arm.loss, parameters, LOSSES)
    classes, size = len(study.loss_classes), (SIDE,) * len(study.patch.size)
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, classes, *size, generator=generator, requires_grad=True)
    target = torch.randint(classes, (2, *size), generator=generator)
    maps = {"weight": torch.ones(target.shape)} if "inverse" in study.weighting else {}
    if options_of(study).ignores:
        maps["ignore"] = torch.zeros(target.shape, dtype=torch.bool)
    try:
        value = loss(logits, target, **maps)
        if not isinstance(value, torch.Tensor) or value.shape != () or not torch.isfinite(value):
            yield f"{path} gives {' '.join(str(value).split())}: expected one finite number."
            return
        value.backward()  # type: ignore[no-untyped-call]
    except Exception as error:  # any exception of the user's code is shown in one line
        said = " ".join(str(error).split())
        given = f"logits {(*logits.shape,)}, labels {(*target.shape,)}{''.join(f', {name}' for name in maps)}"
        yield f"{path} fails on {given}: {type(error).__name__}: {said}."
        return
    if logits.grad is None or not torch.isfinite(logits.grad).all():
        yield f"{path} has no finite gradient at random logits."


def _unbound(function: object, given: tuple[object, ...], named: dict[str, object]) -> str | None:
    """Return why a function cannot be called with these arguments; None if it can, or has no signature."""
    try:
        inspect.signature(function).bind(*given, **named)  # type: ignore[arg-type]
    except TypeError as error:
        return str(error)
    except ValueError:
        return None
    return None

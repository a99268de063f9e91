"""An arm's parameters: what its searches chose, and what the study file fixed away from the defaults."""

from collections.abc import Iterable

from reports import numbers
from reports.progress import Winner
from reports.results import ArmResult
from search_spaces.defaults import LOSSES
from search_spaces.grammar import Scalar


def loss_values(arm: ArmResult, name: str) -> list[Scalar]:
    """The values of one of the loss's parameters in the arm's final trainings, each once; none where it has no such."""
    if f"loss.{name}" not in arm.row.space:
        return []
    return list(dict.fromkeys(_value(arm, winner, f"loss.{name}") for winner in arm.progress.winners))


def configurations(arm: ArmResult, also: Iterable[str] = ()) -> list[str]:
    """The arm's configurations in print, each once: what was tuned, and what its loss has apart from the defaults.

    Args:
        arm: The arm.
        also: Parameters of the loss to be named in any case, since a paper names them.
    """
    defaults = LOSSES.get(arm.row.loss, {})
    named = [
        f"loss.{name}"
        for name, default in defaults.items()
        if name in also or arm.row.space.get(f"loss.{name}") != {"fixed": default.value}
    ]
    names = [name for name in named if name in arm.row.space]
    found = []
    for winner in arm.progress.winners:
        rest = [name for name in arm.progress.tuned if name not in names]
        found.append(numbers.parameters({name: _value(arm, winner, name) for name in (*names, *rest)}))
    return list(dict.fromkeys(text for text in found if text))


def _value(arm: ArmResult, winner: Winner, name: str) -> Scalar:
    if name in winner.parameters:
        return winner.parameters[name]
    fixed: Scalar = arm.row.space[name]["fixed"]
    return fixed

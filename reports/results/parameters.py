"""An arm's parameters: what its searches chose, and what the study file fixed away from the defaults."""

from collections.abc import Iterable

from reports.results import number_format
from reports.results.progress import Winner
from reports.results.results import ArmResult
from search_spaces.defaults import LOSSES
from search_spaces.grammar import Scalar
from study.ledger.rows import ArmRow


def loss_of(row: ArmRow) -> str:
    """The arm's loss; of a loss with a name of its own that is one of ours as it is, that one."""
    names = [name for name in row.space if name.startswith("loss.")]
    for name in names:
        part = name.removeprefix("loss.").removesuffix(".factor")
        whole = name.endswith(".factor") and row.space[name] == {"fixed": 1.0}
        if whole and all(other.startswith(f"loss.{part}.") for other in names):
            return part
    return row.loss


def loss_values(arm: ArmResult, name: str) -> list[Scalar]:
    """The values of one of the loss's parameters in the arm's final trainings, each once; none where it has no such."""
    known = (f"loss.{name}", f"loss.{loss_of(arm.row)}.{name}")
    full = next((each for each in known if each in arm.row.space), None)
    if full is None:
        return []
    return list(dict.fromkeys(_value(arm, winner, full) for winner in arm.progress.winners))


def configurations(arm: ArmResult, also: Iterable[str] = ()) -> list[str]:
    """The arm's configurations in print, each once: what was tuned, and what its loss has apart from the defaults.

    Of a sum of losses every factor is named, of the user's own loss everything: nothing is usual there.

    Args:
        arm: The arm.
        also: Parameters of the loss to be named in any case, since a paper names them.
    """
    names = [
        name
        for name, said in arm.row.space.items()
        if name.startswith("loss.")
        and (name.removeprefix("loss.") in also or said != _usual(arm.row.loss, name.removeprefix("loss.")))
    ]
    found = []
    for winner in arm.progress.winners:
        rest = [name for name in arm.progress.tuned if name not in names]
        found.append(number_format.parameters({name: _value(arm, winner, name) for name in (*names, *rest)}))
    return list(dict.fromkeys(text for text in found if text))


def _usual(loss: str, name: str) -> dict[str, Scalar] | None:
    """A loss parameter fixed at its default, as the ledger writes it; a part's in a sum. None where none is usual."""
    part, _, rest = name.partition(".")
    default = LOSSES.get(loss, {}).get(name) or LOSSES.get(part, {}).get(rest)
    return None if default is None else {"fixed": default.value}


def _value(arm: ArmResult, winner: Winner, name: str) -> Scalar:
    if name in winner.parameters:
        return winner.parameters[name]
    fixed: Scalar = arm.row.space[name]["fixed"]
    return fixed

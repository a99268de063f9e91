"""An arm's parameters: those chosen by its searches, and those that the study file fixes off their defaults."""

from collections.abc import Iterable

from reports.results import number_format
from reports.results.progress import Winner
from reports.results.results import ArmResult
from search_spaces.defaults import LOSSES
from search_spaces.grammar import Scalar
from study.ledger.rows import ArmRow


def loss_of(row: ArmRow) -> str:
    """Returns the arm's loss; for a renamed loss that is a single known loss with factor 1, the known name."""
    names = [name for name in row.space if name.startswith("loss.")]
    for name in names:
        part = name.removeprefix("loss.").removesuffix(".factor")
        whole = name.endswith(".factor") and row.space[name] == {"fixed": 1.0}
        if whole and all(other.startswith(f"loss.{part}.") for other in names):
            return part
    return row.loss


def loss_values(arm: ArmResult, name: str) -> list[Scalar]:
    """Returns the distinct values of a loss parameter in the arm's final trainings.

    A fixed value is known before there are any. Empty if the loss lacks the parameter, or no search has chosen yet.
    """
    known = (f"loss.{name}", f"loss.{loss_of(arm.row)}.{name}")
    full = next((each for each in known if each in arm.row.space), None)
    if full is None:
        return []
    if "fixed" in arm.row.space[full]:
        return [arm.row.space[full]["fixed"]]
    return list(dict.fromkeys(_value(arm, winner, full) for winner in arm.progress.winners))


def excludes(arm: ArmResult, name: str, value: Scalar) -> bool:
    """Returns whether an arm fixes a loss parameter at another value, so that it is another loss."""
    known = (f"loss.{name}", f"loss.{loss_of(arm.row)}.{name}")
    return any(arm.row.space[full].get("fixed", value) != value for full in known if full in arm.row.space)


def configurations(arm: ArmResult, also: Iterable[str] = ()) -> list[str]:
    """Returns the arm's distinct configurations in print: tuned parameters, and loss parameters off their defaults.

    Every factor of a sum of losses is named, and every parameter of a user's own loss: these have no defaults.

    Args:
        arm: The arm.
        also: Loss parameters to be named in any case, since a paper names them.
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
    """Returns a loss parameter fixed at its default, as the ledger writes it; None if it has no default."""
    part, _, rest = name.partition(".")
    default = LOSSES.get(loss, {}).get(name) or LOSSES.get(part, {}).get(rest)
    return None if default is None else {"fixed": default.value}


def _value(arm: ArmResult, winner: Winner, name: str) -> Scalar:
    if name in winner.parameters:
        return winner.parameters[name]
    fixed: Scalar = arm.row.space[name]["fixed"]
    return fixed

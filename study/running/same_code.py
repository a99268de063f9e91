"""Code that changes between two runs of a study: the user's own, PyTorch, MONAI or segstudy.

Trials that other code trained are not comparable, whatever the study file says. A run that would go on with other code
is refused, or goes on with a notice in the report where the user accepts that.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from study.errors import LedgerDamagedError
from study.ledger import Ledger
from study.planning.planner import decide
from study.study_file import Study
from study.study_file.code import CODE
from trainables import user_code
from trainables.errors import InputError
from trainables.training.machine import version

PACKAGES = ("torch", "monai", "segstudy")
"""Packages whose versions change the numbers."""


def refuse_other_code(ledger: Ledger, study: Study, *, accepted: bool) -> None:
    """Compare the code of a study's recorded segments with the code that is there now.

    A study that is complete is not compared: nothing of it is trained any more.

    Args:
        ledger: The ledger.
        study: The study at hand.
        accepted: Whether the user accepts a change; then a notice says what changed.

    Raises:
        InputError: Something changed, and it is not accepted.
    """
    if not ledger.has_study(study.name):
        return
    row = ledger.study(study.name)
    found = list(changes(ledger.machines(row.id), {name: version(name) for name in PACKAGES}, _digests(study)))
    if not found:
        return
    if decide(study.design([arm.name for arm in ledger.arms(row.id)]), ledger.known(row.id)).nothing:
        return
    if not accepted:
        raise InputError(
            f"study '{study.name}' in {ledger.label} was trained by other code: {'; '.join(found)}. Bring that back, "
            "give the study another name, or continue with a notice in its report by --accept-changes"
        )
    ledger.add_notice(row.id, f"trials before and after a change of code are compared: {'; '.join(found)}")


def changes(
    recorded: Iterable[Mapping[str, Any]], versions: Mapping[str, str], digests: Mapping[str, str]
) -> Iterator[str]:
    """Yield what changed, a phrase each: values of now that no recorded segment has.

    Args:
        recorded: Machines of segments (`trainables.training.machine`).
        versions: Package → version, as installed now.
        digests: Import path → digest of the user's own code as it is now.
    """
    machines = list(recorded)
    for name, now in versions.items():
        before = _known(machines, "versions", name)
        if now and before and now not in before:
            yield f"{name} {' and '.join(sorted(before))}, now {now}"
    for path, now in digests.items():
        before = _known(machines, "code", path)
        if before and now not in before:
            yield f"{path} was edited"


def _known(machines: Iterable[Mapping[str, Any]], part: str, name: str) -> set[str]:
    found: set[str] = set()
    for machine in machines:
        values = machine.get(part) or {}
        if not isinstance(values, Mapping):
            raise LedgerDamagedError(f"a segment's machine has {part} {str(values)[:40]!r}, expected a mapping")
        if values.get(name):
            found.add(str(values[name]))
    return found


def _digests(study: Study) -> dict[str, str]:
    """Return the digests of the user's own losses and networks that the study names."""
    entries = [*study.models.values(), *study.losses.values()]
    paths = {str(parameters[CODE].value) for parameters in entries if CODE in parameters}  # type: ignore[union-attr]
    return user_code.digests(sorted(paths))

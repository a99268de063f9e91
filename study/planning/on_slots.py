"""A simulation of the study on a number of slots (segments that run at once), for `check --slots N`.

Where no speed is known, networks count as equally fast, and time is told in trainings: the time that one training takes
from its first iteration to its last. Measured speeds turn it into hours (`study.checking.time_and_cost`).
"""

import dataclasses
from collections.abc import Iterator
from typing import Any

from study.design import Design
from study.in_words import counted
from study.planning.arm_lead import best_lead
from study.planning.promotion import rungs
from study.planning.shortest_time import shortest_seconds
from study.planning.simulate import Simulation, simulate
from study.planning.time_left import Speeds

LARGEST = 5_000
"""Trials up to which other cohorts are tried: a simulation takes up to a millisecond a trial."""
WORTH_IT = 0.9
"""Another cohort is proposed where it takes at most this share of the time."""


@dataclasses.dataclass(frozen=True)
class SlotForecast:
    """A simulated study on a number of slots, and a better cohort size where there is one.

    Attributes:
        training: Length of one training in iterations.
        simulation: With the cohort that the file has; its seconds are iterations where no speed was given.
        floor: Lower bound of the wall time, in seconds (or iterations without speeds).
        cohort: A cohort that is clearly faster; None where there is none.
        faster: The simulation with it.
    """

    training: int
    simulation: Simulation
    floor: float
    cohort: int | None = None
    faster: Simulation | None = None

    def plain(self) -> dict[str, Any]:
        """Return a JSON-able dictionary."""
        return dataclasses.asdict(self)

    def lines(self) -> Iterator[str]:
        """Yield lines for a person, where no speed was given."""
        now = self.simulation
        yield (
            f"on {counted(now.slots, 'slot')}: {now.seconds / self.training:.1f} trainings long one after another "
            f"(no order is under {self.floor / self.training:.1f}), {now.utilisation:.0%} busy; {now.limiting} is the "
            "longest chain"
        )
        if self.faster is not None:
            yield (
                f"with cohort {self.cohort}: {self.faster.seconds / self.training:.1f} trainings long, "
                f"{self.faster.utilisation:.0%} busy"
            )


def forecast_on_slots(design: Design, slots: int, speeds: Speeds | None = None) -> SlotForecast:
    """Simulate the study, and the study with other cohort sizes.

    Args:
        design: The study's design.
        slots: Segments at once, >= 1.
        speeds: Measured speeds: times are seconds. None: networks are equally fast and times are iterations.

    Raises:
        ValueError: There is no slot.
    """
    speeds = speeds or Speeds({arm.model: 1.0 for arm in design.arms})
    now = _as_run(design, speeds, slots)
    best, faster = None, None
    for cohort in _others(design):
        found = _as_run(dataclasses.replace(design, cohort=cohort), speeds, slots)
        if found.seconds <= WORTH_IT * now.seconds and (faster is None or found.seconds < faster.seconds):
            best, faster = cohort, found
    return SlotForecast(design.marks[-1], now, shortest_seconds(design, speeds, slots), best, faster)


def _as_run(design: Design, speeds: Speeds, slots: int) -> Simulation:
    """Simulate with the order of segments that a run would take."""
    return simulate(design, speeds, slots, lead=best_lead(design, speeds, slots))


def _others(design: Design) -> list[int]:
    """Return cohort sizes that keep at least as many trials to the last mark; TPE needs two cohorts."""
    if design.sampler != "tpe" or len(design.arms) * design.searches * design.trials_per_arm > LARGEST:
        return []
    smallest = design.eta ** (len(design.marks) - 1)
    return [
        cohort
        for cohort in range(smallest, design.trials_per_arm // 2 + 1)
        if design.trials_per_arm % cohort == 0 and cohort != design.cohort and _kept(design, cohort) >= _kept(design)
    ]


def _kept(design: Design, cohort: int | None = None) -> int:
    """Return how many trials of a search reach the last mark."""
    size = cohort or design.cohort
    return design.trials_per_arm // size * rungs(design, size)[-1].left

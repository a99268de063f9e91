"""Time and cost of a study: from footprints of probes and the planner's simulation.

Speeds are those of a trial alone on its GPU; trials that share one are slower each, but not slower in total.
"""

import dataclasses
import math
from collections.abc import Iterator, Mapping
from typing import Any

from study.in_words import counted, duration
from study.planning.on_slots import SlotForecast, forecast_on_slots
from study.planning.time_left import Speeds
from study.probing.gpu_shares import fitting
from study.probing.measure import bytes_of_cases, specs_of
from study.study_file import Study
from study.trial_specs import Data
from trainables.training.footprint import Footprint

SEEN = "the study's own segments"
UNKNOWN = "how fast its networks train is not known yet: --probe measures it on this machine"
UNKNOWN_ON_GPUS = "how fast its networks train on a GPU is not known yet: --probe on a machine with one measures it"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Estimate:
    """Estimate for a study on a number of GPUs or slots.

    Attributes:
        ahead: The simulation; its times are seconds where `device` is known, else iterations.
        gpus: Number of GPUs; None if slots were given.
        together: Number of trials on one GPU at the same time; 1 without GPUs.
        device: Device on which the speeds were measured; None if unknown.
        price: Price of a GPU-hour, in any currency; None if not given.
        footprints: Footprint of each network; empty if nothing was measured.
    """

    ahead: SlotForecast
    gpus: int | None
    together: int
    device: str | None
    price: float | None
    footprints: Mapping[str, Footprint]

    @property
    def gpu_hours(self) -> float | None:
        """GPUs times hours from the first segment to the last; None without speeds or GPUs."""
        known = self.gpus is not None and self.device is not None
        return self.gpus * self.ahead.simulation.seconds / 3600 if known and self.gpus is not None else None

    @property
    def cost(self) -> float | None:
        """GPU-hours times their price; None if either is unknown."""
        hours = self.gpu_hours
        return None if hours is None or self.price is None else hours * self.price

    def plain(self) -> dict[str, Any]:
        """Return JSON-able data."""
        return {
            **self.ahead.plain(),
            "times_in": "iterations" if self.device is None else "seconds",
            "gpus": self.gpus,
            "trials_on_a_gpu": self.together,
            "measured_on": self.device,
            "gpu_hours": self.gpu_hours,
            "cost": self.cost,
            "footprints": {model: dataclasses.asdict(found) for model, found in self.footprints.items()},
        }

    def lines(self) -> Iterator[str]:
        """Return lines for the user."""
        yield from map(_measured, self.footprints.items())
        if self.device is None:
            yield from self.ahead.lines()
            yield UNKNOWN if self.gpus is None else UNKNOWN_ON_GPUS
            return
        now, ahead = self.ahead.simulation, self.ahead
        yield (
            f"on {self._where()}: about {duration(now.seconds)} by the speed of {self.device} (no order is under "
            f"{duration(ahead.floor)}), {now.utilisation:.0%} busy; {now.limiting} is the longest chain"
        )
        if ahead.faster is not None:
            yield f"with cohort {ahead.cohort}: about {duration(ahead.faster.seconds)}"
        hours = self.gpu_hours
        if hours is not None:
            price = f", {self.cost:,.2f} at {self.price:,.2f} an hour" if self.cost is not None else ""
            yield f"{hours:,.1f} GPU-hours{price}"

    def _where(self) -> str:
        if self.gpus is None:
            return counted(self.ahead.simulation.slots, "slot")
        return f"{counted(self.gpus, 'GPU')}, {counted(self.together, 'trial')} on each"


def estimate(
    study: Study,
    data: Data,
    footprints: Mapping[str, Footprint],
    *,
    gpus: int | None = None,
    slots: int | None = None,
    seen: Speeds | None = None,
) -> Estimate:
    """Simulate a study with measured speeds.

    Args:
        study: The study, its batch size known.
        data: Its cases; they need not be prepared.
        footprints: Footprints of some or all of its networks. Those of a CPU are ignored with GPUs.
        gpus: Number of GPUs; their trials share them as `resources.gpu` says, or as measured.
        slots: Or number of segments at the same time.
        seen: Speeds of the study's own segments if it has run; used if a footprint is missing.
    """
    if gpus is not None:
        footprints = {model: found for model, found in footprints.items() if found.on_gpu}
    together = 1 if gpus is None else _together(study, data, footprints)
    known, device = None, None
    if set(footprints) >= set(study.models):
        known = speeds_of(study, data, footprints)
        device = ", ".join(sorted({found.device for found in footprints.values()}))
    elif seen is not None and seen.iteration and gpus is None:
        known, device = seen, SEEN
    return Estimate(
        ahead=forecast_on_slots(study.design(), slots or 1 if gpus is None else max(1, int(gpus * together)), known),
        gpus=gpus,
        together=max(1, int(together)),
        device=device,
        price=study.resources.price_per_gpu_hour,
        footprints=footprints,
    )


def speeds_of(study: Study, data: Data, footprints: Mapping[str, Footprint]) -> Speeds:
    """Return seconds per iteration and per evaluation, by network; an evaluation covers validation or test cases.

    Args:
        study: The study.
        data: Its cases.
        footprints: Footprint of each network.
    """
    from trainables.training.probe import windows

    marks = {}
    for model, found in footprints.items():
        spec = specs_of(study, model, data, gpu=0.0)[0]
        totals = [
            sum(
                found.case_seconds(windows(case.facts["prepared_shape"], spec), math.prod(case.facts["shape"]))
                for case in data.cases
                if case.splits[0] == role
            )
            for role in ("validation", "test")
        ]
        marks[model] = sum(totals) / len(totals)
    return Speeds({model: found.seconds for model, found in footprints.items()}, marks)


def _together(study: Study, data: Data, footprints: Mapping[str, Footprint]) -> float:
    """Return the number of trials on one GPU, limited by the largest network."""
    asked = study.resources.gpu
    if asked != "auto":
        return float(int(1 / asked)) if 0 < asked < 1 else 1 / max(1.0, asked)
    on_gpus = [found for found in footprints.values() if found.on_gpu]
    if len(on_gpus) < len(study.models):
        return 1
    return max(1, min(fitting(found, bytes_of_cases(study, data)) for found in on_gpus))


def _measured(of: tuple[str, Footprint]) -> str:
    model, found = of
    return (
        f"{model}: {found.seconds:.3g} s an iteration, {found.peak_bytes / 2**30:.2f} of "
        f"{found.total_bytes / 2**30:.0f} GB on {found.device}"
    )

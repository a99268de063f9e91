"""What a study will take, in hours and money: what probes measured, and the planner's simulation of it.

Speeds are those of a trial alone on its GPU; trials that share one are slower each and not slower together.
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
class Expected:
    """A study on so many GPUs or slots.

    Attributes:
        ahead: The simulation; its times are seconds where `device` is known, else iterations.
        gpus: GPUs asked for; None: slots were.
        together: Trials on one GPU at once; 1 without GPUs.
        device: Where the speeds were measured; None: they are not known.
        price: Of a GPU-hour, in any currency; None: not given.
        footprints: Of each network what was measured; empty where nothing was.
    """

    ahead: SlotForecast
    gpus: int | None
    together: int
    device: str | None
    price: float | None
    footprints: Mapping[str, Footprint]

    @property
    def gpu_hours(self) -> float | None:
        """GPUs times hours from the first segment to the last; None where speeds are not known, or no GPU is meant."""
        known = self.gpus is not None and self.device is not None
        return self.gpus * self.ahead.simulation.seconds / 3600 if known and self.gpus is not None else None

    @property
    def cost(self) -> float | None:
        """GPU-hours times their price; None where either is not known."""
        hours = self.gpu_hours
        return None if hours is None or self.price is None else hours * self.price

    def plain(self) -> dict[str, Any]:
        """JSON-able."""
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
        """As a person reads it."""
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


def expected(
    study: Study,
    data: Data,
    footprints: Mapping[str, Footprint],
    *,
    gpus: int | None = None,
    slots: int | None = None,
    seen: Speeds | None = None,
) -> Expected:
    """Simulates a study with what was measured.

    Args:
        study: The study, its batch size known.
        data: Its cases; they need not be prepared.
        footprints: What was measured of its networks, of some or of all. With GPUs those of a CPU tell nothing.
        gpus: On so many GPUs; their trials share them as `resources.gpu` says, or as was measured.
        slots: Or with so many segments at once.
        seen: Speeds of the study's own segments, where it has run; they count where a footprint is missing.
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
    return Expected(
        ahead=forecast_on_slots(study.design(), slots or 1 if gpus is None else max(1, int(gpus * together)), known),
        gpus=gpus,
        together=max(1, int(together)),
        device=device,
        price=study.resources.price_per_gpu_hour,
        footprints=footprints,
    )


def speeds_of(study: Study, data: Data, footprints: Mapping[str, Footprint]) -> Speeds:
    """Seconds of an iteration and of an evaluation, by network; an evaluation is of the validation or the test cases.

    Args:
        study: The study.
        data: Its cases.
        footprints: Of each network.
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
    """Trials on one GPU: as many as the largest network leaves room for."""
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

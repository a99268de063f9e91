"""Patients missed that no study shows: how often a small p comes from studies in which nobody was seen missed."""

from collections.abc import Iterator

import numpy as np

from .adopted import adopted
from .comparing import ALPHA, CHUNK, seen_of
from .misses import unseen_misses
from .scenarios import SCENARIOS, Scenario
from .studies import draw


def shares(scenario: Scenario, studies: int, random: np.random.Generator) -> tuple[float, float, float, float]:
    """Shares of studies: p < .05, that without a miss seen, no miss seen, p over all patients < .05."""
    rows = []
    for _ in range(max(1, studies // CHUNK)):
        seen = seen_of(draw(scenario, CHUNK, random), "difference")
        found = adopted()(seen)
        small, nobody = found.p < ALPHA, ~(seen.missed[0] != seen.missed[1]).any(axis=1)
        rows.append(np.stack([small, small & nobody, nobody, unseen_misses(seen, found).p < ALPHA]).mean(axis=1))
    first, second, third, fourth = np.mean(rows, axis=0).tolist()
    return first, second, third, fourth


def table(studies: int, seed: int) -> Iterator[str]:
    """Markdown lines, a setting with missed patients and equal means each."""
    random = np.random.Generator(np.random.Philox(key=seed))
    yield "| setting | patients | p < .05 | of these, no miss seen | no miss seen | p over all patients < .05 |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for scenario in SCENARIOS:
        if scenario.kind == "missing" and scenario.compensated:
            cells = " | ".join(f"{share:.3f}" for share in shares(scenario, studies, random))
            yield f"| {scenario.name} | {scenario.patients} | {cells} |"

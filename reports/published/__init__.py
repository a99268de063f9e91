"""Published numbers of the papers, one CSV per study: `rows(["kits19"])`. They are shown, never tested.

Models, losses, regions and metrics have segstudy's names, so that a printed row can be matched to an arm; the paper's
names are kept beside them. Percentages are stored as shares, with the paper's digits.
"""

import csv
import dataclasses
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Literal

from search_spaces.grammar import Scalar
from search_spaces.published import PUBLISHED

Origin = Literal["printed", "recomputed", "derived"]
"""Printed by the authors; recomputed from their records by their protocol; derived from them by a corrected one."""

PRINTED_FIRST: tuple[Origin, ...] = ("printed", "recomputed", "derived")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """One number of a paper.

    Attributes:
        study: The paper's study, a key of `PUBLISHED`.
        dataset: Which of its data sets.
        model: As segstudy calls the network.
        loss: As segstudy calls the loss.
        weighting: `none` or `inverse`.
        parameters: The loss's parameters, as far as they are known.
        region: A region's name; empty where the paper scores one region only.
        metric: As segstudy calls it.
        iteration: After how many iterations; None where the paper does not say.
        value: With the paper's digits.
        spread: Its standard deviation, likewise; empty where there is none.
        origin: Who worked it out.
        printed_model: The paper's name of the network.
        printed_loss: The paper's name of the loss.
        source: Where it stands.
        note: Peculiarity of the row.
    """

    study: str
    dataset: str
    model: str
    loss: str
    weighting: str
    parameters: tuple[tuple[str, Scalar], ...]
    region: str
    metric: str
    iteration: int | None
    value: str
    spread: str
    origin: Origin
    printed_model: str
    printed_loss: str
    source: str
    note: str


def rows(names: Iterable[str]) -> tuple[Printed, ...]:
    """The printed numbers of some studies, in the papers' order; each coordinate once, the authors' own number first.

    Args:
        names: A study (`matthews`), or one of its data sets (`matthews/promise12`).

    Raises:
        ValueError: There is no such study or data set.
    """
    found: dict[tuple[object, ...], Printed] = {}
    for study, dataset in dict.fromkeys(pair for name in names for pair in _datasets(name)):
        for row in sorted(_read(study), key=lambda row: PRINTED_FIRST.index(row.origin)):
            where = (row.study, row.dataset, row.model, row.loss, row.weighting, row.parameters)
            if row.dataset == dataset:
                found.setdefault((*where, row.region, row.metric, row.iteration), row)
    return tuple(found.values())


def datasets(names: Iterable[str]) -> tuple[str, ...]:
    """The data sets that names stand for, each as `study/dataset`."""
    return tuple(dict.fromkeys(f"{study}/{dataset}" for name in names for study, dataset in _datasets(name)))


def _datasets(name: str) -> list[tuple[str, str]]:
    study, _, dataset = name.partition("/")
    known = PUBLISHED.get(study, ())
    if not known or (dataset and dataset not in known):
        raise ValueError(f"expected a study with published numbers ({', '.join(PUBLISHED)}), found {name!r}")
    return [(study, dataset)] if dataset else [(study, each) for each in known]


@cache
def _read(study: str) -> tuple[Printed, ...]:
    text = files("reports").joinpath("published", f"{study}.csv").read_text("utf-8")
    return tuple(_row(line) for line in csv.DictReader(text.splitlines()))


def _row(line: dict[str, str]) -> Printed:
    words = {name: line[name] for name in line if name not in ("parameters", "iteration", "origin")}
    pairs = (part.split("=") for part in line["parameters"].split(";") if part)
    return Printed(
        **words,
        parameters=tuple((name, float(value)) for name, value in pairs),
        iteration=int(line["iteration"]) if line["iteration"] else None,
        origin=PRINTED_FIRST[PRINTED_FIRST.index(line["origin"])],
    )

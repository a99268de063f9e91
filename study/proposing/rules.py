"""Rules of a proposed study: for each key of the study file rows with a condition, a value, a reason and its source.

For each key the first row whose condition holds sets it; where none holds the key keeps its default and is not written.
The written file shows reason and source beside the key.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from study.proposing.facts import Facts

NNUNET = "nnU-Net, Isensee et al. 2021"
RELOADED = "Metrics Reloaded, Maier-Hein et al. 2024"
FEW_PATIENTS = 10
SMALL_SHARE = 0.01
"""Share of an image below which the foreground is small."""
BRATS = (1.0, 2.0, 4.0)


@dataclasses.dataclass(frozen=True)
class Rule:
    """One row.

    Attributes:
        key: The key that it sets, dotted.
        name: Name of the rule.
        when: Whether it applies to a data set.
        value: The value that it gives.
        reason: Why, in one sentence.
        source: Where it is from.
    """

    key: str
    name: str
    when: Callable[[Facts], bool]
    value: Callable[[Facts], Any]
    reason: str
    source: str


@dataclasses.dataclass(frozen=True)
class Decision:
    """The value of a key, and the rule that gave it."""

    value: Any
    rule: Rule


def always(facts: Facts) -> bool:
    """Return True: the last row of a key that must have a value."""
    del facts
    return True


def lesions(facts: Facts) -> bool:
    """Return whether the task is to find objects: several in an image, or small ones."""
    return facts.components > 1 or facts.share < SMALL_SHARE


def decide(facts: Facts, rules: Sequence[Rule]) -> dict[str, Decision]:
    """Return for each key what the first row whose condition holds gives, in the order of the rows.

    Args:
        facts: The data set.
        rules: Rows, more specific ones first.
    """
    found: dict[str, Decision] = {}
    for rule in rules:
        if rule.key not in found and rule.when(facts):
            found[rule.key] = Decision(rule.value(facts), rule)
    return found


def _brats(facts: Facts) -> bool:
    return facts.channels == 4 and facts.masks.values == BRATS and facts.named is None


def has_regions(facts: Facts) -> bool:
    """Return whether regions that overlap are scored."""
    return _brats(facts) or (facts.named is not None and bool(facts.named.regions))


def _regions(facts: Facts) -> dict[str, list[str]]:
    assert facts.named is not None
    there = labels_of(facts)
    kept = {name: [label for label in union if label in there] for name, union in facts.named.regions.items()}
    return {name: union for name, union in kept.items() if union}


def labels_of(facts: Facts) -> dict[str, int | str]:
    """Return `dataset.labels`."""
    decided = decide(facts, [rule for rule in DATA if rule.key == "dataset.labels"])
    labels: dict[str, int | str] = decided["dataset.labels"].value
    return labels


def _by_name(facts: Facts) -> dict[str, int]:
    """Return the described labels that occur, and the values that occur without a name."""
    assert facts.named is not None
    present = [int(value) for value in facts.masks.values if value not in facts.named.ignore]
    names = {value: name for name, value in facts.named.labels.items()}
    return {names.get(value, f"label_{value}"): value for value in present}


def _numbered(facts: Facts) -> dict[str, int]:
    values = [int(value) for value in facts.masks.values]
    return {"foreground": values[0]} if len(values) == 1 else {f"label_{value}": value for value in values}


DATA: tuple[Rule, ...] = (
    Rule(
        "dataset.images",
        "templates",
        lambda f: f.places.images is not None,
        lambda f: f.places.images,
        "no known layout: found by the parts of names that all cases share; several templates are channels",
        "the names",
    ),
    Rule(
        "dataset.masks",
        "templates",
        lambda f: f.places.masks is not None,
        lambda f: f.places.masks,
        "has a mask for each of these cases, and a name that promises the reference",
        "the names",
    ),
    Rule(
        "dataset.roi",
        "a field of view",
        lambda f: f.places.roi is not None,
        lambda f: f.places.roi,
        "another mask of each case beside the reference is taken for the field of view: outside nothing is scored",
        "the names",
    ),
    Rule(
        "dataset.labels",
        "no values of labels",
        lambda f: f.masks.threshold is not None,
        lambda f: {"foreground": f.masks.threshold},
        "one object in masks that are blurred (JPEG), hold probabilities, or code it as 1 and as 255: what is above",
        "the masks",
    ),
    Rule(
        "dataset.labels",
        "named labels",
        lambda f: f.named is not None,
        _by_name,
        "names of dataset.json, for the values that occur in masks; a value without a name is label_N",
        "dataset.json and the masks",
    ),
    Rule(
        "dataset.labels",
        "BraTS",
        _brats,
        lambda f: {"necrosis": 1, "edema": 2, "enhancing": 4},
        "four channels and the values 1, 2 and 4 are BraTS's classes; rename them if your data are others",
        "BraTS, Menze et al. 2015",
    ),
    Rule(
        "dataset.labels",
        "values as numbers",
        always,
        _numbered,
        "values that occur in the masks; give them the names of what they show",
        "the masks",
    ),
    Rule(
        "dataset.ignore",
        "an ignore label",
        lambda f: f.named is not None and bool(f.named.ignore),
        lambda f: list(f.named.ignore) if f.named else [],
        "dataset.json calls this value ignore: neither trained on nor scored",
        "dataset.json",
    ),
    Rule(
        "dataset.regions",
        "BraTS",
        _brats,
        lambda f: {
            "whole": ["necrosis", "edema", "enhancing"],
            "core": ["necrosis", "enhancing"],
            "enhancing": ["enhancing"],
        },
        "BraTS scores these unions, which overlap",
        "BraTS, Menze et al. 2015",
    ),
    Rule(
        "dataset.regions",
        "described regions",
        lambda f: f.named is not None and bool(f.named.regions),
        _regions,
        "dataset.json names unions of labels",
        "dataset.json",
    ),
    Rule(
        "dataset.train_on",
        "overlapping regions",
        has_regions,
        lambda f: "regions",
        "networks learn what is scored, an output for each region",
        f"region-based training, {NNUNET}",
    ),
    Rule(
        "dataset.colour",
        "colours",
        lambda f: f.colour,
        lambda f: "channels",
        "red, green and blue differ in these pictures",
        "the images",
    ),
    Rule(
        "dataset.group",
        "a pattern in the names",
        lambda f: f.grouped == "pattern",
        lambda f: f.group,
        "names look like several cases of a patient, which stay in one part of the split: check it",
        "the names",
    ),
    Rule(
        "dataset.group",
        "names of patients",
        lambda f: f.grouped == "named",
        lambda f: f.group,
        "each name numbers another patient",
        "the names",
    ),
    Rule(
        "dataset.group",
        "said by the user",
        lambda f: f.grouped == "said",
        lambda f: f.group,
        "each case is another patient, as you said",
        "your answer",
    ),
    Rule(
        "dataset.group",
        "unknown patients",
        always,
        lambda f: f.group,
        "names do not tell patients, so the report makes no tests. If each case is another patient, write `case`; "
        "else a pattern whose one group is the patient",
        "the names",
    ),
    Rule(
        "dataset.split",
        "few patients",
        lambda f: f.patients < FEW_PATIENTS,
        lambda f: {"folds": min(5, f.patients), **_stratified(f)},
        f"fewer than {FEW_PATIENTS} groups: cross-validation tests each of them once",
        f"five folds as {NNUNET}",
    ),
    Rule(
        "dataset.split",
        "shares",
        always,
        lambda f: {"validation": 0.2, "test": 0.2 if f.patients >= 50 else 0.3, **_stratified(f)},
        "shares of the groups; labels that some cases lack are spread evenly",
        "common practice; a larger test share where there are few",
    ),
)


def _stratified(facts: Facts) -> dict[str, str]:
    return {"stratify": "labels"} if facts.lacking > 0 else {}

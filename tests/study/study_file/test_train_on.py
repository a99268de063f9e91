"""`train_on: regions`: what reaches the trial, and what cannot go with it."""

from typing import Any

import pytest

from study.study_file import SpecError, Study, trial_fields
from tests.study.study_files import changed, study

REGIONS = {"dataset.train_on": "regions", "dataset.regions": {"both": ["kidney", "tumor"], "tumor": ["tumor"]}}


def test_regions_reach_the_trial() -> None:
    made = study(REGIONS)
    fields = trial_fields(made, made.arms[0], made.arms[0].default)
    assert (fields["train_on"], fields["regions"]) == ("regions", {"both": (1, 2), "tumor": (2,)})
    assert Study.from_plain(made.plain()) == made
    plain = study()
    assert trial_fields(plain, plain.arms[0], plain.arms[0].default)["train_on"] == "labels"


def test_weights_are_of_the_region_and_the_rest() -> None:
    made = study({**REGIONS, "losses": {"weighted_dice": {"weights": {"background": 1, "region": [2, 4]}}}})
    fields = trial_fields(made, made.arms[0], made.arms[0].default)
    assert fields["loss_parameters"]["weights"] == [1.0, 2.0]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"weighting": "inverse"}, "weighting: inverse goes by the lesions of each label"),
        (
            {"losses": {"weighted_dice": {"weights": {"background": 1, "kidney": 2, "tumor": 4}}}},
            "losses.weighted_dice.weights: expected a weight for each of background, region",
        ),
        ({"losses": {"wasserstein_dice": {"matrix": "brats4"}}}, "losses.wasserstein_dice.matrix: "),
        ({"dataset.train_on": "region"}, "dataset.train_on: expected 'labels' or 'regions'"),
    ],
)
def test_what_does_not_go_with_it_is_refused(changes: dict[str, Any], text: str) -> None:
    with pytest.raises(SpecError) as caught:
        Study.from_plain(changed({**REGIONS, **changes}))
    assert any(line.startswith(text) for line in caught.value.lines)

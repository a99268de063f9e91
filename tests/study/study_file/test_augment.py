"""`augment` in a study file: names, options and presets, to the trial."""

from typing import Any

import pytest

from study.study_file import SpecError, Study, trial_fields
from tests.study.study_files import changed, study
from trainables.data.augmentation.recipes import PRESETS
from trainables.trial import TrialSpec

GIVEN = ["mirror", {"rotate": {"degrees": 30}}, {"noise": {"deviation": [0, 0.1]}}]


def test_options_reach_the_trial() -> None:
    made = study({"augment": GIVEN})
    fields = trial_fields(made, made.arms[0], made.arms[0].default)
    assert fields["augment"] == ("mirror", {"rotate": {"degrees": 30.0}}, {"noise": {"deviation": [0.0, 0.1]}})
    spec = TrialSpec(key="k", seed=1, data="d", train=("a",), evaluate=("b",), **fields)
    assert TrialSpec.from_json(spec.to_json()) == spec
    assert Study.from_plain(made.plain()) == made


def test_a_preset_is_written_out() -> None:
    assert study({"augment": "miscnn"}).plain()["augment"] == list(PRESETS["miscnn"])
    assert study({"augment": ["miscnn", "perlin"]}).augment == (*PRESETS["miscnn"], "perlin")


@pytest.mark.parametrize(
    ("given", "key", "text"),
    [
        ([{"rotat": {"degrees": 3}}], "augment[0]", "Did you mean 'rotate'?"),
        (["mirror", {"rotate": {"degrees": -3}}], "augment[1].rotate.degrees", "from 0 to 180, found -3"),
        ([{"rotate": {"degree": 3}}], "augment[0].rotate.degree", "it has probability, degrees"),
        (["miscnn", "mirror"], "augment", "names one twice: mirror"),
        ([3], "augment[0]", "expected a name, or a name with its options (rotate: {degrees: 10}), found 3"),
    ],
)
def test_what_cannot_be_is_refused_at_its_key(given: Any, key: str, text: str) -> None:
    with pytest.raises(SpecError) as caught:
        Study.from_plain(changed({"augment": given}))
    (line,) = caught.value.lines
    assert line.startswith(f"{key}: ")
    assert text in line

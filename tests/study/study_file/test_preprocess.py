"""The `preprocess` section, and what of `dataset` goes with it: what is allowed, and what is refused in one line."""

from typing import Any

import pytest

from study.cases.from_study_file import options_of
from study.study_file import SpecError, Study
from study.study_file.dataset import label_rule
from study.study_file.errors import Problem
from tests.study.study_files import changed, study
from trainables.data.cases.area import Crop, Roi
from trainables.data.cases.label_values import Label

GOOD: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "window": ({"preprocess.window": {"level": 30, "width": 150}}, {"clip": (-45.0, 105.0)}),
    "percentiles": ({"preprocess.percentiles": [0.5, 99.5]}, {"percentiles": (0.5, 99.5), "clip": None}),
    "crop": ({"preprocess.crop": {"to": "nonzero", "margin": 5}}, {"crop": Crop(to="nonzero", margin=(5,))}),
    "crop to a label": (
        {"preprocess.crop": {"to": "reference", "label": "tumor", "margin": [1, 2, 3]}},
        {"crop": Crop(to="reference", rule=Label("tumor", "==", 2), margin=(1, 2, 3))},
    ),
    "crop to a rule": (
        {"preprocess.crop": {"to": "reference", "label": ">=1"}},
        {"crop": Crop(to="reference", rule=Label("", ">=", 1))},
    ),
    "region": (
        {"dataset.roi": "lungs", "preprocess": {"crop": {"to": "roi"}, "outside_roi": "minimum"}},
        {"roi": Roi(), "crop": Crop(to="roi"), "outside_roi": "minimum"},
    ),
    "box": ({"dataset.roi": [[0, 2], [1, 5], [2, 9]]}, {"roi": Roi(box=((0, 2), (1, 5), (2, 9)))}),
    "label as region": ({"dataset.roi": {"label": "kidney"}}, {"roi": Roi(rule=Label("kidney", "==", 1))}),
    "ignore": ({"dataset.ignore": [255, ">=200"]}, {"ignore": (Label("", "==", 255), Label("", ">=", 200))}),
    "ignore one": ({"dataset.ignore": 255}, {"ignore": (Label("", "==", 255),)}),
    "ignore others": ({"dataset.other_labels": "ignore"}, {"other_labels": "ignore"}),
    "colour": ({"dataset.colour": "channels"}, {"colour": "channels"}),
    "normalize": ({"preprocess.normalize": "zscore_training"}, {"normalize": "zscore_training"}),
    "channels": (
        {
            "dataset.images": {"pet": "{case}/p.nii", "ct": "{case}/c.nii"},
            "dataset.masks": "{case}/m.nii",
            "preprocess.normalize": {"ct": "minmax", "pet": "zscore"},
        },
        {"normalize": ("zscore", "minmax")},
    ),
    "channels in order": (
        {"preprocess.normalize": ["none", "zscore_nonzero"]},
        {"normalize": ("none", "zscore_nonzero")},
    ),
    "pad": ({"preprocess.pad": "minimum"}, {"pad": "minimum"}),
}


@pytest.mark.parametrize(("changes", "expected"), GOOD.values(), ids=GOOD)
def test_keys_reach_the_options(changes: dict[str, Any], expected: dict[str, Any]) -> None:
    given = study(changes)
    how = options_of(given)
    assert {name: getattr(how, name) for name in expected} == expected
    assert Study.from_plain(given.plain()) == given
    assert type(how).from_plain(how.plain()) == how


def test_silence_changes_nothing() -> None:
    how = options_of(study())
    assert (how.crop, how.roi, how.ignore, how.percentiles, how.clip) == (None, None, (), None, None)
    assert (how.normalize, how.pad, how.outside_roi, how.colour) == ("zscore", "background", "keep", "grey")


BAD: list[tuple[dict[str, Any], str, str]] = [
    (
        {"preprocess": {"clip": [0, 1], "window": {"level": 1, "width": 2}}},
        "preprocess.window",
        "stands beside clip: both say where intensities are cut off; give one.",
    ),
    ({"preprocess": {"clip": [0, 1], "percentiles": [1, 2]}}, "preprocess.percentiles", "stands beside clip"),
    ({"preprocess.window": {"level": 1, "width": 0}}, "preprocess.window.width", "expected more than 0, found 0"),
    (
        {"preprocess.window": {"level": 1, "width": 1e-300}},
        "preprocess.window",
        "goes from 1 to 1: give a width to see",
    ),
    ({"preprocess.window": {"level": 1}}, "preprocess.window.width", "missing"),
    ({"preprocess.window": [0, 1]}, "preprocess.window", "expected keys with values, found [0, 1]"),
    ({"preprocess.percentiles": [0.5, 101]}, "preprocess.percentiles", "expected two percentiles between 0 and 100"),
    ({"preprocess.percentiles": 5}, "preprocess.percentiles", "such as [0.5, 99.5], found 5"),
    ({"preprocess.normalize": "zscor"}, "preprocess.normalize", "found 'zscor'. Did you mean 'zscore'?"),
    ({"preprocess.normalize": []}, "preprocess.normalize", "or one for each channel, found []"),
    ({"preprocess.normalize": {"ct": "zscore"}}, "preprocess.normalize", "`dataset.images` names none"),
    ({"preprocess.normalize": ["zscore", 3]}, "preprocess.normalize", "found ['zscore', 3]"),
    ({"preprocess.crop": "nonzero"}, "preprocess.crop", "expected keys with values"),
    ({"preprocess.crop": {"to": "liver"}}, "preprocess.crop.to", "expected 'nonzero', 'roi' or 'reference'"),
    ({"preprocess.crop": {"to": "reference"}}, "preprocess.crop.label", "missing: which label"),
    ({"preprocess.crop": {"to": "nonzero", "label": "tumor"}}, "preprocess.crop.label", "goes with `to: reference`"),
    (
        {"preprocess.crop": {"to": "reference", "label": "liver"}},
        "preprocess.crop.label",
        "expected one of the labels (kidney, tumor), a value of the mask or a rule, found 'liver'.",
    ),
    ({"preprocess.crop": {"to": "roi"}}, "preprocess.crop.to", "roi needs `dataset.roi`"),
    (
        {"preprocess.crop": {"to": "nonzero", "margin": -1}},
        "preprocess.crop.margin[0]",
        "expected at least 0, found -1",
    ),
    ({"preprocess.outside_roi": "minimum"}, "preprocess.outside_roi", "minimum needs `dataset.roi`"),
    ({"preprocess.pad": "zero"}, "preprocess.pad", "expected 'background' or 'minimum', found 'zero'"),
    ({"dataset.ignore": [2]}, "dataset.ignore", "2 is the value of tumor: keep it in one of them."),
    ({"dataset.ignore": ["x"]}, "dataset.ignore", "expected a value of the mask (1) or a rule"),
    ({"dataset.roi": {"label": "liver"}}, "dataset.roi.label", "expected one of the labels (kidney, tumor)"),
    ({"dataset.roi": {"mask": "x"}}, "dataset.roi", "expected a folder or path with {case} in it, {label: NAME}"),
    ({"dataset.roi": [[0, 1], [3, 2]]}, "dataset.roi", "each first number below its second"),
    ({"dataset.roi": [0, 1, 2]}, "dataset.roi", "or a box [[z0, z1], [y0, y1], [x0, x1]]"),
    ({"dataset.colour": "rgb"}, "dataset.colour", "expected 'grey' or 'channels', found 'rgb'"),
]


@pytest.mark.parametrize(("changes", "key", "text"), BAD, ids=[f"{key}-{n}" for n, (_, key, _) in enumerate(BAD)])
def test_bad_keys_are_refused_in_one_line(changes: dict[str, Any], key: str, text: str) -> None:
    with pytest.raises(SpecError) as error:
        Study.from_plain(changed(changes))
    (line,) = error.value.lines
    assert line.startswith(f"{key}: ")
    assert text in line


def test_channels_must_be_named_as_the_images_are() -> None:
    changes = {
        "dataset.images": {"flair": "{case}/f.nii", "t1": "{case}/t.nii"},
        "dataset.masks": "{case}/m.nii",
        "preprocess.normalize": {"flare": "minmax", "t1": "zscore"},
    }
    with pytest.raises(SpecError) as error:
        Study.from_plain(changed(changes))
    assert error.value.lines == (
        "preprocess.normalize.flare: there is no channel 'flare'. Did you mean 'flair'?",
        "preprocess.normalize: says nothing of channel flair: name each.",
    )
    with pytest.raises(SpecError, match=r"names 1 channels, `dataset\.images` 2"):
        Study.from_plain(changed({**changes, "preprocess.normalize": ["zscore"]}))


def test_a_problem_is_shown_with_its_key() -> None:
    assert label_rule("kidney", {"kidney": ">2"}) == Label("kidney", ">", 2)
    assert Problem(("a",), "b").line({}) == "a: b"

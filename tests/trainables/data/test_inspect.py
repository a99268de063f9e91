import json
import pathlib

import numpy as np
import pytest

from tests.trainables.data.files import LABELS, options, pair, save, volume
from trainables.data import inspect
from trainables.data.inspect import CaseFacts, all_cases
from trainables.data.labels import parse_all
from trainables.errors import InputError


def test_facts_by_hand(tmp_path: pathlib.Path) -> None:
    image, _ = volume()
    facts = inspect.inspect(pair(tmp_path), options(), "patient 1")
    assert facts == CaseFacts(
        name="case_1",
        group="patient 1",
        channels=1,
        shape=(7, 8, 9),
        spacing=(3.0, 2.0, 1.5),
        prepared_shape=(7, 8, 9),
        intensities=((float(image.min()), float(image.max())),),
        voxels={"organ": 88, "lesion": 12},
        ceilings={"all": 1.0, "lesion": 1.0},
        warnings=(),
    )
    assert CaseFacts.from_plain(json.loads(json.dumps(facts.plain()))) == facts


def test_resampling_shows_in_the_facts(tmp_path: pathlib.Path) -> None:
    facts = inspect.inspect(pair(tmp_path), options(spacing=(3.0, 4.0, 3.0)))
    assert facts.group == "case_1"
    assert facts.prepared_shape == (7, 4, 5)
    assert facts.ceilings["all"] is not None
    assert 0.5 < facts.ceilings["all"] < 1.0


def test_every_problem_is_collected_and_every_warning_named(tmp_path: pathlib.Path) -> None:
    cases = [pair(tmp_path, name, seed) for seed, name in enumerate(("a", "b", "c", "d", "e"))]
    image, mask = volume()
    save(cases[1].mask, mask[:-1])
    cases[2].images[0].write_bytes(b"")
    save(cases[3].images[0], np.zeros_like(image))
    save(cases[4].images[0], np.stack([image, image], -1))
    for workers in (1, 3):
        seen = all_cases(cases, options(), {"a": "patient"}, workers=workers)
        assert [problem.split(":")[0] for problem in seen.problems] == [
            "labelsTr/b.nii.gz",
            "imagesTr/c_0000.nii.gz",
            "e",
        ]
        assert "2 channels, most cases have 1" in seen.problems[2]
        assert seen.warnings == ("d: channel 0 is constant",)
        assert [(fact.name, fact.group) for fact in seen.facts] == [("a", "patient"), ("d", "d"), ("e", "e")]


def test_a_label_that_no_case_has_is_a_problem(tmp_path: pathlib.Path) -> None:
    cases = [pair(tmp_path, name, seed) for seed, name in enumerate("ab")]
    save(cases[0].mask, (volume()[1] > 0).astype(np.uint8))
    assert all_cases(cases, options()).problems == ()  # one case has it
    how = options(labels=parse_all({**LABELS, "cyst": 3}))
    (problem,) = all_cases(cases, how).problems
    assert problem.startswith("dataset.labels: 'cyst' (==3) occurs in no case's mask")


def test_no_readable_case_has_no_further_problems(tmp_path: pathlib.Path) -> None:
    files = pair(tmp_path)
    files.mask.write_bytes(b"")
    seen = all_cases([files], options())
    assert len(seen.problems) == 1
    assert seen.facts == ()


def test_a_voxel_size_for_pictures_is_refused_by_name(tmp_path: pathlib.Path) -> None:
    from tests.trainables.data.files import picture
    from trainables.data.layouts import CaseFiles

    grey = np.arange(12, dtype=np.uint8).reshape(3, 4)
    files = CaseFiles("a", (picture(tmp_path / "i.png", grey),), picture(tmp_path / "m.png", grey % 3))
    with pytest.raises(InputError, match=r"/i.png: the voxel size is unknown"):
        inspect.inspect(files, options(dim=2, spacing=(1.0, 1.0)))

import dataclasses
import json
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from tests.trainables.data.files import LABELS, options, pair, save, volume
from trainables.data.cache.cache import prepare_case
from trainables.data.cases import digests, keys
from trainables.data.cases.label_values import parse_all
from trainables.data.finding.layouts import CaseFiles
from trainables.data.inspecting import inspect
from trainables.data.inspecting.inspect import CaseFacts, all_cases
from trainables.data.inspecting.measure import content_digest
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
        quantiles=(tuple(float(np.percentile(image, percent)) for percent in (0.5, 50, 99.5)),),
        voxels={"organ": 88, "lesion": 12},
        lesions={"all": (100,), "lesion": (12,)},
        ceilings={"all": 1.0, "lesion": 1.0},
        content=content_digest(np.transpose(image.astype(np.float32))[np.newaxis]),
        warnings=(),
        mask_values=(1.0, 2.0),
        scored_voxels=7 * 8 * 9,
        # along x the box of 100 voxels has its centre at 3, the lesion's 12 at 2.5
        centres={"organ": (3 / 7, 4.5 / 8, ((300 - 30) / 88 + 0.5) / 9), "lesion": (3 / 7, 4.5 / 8, 3 / 9)},
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

    grey = np.arange(12, dtype=np.uint8).reshape(3, 4)
    files = CaseFiles("a", (picture(tmp_path / "i.png", grey),), picture(tmp_path / "m.png", grey % 3))
    with pytest.raises(InputError, match=r"/i.png: the voxel size is unknown"):
        inspect.inspect(files, options(dim=2, spacing=(1.0, 1.0)))


def no_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise AssertionError("opened again")

    monkeypatch.setattr(inspect, "read_for", fail)
    monkeypatch.setattr(digests.hashlib, "file_digest", fail)


def test_what_was_seen_is_not_opened_again(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cases = [pair(tmp_path, name, seed) for seed, name in enumerate("abc")]
    memory = tmp_path / "cache"
    monkeypatch.setattr(digests, "SETTLED", 0.0)
    how = options(spacing=(3.0, 4.0, 3.0))
    first = all_cases(cases, how, workers=2, memory=memory)
    assert first == all_cases(cases, how)
    no_reading(monkeypatch)
    assert all_cases(cases, how, memory=memory) == first
    for fact in all_cases(cases, how, memory=memory).facts:
        assert list(fact.voxels) == ["organ", "lesion"]  # as the study file has them, not by the alphabet
        assert list(fact.lesions) == list(fact.ceilings) == list(how.regions)
    other = all_cases(cases[:1], how, {"a": "patient"}, memory=memory)
    assert other.facts[0] == dataclasses.replace(first.facts[0], group="patient")


def test_what_was_prepared_is_not_opened_again(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files, memory = pair(tmp_path), tmp_path / "cache"
    monkeypatch.setattr(digests, "SETTLED", 0.0)
    record = prepare_case(files, options(), memory)
    no_reading(monkeypatch)
    assert all_cases([files], options(), memory=memory).facts == (record.facts,)


def test_changed_files_options_and_code_are_looked_at_again(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, memory = pair(tmp_path), tmp_path / "cache"
    seen: list[str] = []

    def noted(files: CaseFiles, *rest: Any, **how: Any) -> Any:
        seen.append(files.name)
        return read(files, *rest, **how)

    read = inspect.read_for
    monkeypatch.setattr(inspect, "read_for", noted)

    def look(**changes: Any) -> CaseFacts:
        return all_cases([files], options(**changes), memory=memory).facts[0]

    before = look()
    assert look() == before
    assert len(seen) == 1
    image, mask = volume()
    save(files.images[0], image + 1)
    assert look().intensities[0][0] == before.intensities[0][0] + 1
    save(files.mask, np.where(mask == 2, 1, mask).astype(np.uint8))
    assert look().voxels == {"organ": 100, "lesion": 0}
    assert look(spacing=(3.0, 4.0, 3.0)).prepared_shape == (7, 4, 5)
    assert len(seen) == 4
    monkeypatch.setattr(keys, "code_version", lambda: "later")
    look()
    assert len(seen) == 5


@pytest.mark.parametrize("content", ["", "[1]", '{"facts": {}}', '{"facts": {"name": "a"}}', '{"fac'])
def test_damaged_memory_is_no_memory(tmp_path: pathlib.Path, content: str) -> None:
    files, memory = pair(tmp_path), tmp_path / "cache"
    before = all_cases([files], options(), memory=memory)
    (file,) = (memory / "facts").iterdir()
    file.write_text(content)
    assert all_cases([files], options(), memory=memory) == before
    assert json.loads(file.read_text(encoding="utf-8"))["facts"]["name"] == "case_1"


def test_a_bad_case_is_not_remembered_as_good(tmp_path: pathlib.Path) -> None:
    files, memory = pair(tmp_path), tmp_path / "cache"
    save(files.mask, volume()[1] * 5)
    first = all_cases([files], options(), memory=memory)
    assert "covered by no label" in first.problems[0]
    assert all_cases([files], options(), memory=memory) == first
    assert not (memory / "facts").exists()


def _masks(tmp_path: pathlib.Path, values: Sequence[Sequence[int]]) -> list[CaseFiles]:
    """Cases whose masks have these values, each in other voxels."""
    cases = [pair(tmp_path, f"c{number}", number) for number in range(len(values))]
    for case, given in zip(cases, values, strict=True):
        mask = np.zeros((9, 8, 7), np.uint8)
        for place, value in enumerate(given):
            mask[2 * place : 2 * place + 2, 1:4, 2:5] = value
        save(case.mask, mask)
    return cases


def test_one_object_that_is_coded_otherwise_in_some_masks_is_refused(tmp_path: pathlib.Path) -> None:
    cases = _masks(tmp_path, [[255], [1], [255], [0]])
    seen = all_cases(cases, options(labels=parse_all({"organ": ">127"}), regions={"organ": (1,)}))
    (problem,) = seen.problems
    assert problem.startswith(
        "c1: its mask has the value 1, which is no label; masks in which labels are found, such as"
    )
    assert "c0's, have 255" in problem


def test_a_mask_without_a_label_is_named_where_its_values_may_be_something_else(tmp_path: pathlib.Path) -> None:
    cases = _masks(tmp_path, [[1, 2], [2], [1], [0]])  # the organ of the third has no lesion
    how = options(labels=parse_all({"lesion": 2}), other_labels="background", regions={"lesion": (1,)})
    seen = all_cases(cases, how)
    assert seen.problems == ()
    assert seen.warnings == ("c2: its mask has values other than 0 (1), but no label is found in it",)

import dataclasses
import json
import multiprocessing
import os
import pathlib
import shutil
from collections.abc import Sequence

import nibabel
import numpy as np
import pytest
import torch

from tests.trainables.data.files import affine, options, orientations, pair, picture, save, volume
from trainables.data.cache import cache
from trainables.data.cache import dataset as cache_dataset
from trainables.data.cache.cache import Dataset, prepare_case, write_index
from trainables.data.cases import case as cases
from trainables.data.cases import digests, keys
from trainables.data.cases.label_values import parse_all
from trainables.data.finding.layouts import CaseFiles
from trainables.data.inspecting import inspect
from trainables.data.preparing import preprocess
from trainables.data.reading import readers
from trainables.errors import InputError
from trainables.storage import whole_files

SPACED = options(spacing=(3.5, 2.1, 2.1))


def of_dataset(found: Sequence[CaseFiles], memory: pathlib.Path | None = None) -> str:
    return digests.of_contents({files.name: digests.of_case(files, memory) for files in found})


def opened(root: pathlib.Path, files: CaseFiles, how: preprocess.PreprocessOptions = SPACED) -> cache.CachedCase:
    record = prepare_case(files, how, root)
    return Dataset.open(write_index(root, [record], how)).cases[files.name]


def test_what_comes_out_is_what_was_prepared(tmp_path: pathlib.Path) -> None:
    files = pair(tmp_path)
    expected = preprocess.prepare(cases.read(files, SPACED.labels, dim=3), SPACED)
    case = opened(tmp_path / "cache", files)
    for name in ("image", "label", "foreground", "reference"):
        found = getattr(case, name)
        assert isinstance(found, np.memmap)
        assert not found.flags.writeable
        assert found.dtype == getattr(expected, name).dtype
        assert (found == getattr(expected, name)).all()
    assert (case.grey() == expected.grey).all()
    for name in ("spacing", "reference_spacing", "padding", "foreground_counts"):
        assert getattr(case, name) == getattr(expected, name)
    assert case.facts.name == "case_1"
    assert case.facts.voxels == {"organ": 5 * 5 * 4 - 12, "lesion": 12}


def test_restore_gives_the_reference_grid_and_the_printed_ceiling(tmp_path: pathlib.Path) -> None:
    case = opened(tmp_path / "cache", pair(tmp_path))
    perfect = torch.nn.functional.one_hot(torch.from_numpy(case.label.astype(np.int64)), 3).movedim(-1, 0)
    back = case.restore(perfect).numpy()
    assert back.shape == case.reference.shape
    truth, guess = case.reference == 2, back == 2
    assert case.facts.ceilings["lesion"] == 2 * (truth & guess).sum() / (truth.sum() + guess.sum())


def test_48_orientations_are_one_entry(tmp_path: pathlib.Path) -> None:
    image, mask = volume()
    matrix = affine((0.7421875, 0.75, 2.5), (-123.456, 78.9, -1000.1))
    entries = set()
    for number, ((scan, turned), (truth, _)) in enumerate(
        zip(orientations(image, matrix), orientations(mask, matrix), strict=True)
    ):
        files = CaseFiles(
            f"o{number}",
            (save(tmp_path / f"i{number}.nii", scan, turned),),
            save(tmp_path / f"m{number}.nii", truth, turned),
        )
        entries.add(prepare_case(files, SPACED, tmp_path / "cache").entry)
    assert number == 47
    assert len(entries) == 1
    assert len(list((tmp_path / "cache" / "entries").glob("*/*"))) == 1


def test_orientations_that_only_a_quaternion_tells_are_one_entry_too(tmp_path: pathlib.Path) -> None:
    # Quaternions are stored in single precision, so that each orientation's affine differs in the last digits.
    image, mask = volume()
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(0.2), -np.sin(0.2)], [np.sin(0.2), np.cos(0.2)]]
    matrix = turn @ affine((0.9765625, 0.703125, 2.5), (-123.4, 78.9, -10.1))
    entries = set()
    for number, pairs in enumerate(zip(orientations(image, matrix), orientations(mask, matrix), strict=True)):
        paths = []
        for kind, (stored, turned) in zip("im", pairs, strict=True):
            nifti = nibabel.Nifti1Image(stored, turned)
            nifti.set_sform(None, code=0)
            nifti.set_qform(turned, code=1)
            nibabel.save(nifti, tmp_path / f"{kind}{number}.nii")
            paths.append(tmp_path / f"{kind}{number}.nii")
        record = prepare_case(CaseFiles("a", (paths[0],), paths[1]), SPACED, tmp_path / "cache")
        assert record.facts.warnings == ()
        entries.add(record.entry)
    assert len(entries) == 1


def test_a_second_run_opens_no_image(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files, root = pair(tmp_path), tmp_path / "cache"
    monkeypatch.setattr(digests, "SETTLED", 0.0)
    first = prepare_case(files, SPACED, root)
    assert first.built

    def fail(*_: object) -> None:
        raise AssertionError("read again")

    monkeypatch.setattr(cases, "read", fail)
    monkeypatch.setattr(readers, "read", fail)
    monkeypatch.setattr(digests.hashlib, "file_digest", fail)
    again = prepare_case(files, SPACED, root, "patient 7")
    assert not again.built
    assert again.entry == first.entry
    assert again.facts == dataclasses.replace(first.facts, group="patient 7")


def test_a_changed_file_is_prepared_again_even_with_the_same_size(tmp_path: pathlib.Path) -> None:
    files, root = pair(tmp_path), tmp_path / "cache"
    image, _ = volume()
    save(files.mask.with_suffix("").with_suffix(".nii"), volume()[1])
    plain = CaseFiles("a", (save(tmp_path / "i.nii", image),), files.mask)
    first = prepare_case(plain, SPACED, root)
    image[0, 0, 0] += 1
    save(plain.images[0], image)
    second = prepare_case(plain, SPACED, root)
    assert second.built
    assert second.entry != first.entry


@pytest.mark.parametrize(
    "change",
    [
        {"spacing": "native"},
        {"clip": (-100.0, 100.0)},
        {"normalize": "minmax"},
        {"labels": (preprocess.PreprocessOptions.from_plain(SPACED.plain()).labels[::-1])},
    ],
)
def test_other_options_are_another_entry(tmp_path: pathlib.Path, change: dict[str, object]) -> None:
    files, root = pair(tmp_path), tmp_path / "cache"
    first = prepare_case(files, SPACED, root)
    other = prepare_case(files, dataclasses.replace(SPACED, **change), root)  # type: ignore[arg-type]
    assert other.built
    assert other.entry != first.entry


def test_other_region_names_change_the_facts_and_not_the_arrays(tmp_path: pathlib.Path) -> None:
    files, root = pair(tmp_path), tmp_path / "cache"
    first = prepare_case(files, SPACED, root)
    other = prepare_case(files, dataclasses.replace(SPACED, regions={"everything": (1, 2)}), root)
    assert other.entry == first.entry
    assert set(other.facts.ceilings) == {"everything"}


def test_other_code_is_another_key(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files, root = pair(tmp_path), tmp_path / "cache"
    first = prepare_case(files, SPACED, root)
    monkeypatch.setattr(keys, "code_version", lambda: "later")
    again = prepare_case(files, SPACED, root)
    assert again.built
    assert again.entry == first.entry


def cut(folder: pathlib.Path) -> None:
    os.truncate(folder / "image.npy", 200)


def lose(folder: pathlib.Path) -> None:
    (folder / "label.npy").unlink()


def half(folder: pathlib.Path) -> None:
    (folder / whole_files.MANIFEST).write_text('{"arrays": {')


def gone(folder: pathlib.Path) -> None:
    shutil.rmtree(folder)


@pytest.mark.parametrize("damage", [cut, lose, half, gone])
def test_a_damaged_entry_is_noticed_and_built_again(tmp_path: pathlib.Path, damage: object) -> None:
    files, root = pair(tmp_path), tmp_path / "cache"
    record = prepare_case(files, SPACED, root)
    index = write_index(root, [record], SPACED)
    folder = whole_files.entry_folder(root / "entries", record.entry)
    damage(folder)  # type: ignore[operator]
    with pytest.raises(whole_files.DamagedEntryError):
        _ = Dataset.open(index).cases["case_1"].padding
    assert cache_dataset.verify(index) == ["case_1"]
    again = prepare_case(files, SPACED, root)
    assert again.built
    assert again.entry == record.entry
    assert cache_dataset.verify(index) == []
    assert {path.name for path in folder.parent.iterdir()} == {record.entry}  # nothing left behind


def test_altered_bytes_are_found_by_verifying_and_mended(tmp_path: pathlib.Path) -> None:
    files, root = pair(tmp_path), tmp_path / "cache"
    record = prepare_case(files, SPACED, root)
    index = write_index(root, [record], SPACED)
    path = whole_files.entry_folder(root / "entries", record.entry) / "image.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert not prepare_case(files, SPACED, root).built
    assert cache_dataset.verify(index) == ["case_1"]
    assert prepare_case(files, SPACED, root, verify=True).built
    assert cache_dataset.verify(index) == []


def test_a_failure_leaves_nothing_behind(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files, root = pair(tmp_path), tmp_path / "cache"

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(whole_files.np, "save", full)
    with pytest.raises(OSError, match="No space left"):
        prepare_case(files, SPACED, root)
    assert [path for path in (root / "entries").rglob("*") if path.is_file()] == []
    assert not (root / "keys").exists()


def build(files: CaseFiles, root: str) -> str:
    torch.set_num_threads(1)
    return prepare_case(files, SPACED, root).entry


def test_two_processes_building_at_once_agree(tmp_path: pathlib.Path) -> None:
    files, root = pair(tmp_path), str(tmp_path / "cache")
    context = multiprocessing.get_context("spawn")  # a fork of a process with threads may hang at its end
    with context.Pool(2) as pool:
        for _ in range(3):
            entries = pool.starmap(build, [(files, root)] * 8, chunksize=1)
            assert len(set(entries)) == 1
            folder = whole_files.entry_folder(pathlib.Path(root) / "entries", entries[0])
            assert whole_files.verify(folder)
            assert {path.name for path in folder.parent.iterdir()} == {entries[0]}
            shutil.rmtree(root)


def test_a_racing_process_that_was_first_keeps_its_entry(tmp_path: pathlib.Path) -> None:
    arrays = {"a": np.arange(5)}
    name = whole_files.write_entry(tmp_path, arrays, {"x": 1})
    place = whole_files.entry_folder(tmp_path, name)
    stamp = (place / "a.npy").stat().st_ino
    part = tmp_path / "part"
    shutil.copytree(place, part)
    whole_files._move_into_place(part, place)
    assert (place / "a.npy").stat().st_ino == stamp


def test_what_is_wrong_with_a_case_is_said_and_nothing_kept(tmp_path: pathlib.Path) -> None:
    files, root = pair(tmp_path), tmp_path / "cache"
    save(files.mask, volume()[1] * 5)
    with pytest.raises(InputError, match=r"^labelsTr/case_1.nii.gz: values 5, 10 are covered by no label"):
        prepare_case(files, SPACED, root)
    assert not (root / "entries").exists()
    missing = dataclasses.replace(files, mask=tmp_path / "none.nii.gz")
    with pytest.raises(InputError, match=r"none.nii.gz: cannot be read \(No such file or directory\)"):
        prepare_case(missing, SPACED, root)


def test_an_index_can_move_with_its_cache(tmp_path: pathlib.Path) -> None:
    root = tmp_path / "cache"
    records = [prepare_case(pair(tmp_path, name, seed), SPACED, root) for seed, name in enumerate("ba")]
    index = write_index(root, records, SPACED)
    assert write_index(root, records, SPACED) == index
    shutil.move(root, tmp_path / "elsewhere")
    dataset = Dataset.open(tmp_path / "elsewhere" / index.relative_to(root))
    assert list(dataset.cases) == ["a", "b"]
    assert [case.name for case in dataset] == ["a", "b"]
    assert len(dataset) == 2
    assert dataset.dim == 3
    assert dataset.channels == 1
    assert dataset.classes == ("background", "organ", "lesion")
    assert dataset.options == SPACED
    assert dataset.cases["a"].image.shape == dataset.cases["b"].image.shape
    json.loads(next((tmp_path / "elsewhere" / "datasets").iterdir()).read_text(encoding="utf-8"))


def test_an_index_that_is_none_is_refused(tmp_path: pathlib.Path) -> None:
    with pytest.raises(whole_files.DamagedEntryError, match="no dataset index"):
        Dataset.open(tmp_path / "x.json")


def test_the_datasets_spacing(tmp_path: pathlib.Path) -> None:
    root = tmp_path / "cache"

    def spacing(how: preprocess.PreprocessOptions) -> tuple[float, ...] | None:
        made = []
        for number, z in enumerate((3.0, 5.0, 5.5)):
            image, mask = volume()
            files = CaseFiles(
                f"c{number}",
                (save(tmp_path / f"i{number}.nii", image, affine((1.0, 1.0, z))),),
                save(tmp_path / f"m{number}.nii", mask, affine((1.0, 1.0, z))),
            )
            made.append(prepare_case(files, how, root))
        return Dataset.open(write_index(root, made, how)).spacing

    assert spacing(options()) == (5.0, 1.0, 1.0)
    assert spacing(SPACED) == (3.5, 2.1, 2.1)
    assert spacing(options(spacing="unknown")) is None


def test_digest_of_a_dataset_depends_on_content_only(tmp_path: pathlib.Path) -> None:
    first = [pair(tmp_path / "x", name, seed) for seed, name in enumerate("abc")]
    second = [pair(tmp_path / "y", name, seed) for seed, name in enumerate("abc")]
    memo = tmp_path / "cache"
    assert of_dataset(first) == of_dataset(second[::-1], memo) == of_dataset(second, memo)
    renamed = [dataclasses.replace(second[0], name="z"), *second[1:]]
    assert of_dataset(renamed, memo) != of_dataset(second, memo)
    save(second[2].mask, volume()[1] * 0)
    assert of_dataset(second, memo) != of_dataset(first)


def test_colours_are_three_channels_where_asked_for(tmp_path: pathlib.Path) -> None:
    colours = np.random.default_rng(0).integers(0, 255, (9, 8, 3)).astype(np.uint8)
    mask = picture(tmp_path / "m.png", (colours[..., 0] > 128).astype(np.uint8))
    files = CaseFiles("a", (picture(tmp_path / "i.png", colours),), mask)
    how = options(dim=2, labels=parse_all({"organ": 1}), regions={}, normalize="none")
    three = opened(tmp_path / "cache", files, dataclasses.replace(how, colour="channels"))
    assert three.facts.channels == 3
    assert (three.image == colours.transpose(2, 0, 1)).all()
    one = opened(tmp_path / "cache", files, how)
    assert one.image.shape == (1, 9, 8)
    assert (one.reference == three.reference).all()


def _replaced_while_read(files: CaseFiles, other: CaseFiles, monkeypatch: pytest.MonkeyPatch, times: int) -> list[str]:
    """After a case was read, another image takes its place; returns what was read."""
    seen: list[str] = []
    whole = cases.read_for

    def read_for(given: CaseFiles, how: preprocess.PreprocessOptions) -> cases.Case:
        found = whole(given, how)
        seen.append(given.name)
        if len(seen) <= times:
            later = other.images[0].with_name(f"later{len(seen)}.nii.gz")
            nibabel.save(nibabel.Nifti1Image(volume(seed=40 + len(seen))[0], affine()), later)
            later.replace(files.images[0])
        return found

    monkeypatch.setattr(cases, "read_for", read_for)
    monkeypatch.setattr(inspect, "read_for", read_for)
    return seen


@pytest.mark.parametrize("how", ["prepared", "inspected"])
def test_a_case_that_is_replaced_while_it_is_read_is_read_again(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    files, other = pair(tmp_path), pair(tmp_path / "other", seed=3)
    seen = _replaced_while_read(files, other, monkeypatch, 1)
    if how == "prepared":
        record = prepare_case(files, SPACED, tmp_path / "cache")
        facts = record.facts
        assert record.content == digests.of_case(files)
    else:
        facts = inspect.remembered(files, SPACED, tmp_path / "cache")
    assert len(seen) == 2
    image = volume(seed=41)[0]
    assert facts.intensities == ((float(image.min()), float(image.max())),)
    folder = "keys" if how == "prepared" else "facts"
    (kept,) = (tmp_path / "cache" / folder).iterdir()  # nothing of the old content is kept under any key
    assert kept.stem == keys.key_of(digests.of_case(files), SPACED)


def test_a_case_that_never_rests_is_refused(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files, other = pair(tmp_path), pair(tmp_path / "other", seed=3)
    _replaced_while_read(files, other, monkeypatch, 99)
    with pytest.raises(InputError, match="its case changes while it is read, 3 times in a row"):
        prepare_case(files, SPACED, tmp_path / "cache")
    assert not (tmp_path / "cache" / "keys").exists()


def test_half_a_file_that_is_whole_a_moment_later_is_read_again(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = pair(tmp_path)
    content = files.images[0].read_bytes()
    files.images[0].write_bytes(content[:100])
    whole = cases.read_for

    def read_for(given: CaseFiles, how: preprocess.PreprocessOptions) -> cases.Case:
        try:
            return whole(given, how)
        finally:
            files.images[0].write_bytes(content)

    monkeypatch.setattr(cases, "read_for", read_for)
    assert prepare_case(files, SPACED, tmp_path / "cache").facts.name == "case_1"


def test_the_digest_of_a_data_set_is_that_of_the_contents_that_were_prepared(tmp_path: pathlib.Path) -> None:
    found = [pair(tmp_path, name, seed) for seed, name in enumerate("ab")]
    records = [prepare_case(files, SPACED, tmp_path / "cache") for files in found]
    contents = {record.name: record.content for record in records}
    assert digests.of_contents(contents) == of_dataset(found)
    again = prepare_case(found[0], SPACED, tmp_path / "cache")
    assert (again.built, again.content) == (False, records[0].content)

"""The Methods paragraphs and the BibTeX file: what they say is what the ledger has."""

import dataclasses
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import search_spaces.metrics
from reports.prose import bibliography
from reports.prose.definitions import DEFINITIONS, definition
from reports.prose.methods import methods
from reports.results.metric_facts import METRICS
from reports.results.records import read
from reports.results.results import Results, results
from search_spaces.defaults import LOSSES, MODELS
from study.ledger import Ledger
from tests.reports.ledgers import DIVERGED, LOST, Fake, build


def made(tmp_path: Path, fake: Fake) -> Results:
    return results(read(build(tmp_path / "ledger.db", fake), fake.name, pictures=False)[0])


def test_paragraphs_say_what_was_done(tmp_path: Path) -> None:
    data, training, search, metrics, statistics = methods(made(tmp_path, Fake(models=("unet", "vnet"), previews=False)))
    assert "We used 20 cases of 14 patients. They were split by patient into 0 for training, 2 for validation" in data
    assert "Scored were organ (organ and lesion) and lesion." in data
    assert "intensities were scaled to mean 0 and standard deviation 1 by case" in data
    assert "networks unet and vnet, losses dice, focal and tversky." in training
    assert "1,000 iterations on batches of 2 patches of 64 × 64 voxels with Adam" in training
    assert "learning rate: tuned, 0.0001 to 0.01" in training
    assert "The last state of each training was kept." in training
    assert "The split was drawn at random (seed 1). Scored" in data
    assert "with Adam, epsilon 1e-08, in float32;" in training
    assert "Parameters: unet (width 64, norm none); vnet (" in training
    assert "; focal (alpha none, gamma 2); tversky (" in training
    assert "Of the patches 33 % were centred on a voxel of one of the case's classes" in training
    assert "windows of 64 × 64 voxels that overlap by 32 × 32: logits weighted by a Gaussian." in training
    assert "Weights started from random values." in training
    assert (
        "Means are over the test cases, each counting alike (a mean over regions is taken by case first)" in statistics
    )
    assert "4 configurations were tried by random search, the defaults first" in search
    assert "one in 2 going on at iterations 250." in search
    assert "Tuned: training learning rate." in search
    assert "the test cases, which nothing had seen before" in search
    assert "Of 5 comparisons 5 could be tested; p-values were adjusted by Holm's method over all of them" in statistics
    assert "not adjusted for their number" in statistics
    assert "know of patients alone" in statistics
    assert "weight decay: 0; gradients clipped at a norm of 12." in training
    assert "arms of one network the same initial weights" in training
    assert "ran on 1 machine, on cpu" in training
    assert metrics.startswith("Metrics. Dice: 2 TP / (2 TP + FP + FN), of voxels; Recall:")
    assert "HD95: the greater of the two directed 95th percentiles" in metrics
    assert "torch 2.13.0" in statistics


def changed(tmp_path: Path, fake: Fake, **sections: dict[str, object]) -> tuple[str, ...]:
    """The Methods of a study whose file says something else, section by section."""
    recorded = read(build(tmp_path / "ledger.db", fake), fake.name, pictures=False)[0]
    file = {**recorded.study.file, **{name: {**recorded.study.file[name], **new} for name, new in sections.items()}}
    return methods(results(dataclasses.replace(recorded, study=dataclasses.replace(recorded.study, file=file))))


def test_how_cases_were_divided_and_left_out_is_said(tmp_path: Path) -> None:
    fake, nothing = Fake(losses=("dice",), previews=False), {"folds": None, "by": None, "file": None, "seed": None}
    ways: list[tuple[dict[str, object], str]] = [
        (
            {"validation": 0.2, "test": 0.3, "seed": 7, "stratify": "labels"},
            "(seed 7), evenly over labels and volumes.",
        ),
        ({"validation": "case_1..case_3", "test": ["case_4"]}, "The study file names the cases of each part."),
        ({"folds": 5}, "The split was drawn at random (seed 1)."),
        ({"by": "fold"}, "Parts go by the places of the files."),
        ({"file": "splits.json"}, "A file that came with the data names the cases of each part."),
    ]
    for number, (split, says) in enumerate(ways):
        (folder := tmp_path / str(number)).mkdir()
        assert says in changed(folder, fake, dataset={"split": nothing | split})[0]
    left = {"exclude": ["a", "b"], "limit": 30}
    assert changed(tmp_path, fake, dataset=left)[0].startswith(
        "We used 20 cases of 14 patients (2 cases left out by name, at most the first 30 by name taken)."
    )


def test_what_ended_a_training_and_what_was_kept_is_said(tmp_path: Path) -> None:
    stopping = {"patience": 20, "min_delta": 0.0, "monitor": "loss"}
    plateau = {"factor": 0.1, "patience": 5, "min_rate": 1e-5, "monitor": "loss"}
    new = {"early_stopping": stopping, "epoch": 150, "checkpoint": "best", "evaluate_every": 3000}
    said = changed(
        tmp_path,
        Fake(losses=("dice",), previews=False),
        training={**new, "schedule": "plateau", "plateau": plateau},
        patch={"sampling": "uniform", "foreground": 0.0},
        inference={"blend": "constant", "average": "probabilities"},
        dataset={"train_on": "regions"},
    )
    assert "its schedule: × 0.1 after 5 epochs without a lower training loss, to 1e-05;" in said[1]
    assert "ended early after 20 epochs without a lower training loss (epochs of 150 iterations)." in said[1]
    assert "best on validation cases, looked at every 3,000 iterations, was kept." in said[1]
    assert "Patches were drawn anywhere in the training images." in said[1]
    assert "probabilities weighted equally." in said[1]
    assert "Masks are a region's voxels of probability above 0.5;" in said[3]


def test_networks_of_tuned_size_share_no_weights(tmp_path: Path) -> None:
    path = build(tmp_path / "ledger.db", Fake(losses=("dice",), previews=False))
    found = results(read(path, "fake", pictures=False)[0])
    assert "and the same initial weights." in methods(found)[1]
    space = {**found.arms[0].row.space, "model.width": {"choice": [8, 16]}}
    arm = found.arms[0]
    progress = dataclasses.replace(arm.progress, tuned=("model.width", "training.batch_size"))
    arm = dataclasses.replace(arm, row=dataclasses.replace(arm.row, space=space), progress=progress)
    said = methods(dataclasses.replace(found, arms=(arm,)))[1]
    assert "initial weights" not in said
    assert "the same patches" not in said
    assert "unet (width one of 8, 16, norm none)" in said


@pytest.mark.parametrize(
    ("empty", "says"), [("missing", "has no score;"), ("one", "counts 1 where it was not predicted")]
)
def test_how_cases_without_a_region_count_is_said(tmp_path: Path, empty: str, says: str) -> None:
    *_, statistics = methods(made(tmp_path, Fake(losses=("dice",), empty_counts=empty, previews=False)))
    assert f"A region that the reference lacks {says}" in statistics


@pytest.mark.parametrize(
    ("report", "objective", "counts"),
    [
        ("missing", "report", False),
        ("one", "report", True),
        ("missing", "one", True),
        ("one", "missing", False),
        ("one", "auto", True),
    ],
)
def test_how_the_objective_counts_cases_without_a_region_is_said(
    tmp_path: Path, report: str, objective: str, counts: bool
) -> None:
    path = build(tmp_path / "ledger.db", Fake(losses=("dice",), empty_counts=report, previews=False))
    recorded = read(path, "fake", pictures=False)[0]
    file = {**recorded.study.file, "objective": {**recorded.study.file["objective"], "empty": objective}}
    study = dataclasses.replace(recorded.study, file=file)
    search = methods(results(dataclasses.replace(recorded, study=study)))[2]
    says = "counted 1 where it was not predicted either" if counts else "did not count there."
    assert f"on validation cases was chosen; a region that a case lacks {says}" in search


@pytest.mark.parametrize(
    ("sampler", "marks", "cohort", "said"),
    [
        ("tpe", (250, 1000), 2, True),
        ("tpe", (250, 1000), 4, False),
        ("tpe", (1000,), 2, False),
        ("qmc", (250, 1000), 2, False),
    ],
)
def test_what_a_sampler_saw_is_said_where_it_learns_from_first_marks(
    tmp_path: Path, sampler: str, marks: tuple[int, ...], cohort: int, said: bool
) -> None:
    path = build(tmp_path / "ledger.db", Fake(losses=("dice",), marks=marks, previews=False))
    recorded = read(path, "fake", pictures=False)[0]
    budget = {**recorded.study.file["budget"], "sampler": sampler, "cohort": cohort}
    study = dataclasses.replace(recorded.study, file={**recorded.study.file, "budget": budget})
    search = methods(results(dataclasses.replace(recorded, study=study)))[2]
    assert ("The estimator saw values at iteration 250 alone" in search) is said


def test_a_learning_rate_by_the_loss_is_said_with_its_range(tmp_path: Path) -> None:
    # sgd without a rate of its own: each loss has 0.001 to 0.1 over its scale.
    path = build(tmp_path / "ledger.db", Fake(losses=("dice",), tuned={}, previews=False))
    recorded = read(path, "fake", pictures=False)[0]
    training = {**recorded.study.file["training"], "optimizer": "sgd", "learning_rate": "auto"}
    study = dataclasses.replace(recorded.study, file={**recorded.study.file, "training": training})
    said = methods(results(dataclasses.replace(recorded, study=study)))[1]
    assert "SGD, Nesterov momentum, in float32; learning rate: for each loss from 0.001 to 0.1 over the" in said


def test_the_correction_for_skewness_is_named(tmp_path: Path) -> None:
    *_, statistics = methods(made(tmp_path, Fake(losses=("dice", "focal"), previews=False)))
    assert "the greater of this p and that of the t corrected for skewness by Hall's transformation" in statistics


def test_folds_and_nothing_tuned_are_said(tmp_path: Path) -> None:
    data, _, search, _, statistics = methods(made(tmp_path, Fake(folds=4, seeds=2, trials=0, previews=False)))
    assert "into 4 folds, and each case was tested in one of them" in data
    assert search.startswith("Nothing was tuned")
    assert "Each arm was then trained on training cases with 2 seeds in each of 4 folds" in search
    assert "nothing had seen" not in search
    assert "the variance was multiplied by 1 + F / (F − 1)" in statistics
    searched = methods(made(tmp_path / "b", Fake(folds=4, seeds=2, previews=False)))[2]
    assert "among them those on which the first fold had chosen" in searched


def test_what_was_changed_after_results_were_seen_is_said_in_place_of_nothing(tmp_path: Path) -> None:
    path = build(tmp_path / "ledger.db", Fake(losses=("dice", "focal"), previews=False))
    assert "nothing was chosen afterwards." in methods(results(read(path, "fake", pictures=False)[0]))[2]
    with Ledger.open(path) as ledger:
        ledger.add_notice(ledger.study("fake").id, "after test tables were shown once: arm unet+focal")
    search = methods(results(read(path, "fake", pictures=False)[0]))[2]
    assert "the study was changed after test tables were shown once: arm unet+focal." in search
    assert "nothing was chosen afterwards" not in search


def test_trainings_that_do_not_count_and_shares_of_the_foreground(tmp_path: Path) -> None:
    fates = {"final-a00-r0-f0-n001": DIVERGED, "final-a01-r0-f0-n000": LOST, "final-a01-r0-f0-n001": LOST}
    fake = Fake(losses=("dice", "focal"), fates=fates, folds=3, previews=False)
    data, _, search, *_ = methods(made(tmp_path, fake))
    assert "Of 18 final trainings 1 diverged (counted as the worst value) and 2 ended by memory" in search
    # 1000 voxels of organ and 50 of lesion in 20 x 100 x 100; all cases but the two of validation are trained on
    assert "Median share of a training image's voxels: organ 0.53 % and lesion 0.025 %." in data


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("surface_dice_2", "within 2 px of the other surface"),
        ("surface_dice_area_1.5", "surfaces' area within 1.5 px of the other surface (DeepMind's"),
        ("f2", "recall weighs 4 times precision"),
        ("pooled_dice", "2 TP / (2 TP + FP + FN), of voxels, of the voxels of all cases together"),
        ("group_f0.5", "by patient, then averaged"),
    ],
)
def test_every_metric_is_defined(name: str, text: str) -> None:
    assert text in definition(name, "px")
    assert set(METRICS) == set(DEFINITIONS) >= set(search_spaces.metrics.METRICS)


def test_cases_without_known_patients_claim_no_test(tmp_path: Path) -> None:
    statistics = methods(made(tmp_path, Fake(grouped=False, ungrouped="unknown", previews=False)))[4]
    assert "No difference was tested." in statistics
    assert "Holm" not in statistics


def test_only_what_was_used_is_cited(tmp_path: Path) -> None:
    text = bibliography.bibliography(made(tmp_path, Fake(losses=("dice", "tversky"), previews=False)))
    keys = re.findall(r"^@\w+\{(\w+),", text, re.MULTILINE)
    assert keys == sorted(keys)
    assert {"ronneberger2015", "salehi2017", "milletari2016", "kingma2015", "bergstra2012", "holm1979"} < set(keys)
    assert not {"lin2017", "bergstra2011", "badrinarayanan2017"} & set(keys)


def test_every_key_has_an_entry_and_every_name_is_known() -> None:
    known = bibliography.entries()
    used = [key for table in (bibliography.MODELS, bibliography.LOSSES) for keys in table.values() for key in keys]
    used += [*bibliography.OPTIMIZERS.values(), *bibliography.SAMPLERS.values(), *bibliography.PACKAGES.values()]
    assert set(used) <= set(known)
    assert set(bibliography.MODELS) <= set(MODELS)
    assert set(bibliography.LOSSES) <= set(LOSSES)
    for entry in known.values():
        assert entry.count("{") == entry.count("}")
        assert re.search(r", year = \{(19|20)\d\d\}", entry)
        assert " title = {" in entry
        assert " author = {" in entry
        assert entry.isascii()


@pytest.mark.skipif(shutil.which("bibtex") is None, reason="needs bibtex")
def test_bibtex_reads_it(tmp_path: Path) -> None:
    (tmp_path / "all.bib").write_text("\n".join(bibliography.entries().values()), encoding="utf-8")
    (tmp_path / "all.aux").write_text("\\bibstyle{plain}\n\\citation{*}\n\\bibdata{all}\n", encoding="utf-8")
    done = subprocess.run(["bibtex", "all"], cwd=tmp_path, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout
    assert "Warning" not in done.stdout.replace("Warning--empty publisher", "").replace("Warning--empty address", "")

"""The Methods paragraphs and the BibTeX file: what they say is what the ledger has."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from reports.prose import bibliography
from reports.prose.methods import methods
from reports.results.records import read
from reports.results.results import Results, results
from search_spaces.defaults import LOSSES, MODELS
from tests.reports.ledgers import Fake, build


def made(tmp_path: Path, fake: Fake) -> Results:
    return results(read(build(tmp_path / "ledger.db", fake), fake.name, pictures=False)[0])


def test_paragraphs_say_what_was_done(tmp_path: Path) -> None:
    data, training, search, statistics = methods(made(tmp_path, Fake(models=("unet", "vnet"), previews=False)))
    assert "We used 20 cases of 14 patients. They were split by patient into 0 for training, 2 for validation" in data
    assert "Scored were organ (organ and lesion) and lesion." in data
    assert "intensities were scaled to mean 0 and standard deviation 1 by case" in data
    assert "networks unet and vnet, losses dice, focal and tversky." in training
    assert "1,000 iterations on batches of 2 patches of 64 × 64 voxels with Adam" in training
    assert "learning rate: tuned, 0.0001 to 0.01" in training
    assert "The last state of each training was kept." in training
    assert "4 configurations were tried by random search, the defaults first" in search
    assert "one in 2 going on at iterations 250." in search
    assert "Tuned: training learning rate." in search
    assert "the test cases, which nothing had seen before" in search
    assert "p-values of 5 comparisons were adjusted by Holm's method" in statistics
    assert "torch 2.13.0" in statistics


@pytest.mark.parametrize(
    ("empty", "says"), [("missing", "has no score;"), ("one", "counts 1 where it was not predicted")]
)
def test_how_cases_without_a_region_count_is_said(tmp_path: Path, empty: str, says: str) -> None:
    *_, statistics = methods(made(tmp_path, Fake(losses=("dice",), empty_counts=empty, previews=False)))
    assert f"A region that the reference lacks {says}" in statistics


def test_folds_and_nothing_tuned_are_said(tmp_path: Path) -> None:
    data, _, search, _ = methods(made(tmp_path, Fake(folds=4, seeds=2, trials=0, previews=False)))
    assert "into 4 folds, and each case was tested in one of them" in data
    assert search.startswith("Nothing was tuned")
    assert "Each arm was then trained on training cases with 2 seeds in each of 4 folds" in search
    assert "nothing had seen" not in search
    searched = methods(made(tmp_path / "b", Fake(folds=4, seeds=2, previews=False)))[2]
    assert "among them those on which the first fold had chosen" in searched


def test_cases_without_known_patients_claim_no_test(tmp_path: Path) -> None:
    statistics = methods(made(tmp_path, Fake(grouped=False, ungrouped="unknown", previews=False)))[3]
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

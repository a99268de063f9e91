"""The smallest difference before a study: by hand, by simulation, and where nothing is tested."""

import json
import pathlib
from typing import Any

import numpy as np
import pytest
from scipy import stats

from reports.statistics.intervals_and_tests import difference
from reports.statistics.smallest_difference import detectable as afterwards
from reports.statistics.smallest_difference import planned
from study.checking.detectable_difference import detectable
from study.command.cli import run_command
from study.study_file import Study
from tests.reports.ledgers import Fake
from trainables.data.inspecting.inspect import CaseFacts


def facts(groups: int) -> list[Any]:
    """Two cases of each group; only what is asked for."""
    made = []
    for number in range(2 * groups):
        fact = object.__new__(CaseFacts)
        object.__setattr__(fact, "name", f"c{number}")
        object.__setattr__(fact, "group", f"g{number // 2}")
        made.append(fact)
    return made


def found(groups: int, study: Study) -> Any:
    cases = facts(groups)
    return detectable(study, cases, [{fact.name: "test" for fact in cases}])


def test_by_hand() -> None:
    # t of 9 degrees of freedom: 0.9875 quantile (two comparisons) 2.685, 0.8 quantile 0.883.
    assert planned(10, 2) == pytest.approx((2.685 + 0.883) / 10**0.5, abs=1e-3)
    made = found(10, Fake().study)
    assert (made.groups, made.comparisons) == (10, 2)
    assert made.size == pytest.approx(1.128, abs=1e-3)
    assert made.by_spread[0.05] == pytest.approx(0.0564, abs=1e-4)
    assert "10 test groups, 2 comparisons: detects differences from 1.13 times" in made.text
    assert "Dice 0.023 if that is 0.02, 0.056 if that is 0.05" in made.text


def test_before_and_after_agree_and_the_power_is_kept() -> None:
    random, size = np.random.default_rng(3), planned(20, 1)
    drawn = random.normal(size * 0.05, 0.05, (1000, 1, 20))
    estimates = [difference(one, np.zeros_like(one), np.arange(20)) for one in drawn]
    assert np.mean([found.p < 0.05 for found in estimates]) == pytest.approx(0.8, abs=0.04)
    assert afterwards(estimates[0], 1) == pytest.approx(size * stats.tstd(drawn[0, 0]), rel=1e-6)


def test_nothing_where_nothing_is_tested() -> None:
    assert found(5, Fake().study) is None
    assert found(10, Fake(losses=("dice",)).study) is None


def test_distances_have_no_assumed_spread() -> None:
    made = found(10, Fake(metrics=("hd95", "dice")).study)
    assert made.by_spread == {}
    assert made.text.endswith("Holm's first step)")


def test_check_says_it_to_persons_and_programs(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_command(["phantom", "phantoms", "--cases", "24", "--dim", "2"]) == 0
    arguments = ["check", "demo", "--data", "phantoms"]
    capsys.readouterr()
    assert run_command([*arguments, "--json"]) == 0
    plain = json.loads(capsys.readouterr().out)["detectable"]
    assert plain["in_sd"] == planned(plain["groups"], plain["comparisons"])
    assert run_command(arguments) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert f"{plain['groups']} test groups, {plain['comparisons']} comparison" in said

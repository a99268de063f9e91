"""`--retry` with real Ray: final trainings that were lost or failed are made again, and the study is whole."""

import os
import pathlib

import pytest
import torch

from reports.build import text
from study.design import Status
from study.ledger import Ledger
from study.study_file import Study
from tests.study.numbers import Numbers, NumbersSegmenter
from tests.study.numbers_study import digest, numbers_study, run_numbers
from trainables.training.learner import Diverged
from trainables.trial import TrialSpec

pytestmark = [pytest.mark.ray, pytest.mark.slow]
TROUBLE = "NUMBERS_TROUBLE"  # a file that says what befalls final seed 1 of each arm: killed, memory or diverged


class Troubled(NumbersSegmenter):
    def build(self, spec: TrialSpec) -> Numbers:
        file = pathlib.Path(os.environ[TROUBLE])
        if spec.key.startswith("final-a01") and spec.key.endswith("n001") and file.exists():
            trouble = file.read_text()
            if trouble == "killed":
                os._exit(1)
            if trouble == "memory":
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
            raise Diverged("non-finite loss at iteration 3")
        return super().build(spec)


def study() -> Study:
    return numbers_study(
        budget={"trials_per_arm": 2, "cohort": 2, "sampler": "random", "final_seeds": 2},
        training={"learning_rate": {"low": 1e-4, "high": 0.2, "log": True}, "iterations": 8},
    )


def statuses(home: pathlib.Path) -> dict[str, str]:
    with Ledger.open(home / "ledger.db", read_only=True) as ledger:
        return {str(row.key): row.status for row in ledger.trials(1) if row.key.stage == "final"}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> str:
    home = tmp_path_factory.mktemp("undisturbed")
    run_numbers(home, study())
    return digest(home)


@pytest.mark.parametrize(
    ("trouble", "status", "other"),
    [("killed", "lost", "failed"), ("memory", "failed", "lost"), ("diverged", "failed", "lost")],
)
def test_a_final_training_is_made_again_and_the_study_is_the_undisturbed_one(
    trouble: str,
    status: Status,
    other: Status,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    undisturbed: str,
) -> None:
    home, told = tmp_path / "home", tmp_path / "trouble"
    monkeypatch.setenv(TROUBLE, str(told))
    told.write_text(trouble)
    assert run_numbers(home, study(), trainable=Troubled).complete
    told.unlink()
    assert statuses(home)["final-a01-r0-f0-n001"] == status
    assert ("made again" in text(home / "ledger.db", "numbers")) == (status == "lost")
    before = digest(home)
    for retry in ((), (other,)):  # neither going on nor the other kind touches it
        assert run_numbers(home, study(), trainable=Troubled, retry=retry).complete
        assert digest(home) == before
    run_numbers(home, study(), trainable=Troubled, retry=(status,))
    assert set(statuses(home).values()) == {"finished"}
    assert digest(home) == undisturbed != before
    assert "made again" not in text(home / "ledger.db", "numbers")

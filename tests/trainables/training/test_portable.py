"""Portable numbers: the same bits whatever instruction sets the libraries could use, and what is refused."""

import os
import subprocess
import sys
from collections.abc import Mapping

import pytest

from study.study_file import SpecError
from tests.study.study_files import study
from tests.trainables import tiny
from trainables.errors import InputError
from trainables.training import portable
from trainables.training.training import Training

SCRIPT = """
from tests.trainables import tiny
from trainables.training.training import Training

for dim, shape in ((2, (40, 44)), (3, (20, 18, 19))):
    spec = tiny.spec(dim=dim, portable={portable}, metrics=("dice", "average_precision"))
    learner = Training(spec, tiny.dataset(shape))
    learner.advance(3)
    print(learner.digest(), [score.value for score in learner.evaluate(("case2",)).scores])
"""


def run(environment: Mapping[str, str], *, is_portable: bool = True) -> str:
    """Digests and scores of two trainings in a process of their own."""
    inherited = {name: value for name, value in os.environ.items() if name not in portable.ENVIRONMENT}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(portable=is_portable)],
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_numbers_are_the_same_whatever_the_processor_offers() -> None:
    # What another processor would offer, by the switches of oneDNN and MKL: SSE4, AVX2, and all that this one has.
    offers: tuple[dict[str, str], ...] = (
        {},
        {"ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"},
        {"ONEDNN_MAX_CPU_ISA": "SSE41", "MKL_ENABLE_INSTRUCTIONS": "SSE4_2"},
    )
    assert len({run({**offer, **portable.ENVIRONMENT}) for offer in offers}) == 1
    assert len({run(offer, is_portable=False) for offer in offers}) > 1  # else the switches switch nothing here


def test_kernels_of_another_instruction_set_are_refused() -> None:
    portable.refuse_other("AVX2", "x86_64")
    with pytest.raises(InputError, match=r"kernels of AVX2, found AVX512: .*ATEN_CPU_CAPABILITY='avx2'"):
        portable.refuse_other("AVX512", "x86_64")
    with pytest.raises(InputError, match="expected an x86-64 processor, found arm64"):
        portable.refuse_other("DEFAULT", "arm64")


def test_other_trainings_have_onednn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX2")
    Training(tiny.spec(portable=True), tiny.dataset())
    assert not torch.backends.mkldnn.enabled
    Training(tiny.spec(), tiny.dataset())
    assert torch.backends.mkldnn.enabled


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"training.precision": "bfloat16"}, "training.precision"),
        ({"training.compile": "auto"}, "training.compile"),
        ({"resources.gpu": 1}, "resources.gpu"),
    ],
)
def test_what_depends_on_the_processor_all_the_same_is_refused(changes: dict[str, object], key: str) -> None:
    made = {"training.portable": True, "resources.gpu": 0}
    assert study(made).training.portable
    with pytest.raises(SpecError, match=rf"{key}.*portable"):
        study({**made, **changes})

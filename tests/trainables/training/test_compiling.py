"""`compile`: nearly the same numbers, never half compiled, refused or warned of where it cannot be.

Most of it with a compiler of PyTorch's that only traces, which takes a tenth of a second; once with the real one.
"""

import dataclasses
import io
import itertools
import os
import pathlib
from typing import Any

import pytest
import torch

from tests.trainables import tiny
from trainables.errors import InputError
from trainables.training import compiling
from trainables.training.network import TrialNetwork
from trainables.training.training import Training
from trainables.trial import TrialSpec

DATA = tiny.dataset()
SGD: dict[str, Any] = {"optimizer": "sgd", "learning_rate": 1e-2}  # adam's first steps are signs of tiny gradients
SPECS = {
    "instance": tiny.spec(**SGD),
    "batch": tiny.spec(model_parameters={"width": 2, "norm": "batch"}, **SGD),
    "batch, dropout, bfloat16": tiny.spec(model="vnet", model_parameters={"width": 4}, precision="bfloat16", **SGD),
}


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def _tracing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiling, "BACKEND", "aot_eager")


def both(spec: TrialSpec) -> tuple[Training, Training]:
    return Training(spec, DATA), Training(dataclasses.replace(spec, compile="always"), DATA)


def loaded(learner: Training) -> Training:
    file = io.BytesIO()
    torch.save(learner.state_dict(), file)
    file.seek(0)
    other = Training(learner.spec, DATA)
    other.load_state_dict(torch.load(file, weights_only=True))
    return other


def close(first: Training, second: Training, share: float) -> None:
    """Every weight and statistic, within a share of the greatest of its tensor."""
    pairs = zip(first.network.state_dict().items(), second.network.state_dict().items(), strict=True)
    for (name, a), (other, b) in pairs:
        assert name == other
        assert (a - b).abs().max() <= share * max(a.abs().max().item(), 1e-2), name


@pytest.mark.usefixtures("_tracing")
@pytest.mark.parametrize("name", SPECS)
def test_the_same_training_but_for_rounding(name: str) -> None:
    plain, compiled = both(SPECS[name])
    points = plain.advance(3), compiled.advance(3)
    assert compiled._net.is_compiled
    assert not plain._net.is_compiled
    assert [p.value for p in points[0]] == pytest.approx([p.value for p in points[1]], rel=1e-2)
    close(plain, compiled, 0.03 if "bfloat16" in name else 1e-4)
    assert compiled.network.state_dict().keys() == plain.network.state_dict().keys()


@pytest.mark.usefixtures("_tracing")
def test_it_is_compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.compiler.reset()
    with torch._dynamo.utils.preserve_rng_state():
        learner = Training(dataclasses.replace(SPECS["batch"], compile="always"), DATA)
        learner.advance(1)
        before = torch._dynamo.utils.counters["stats"]["unique_graphs"]
        learner.advance(4)  # the share of a batch in running statistics is another in each
        learner.evaluate(("case2",))
        learner.advance(5)
    assert before > 0
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == before


@pytest.mark.usefixtures("_tracing")
def test_a_compiled_training_that_was_cut_ends_with_the_same_bits() -> None:
    spec = dataclasses.replace(SPECS["batch"], compile="always")
    straight, cut = Training(spec, DATA), Training(spec, DATA)
    straight.advance(4)
    cut.advance(2)
    other = loaded(cut)
    other.advance(4)
    assert other.digest() == straight.digest()


@pytest.mark.usefixtures("_tracing")
def test_trying_it_out_leaves_nothing_behind() -> None:
    learner = Training(dataclasses.replace(SPECS["batch, dropout, bfloat16"], compile="always"), DATA)
    before, drawn = learner.digest(), torch.random.get_rng_state()
    images = torch.zeros(2, 1, *learner.spec.patch_size)
    assert compiling.compiled(learner.spec, learner.network, images, learner._net.through) is not None
    assert learner.digest() == before
    assert torch.equal(torch.random.get_rng_state(), drawn)
    assert all(parameter.grad is None for parameter in learner.network.parameters())


@pytest.mark.usefixtures("_tracing")
def test_no_more_is_tried_at_once_than_is_learnt_from(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    plain = TrialNetwork.through
    monkeypatch.setattr(TrialNetwork, "through", lambda s, net, x: (sizes.append(len(x)), plain(s, net, x))[1])
    spec = dataclasses.replace(SPECS["instance"], compile="always", batch_size=3, micro_batches=2)
    Training(spec, DATA).advance(1)
    assert sizes == [2, 2, 1]


@pytest.mark.usefixtures("_tracing")
def test_half_a_file_in_the_cache_is_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", "damaged")
    spec = dataclasses.replace(SPECS["batch"], compile="always")
    seen: list[str] = []

    def settle(made: compiling.Compiled, iteration: int) -> None:
        seen.append(os.environ["TORCHINDUCTOR_CACHE_DIR"])
        if len(seen) == 1:
            raise ImportError("main.so: file too short")

    learner = Training(spec, DATA)
    before = learner.digest()
    monkeypatch.setattr(compiling.Compiled, "settle", settle)
    images = torch.zeros(2, 1, *spec.patch_size)
    assert compiling.compiled(spec, learner.network, images, learner._net.through) is not None
    assert [pathlib.Path(folder).name.startswith("segstudy-compiled-") for folder in seen] == [False, True]
    assert learner.digest() == before


def broken(*_: Any) -> Any:
    raise RuntimeError("no such instruction\nand a hundred lines more")


def test_what_cannot_be_compiled_is_refused_or_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiling, "BACKEND", broken)
    with pytest.raises(InputError, match=r"^training.compile: .* here \(.*: no such instruction\); say never"):
        Training(dataclasses.replace(SPECS["batch"], compile="always"), DATA).advance(1)
    monkeypatch.setattr(compiling, "wanted", lambda spec, device: spec.compile != "never")
    plain, other = Training(SPECS["batch"], DATA), Training(dataclasses.replace(SPECS["batch"], compile="auto"), DATA)
    with pytest.warns(UserWarning, match="unet3d cannot be compiled here .* and runs as it is"):
        other.advance(3)
    plain.advance(3)
    assert other.digest() == plain.digest()


def test_without_a_compiler_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(InputError, match=r"cannot be compiled here \(no C\+\+ compiler is on the PATH\)"):
        Training(dataclasses.replace(SPECS["instance"], compile="always"), DATA).advance(1)


@pytest.mark.parametrize(
    ("marks", "independent", "device", "expected"),
    [
        ((10_000, 20_000), False, "cuda", True),
        ((9_999, 30_000), False, "cuda", False),
        ((9_999, 30_000), True, "cuda", True),
        ((30_000,), False, "cpu", False),
    ],
)
def test_auto_is_for_long_segments_on_a_gpu(
    marks: tuple[int, ...], independent: bool, device: str, expected: bool
) -> None:
    spec = tiny.spec(iterations=marks[-1], marks=marks, independent=independent, compile="auto")
    assert compiling.wanted(spec, torch.device(device)) is expected
    assert not compiling.wanted(dataclasses.replace(spec, compile="never"), torch.device(device))
    assert compiling.wanted(dataclasses.replace(spec, compile="always"), torch.device(device))


def test_another_word_is_refused() -> None:
    with pytest.raises(InputError, match=r"training.compile: expected auto, always, never, found 'on'"):
        Training(tiny.spec(compile="on"), DATA).advance(1)


@pytest.mark.slow
@pytest.mark.timeout(600)  # a minute each on a quiet machine
@pytest.mark.parametrize("name", SPECS)
def test_pytorchs_own_compiler(name: str) -> None:
    plain, compiled = both(SPECS[name])
    for learner in (plain, compiled):
        learner.advance(3)
    close(plain, compiled, 0.05 if "bfloat16" in name else 1e-3)
    losses = [list(itertools.chain(learner.advance(5))) for learner in (plain, compiled)]
    assert losses[0][-1].value == pytest.approx(losses[1][-1].value, rel=0.02)

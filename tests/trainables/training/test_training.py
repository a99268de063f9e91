"""Training: the same bits however it is cut, streams shared between losses, learning, divergence, evaluation."""

import dataclasses
import io
import itertools
import types
from typing import Any

import numpy as np
import pytest
import torch

from tests.trainables import tiny
from trainables.data.cache.cache import Dataset
from trainables.errors import InputError
from trainables.evaluation import inference
from trainables.losses import LOSSES
from trainables.metrics import score_case
from trainables.training import dropout
from trainables.training.learner import Diverged, Learner
from trainables.training.training import Training
from trainables.trial import Outcome, Point, TrialSpec

DATA = {2: tiny.dataset((40, 36)), 3: tiny.dataset()}
STOP = 12
LONG: dict[str, Any] = {"iterations": 500, "marks": (STOP, 500)}  # curve points at 10, at the mark 12, at 20, …
SPECS = {
    "unet3d instance, adam": tiny.spec(**LONG),
    "unet3d batch, sgd, polynomial": tiny.spec(
        model_parameters={"width": 2, "norm": "batch"},
        optimizer="sgd",
        schedule="polynomial",
        learning_rate=1e-2,
        **LONG,
    ),
    "vnet with dropout, adamw, bfloat16": tiny.spec(
        model="vnet", optimizer="adamw", weight_decay=1e-2, precision="bfloat16", loss="focal", **LONG
    ),
    "unet": tiny.spec(
        2, loss="tversky", loss_parameters={"fn_weight": 0.6}, mirror=True, average="probabilities", **LONG
    ),
}


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def training(spec: TrialSpec) -> Training:
    return Training(spec, DATA[len(spec.patch_size)])


def saved_and_loaded(learner: Training) -> Training:
    """As a worker would: through a file of weights only, into a new network."""
    file = io.BytesIO()
    torch.save(learner.state_dict(), file)
    torch.manual_seed(np.random.default_rng().integers(2**31))  # the other process has drawn other numbers
    other = training(learner.spec)
    file.seek(0)
    other.load_state_dict(torch.load(file, weights_only=True))
    return other


def outcome(learner: Training, points: tuple[Point, ...]) -> tuple[Any, ...]:
    return learner.digest(), points, learner.evaluate(learner.spec.evaluate, previews=learner.spec.evaluate[:1])


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
@pytest.mark.parametrize("cut", [1, 5, 7])
def test_a_training_that_was_cut_ends_with_the_same_bits(spec: TrialSpec, cut: int) -> None:
    straight = training(spec)
    expected = outcome(straight, straight.advance(STOP))
    first = training(spec)
    points = first.advance(cut)
    first.evaluate(spec.evaluate[:1])  # looking at it changes nothing
    second = saved_and_loaded(first)
    assert second.iteration == cut
    points += second.advance(STOP)
    assert outcome(second, points) == expected


@pytest.mark.parametrize("name", ["unet3d batch, sgd, polynomial", "vnet with dropout, adamw, bfloat16"])
def test_training_goes_on_after_an_evaluation_as_if_there_had_been_none(name: str) -> None:
    straight, looked_at = training(SPECS[name]), training(SPECS[name])
    straight.advance(4)
    looked_at.advance(2)
    looked_at.evaluate(("case2",))
    looked_at.advance(4)
    assert looked_at.digest() == straight.digest()


def test_slices_of_time_change_nothing() -> None:
    spec = SPECS["unet3d instance, adam"]
    straight, sliced = training(spec), training(spec)
    expected = straight.advance(STOP)
    points: tuple[Point, ...] = ()
    slices = 0
    while sliced.iteration < STOP:
        before = sliced.iteration
        points += sliced.advance(STOP, seconds=0)
        assert sliced.iteration == before + 1
        slices += 1
    assert slices == STOP
    assert points == expected
    assert sliced.digest() == straight.digest()
    assert sliced.advance(STOP) == ()


def test_a_slice_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = itertools.count()
    monkeypatch.setattr(
        "trainables.training.training.time", types.SimpleNamespace(monotonic=lambda: float(next(ticks)))
    )
    learner = training(tiny.spec(iterations=10_000, marks=(10_000,)))
    learner.advance(10_000, seconds=3.5)  # from 0 o'clock; an iteration takes a tick
    assert learner.iteration == 4


@pytest.mark.parametrize("other", [tiny.spec(loss="cross_entropy"), tiny.spec(learning_rate=1e-4)])
def test_arms_meet_on_weights_patches_and_augmentations(other: TrialSpec) -> None:
    first, second = training(tiny.spec()), training(other)
    assert first.digest() == second.digest()
    seen: list[list[torch.Tensor]] = [[], []]
    for learner, images in zip((first, second), seen, strict=True):
        learner.network.register_forward_pre_hook(lambda _, x, images=images: images.append(x[0].clone()))
        learner.advance(3)
    assert all(torch.equal(a, b) for a, b in zip(*seen, strict=True))
    assert first.digest() != second.digest()


def test_another_seed_is_another_training() -> None:
    assert training(tiny.spec()).digest() != training(tiny.spec(seed=12)).digest()


QUICK: dict[str, dict[str, Any]] = {"balanced": {"alpha": 0.75}}
"""Parameters of losses that sixty iterations are too few for at their defaults."""
SLOW = {"top_k_cross_entropy", "asl_lin", "wasserstein_dice", "hausdorff", "dice_flat_s1"}
"""Losses that sixty iterations are too few for (hausdorff learns in a sum, dice_flat_s1 with every second seed); their
own tests show the rest."""


@pytest.mark.parametrize(
    ("loss", "dim"),
    [
        *((loss, 2) for loss in LOSSES if loss not in SLOW),
        ("cross_entropy", 3),
        ("dice", 3),
        ("focal", 3),
        ("tversky", 3),
    ],
)
def test_it_learns(loss: str, dim: int) -> None:
    spec = tiny.spec(
        dim,
        loss=loss,
        loss_parameters=QUICK.get(loss, {}),
        iterations=60,
        marks=(60,),
        learning_rate=1e-2,
        model_parameters={"width": 4},
        augment=("mirror",),
    )
    learner = training(spec)
    before = learner.evaluate(spec.evaluate)
    points = learner.advance(60)
    after = learner.evaluate(spec.evaluate)
    dice = [[s.value or 0.0 for s in e.scores if s.metric == "dice" and s.region == "both"] for e in (before, after)]
    assert min(dice[1]) > 0.75 > max(dice[0])
    assert points[-1].value < points[0].value


def test_curve_points_are_window_means_at_fixed_iterations() -> None:
    spec = tiny.spec(iterations=120, marks=(5, 120), augment=())
    learner = training(spec)
    losses: list[float] = []
    loss = learner._loss
    learner._loss = lambda *a, **k: (value := loss(*a, **k), losses.append(value.item()))[0]
    points = learner.advance(9)
    assert [p.iteration for p in points] == [2, 4, 5, 6, 8]  # every fiftieth part of 120, and the mark
    assert points[0].value == pytest.approx(np.mean(losses[:2]))
    assert points[2].value == pytest.approx(losses[4])
    assert points[4].value == pytest.approx(np.mean(losses[6:8]))
    assert {p.name for p in points} == {"loss"}


@pytest.mark.parametrize("slices", [None, 0.0])
def test_a_loss_that_is_not_finite_is_named_by_its_iteration(slices: float | None) -> None:
    spec = tiny.spec(iterations=500, marks=(500,))  # a point every 10 iterations
    learner = training(spec)
    loss = learner._loss
    learner._loss = lambda *a, **k: loss(*a, **k) * (torch.nan if learner.iteration == 12 else 1)
    learner.advance(10)
    for _ in range(9 if slices == 0 else 0):
        learner.advance(500, seconds=slices)
    with pytest.raises(Diverged, match="non-finite loss at iteration 13;"):
        learner.advance(500, seconds=slices)
    assert learner.iteration == 20


def test_divergence_is_found_after_a_resume_too() -> None:
    spec = tiny.spec(iterations=500, marks=(500,))
    learner = training(spec)
    loss = learner._loss
    learner._loss = lambda *a, **k: loss(*a, **k) * (torch.inf if learner.iteration == 12 else 1)
    learner.advance(15)
    with pytest.raises(Diverged, match="iteration 13;"):
        saved_and_loaded(learner).advance(20)


def test_weights_that_are_not_finite_are_not_scored() -> None:
    learner = training(tiny.spec())
    learner.advance(2)
    with torch.no_grad():
        next(learner.network.parameters()).view(-1)[3] = torch.nan
    with pytest.raises(Diverged, match=r"non-finite weights .* at iteration 2"):
        learner.evaluate(("case2",))


def test_a_learning_rate_beyond_reason_diverges() -> None:
    spec = tiny.spec(2, loss="cross_entropy", optimizer="sgd", learning_rate=1e6, iterations=12)
    with pytest.raises(Diverged):
        training(spec).advance(12)


def test_learning_rate_follows_the_schedule() -> None:
    learner = training(tiny.spec(schedule="polynomial", learning_rate=0.5, iterations=10, marks=(10,)))
    rates = []
    for stop in range(1, 11):
        learner.advance(stop)
        rates.append(learner._optimizer.param_groups[0]["lr"])
    assert rates == pytest.approx([0.5 * (1 - i / 10) ** 0.9 for i in range(10)])


def test_running_statistics_follow_the_iteration_also_after_a_resume() -> None:
    learner = training(tiny.spec(model_parameters={"width": 2, "norm": "batch"}))
    for stop in (1, 2, 3):
        learner.advance(stop)
        learner = saved_and_loaded(learner) if stop == 2 else learner
        shares = {m.momentum for m in learner.network.modules() if isinstance(m, torch.nn.BatchNorm3d)}
        assert stop == 2 or shares == {10 / (stop + 9)}


def test_dropout_leaves_pytorchs_own_stream_alone() -> None:
    learner = training(SPECS["vnet with dropout, adamw, bfloat16"])
    torch.manual_seed(4)
    expected = torch.rand(3)
    torch.manual_seed(4)
    learner.advance(2)
    assert torch.equal(torch.rand(3), expected)


def test_dropout_draws_anew_in_each_iteration() -> None:
    with dropout.drawn_for(11, 0, torch.device("cpu")):
        first = torch.rand(3)
    with dropout.drawn_for(11, 0, torch.device("cpu")):
        again = torch.rand(3)
    with dropout.drawn_for(11, 1, torch.device("cpu")):
        other = torch.rand(3)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_evaluation_scores_every_case_region_and_metric_on_the_original_grid() -> None:
    data = tiny.dataset(spacing=(2.0, 2.0, 2.0))
    learner = Training(tiny.spec(), data)
    found = learner.evaluate(("case3", "case2"), previews=("case2",))
    order = [(s.case, s.region, s.metric) for s in found.scores]
    assert order == [(c, r, m) for c in ("case3", "case2") for r in ("both", "lesion") for m in ("dice", "hd95")]
    assert [p.case for p in found.previews] == ["case2"]
    reference, guess = data.cases["case3"].reference, learner.predict("case3")
    assert found.scores[:4] == score_case(
        "case3", reference, guess, regions=learner.spec.regions, metrics=("dice", "hd95"), spacing=(1.5, 1.5, 1.5)
    )
    assert learner.predict("case3").shape == data.cases["case3"].reference.shape == (20, 18, 19)
    assert data.cases["case3"].label.shape != (20, 18, 19)
    Outcome(iteration=0, scores=found.scores, previews=found.previews).to_json()  # plain numbers all through


def test_windows_are_what_the_trial_says() -> None:
    size = {"patch_size": (17, 24, 16)}  # of 20, 18 and 19 voxels
    spec = tiny.spec(**size, patch_overlap=(3, 4, 5), blend="constant", average="probabilities", mirror=True)
    data = tiny.dataset()
    case: Any = data.cases["case2"]
    case = tiny.TinyCase("case2", dataclasses.replace(case.prepared, padding=(2.5,)))
    cases: Any = {**data.cases, "case2": case}
    learner = Training(spec, Dataset(cases, data.options))
    how: dict[str, Any] = {
        "window": (17, 24, 16),
        "overlap": (3, 4, 5),
        "blend": "constant",
        "average": "probabilities",
        "mirror": True,
        "padding": (2.5,),
    }
    learner.network.eval()
    found = learner._examiner.probabilities("case2")
    image = torch.from_numpy(np.array(case.image))
    assert torch.allclose(found, inference.predict(learner._net.logits, image, **how), atol=1e-6)
    others: dict[str, Any] = {"overlap": (16, 4, 5), "blend": "gaussian", "average": "logits"}
    for name, value in {**others, "mirror": False, "padding": (0.0,)}.items():
        assert not torch.allclose(
            found, inference.predict(learner._net.logits, image, **{**how, name: value}), atol=1e-6
        )


def test_the_trials_parameters_reach_loss_optimiser_and_patches() -> None:
    spec = tiny.spec(
        loss="tversky", loss_parameters={"fn_weight": 0.9}, optimizer="sgd", weight_decay=0.25, momentum=0.5
    )
    learner = training(spec)
    group = learner._optimizer.param_groups[0]
    assert (group["weight_decay"], group["momentum"], group["lr"]) == (0.25, 0.5, spec.learning_rate)
    assert {learner._patches.place(i, 0).case for i in range(20)} == set(spec.train)
    other = training(dataclasses.replace(spec, loss_parameters={"fn_weight": 0.1}))
    assert learner.advance(5)[0].value > other.advance(5)[0].value  # the same first weights and patches, dearer misses


def test_evaluating_a_case_alone_gives_the_same() -> None:
    learner = training(tiny.spec())
    together = learner.evaluate(("case2", "case3")).scores
    assert together == learner.evaluate(("case2",)).scores + learner.evaluate(("case3",)).scores


def test_bfloat16_computes_otherwise_but_nearly_the_same() -> None:
    points = [training(tiny.spec(precision=p, augment=())).advance(5)[-1].value for p in ("float32", "bfloat16")]
    assert points[0] != points[1]
    assert points[0] == pytest.approx(points[1], rel=0.02)


@pytest.mark.skipif(torch.cuda.is_available(), reason="shows what happens without a GPU")
def test_training_on_the_cpu_for_want_of_a_gpu_is_said() -> None:
    with pytest.warns(UserWarning, match="asks for a GPU and PyTorch finds none"):
        assert training(tiny.spec(gpu=0.5)).device.type == "cpu"


def test_a_state_is_a_copy() -> None:
    learner = training(tiny.spec())
    learner.advance(2)
    state = learner.state_dict()
    digest = learner.digest()
    learner.advance(4)
    learner.load_state_dict(state)
    assert learner.digest() == digest
    assert learner.iteration == 2


def test_the_digest_covers_the_optimiser() -> None:
    learner = training(tiny.spec())
    learner.advance(2)
    digest = learner.digest()
    next(iter(learner._optimizer.state.values()))["exp_avg"].view(-1)[0] += 1e-6
    assert learner.digest() != digest


def test_it_is_a_learner_and_lets_go() -> None:
    learner: Learner = training(tiny.spec())
    learner.close()
    assert not hasattr(learner, "network")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"loss": "dise"}, "no loss named 'dise'; there are cross_entropy"),
        ({"model": "unet4d"}, "no network named 'unet4d'"),
        ({"optimizer": "adagrad"}, "no optimizer named 'adagrad'"),
        ({"schedule": "stairs"}, "no schedule named 'stairs'; there are constant, polynomial, step, plateau"),
        ({"patch_size": (16, 16, 16)}, "too small"),
        ({"model": "unet"}, "2 dimensions"),
    ],
)
def test_what_does_not_exist_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        training(tiny.spec(**changes))


@pytest.mark.parametrize("clip", [None, 1e6, 0.01])
def test_a_gradient_above_the_clip_is_scaled_down_to_it(clip: float | None) -> None:
    how = {"optimizer": "sgd", "momentum": 0.0, "learning_rate": 1.0, "schedule": "constant"}
    steps = []
    for norm in (clip, None):
        learner = Training(tiny.spec(**how, clip=norm), tiny.dataset())
        before = [parameter.detach().clone() for parameter in learner.network.parameters()]
        learner.advance(1)
        moved = zip(learner.network.parameters(), before, strict=True)
        steps.append(torch.cat([(after.detach() - old).flatten() for after, old in moved]))
    clipped, free = steps
    if clip == 0.01:
        assert free.norm() > 0.05
        assert clipped.norm().item() == pytest.approx(0.01, rel=1e-3)
        assert torch.allclose(clipped, free * (0.01 / free.norm()), atol=1e-6)  # the same direction
    else:
        assert torch.equal(clipped, free)

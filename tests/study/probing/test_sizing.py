"""Sizing with GPUs that are words: what was measured decides, and is measured once."""

import dataclasses
import pathlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from study.events import Event, Step
from study.ledger import Ledger
from study.ledger.rows import Case
from study.machines.admission import Node, Shape
from study.probing import gpu_shares
from study.probing.measure import bytes_of_cases, known_footprints, largest, largest_shape, specs_of, subject
from study.probing.sizing import Sizing
from study.study_file import Study
from study.trial_specs import Data
from tests.study.study_files import changed, study
from trainables.errors import InputError
from trainables.training.footprint import Footprint
from trainables.trial import TrialSpec

GB = 2**30
TOTAL = 16 * GB
NODES = (Node("a", 16, 2),)
AUTO: dict[str, Any] = {"resources.gpu": "auto", "resources.cpu": 2}


def facts(*shape: int) -> dict[str, Any]:
    return {"channels": 1, "prepared_shape": list(shape)}


DATA = Data(
    "index",
    "digest",
    (
        Case("a", "a", ("train",), facts(100, 40, 40)),
        Case("b", "b", ("validation",), facts(50, 100, 100)),
        Case("c", "c", ("test",), facts(10, 10, 10)),
    ),
)


class Gpu:
    """A GPU that is a formula: a number of bytes for each patch of a batch."""

    def __init__(self, each: int) -> None:
        self.each = each
        self.probed: list[tuple[str, int, int]] = []

    def __call__(self, specs: Sequence[TrialSpec], largest: Sequence[int]) -> Footprint | None:
        width = int(specs[0].model_parameters["width"])  # type: ignore[call-overload]
        self.probed.append((specs[0].model, specs[0].batch_size, width))
        peak = self.each * specs[0].batch_size
        return None if peak > TOTAL else Footprint("Card 16", 0.1, 0.01, 1e-7, peak, TOTAL)


Made = Callable[..., Sizing]


@pytest.fixture
def make(tmp_path: pathlib.Path) -> Iterator[Made]:
    with Ledger.open(tmp_path / "ledger.db") as ledger:

        def made(gpu: Any, nodes: Sequence[Node] = NODES, tell: Callable[[Event], None] = print) -> Sizing:
            return Sizing(ledger=ledger, data=DATA, nodes=nodes, measure=gpu, device=lambda: "Card 16", tell=tell)

        yield made


def test_as_many_as_fit_share_a_gpu(make: Made) -> None:
    # Two patches take 4 GB: 4.8 with the margin, and 0.6 beside. Three have 5.33 each of 16 GB, and that is too little.
    gpu = Gpu(2 * GB)
    found = make(gpu).shapes(study(AUTO), Shape(2, 1.0))
    assert found == {"unet3d": Shape(2, 0.5)}
    gpu.each = GB // 2  # two patches: 1 GB, 1.2 and 0.6 beside, 8 times in 16 GB. But 16 cores are 4 trials a GPU
    assert make(gpu).shapes(study({**AUTO, "patch.size": [48, 48, 48]}), Shape(2, 1.0)) == {"unet3d": Shape(2, 0.25)}


def test_it_is_measured_once_with_the_largest_network(make: Made) -> None:
    gpu = Gpu(2 * GB)
    wide = study({**AUTO, "models": {"unet3d": {"width": {"low": 4, "high": 12}}}})
    for _ in range(2):
        make(gpu).shapes(wide, Shape(2, 1.0))
    assert gpu.probed == [("unet3d", 2, 12)]
    make(gpu).shapes(study({**AUTO, "models": {"unet3d": {"width": 8}}}), Shape(2, 1.0))
    make(gpu).shapes(study({**AUTO, "training.precision": "bfloat16"}), Shape(2, 1.0))
    assert [width for _, _, width in gpu.probed] == [12, 8, 4]


def test_each_network_has_its_own_share(make: Made) -> None:
    two = study({**AUTO, "models": {"unet3d": {"width": 4}, "vnet": {"width": 4}}})

    def gpu(specs: Sequence[TrialSpec], largest: Sequence[int]) -> Footprint:
        assert largest == (50, 100, 100)
        assert [spec.loss for spec in specs] == ["dice", "focal"]
        peak = (3 if specs[0].model == "vnet" else 10) * GB
        return Footprint("Card 16", 0.1, 0.01, 1e-7, peak, TOTAL)

    assert make(gpu).shapes(two, Shape(2, 1.0)) == {"unet3d": Shape(2, 1.0), "vnet": Shape(2, 0.3333)}


def test_what_does_not_fit_alone_is_one_line(make: Made) -> None:
    with pytest.raises(
        InputError, match=r"^models.unet3d: does not fit on Card 16, even alone, .* give a smaller"
    ) as e:
        make(Gpu(9 * GB)).shapes(study(AUTO), Shape(2, 1.0))
    assert "\n" not in str(e.value)
    one = Gpu(int(7.5 * GB))  # 15 GB and what is beside: it fits alone, without a margin
    assert make(one).shapes(study(AUTO), Shape(2, 1.0)) == {"unet3d": Shape(2, 1.0)}


def test_without_a_gpu_nothing_is_measured(make: Made) -> None:
    told: list[Event] = []
    sizing = make(None, (Node("a", 4),), told.append)
    asked = study({**AUTO, "training.batch_size": "auto"})
    found = sizing.with_batch(asked)
    assert found == study({**AUTO, "training.batch_size": 32})  # 32 patches of 32³ are 2^20 voxels
    assert sizing.shapes(found, Shape(2, 0.0)) == {"unet3d": Shape(2, 0.0)}
    assert told == [Step("batch size: 32, the same for all arms"), Step("no GPU here: trials run on the CPU")]


def test_a_number_is_left_alone(make: Made) -> None:
    asked = study({"resources.gpu": 0.25})
    sizing = make(None)
    assert sizing.with_batch(asked) is asked
    assert sizing.shapes(asked, Shape(1, 0.25)) == {"unet3d": Shape(1, 0.25)}


@pytest.mark.parametrize(("gpu", "size"), [("auto", 8), (1, 8), (0.5, 4), (0, 32)])
def test_a_batch_is_halved_until_the_largest_network_fits(make: Made, gpu: Any, size: int) -> None:
    # 1.5 GB a patch: 12 GB for 8, and 24 for 16. Half of a GPU has room for 4.
    card = Gpu(int(1.5 * GB))
    found = make(card).with_batch(study({"resources.gpu": gpu, "training.batch_size": "auto"}))
    assert found.training.parameters["batch_size"].value == size  # type: ignore[union-attr]
    assert [tried for _, tried, _ in card.probed] == [tried for tried in (32, 16, 8, 4) if tried >= size and gpu]


def test_a_batch_leaves_a_margin_unless_it_is_the_least(make: Made) -> None:
    # 8 patches of 1.8 GB take 14.4 of 16 GB, and with the margin 17.3; 2 of 7.5 GB fit, and would not with it.
    auto = study({**AUTO, "training.batch_size": "auto"})
    assert make(Gpu(int(1.8 * GB))).with_batch(auto) == study({**AUTO, "training.batch_size": 4})
    vnet = {**AUTO, "models": {"vnet": {"width": 4}}}
    found = make(Gpu(int(7.5 * GB))).with_batch(study({**vnet, "training.batch_size": "auto"}))
    assert found == study({**vnet, "training.batch_size": 2})


def test_a_batch_that_never_fits_is_one_line(make: Made) -> None:
    with pytest.raises(InputError, match=r"not even 2 patches of \[32, 32, 32\] fit for all networks on Card 16"):
        make(Gpu(9 * GB)).with_batch(study({**AUTO, "training.batch_size": "auto"}))


def test_cases_on_the_gpu_take_their_part() -> None:
    found = Footprint("Card 16", 0.1, 0.01, 1e-7, 4 * GB, TOTAL)
    assert gpu_shares.fitting(found) == 2
    assert gpu_shares.fitting(found, cases=int(2.0 * GB)) == 2  # 4.8 + 0.6 + 2.0 of 8
    assert gpu_shares.fitting(found, cases=int(2.7 * GB)) == 1  # they would lie on the GPU, and 8.1 do not fit into 8
    assert (
        gpu_shares.fitting(found, cases=int(2.9 * GB)) == 2
    )  # more than the part that cases may take: they stay outside
    assert [gpu_shares.share_of(count) for count in (1, 2, 3, 7)] == [1.0, 0.5, 0.3333, 0.1428]
    assert gpu_shares.fitting(dataclasses.replace(found, peak_bytes=1000)) == gpu_shares.MOST


def test_what_takes_the_most() -> None:
    base = changed(
        {
            "models.unet3d": {"width": {"low": 4, "high": 16, "log": True}, "norm": ["batch", "instance"]},
            "training.optimizer": ["sgd", "adam"],
            "training.learning_rate": {"low": 1e-4, "high": 1e-1, "log": True},
            "training.batch_size": [2, 8, 4],
        }
    )
    arm = Study.from_plain(base).arms[0]
    point = largest(arm)
    assert (point["model.width"], point["training.batch_size"], point["training.optimizer"]) == (16, 8, "adam")
    assert (point["model.norm"], point["training.learning_rate"]) == (
        arm.default["model.norm"],
        arm.default["training.learning_rate"],
    )


def test_a_subject_is_network_sizes_and_losses_and_no_seed() -> None:
    base = study(AUTO)
    one = subject(specs_of(base, "unet3d", DATA, gpu=1.0), DATA)
    same = study({**AUTO, "seed": 9, "name": "other", "training.iterations": 200, "budget.final_seeds": 2})
    assert subject(specs_of(same, "unet3d", DATA, gpu=1.0), DATA) == one
    for change in (
        {"patch.size": [48, 32, 32]},
        {"training.batch_size": 4},
        {"losses": {"dice": None}},
        {"models": {"unet3d": {"width": 8}}},
        {"training.precision": "bfloat16"},
    ):
        other = study({**AUTO, **change})
        assert subject(specs_of(other, "unet3d", DATA, gpu=1.0), DATA) != one, change
    assert subject(specs_of(base, "unet3d", DATA, gpu=0.0), DATA) != one


def test_sizes_of_the_data() -> None:
    assert largest_shape(DATA) == (50, 100, 100)
    assert bytes_of_cases(study(), DATA) == 100 * 40 * 40 * 5  # float32 image and uint8 label
    assert bytes_of_cases(study({"weighting": ["none", "inverse"]}), DATA) == 100 * 40 * 40 * 9


def test_what_the_ledger_knows(make: Made) -> None:
    sizing = make(Gpu(GB))
    assert known_footprints(sizing.ledger, study(AUTO), DATA, gpu=1.0) == {"unet3d": []}
    sizing.shapes(study(AUTO), Shape(2, 1.0))
    (found,) = known_footprints(sizing.ledger, study(AUTO), DATA, gpu=1.0)["unet3d"]
    assert (found.device, found.peak_bytes) == ("Card 16", 2 * GB)

"""Every network in a training: it learns, is scored, and goes on after a cut as if there had been none."""

import copy
from typing import Any

import pytest
import torch

from tests.trainables import tiny
from trainables.models import DIMS, MODELS, build
from trainables.models.normalisation import set_momentum
from trainables.training.training import Training

DATA = {2: tiny.dataset((40, 37)), 3: tiny.dataset((20, 18, 19))}
SMALL: dict[str, dict[str, Any]] = {
    "enet": {"width": 4},
    "swin_unetr": {"width": 12, "blocks": 1},
    "unetr": {"width": 2, "hidden_size": 12, "heads": 2},
}
MORE: list[tuple[str, dict[str, Any]]] = [
    ("dynunet", {"deep_supervision": True}),
    ("vnet", {"activation": "prelu"}),
    ("segresnet", {"dropout": 0.2}),
    ("swin_unetr", {"dropout": 0.2}),
]


@pytest.mark.parametrize(("name", "options"), [*((name, {}) for name in MODELS), *MORE])
def test_a_cut_changes_nothing(name: str, options: dict[str, Any]) -> None:
    dim = DIMS[name][0]
    spec = tiny.spec(
        dim,
        model=name,
        model_parameters={**SMALL.get(name, {"width": 2}), **options},
        patch_size=(40, 36) if dim == 2 else (17, 16, 16),
        iterations=4,
        marks=(4,),
        augment=(),
    )
    whole, cut = (Training(spec, DATA[dim]) for _ in range(2))
    points = whole.advance(4)
    assert all(torch.isfinite(torch.tensor(point.value)) for point in points)
    assert points
    cut.advance(2)
    later = Training(spec, DATA[dim])
    later.load_state_dict(copy.deepcopy(cut.state_dict()))
    later.advance(4)
    assert later.digest() == whole.digest() != cut.digest()
    assert [s.value for s in later.evaluate(("case2",)).scores] == [s.value for s in whole.evaluate(("case2",)).scores]


BATCH = {"unet", "unet3d", "dynunet", "segresnet", "unetplusplus", "swin_unetr", "unetr"}
"""Networks whose batch normalisation is an option."""


@pytest.mark.parametrize("name", MODELS)
def test_running_statistics_of_every_network_follow_the_rule(name: str) -> None:
    parameters = {**SMALL.get(name, {"width": 2}), **({"norm": "batch"} if name in BATCH else {})}
    dim = DIMS[name][0]
    network = build(name, in_channels=1, out_channels=2, dim=dim, parameters=parameters, seed=0, patch_size=[32] * dim)
    tracked = [module for module in network.modules() if getattr(module, "running_mean", None) is not None]
    assert bool(tracked) == (name != "mednext")
    set_momentum(network, 90)
    assert {module.momentum for module in tracked} <= {0.1}
    set_momentum(network, 5000)
    assert {module.momentum for module in tracked} <= {0.01}


def test_deep_supervision_trains_other_weights() -> None:
    digests = []
    for deep in (False, True):
        parameters = {"width": 2, "deep_supervision": deep}
        spec = tiny.spec(2, model="dynunet", model_parameters=parameters, augment=(), iterations=2, marks=(2,))
        learner = Training(spec, DATA[2])
        learner.advance(2)
        state = learner.network.state_dict()
        digests.append({key: value for key, value in state.items() if "heads" not in key and "super" not in key})
    assert digests[0].keys() == digests[1].keys()
    assert any(not torch.equal(digests[0][key], digests[1][key]) for key in digests[0])

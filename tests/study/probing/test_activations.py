"""Memory of a training step by shapes: by hand, in proportion, and against what a process took."""

import pathlib
import subprocess
import sys

import pytest
import torch
from torch import nn

from study.probing.activations import _of_pass, step_memory
from tests.trainables.tiny import spec


def test_a_step_by_hand() -> None:
    with torch.device("meta"):
        network = nn.Sequential(nn.Conv2d(1, 3, 3, padding=1, bias=False), nn.Sigmoid(), nn.Conv2d(3, 2, 1))
    found = _of_pass(network, torch.empty(5, 1, 7, 11, device="meta"))
    # 27 weights, 6 weights and 2 biases, each with a gradient; the image, 3 maps after the sigmoid, 2 logits.
    assert found.weights == 4 * 2 * (27 + 6 + 2)
    assert found.activations == 4 * 5 * 7 * 11 * (1 + 3 + 2)


def test_activations_grow_with_the_batch_and_shrink_with_parts_and_precision() -> None:
    one, six, parts, half = (
        step_memory(spec(batch_size=size, **more), 1)
        for size, more in ((1, {}), (6, {}), (6, {"micro_batches": 4}), (6, {"precision": "bfloat16"}))
    )
    assert one is not None
    assert six is not None
    assert parts is not None
    assert half is not None
    assert six.activations == pytest.approx(6 * one.activations, rel=0.01)
    assert parts.activations == pytest.approx(2 * one.activations, rel=0.01)
    assert half.activations == six.activations // 2
    assert one.weights == six.weights


def test_a_network_that_looks_at_values_has_no_count(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (
        "from torch import nn\n\n\nclass Net(nn.Conv3d):\n    def __init__(self, ins, outs, dim):\n"
        "        super().__init__(ins, outs, 1)\n\n    def forward(self, x):\n"
        "        return super().forward(x * float(x.max()))\n"
    )
    (tmp_path / "looking.py").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert step_memory(spec(model="own", model_parameters={"code": "looking:Net"}), 1) is None


@pytest.mark.slow
@pytest.mark.parametrize(("model", "patch"), [("unet3d", (64, 64, 64)), ("segresnet", (64, 64, 64))])
def test_a_process_grows_by_no_less_and_not_by_twice_as_much(model: str, patch: tuple[int, ...]) -> None:
    code = f"""
import resource, torch
from trainables import models
net = models.build({model!r}, in_channels=1, out_channels=3, dim=3, parameters={{}}, seed=0)
pages = int(open('/proc/self/statm').read().split()[1]) * 4096 - sum(p.numel() * 4 for p in net.parameters())
step = torch.optim.AdamW(net.parameters())
labels = torch.randint(0, 3, (2, *{patch}))
torch.nn.functional.cross_entropy(net(torch.rand(2, 1, *{patch})), labels).backward()
step.step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - pages)
"""
    took = int(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout)
    counted = step_memory(spec(model=model, model_parameters={}, patch_size=patch, batch_size=2), 1)
    assert counted is not None
    assert counted.total <= took <= 2 * counted.total

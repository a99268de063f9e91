#!/usr/bin/env bash
# PyTorch: the ONNX exporter takes a network in train mode half as training, half as evaluation.
#
# Expected: `torch.onnx.export` exports for inference, as its older form (`dynamo=False`) does by default whatever mode
#   the network is in; or it exports what the train mode computes.
# Happens: since dynamo=True is the default, a forgotten `eval()` keeps dropout in the file, drawn anew at each run of
#   onnxruntime, while batch norm takes the running statistics and is folded into the convolution: neither what the
#   network computed in train mode nor what it computes in eval mode. The same file gives another mask at each call. A
#   UserWarning says that the network is in training mode, not that the parts are treated differently.
# Cause: torch/onnx/_internal/exporter/_compat.py warns and exports the program as traced in train mode, where the older
#   torch/onnx/utils.py switches the network by TrainingMode.EVAL; for batch norm the translation
#   onnxscript/function_libs/torch_lib/ops/core.py, aten_native_batch_norm, sets `training = False` whatever came in.
# Seen on 2026-11-30 with torch 2.13.0 (CPU), onnx 1.23.2, onnxscript 0.7.2, onnxruntime 1.32.0, Python 3.11:
#   dynamo=True, train mode: two runs differ, operators Conv, ..., RandomUniformLike, ...
#   dynamo=False, train mode: two runs are equal, and equal to eval()
#   without dropout, dynamo=True, train mode: equal to eval(), not to train mode
# So: a segmentation service drops 10 to 50 % of the channels at random, Dice falls a little and varies from call to
#   call. Call `eval()` before the export and compare two runs of the file with the network.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6 onnx==1.23.2 onnxscript==0.7.2 onnxruntime==1.32.0
cd "$folder"
venv/bin/python -W ignore - 2>errors.txt <<'PYTHON' || { tail -n 20 errors.txt; exit 1; }
import contextlib
import io
import logging

import numpy as np
import onnx
import onnxruntime
import torch
from torch import nn

logging.disable(logging.WARNING)
torch.manual_seed(0)
image = torch.randn(1, 1, 8, 8, 8) + 3
norm = nn.BatchNorm3d(4)
norm.running_mean.fill_(0.5)
plain = nn.Sequential(nn.Conv3d(1, 4, 3), norm)
dropping = nn.Sequential(*plain, nn.Dropout3d(0.5))


def run(network, dynamo):
    network.train()
    mean = norm.running_mean.clone()
    with contextlib.redirect_stdout(io.StringIO()):
        torch.onnx.export(network, (image,), "network.onnx", dynamo=dynamo, input_names=["image"])
    norm.running_mean.copy_(mean)
    session = onnxruntime.InferenceSession("network.onnx", providers=["CPUExecutionProvider"])
    outputs = [session.run(None, {"image": image.numpy()})[0] for _ in range(4)]
    again = all(np.array_equal(outputs[0], output) for output in outputs)
    with torch.no_grad():
        as_eval = np.allclose(outputs[0], network.eval()(image).numpy(), atol=1e-4)
        norm.momentum, momentum = 0.0, norm.momentum
        as_train = np.allclose(outputs[0], plain.train()(image).numpy(), atol=1e-4)
        norm.momentum = momentum
    return again, as_eval, as_train, [node.op_type for node in onnx.load("network.onnx").graph.node]


print("versions: torch", torch.__version__, "onnx", onnx.__version__, "onnxruntime", onnxruntime.__version__)
seen = {}
for name, network, dynamo in (
    ("dropout, dynamo=True", dropping, True),
    ("dropout, dynamo=False", dropping, False),
    ("no dropout, dynamo=True", plain, True),
):
    again, as_eval, as_train, operators = run(network, dynamo)
    seen[name] = (again, as_eval, as_train)
    print(f"{name:24} runs equal: {again}, equal to eval: {as_eval}, to train: {as_train}, operators: {operators}")
if list(seen.values()) != [(False, False, False), (True, True, False), (True, True, False)]:
    print("changed: a network in train mode is exported otherwise")
    raise SystemExit(1)
print("as found: dropout is drawn, batch norm is frozen")
PYTHON

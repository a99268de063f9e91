#!/usr/bin/env bash
# PyTorch: under autocast on the CPU softmax and sums stay in bfloat16; on CUDA they are float32.
#
# Expected: autocast keeps reductions in float32, as the documented list for CUDA does (softmax, log_softmax, sum, prod,
#   cumsum, norm), and as the CPU does for cross_entropy, mse_loss and binary_cross_entropy_with_logits.
# Happens: `softmax` and `sum` of bfloat16 logits are bfloat16: a soft Dice over a volume is made of sums with three
#   digits (steps of 256 voxels at 50,000). The same loss code is float32 on CUDA without a change.
# Cause: ATen/autocast_mode.h: softmax and sum stand in AT_FORALL_FP32_SET_OPT_DTYPE, which is registered for CUDA and
#   others; the CPU's list (autocast_mode.cpp, KERNEL_CPU) is one of its own. The sum itself is right to float32 and
#   then stored in bfloat16.
# Seen on 2026-11-30 with torch 2.13.0 (CPU), Python 3.11 (64 x 64 x 64 voxels, soft Dice loss of 200 predictions that
#   get better evenly, from the same bfloat16 logits):
#   autocast: 6 different losses from 0.0547 to 0.0273; float32: 40 from 0.0643 to 0.0296; apart by up to 0.0096
# So: with mixed precision on CPUs the Dice loss stands still for dozens of steps and is off by 0.01, which early
#   stopping, schedulers on plateau and the choice of a checkpoint by training or validation loss read as truth. Put
#   `logits.float()` before the loss, or a block with autocast disabled around it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import torch
from torch.nn import functional

torch.manual_seed(0)
reference = torch.rand(1, 1, 64, 64, 64) < 0.2
signs = torch.where(reference, 4.0, -4.0)


def dice_loss(logits):
    organ = logits.softmax(1)[:, 1:]
    truth = reference.to(organ.dtype)
    return 1 - 2 * (organ * truth).sum() / (organ.sum() + truth.sum())


half, full = [], []
with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
    network = torch.nn.Conv3d(1, 2, 1)
    output = network(torch.randn(1, 1, 4, 4, 4))
    dtypes = {
        "softmax": output.softmax(1).dtype,
        "sum": output.sum().dtype,
        "cross_entropy": functional.cross_entropy(output, torch.zeros(1, 4, 4, 4, dtype=torch.long)).dtype,
        "mse_loss": functional.mse_loss(output, output).dtype,
    }
    for scale in torch.linspace(0.9, 1.1, 200):
        logits = torch.cat([torch.zeros_like(signs), signs * scale], dim=1).bfloat16()
        half.append(dice_loss(logits).item())
        with torch.autocast("cpu", enabled=False):
            full.append(dice_loss(logits.float()).item())
apart = max(abs(first - second) for first, second in zip(half, full, strict=True))
print("versions: torch", torch.__version__)
for name, dtype in dtypes.items():
    print(f"{name:13}", dtype)
print(f"Dice loss under autocast: {len(set(half))} values from {half[0]:.4f} to {half[-1]:.4f}")
print(f"Dice loss in float32:     {len(set(full))} values from {full[0]:.4f} to {full[-1]:.4f}; apart {apart:.4f}")
kept = [dtypes[name] for name in ("softmax", "sum", "cross_entropy", "mse_loss")]
if kept != [torch.bfloat16] * 2 + [torch.float32] * 2 or len(set(half)) > 10 or len(set(full)) < 30 or apart < 0.005:
    raise SystemExit("changed: autocast on the CPU has another list")
print("as found: softmax and sums are bfloat16, and the Dice loss with them")
PYTHON

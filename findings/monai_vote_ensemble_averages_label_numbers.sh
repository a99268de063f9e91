#!/usr/bin/env bash
# MONAI: VoteEnsemble without num_classes averages label numbers; the winner can be a class nobody voted for.
#
# Expected: three label maps that say 1, 1, 3 at a voxel vote for 1. Where the vote cannot be done without
#   `num_classes`, an error.
# Happens: the mean of the numbers is rounded: 1, 1, 3 gives 2; 0, 0, 2 gives 1, so the majority loses to a class that
#   no model gave. Two against two of labels 0 and 2 gives 1. Binary masks are right but for ties (0.5 rounds to 0).
# Cause: monai/transforms/post/array.py, VoteEnsemble.__call__: without `num_classes`, `round(mean(...))` is applied to
#   single-channel label maps as to one-hot channels; the number of channels is only looked at when it is given.
# Seen on 2026-11-30 with monai 1.6.1, torch 2.13.0 (CPU), Python 3.11:
#   votes 1 1 3: 2 (with num_classes=4: 1)
#   votes 0 0 2: 1 (with num_classes=4: 0)
# So: an ensemble of folds over label maps gets rims of a wrong class wherever the models disagree; the ensemble can
#   score below each of its members. Always pass `num_classes`, or vote on one-hot channels.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 monai==1.6.1 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import monai
import torch
from monai.transforms import VoteEnsemble

print("versions: monai", monai.__version__, "torch", torch.__version__)
seen = {}
for votes in ((1, 1, 3), (0, 0, 2), (2, 2, 0, 0), (0, 1, 1)):
    maps = [torch.full((1, 2, 2), float(vote)) for vote in votes]
    plain = int(VoteEnsemble()(maps)[0, 0, 0])
    counted = int(VoteEnsemble(num_classes=4)(maps)[0, 0, 0])
    seen[votes] = (plain, counted)
    print(f"votes {votes}: {plain} (with num_classes=4: {counted})")
if seen != {(1, 1, 3): (2, 1), (0, 0, 2): (1, 0), (2, 2, 0, 0): (1, 0), (0, 1, 1): (1, 1)}:
    raise SystemExit("changed: the vote without num_classes is another one")
print("as found: label numbers are averaged")
PYTHON

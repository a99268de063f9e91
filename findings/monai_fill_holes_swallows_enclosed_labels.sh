#!/usr/bin/env bash
# MONAI: FillHoles erases every label that another label encloses, and changes its input.
#
# Expected: the transform fills background that a label encloses. Its own text says so: a hole is a background voxel
#   that one class encloses. The input stays as it was, as with other transforms.
# Happens: in a label map whatever lies inside a label becomes that label, other labels too: a tumour inside the liver
#   is gone after `FillHoles()`, and also with `applied_labels=[1]`. One-hot channels overlap afterwards: the lesion is
#   in both, an argmax gives it to the organ, and the hole to background, whose channel keeps it.
#   The tensor that was handed over has changed as well.
# Cause: monai/transforms/utils.py, fill_holes: per label the complement is grown inwards from the border through all
#   that is not this label; what cannot be reached is set to the label, whether or not it was background. It writes
#   into the array that FillHoles.__call__ gets from the tensor, which shares its memory.
# Seen on 2026-11-30 with monai 1.6.1, torch 2.13.0 (CPU), scikit-image 0.26.0, scipy 1.17.1, Python 3.11:
#   voxels (background, organ, lesion) before [3905, 4031, 64], after FillHoles() [3904, 4096, 0]
#   one-hot after [3905, 4096, 64], argmax of it [3905, 4095, 0]
# So: post-processing that is chosen by the Dice of the organ removes all lesions inside it, and their Dice becomes 0
#   without an error. Fill the union of all labels and give new voxels a label, or restore what had another label.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 monai==1.6.1 numpy==2.4.6 scipy==1.17.1 scikit-image==0.26.0
"$folder/venv/bin/python" - <<'PYTHON'
import monai
import torch
from monai.transforms import FillHoles

labels = torch.zeros(1, 20, 20, 20, dtype=torch.uint8)
labels[0, 2:18, 2:18, 2:18] = 1
labels[0, 8:12, 8:12, 8:12] = 2
labels[0, 5, 5, 5] = 0
one_hot = torch.stack([labels[0] == label for label in range(3)]).float()


def counts(mask):
    return [int((mask == label).sum()) for label in range(3)]


print("versions: monai", monai.__version__, "torch", torch.__version__)
handed_over = labels.clone()
channels = FillHoles()(one_hot.clone())
seen = {
    "before": counts(labels),
    "FillHoles()": counts(FillHoles()(handed_over)),
    "the tensor handed over": counts(handed_over),
    "applied_labels=[1]": counts(FillHoles(applied_labels=[1])(labels.clone())),
    "one-hot channels": [int(channel.sum()) for channel in channels],
    "argmax of the channels": counts(channels.argmax(0)),
}
for name, voxels in seen.items():
    print(f"{name:24}", voxels)
expected = [[3905, 4031, 64], *[[3904, 4096, 0]] * 3, [3905, 4096, 64], [3905, 4095, 0]]
if list(seen.values()) != expected:
    raise SystemExit("changed: an enclosed label is treated otherwise")
print("as found: label 2 inside label 1 is erased")
PYTHON

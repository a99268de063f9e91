#!/usr/bin/env bash
# batchgenerators, and nnU-Net with it: 0.25.1 and 0.25.5 resample the same label map to other organs.
#
# Expected: `resize_segmentation` sets a voxel to a label whose resized mask is at least 0.5, as it did for years, and a
#   patch release changes no labels.
# Happens: the label with the largest resized mask wins now, background among them. A label that is one voxel thick
#   disappears where the grid gets coarser; before it was kept (at a tie of 0.5 the label with the highest number won).
#   Where three organs meet, voxels go to others. nnunetv2 2.8.1 accepts both (`batchgenerators>=0.25.1`).
# Cause: batchgenerators/augmentations/utils.py, resize_segmentation: a loop of `resized >= 0.5` was replaced by
#   _resample_seg_by_argmax with seg_tiebreak="nearest". nnunetv2's default_resampling.py calls it for label maps.
# Seen on 2026-11-30 with numpy 2.2.6, scipy 1.15.3, scikit-image 0.25.2, Python 3.11 (order 1):
#   plate of 2 x 2 x 1 voxels, 10 slices to 7 / 5 / 13: 0.25.1 keeps 4 / 4 / 8 voxels, 0.25.5 keeps 0 / 0 / 4
#   three sectors of a ball, 30 to 45 per axis: 0.25.1 [7539, 7773, 8797], 0.25.5 [7521, 7758, 8560] voxels
# So: nnU-Net trained again in a new environment sees other training labels in anisotropic tasks (fewer where lesions
#   are thin), and the difference is taken for one of the method. Pin batchgenerators beside nnunetv2, and preprocess
#   all arms of a comparison in one environment.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
cat >"$folder/resize.py" <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
from batchgenerators.augmentations.utils import resize_segmentation

plate = np.zeros((10, 10, 10), dtype=int)
plate[4:6, 4:6, 4] = 1
z, y, x = np.indices((30, 30, 30)) - 15
sectors = np.digitize(np.arctan2(y, x), [-1, 1]) + 1
sectors[z**2 + y**2 + x**2 >= 144] = 0
kept = [int(resize_segmentation(plate, (10, 10, slices), 1).sum()) for slices in (7, 5, 13)]
larger = resize_segmentation(sectors, (45, 45, 45), 1)
voxels = [int((larger == label).sum()) for label in (1, 2, 3)]
print(f"batchgenerators {version('batchgenerators')}: plate {kept}, sectors {voxels}")
if str(kept + voxels) != sys.argv[1]:
    raise SystemExit("changed: other labels")
PYTHON
"$folder/venv/bin/pip" install --quiet batchgenerators==0.25.1 numpy==2.2.6 scipy==1.15.3 scikit-image==0.25.2
"$folder/venv/bin/python" "$folder/resize.py" "[4, 4, 8, 7539, 7773, 8797]"
"$folder/venv/bin/pip" install --quiet batchgenerators==0.25.5 numpy==2.2.6 scipy==1.15.3 scikit-image==0.25.2
"$folder/venv/bin/python" "$folder/resize.py" "[0, 0, 4, 7521, 7758, 8560]"
echo "as found: the same call, other labels"

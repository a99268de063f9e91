#!/usr/bin/env bash
# MONAI, TorchIO and batchgeneratorsv2: a scale of 1.5 enlarges the organ in one transform and shrinks it in another.
#
# Expected: an augmentation by 1.5 makes everything 1.5 times as long in each direction, whichever library does it; at
#   least within one library.
# Happens: MONAI's Zoom and RandZoom and TorchIO's RandomAffine enlarge; MONAI's Affine and RandAffine, and nnU-Net's
#   SpatialTransform (batchgeneratorsv2), multiply the coordinates that are looked up, so 1.5 shrinks to 1 / 1.5.
#   Symmetric ranges hide it; (1, 1.5) or nnU-Net's (0.7, 1.4) mean opposite things.
# Cause: monai/transforms/utils.py, create_scale, is put into the grid of sampling coordinates by AffineGrid, while
#   Zoom.__call__ resizes by the factor; batchgeneratorsv2/transforms/spatial/spatial.py, SpatialTransform, likewise
#   multiplies its coordinate grid; torchio/transforms/augmentation/spatial/random_affine.py inverts its
#   transform before it resamples. batchgeneratorsv2 says so in a comment in the code, MONAI does not.
# Seen on 2026-11-30 with monai 1.6.1, torchio 1.2.1, batchgeneratorsv2 0.3.6, torch 2.13.0 (CPU), Python 3.11 (volume
#   of a ball after a scale of 1.5, as a multiple of before; 1.5 ** 3 = 3.375, 1 / 3.375 = 0.296):
#   monai Zoom 3.375, monai RandZoom 3.375, torchio 3.291
#   monai Affine 0.289, monai RandAffine 0.289, batchgeneratorsv2 0.289
# So: a range copied from a paper, from nnU-Net, or found by a hyperparameter search in one library trains another thing
#   in the next (small lesions vanish instead of growing), and nothing fails. Name the convention beside the range and
#   measure it once on a ball.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 monai==1.6.1 torchio==1.2.1 batchgeneratorsv2==0.3.6 \
  batchgenerators==0.25.5 numpy==2.4.6 scipy==1.17.1
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import torch
import torchio
from batchgeneratorsv2.transforms.spatial.spatial import SpatialTransform
from monai.transforms import Affine, RandAffine, RandZoom, Zoom

scale = 1.5
axes = torch.meshgrid(*[torch.arange(64.0) - 31.5] * 3, indexing="ij")
ball = (sum(axis**2 for axis in axes) < 144).float()[None]
fixed = (scale, scale + 1e-5)
spatial = SpatialTransform(
    patch_size=(64, 64, 64),
    patch_center_dist_from_border=0,
    random_crop=False,
    p_elastic_deform=0,
    p_rotation=0,
    p_scaling=1,
    scaling=fixed,
    p_synchronize_scaling_across_axes=1,
)
results = {
    "monai Zoom": Zoom(scale, mode="nearest")(ball),
    "monai RandZoom": RandZoom(prob=1, min_zoom=fixed[0], max_zoom=fixed[1], mode="nearest")(ball),
    "torchio RandomAffine": torchio.RandomAffine(scales=(scale,) * 6, degrees=0)(torchio.ScalarImage(tensor=ball)).data,
    "monai Affine": Affine(scale_params=(scale,) * 3, image_only=True, padding_mode="zeros")(ball),
    "monai RandAffine": RandAffine(prob=1, scale_range=((0.5, 0.50001),) * 3, padding_mode="zeros")(ball),
    "batchgeneratorsv2": spatial(image=ball)["image"],
}
print("versions:", *(f"{name} {version(name)}" for name in ("monai", "torchio", "batchgeneratorsv2", "torch")))
times = {name: float((result > 0.5).sum() / ball.sum()) for name, result in results.items()}
for name, value in times.items():
    print(f"{name:21} {value:.3f}")
larger = [name for name, value in times.items() if 3.2 < value < 3.5]
smaller = [name for name, value in times.items() if 0.27 < value < 0.31]
if larger != list(times)[:3] or smaller != list(times)[3:]:
    raise SystemExit("changed: one of them scales the other way now")
print("as found: three enlarge, three shrink")
PYTHON

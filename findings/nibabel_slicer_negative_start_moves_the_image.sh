#!/usr/bin/env bash
# nibabel: `image.slicer` with a negative start or step gives voxels another place in the world.
#
# Expected: `img.slicer[-3:]` and `img.slicer[::-1]` mean what the same slices of a NumPy array mean, and the
#   affine follows: a voxel keeps its world point, as it does with `img.slicer[2:]`.
# Happens: the array is cut or turned rightly, the affine is not. A negative start is used as it stands (-3 gives an
#   origin three voxels BEFORE the image), a step of -1 without a start leaves the origin at voxel 0. No warning.
# Cause: nibabel/spatialimages.py, SpatialFirstSlicer.slice_affine: the offset is `subslicer.start or 0`; neither
#   a negative start nor the start that a negative step implies is resolved against the length of the axis.
# Seen on 2026-11-30 with nibabel 5.4.2, numpy 2.4.6, Python 3.11 (axis of 10 voxels of 1 mm from x = 5 mm):
#   [2:]      marked voxel at x = 13.0 (true 13.0)
#   [8:1:-1]  marked voxel at x = 13.0 (true 13.0)
#   [-3:]     marked voxel at x =  3.0 (true 13.0)
#   [-8::2]   marked voxel at x =  3.0 (true 13.0)
#   [::-1]    marked voxel at x =  4.0 (true 13.0)
# So: a crop or flip of image and mask shifts both in the same way and looks right, until one of them is
#   resampled onto another grid or laid over the uncut scan. Give non-negative starts (`n - 3`), flip with
#   `nibabel.orientations`, or compare one world point before and after.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet nibabel==5.4.2 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import nibabel
import numpy as np

affine = np.diag([1.0, 2.0, 3.0, 1.0])
affine[:3, 3] = (5, 6, 7)
image = nibabel.Nifti1Image(np.arange(120, dtype=np.int16).reshape(10, 4, 3), affine)
mark = int(image.dataobj[8, 2, 1])


def place(cut):
    index = np.argwhere(np.asanyarray(cut.dataobj) == mark)[0]
    return float((cut.affine @ [*index, 1])[0])


print("versions: nibabel", nibabel.__version__, "numpy", np.__version__)
seen = {}
for name, cut in {
    "[2:]": np.s_[2:],
    "[8:1:-1]": np.s_[8:1:-1],
    "[-3:]": np.s_[-3:],
    "[-8::2]": np.s_[-8::2],
    "[::-1]": np.s_[::-1],
}.items():
    seen[name] = place(image.slicer[cut])
    print(f"{name:9} marked voxel at x = {seen[name]:4} (true {place(image)})")
if seen != {"[2:]": 13.0, "[8:1:-1]": 13.0, "[-3:]": 3.0, "[-8::2]": 3.0, "[::-1]": 4.0}:
    raise SystemExit("changed: the slicer places these cuts otherwise")
print("as found: negative starts and steps move the voxels in the world")
PYTHON

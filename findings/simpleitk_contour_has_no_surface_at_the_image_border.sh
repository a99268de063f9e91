#!/usr/bin/env bash
# SimpleITK: LabelContour and BinaryContour find no surface where an organ meets the border of the image.
#
# Expected: a mask's outer layer of voxels, as with `mask & ~binary_erosion(mask)` of SciPy, and as MedPy, MONAI and
#   surface-distance take it; for an organ that the field of view cuts, the cut is a surface.
# Happens: what lies outside the image counts as the same label, so the cut has no contour voxels (a mask that fills the
#   image has no surface at all). SciPy's erosion takes the outside as background. BinaryErode does as LabelContour.
# Cause: ITK, itkLabelContourImageFilter.hxx and itkBinaryContourImageFilter.hxx compare lines of voxels with
#   neighbouring lines inside the image only; itkBinaryErodeImageFilter has BoundaryToForeground = true.
# Seen on 2026-11-30 with SimpleITK 2.5.7, numpy 2.4.6, scipy 1.17.1, Python 3.11 (organ cut by the first slice, a
#   prediction that ends three slices short of it; spacing 1 mm):
#   surface voxels of the organ: LabelContour 424, erosion 488
#   recipe with LabelContour and SignedMaurerDistanceMap: mean 0.51 mm, greatest 4.0 mm
#   the same with one voxel of background padded around:  mean 0.84 mm, greatest 3.0 mm
# So: surface distances by this much copied recipe differ from those of all packages as soon as an organ leaves the
#   field of view (lung, liver, aorta, spine): for such cases mean and maximum move, here in opposite directions. Pad
#   the masks by one voxel of background before LabelContour and distance maps.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet SimpleITK==2.5.7 numpy==2.4.6 scipy==1.17.1
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import SimpleITK as sitk
from scipy.ndimage import binary_erosion

organ = np.zeros((20, 20, 20), dtype=np.uint8)
organ[:10, 5:15, 5:15] = 1
short = organ.copy()
short[:3] = 0


def surface(image):
    return sitk.GetArrayFromImage(sitk.LabelContour(image)).astype(bool)


def distances(reference, prediction):
    away = sitk.Abs(sitk.SignedMaurerDistanceMap(prediction, squaredDistance=False, useImageSpacing=True))
    back = sitk.Abs(sitk.SignedMaurerDistanceMap(reference, squaredDistance=False, useImageSpacing=True))
    first = sitk.GetArrayFromImage(away)[surface(reference)]
    second = sitk.GetArrayFromImage(back)[surface(prediction)]
    return round(float(first.mean()), 2), float(max(first.max(), second.max()))


print("versions: SimpleITK", sitk.Version.VersionString(), "numpy", np.__version__)
images = [sitk.GetImageFromArray(mask) for mask in (organ, short)]
padded = [sitk.ConstantPad(image, (1, 1, 1), (1, 1, 1), 0) for image in images]
full = sitk.GetImageFromArray(np.ones((6, 6, 6), dtype=np.uint8))
seen = {
    "surface voxels, LabelContour": int(surface(images[0]).sum()),
    "surface voxels, erosion by SciPy": int((organ.astype(bool) & ~binary_erosion(organ)).sum()),
    "surface voxels of a full image": int(surface(full).sum()),
    "mean and greatest distance": distances(*images),
    "the same, padded by one voxel": distances(*padded),
}
for name, value in seen.items():
    print(f"{name:34}", value)
if list(seen.values()) != [424, 488, 0, (0.51, 4.0), (0.84, 3.0)]:
    raise SystemExit("changed: the border of the image is treated otherwise")
print("as found: no surface at the border of the image")
PYTHON

#!/usr/bin/env bash
# SimpleITK: LabelVoting and MultiLabelSTAPLE give undecided voxels a label that no rater used.
#
# Expected: where two raters disagree, one of their labels, or background.
# Happens: ties get the greatest label of all inputs plus one: two raters with the organs 1 and 2 give a mask with a
#   class 3 along every disagreement. If 255 is in use in an 8-bit mask, that sum does not fit, and ties become 0 with
#   a warning on stderr; the usual case has none.
#   STAPLE of raters who all saw nothing is NaN everywhere.
# Cause: ITK, itkLabelVotingImageFilter.hxx, BeforeThreadedGenerateData: without SetLabelForUndecidedPixels it is the
#   greatest label found plus one, cast to the output's pixel type; MultiLabelSTAPLE has the same default.
# Seen on 2026-11-30 with SimpleITK 2.5.7, numpy 2.4.6, Python 3.11 (raters [0, 1, 1, 2] and [0, 2, 1, 1]):
#   LabelVoting [0, 3, 1, 3], MultiLabelSTAPLE [0, 3, 1, 3]; with labels 1 and 255: LabelVoting [0, 0, 1, 0]
# So: a consensus of two readers used as reference has one class more than the task: a network with as many outputs as
#   organs fails or counts it as background, and metrics over all labels get a class of rims. Always give
#   `labelForUndecidedPixels`, and check the labels of a consensus.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet SimpleITK==2.5.7 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import SimpleITK as sitk


def raters(greatest):
    rows = ([0, 1, 1, greatest], [0, greatest, 1, 1])
    return [sitk.GetImageFromArray(np.array([row], dtype=np.uint8)) for row in rows]


def row(image):
    return sitk.GetArrayFromImage(image)[0].tolist()


print("versions: SimpleITK", sitk.Version.VersionString(), "numpy", np.__version__)
nothing = sitk.GetImageFromArray(np.zeros((3, 4), dtype=np.uint8))
seen = {
    "LabelVoting, labels 1 and 2": row(sitk.LabelVoting(raters(2))),
    "MultiLabelSTAPLE, labels 1 and 2": row(sitk.MultiLabelSTAPLE(raters(2))),
    "LabelVoting, labels 1 and 255": row(sitk.LabelVoting(raters(255))),
    "STAPLE of empty masks is NaN": bool(np.isnan(sitk.GetArrayFromImage(sitk.STAPLE([nothing, nothing], 1.0))).all()),
}
for name, value in seen.items():
    print(f"{name:34}", value)
if list(seen.values()) != [[0, 3, 1, 3], [0, 3, 1, 3], [0, 0, 1, 0], True]:
    raise SystemExit("changed: undecided voxels get another value")
print("as found: ties have a label of their own")
PYTHON

#!/usr/bin/env bash
# ngff-zarr and ome-zarr: the lower levels of a label map's pyramid hold labels that it does not have.
#
# Expected: an array of small integers is written as a pyramid whose levels hold labels of the array.
# Happens: ngff-zarr's `to_multiscales` smooths by default, ome-zarr's `write_image` averages by default, whatever the
#   type: between organs 0, 1 and 4 appears organ 3, and organs with small parts are lost: at a quarter of the
#   resolution ngff-zarr has {0, 1, 3}, ome-zarr {0, 3}. Level 0 is right. `write_labels` and
#   `method=ITKWASM_LABEL_IMAGE` keep the labels.
# Cause: ngff_zarr/to_multiscales.py takes Methods.ITKWASM_GAUSSIAN when no method is given; ome_zarr/writer.py,
#   write_image, has method=Methods.RESIZE. Neither looks at what the integers mean.
# Seen on 2026-11-30 with ngff-zarr 0.50.0, ome-zarr 0.18.0, numpy 2.4.6, Python 3.11 (labels 0, 1, 4, levels 1, 2, 4):
#   ngff-zarr default [0, 1, 4] [0, 1, 3, 4] [0, 1, 3]; with ITKWASM_LABEL_IMAGE [0, 1, 4] at each level
#   ome-zarr write_image [0, 1, 4] [0, 1, 3, 4] [0, 3]; write_labels [0, 1, 4] at each level
# So: whoever trains, previews or counts at a lower level (why else a pyramid) gets another task: an organ is missing,
#   another has shells of a class that nobody drew. Give the method, or make levels of labels by nearest or mode.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet ngff-zarr==0.50.0 ome-zarr==0.18.0 numpy==2.4.6
cd "$folder"
venv/bin/python -W ignore - <<'PYTHON'
from importlib.metadata import version

import ngff_zarr
import numpy as np
import zarr
from ome_zarr.writer import write_image, write_labels

labels = np.zeros((32, 32, 32), dtype=np.uint8)
labels[8:24, 8:24, 8:24] = 1
labels[12:20, 12:20, 12:20] = 4


def by_ngff_zarr(**options):
    image = ngff_zarr.to_ngff_image(labels, dims=["z", "y", "x"])
    pyramid = ngff_zarr.to_multiscales(image, scale_factors=[2, 4], chunks=32, **options)
    return [np.unique(np.asarray(level.data)).tolist() for level in pyramid.images]


def by_ome_zarr(path):
    group = zarr.open_group("store.zarr/" + path, mode="r")
    attributes = dict(group.attrs)
    levels = attributes.get("ome", attributes)["multiscales"][0]["datasets"]
    return [np.unique(group[level["path"]][:]).tolist() for level in levels[:3]]


store = zarr.open_group("store.zarr", mode="w")
write_image(labels, store, axes="zyx")
write_labels(labels, store, name="organs", axes="zyx")
print("versions:", *(f"{name} {version(name)}" for name in ("ngff-zarr", "ome-zarr", "zarr", "numpy")))
seen = {
    "ngff-zarr, default": by_ngff_zarr(),
    "ngff-zarr, ITKWASM_LABEL_IMAGE": by_ngff_zarr(method=ngff_zarr.Methods.ITKWASM_LABEL_IMAGE),
    "ome-zarr, write_image": by_ome_zarr(""),
    "ome-zarr, write_labels": by_ome_zarr("labels/organs"),
}
for name, levels in seen.items():
    print(f"{name:31}", *levels)
right = [[0, 1, 4]] * 3
if list(seen.values()) != [[[0, 1, 4], [0, 1, 3, 4], [0, 1, 3]], right, [[0, 1, 4], [0, 1, 3, 4], [0, 3]], right]:
    raise SystemExit("changed: the pyramids hold other labels")
print("as found: the defaults invent label 3 and lose label 4")
PYTHON

#!/usr/bin/env bash
# MLflow: the digest of a dataset covers its first 10,000 rows or voxels only.
#
# Expected: `mlflow.data.from_numpy(...)` and `from_pandas(...)` give different data different digests; the run page and
#   `log_input` show by them whether two runs were trained on the same data.
# Happens: of an array the first 10,000 elements count, which is less than two slices of 96 x 96 of the first case:
#   images of other patients behind it, another mask, another crop have the same digest. Of a table the first 10,000
#   rows count, and no column of lists, dates or truth values.
# Cause: mlflow/data/digest_utils.py, MAX_ROWS: compute_numpy_digest cuts the flattened array, compute_pandas_digest the
#   table, and keeps only numbers and text; the shape and the names of columns are hashed whole. 8 hex digits remain.
# Seen on 2026-11-30 with mlflow-skinny 3.17.2, numpy 2.4.6, pandas 3.1.1, Python 3.11:
#   same digest with case 2 to 4 of 4 volumes set to 0, with the last row of 20,000 changed, with other lists in
#   a column
#   another digest with the first voxel changed
# So: the dataset view says "same data" of runs on corrected labels, re-registered images or a leaked split. Give the
#   digest yourself (`digest=` with a hash of all files), or log the manifest's hash as a parameter.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet mlflow-skinny==3.17.2 numpy==2.4.6 pandas==3.1.1
"$folder/venv/bin/python" -W ignore - 2>/dev/null <<'PYTHON'
import mlflow
import numpy as np
import pandas as pd
from mlflow.data import from_numpy, from_pandas

volumes = np.random.default_rng(0).random((4, 32, 32, 32), dtype=np.float32)
others = volumes.copy()
others[1:] = 0
first = volumes.copy()
first[0, 0, 0, 0] += 1
table = pd.DataFrame({"case": [f"case{i}" for i in range(20000)], "dice": np.linspace(0, 1, 20000)})
late = table.copy()
late.loc[19999, "dice"] = 0.5
lists, other_lists = (table.assign(labels=[labels] * 20000) for labels in ([1, 2], [3]))
seen = {
    "cases 2 to 4 of 4 set to 0": from_numpy(volumes).digest == from_numpy(others).digest,
    "first voxel changed": from_numpy(volumes).digest == from_numpy(first).digest,
    "last row changed": from_pandas(table).digest == from_pandas(late).digest,
    "other lists in a column": from_pandas(lists).digest == from_pandas(other_lists).digest,
}
print("versions: mlflow", mlflow.__version__, "numpy", np.__version__, "pandas", pd.__version__)
for name, same in seen.items():
    print(f"{name:27}", "same digest" if same else "another digest")
if list(seen.values()) != [True, False, True, True]:
    print("changed: the digest covers other parts of the data")
    raise SystemExit(1)
print("as found: what lies behind the first 10,000 is not in the digest")
PYTHON

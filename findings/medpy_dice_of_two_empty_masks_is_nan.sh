#!/usr/bin/env bash
# MedPy: with NumPy 2.3 and later, Dice, precision, recall and specificity of empty masks are NaN; Jaccard is not.
#
# Expected: the values that stand in MedPy's code: Dice 1.0 when both masks are empty, precision and
#   recall 0.0 where nothing was predicted or nothing is there. The same MedPy 0.5.2 gives them with NumPy 2.2.6.
# Happens: NaN (and a RuntimeWarning), while Jaccard of the same pair is 1.0. An upgrade of NumPy alone does it.
# Cause: medpy/metric/binary.py, dc, precision, recall and specificity divide by `float(n)` and catch ZeroDivisionError;
#   jc divides a Python float. From 2.3 on np.count_nonzero gives a NumPy integer, whose division by 0.0 warns and
#   gives NaN where that of a Python int raises; the except branch is dead code.
# Seen on 2026-11-30 with MedPy 0.5.2, SciPy 1.15.3, Python 3.11 (both empty; reference empty; prediction empty):
#   numpy 2.2.6: dc 1.0 0.0 0.0, jc 1.0 0.0 0.0, precision 0.0 0.0 0.0, recall 0.0 0.0 0.0
#   numpy 2.4.6: dc nan 0.0 0.0, jc 1.0 0.0 0.0, precision nan 0.0 nan, recall nan nan 0.0
# So: cases without the structure count as 1 in a table of last year and are left out (nanmean), or make the mean NaN,
#   in the same script today. Decide on empty masks before calling the package.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet medpy==0.5.2 scipy==1.15.3 SimpleITK==2.5.7 numpy==2.2.6
cat >"$folder/score.py" <<'PYTHON'
import sys
import warnings

import numpy as np
from medpy.metric import binary

warnings.simplefilter("ignore")
empty = np.zeros((3, 3, 3), dtype=bool)
pairs = ((empty, empty), (~empty, empty), (empty, ~empty))
seen = {}
for name in ("dc", "jc", "precision", "recall", "specificity"):
    seen[name] = " ".join(str(float(getattr(binary, name)(*pair))) for pair in pairs)
    print(f"numpy {np.__version__}: {name:11} {seen[name]}")
if seen != dict(zip(seen, sys.argv[1:], strict=True)):
    raise SystemExit("changed: MedPy scores empty masks otherwise")
PYTHON
"$folder/venv/bin/python" "$folder/score.py" "1.0 0.0 0.0" "1.0 0.0 0.0" "0.0 0.0 0.0" "0.0 0.0 0.0" "1.0 0.0 0.0"
"$folder/venv/bin/pip" install --quiet numpy==2.4.6
"$folder/venv/bin/python" "$folder/score.py" "nan 0.0 0.0" "1.0 0.0 0.0" "nan 0.0 nan" "nan nan 0.0" "1.0 0.0 nan"
echo "as found: NaN by NumPy's version"

#!/usr/bin/env bash
# Ray Tune: qrandint gives its upper bound, as documented, unless the step is 1, which is the default.
#
# Expected: the documentation of qrandint says that quantization makes the upper bound inclusive, so qrandint(1, 4),
#   qrandint(1, 4, 1) and qrandint(2, 4, 2) all give 4.
# Happens: qrandint(2, 4, 2) gives 4; qrandint(1, 4) and qrandint(1, 4, 1) stop at 3, like randint(1, 4). A script whose
#   step goes from 2 to 1 for a finer search loses the largest value.
# Cause: ray/tune/search/sample.py, Quantized.sample: the upper index is raised by one to be included, except where
#   `self.q == 1`.
# Seen on 2026-12-01 with ray 2.60.0, Python 3.11:
#   step 2: [2, 4]; step 1: [1, 2, 3]; default: [1, 2, 3]
# So: the deepest network, the largest batch or the widest layer of a space is never tried, and nothing says so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet 'ray[tune]==2.60.0'
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import ray
from ray import tune


def values(domain):
    return sorted({int(domain.sample()) for _ in range(2000)})


two, one, usual = values(tune.qrandint(2, 4, 2)), values(tune.qrandint(1, 4, 1)), values(tune.qrandint(1, 4))
print("versions: ray", ray.__version__)
print(f"step 2: {two}; step 1: {one}; default: {usual}")
if (two, one, usual) != ([2, 4], [1, 2, 3], [1, 2, 3]):
    raise SystemExit("changed: ends of qrandint are otherwise")
print("as found: with a step of 1 the upper bound is never given")
PYTHON

#!/usr/bin/env bash
# Syne Tune: a space written as JSON and read back searches a reverse-log parameter on the log scale.
#
# Expected: config_space_from_json_dict(config_space_to_json_dict(space)) is the same space; both functions exist so
#   that a search can be handed to other processes and continued.
# Happens: reverseloguniform(0.9, 0.9999), made for momenta and the like, comes back as loguniform(0.9, 0.9999), which
#   is nearly uniform: half of the draws lay above 0.9967, now half lie above 0.9480. Ends and names are the same and nothing
#   is said. Ordinary log ranges come back right.
# Cause: syne_tune/config_space.py, to_dict writes `str(sampler)` as the sampler's class; ReverseLogUniform's __str__ is
#   that of LogUniform, and from_dict looks the class up by it.
# Seen on 2026-12-01 with syne-tune 0.16.0, numpy 2.4.6, Python 3.11 (medians of 20,000 draws):
#   before 0.9967, after 0.9480, written as LogUniform
# So: after a round trip (remote tuning, saved benchmarks, a space in a supplement) values near 1 are hardly searched.
#   Search loguniform of 1 - x instead.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-deps syne-tune==0.16.0
"$folder/venv/bin/pip" install --quiet numpy==2.4.6 pandas==3.1.1 dill==0.4.1 scipy==1.17.1
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON' 2> /dev/null
import importlib.metadata
import statistics

import numpy as np
from syne_tune.config_space import config_space_from_json_dict, config_space_to_json_dict, reverseloguniform

space = {"momentum": reverseloguniform(0.9, 0.9999)}
plain = config_space_to_json_dict(space)
back = config_space_from_json_dict(plain)
draw = lambda each: statistics.median(each["momentum"].sample(size=20_000, random_state=np.random.RandomState(0)))
before, after, written = draw(space), draw(back), plain["momentum"]["sampler_cls"]
print("versions:", ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("syne-tune", "numpy")))
print(f"before {before:.4f}, after {after:.4f}, written as {written}")
if written != "LogUniform" or not (before > 0.99 and after < 0.96):
    raise SystemExit("changed: a reverse-log range is written and read otherwise")
print("as found: a reverse-log range comes back as a log range")
PYTHON

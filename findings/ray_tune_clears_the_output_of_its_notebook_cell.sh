#!/usr/bin/env bash
# Ray Tune: in a notebook `Tuner.fit` erases everything that its cell has shown before, with verbose=0 too.
#
# Expected: verbose=0 is documented as silent, so a cell that prints a configuration and a warning, calls `fit` and
#   prints the best result keeps all three.
# Happens: all output from before `fit` is gone, warnings on stderr included, and displays that were made before
#   (progress bars, tables with a display id) are no longer updated. The same code run as a script prints everything.
# Cause: ray/tune/tune.py, run: `progress_reporter or _detect_reporter(...)` also with verbosity 0; in a notebook that
#   makes a JupyterNotebookReporter, whose constructor calls IPython's clear_output (ray/tune/progress_reporter.py).
# Seen on 2026-12-01 with ray 2.60.0, ipykernel 7.4.0, nbclient 0.11.0, Python 3.11:
#   default reporter: ['best 0.5']; with CLIReporter: ['lr from 0.1 to 0.5', 'best 0.5']
# So: saved notebooks lack the settings and the warnings of the search whose result they show. Name a reporter:
#   RunConfig(verbose=0, progress_reporter=tune.CLIReporter()).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet 'ray[tune]==2.60.0' ipykernel==7.4.0 nbclient==0.11.0
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import importlib.metadata
import os

import nbformat
from nbclient import NotebookClient

os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
CELL = """
import ray, tempfile
from ray import tune
ray.init(address="local", num_cpus=1, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
print("lr from 0.1 to 0.5")
best = tune.Tuner(
    lambda config: {{"score": config["lr"]}},
    param_space={{"lr": tune.grid_search([0.1, 0.5])}},
    run_config=tune.RunConfig(verbose=0, storage_path=tempfile.mkdtemp(){reporter}),
).fit().get_best_result("score", "max")
print("best", best.metrics["score"])
ray.shutdown()
"""


def shown(reporter):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL.format(reporter=reporter))])
    NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    texts = [output.text for output in notebook.cells[0].outputs if output.get("name") == "stdout"]
    return [line for text in texts for line in text.splitlines() if line.startswith(("lr", "best"))]


default, named = shown(""), shown(", progress_reporter=tune.CLIReporter()")
versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("ray", "ipykernel", "nbclient"))
print("versions:", versions)
print("default reporter:", default)
print("with CLIReporter:", named)
if default != ["best 0.5"] or named != ["lr from 0.1 to 0.5", "best 0.5"]:
    raise SystemExit("changed: what the cell keeps is otherwise")
print("as found: Tune clears its notebook cell with verbose=0")
PYTHON

#!/usr/bin/env bash
# Optuna: after one worker was killed in mid-write, the journal file loses the next result of another worker.
#
# Expected: JournalStorage appends a line per operation, so that a line cut short by a killed worker or a full disk
#   costs that one line: the next writer begins on a line of its own, or the store says that it is damaged.
# Happens: the next record is appended to the torn one, both are lost. `tell` returns without an error a trial that is
#   RUNNING; the best value is gone. Until the following record everybody reads on as if nothing was wrong; from then
#   on `load_study` raises JSONDecodeError in every process and the study can be neither read nor continued.
# Cause: optuna/storages/journal/_file.py, JournalFileBackend.append_logs opens the file for appending and does not look
#   whether it ends in a line break; read_logs leaves out an unreadable last line silently and raises when lines follow.
# Seen on 2026-11-30 with optuna 5.0.0, Python 3.11 (three trials: 0.1, 0.2, and 0.9 told after the torn line):
#   tell(0.9) returned RUNNING None; another process: best value 0.2; after one more record: JSONDecodeError
# So: parallel studies on a shared file (the storage that Optuna names for NFS) lose the result of a healthy worker
#   and stop hours later. Before each resume check that the file ends in a line break and cut it behind the last one.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet optuna==5.0.0
"$folder/venv/bin/python" - "$folder/study.log" <<'PYTHON'
import json
import sys

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

path = sys.argv[1]
optuna.logging.set_verbosity(optuna.logging.ERROR)


def storage():
    return JournalStorage(JournalFileBackend(path))


def load():
    return optuna.load_study(study_name="s", storage=storage())


optuna.create_study(study_name="s", storage=storage(), direction="maximize")
worker = load()
for value in (0.1, 0.2):
    worker.tell(worker.ask(), value)
trial = worker.ask()
with open(path, "ab") as file:  # What a worker leaves that is killed while it writes.
    file.write(b'{"op_code":6,"worker_id":"0')
told = worker.tell(trial, 0.9)
other = load()
best = other.best_value
print("versions: optuna", optuna.__version__)
print("tell(0.9) returned", told.state.name, told.values, "| another process: best value", best)
try:
    other.ask()
    load()
    after = "read"
except json.JSONDecodeError as error:
    after = type(error).__name__
print("after one more record:", after)
if (told.state.name, told.values, best, after) != ("RUNNING", None, 0.2, "JSONDecodeError"):
    raise SystemExit("changed: a torn line is treated otherwise")
print("as found: the result behind a torn line is lost without an error")
PYTHON

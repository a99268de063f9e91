#!/usr/bin/env bash
# Ray: a driver that has a token joins a cluster that asks for none; its tasks run, and each of its actors dies at once.
#
# Expected: a token that nobody asks for is ignored, as an HTTP server does, or `ray.init` refuses with a line on
#   authentication, as it does the other way round (no token, and a cluster that asks for one).
# Happens: `ray.init` succeeds and tasks give their results. Every actor fails within milliseconds, before a worker is
#   started for it: "ActorDiedError: The actor died unexpectedly before finishing this task", with nothing on tokens.
# Cause: with RAY_AUTH_MODE=token the driver also demands the token from those who call it. The cluster's GCS server,
#   which has none, asks the driver whether it still needs the actor, is refused ("Missing authorization header in
#   request!" in the driver's own log file only), takes the owner for dead and destroys the actor.
# Seen on 2026-12-01 with ray 2.60.0, Python 3.11:
#   without a token: ['task done', 'actor done']; with one: ['task done', 'ActorDiedError']
# So: Ray Tune, Ray Train and Serve, which are made of actors, lose all their workers on a colleague's cluster because of
#   RAY_AUTH_MODE=token in the shell, or of ~/.ray/auth_token and a process that used another cluster before: the token
#   stays in the process. Unset RAY_AUTH_MODE, and use one process for each cluster.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet 'ray==2.60.0'
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import os
import random
import socket
import subprocess
import sys
import time

import ray

DRIVER = """
import sys, ray
ray.init(address=sys.argv[1], log_to_driver=False, logging_level="CRITICAL")

@ray.remote
def task():
    return "task done"

@ray.remote
class Actor:
    def work(self):
        return "actor done"

print(ray.get(task.remote()))
try:
    print(ray.get(Actor.remote().work.remote(), timeout=60))
except Exception as error:
    print(type(error).__name__)
"""
plain = {name: value for name, value in os.environ.items() if not name.startswith("RAY_AUTH")}
plain |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled"}
port = random.randint(21_000, 31_000)
line = [os.path.join(os.path.dirname(sys.executable), "ray"), "start", "--head", "--block", f"--port={port}"]
line += ["--num-cpus=2", "--include-dashboard=false", f"--temp-dir={os.getcwd()}/r"]
head = subprocess.Popen(line, env=plain, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
try:
    for _ in range(120):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.5)
    time.sleep(5)

    def said(**changes):
        run = [sys.executable, "-c", DRIVER, f"127.0.0.1:{port}"]
        return subprocess.run(run, env=plain | changes, capture_output=True, text=True, timeout=200).stdout.split("\n")[:2]

    without, with_one = said(), said(RAY_AUTH_MODE="token", RAY_AUTH_TOKEN="t" * 32)
finally:
    head.terminate()
    head.wait(60)
print("versions: ray", ray.__version__)
print(f"without a token: {without}; with one: {with_one}")
if without != ["task done", "actor done"] or with_one != ["task done", "ActorDiedError"]:
    raise SystemExit("changed: a driver with a token on a cluster without is treated otherwise")
print("as found: its tasks run and its actors die")
PYTHON

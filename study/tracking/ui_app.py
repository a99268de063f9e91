"""MLflow's server as `segstudy ui` runs it: no assistant, and a door, `/segstudy`, that opens its page on runs.

The assistant answers whoever reaches the port, takes its settings from them too, and can run shell commands as the user
who started the server. On loopback that is every user of the machine, and MLflow has no switch for it. The page opens
for chatbots, with runs nowhere to be seen, until its reader finds the toggle; the door sets it where they have not.
It also has the page show a study's columns (`study.tracking.views`) where its reader has chosen none.

    python -m study.tracking.ui_app DATABASE ARTIFACTS HOST PORT
"""

import os
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from study.addresses import hidden_in
from study.tracking.database import public
from study.tracking.views import DEFAULT_VIEW

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

DOOR = "/segstudy"
DATABASE, BY_ENVIRONMENT = "SEGSTUDY_UI_DATABASE", "-"
"""Environment variable of a database whose address may have a password, and what stands for it in the command line."""
_ASSISTANT = "/mlflow/assistant"
_OPEN = """<!doctype html><meta charset="utf-8"><title>MLflow</title><script type="module">
const usual = {"mlflow.workflowType_v1": '"machine_learning"', "mlflow.assistant.fab.autoOpenedOnFirstLoad_v1": "true"};
for (const [name, value] of Object.entries(usual))
  if (localStorage.getItem(name) === null) localStorage.setItem(name, value);
let studies = [];
try {
  const answer = await fetch("/ajax-api/2.0/mlflow/experiments/search", {
    method: "POST", headers: {"Content-Type": "application/json"}, body: '{"max_results": 1000}',
    signal: AbortSignal.timeout(5000)});
  studies = ((await answer.json()).experiments ?? []).flatMap(({experiment_id: id, tags}) =>
    (tags ?? []).filter(({key}) => key === "DEFAULT_VIEW").map(({value}) => ({id, value})));
} catch {}
for (const {id, value} of studies) try {
  const name = `MLflowLocalStorage-1.1-ExperimentPage-["${id}"]-ReactComponentState`;
  const kept = JSON.parse(localStorage.getItem(name) ?? "{}");
  const chosen = (kept.selectedColumns ?? []).some((column) => !/^attributes\\./.test(column));
  if (!chosen) localStorage.setItem(name, JSON.stringify({...kept, ...JSON.parse(JSON.parse(value).state)}));
} catch {}
const first = studies.length === 1 ? `#/experiments/${studies[0].id}/runs` : "#/experiments";
location.replace("/" + (location.hash || first));
</script><a href="/#/experiments">MLflow</a>""".replace("DEFAULT_VIEW", DEFAULT_VIEW).encode()


def wrapped(app: App) -> App:
    """The same ASGI application, with the door, and with 403 for every path of the assistant."""

    async def guarded(scope: Message, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] == "http" and path == DOOR:
            await _answer(send, 200, b"text/html; charset=utf-8", _OPEN)
        elif _ASSISTANT not in path:
            await app(scope, receive, send)
        elif scope["type"] == "http":
            await _answer(send, 403, b"application/json", b'{"detail": "segstudy ui serves no assistant."}')

    return guarded


async def _answer(send: Send, status: int, kind: bytes, body: bytes) -> None:
    head = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": body})


def main(database: str, artifacts: str, host: str, port: str) -> None:
    """Serve until SIGTERM, with the environment variables that `mlflow server` sets for its workers."""
    from mlflow.server import constants

    if database == BY_ENVIRONMENT:
        database = os.environ.pop(DATABASE)
    os.environ |= {
        constants.BACKEND_STORE_URI_ENV_VAR: database,
        constants.REGISTRY_STORE_URI_ENV_VAR: database,
        constants.ARTIFACT_ROOT_ENV_VAR: artifacts,
        constants.ARTIFACTS_DESTINATION_ENV_VAR: artifacts,
        constants.SERVE_ARTIFACTS_ENV_VAR: "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_ENABLE_AI_GATEWAY": "false",
    }
    import uvicorn
    from mlflow.server.fastapi_app import app
    from mlflow.server.handlers import initialize_backend_stores

    try:
        initialize_backend_stores(
            database, database, artifacts
        )  # otherwise a broken database shows at the first request
    except Exception as error:
        sys.exit(f"{public(database)}: {hidden_in(str(error).splitlines()[0], database)}")
    uvicorn.run(wrapped(app), host=host, port=int(port), log_level="warning")


if __name__ == "__main__":
    main(*sys.argv[1:])

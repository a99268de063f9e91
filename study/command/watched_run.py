"""A run with its display: checks a new study, runs it, shows progress and reports how it ended.

Kept apart from `command/run.py`, which the command line imports at every start: this module imports Ray and Rich.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.text import Text

from study.addresses import shown
from study.cases.prepare import FoundCases
from study.checking.check import check
from study.checking.facts_memory import facts_memory
from study.command.options import Places, made
from study.console.follower import Follower
from study.console.watch import watching
from study.design import Status
from study.events import Event, OnEvent, Step
from study.in_words import counted, duration
from study.ledger import Ledger, LedgerNotMadeError
from study.machines.admission import Node, slots
from study.machines.autoscaler import await_room
from study.machines.nodes import machines
from study.machines.trial_shape import shape_of
from study.running.run import Result, run
from study.study_file import Study
from study.tracking.database import default_uri
from trainables.storage.object_store import is_url


def run_study(
    study: Study,
    places: Places,
    console: Console,
    ray: str | None = None,
    wait_minutes: float = 0.0,
    retry: Sequence[Status] = (),
    accept_changes: bool = False,
) -> Result:
    """Run a study to its end, or continue it, and show progress.

    Args:
        study: The study.
        places: Locations of ledger, storage and MLflow.
        console: Receives the output.
        ray: Address of a running Ray cluster; by default Ray is started here.
        wait_minutes: Maximum waiting time for a machine that can hold a trial, on a cluster that has none yet.
        retry: Statuses (`lost`, `failed`) whose trials run again.
        accept_changes: Whether a study goes on, with a notice, though code or versions changed.

    Raises:
        InputError: The user's input is wrong; nothing was started.
    """
    with machines(ray) as there:
        if ray is not None:
            there = await_room(study, wait_minutes, lambda text: console.print(Text(text)))
        return _run(study, places, console, ray, there, retry, accept_changes)


def _run(
    study: Study,
    places: Places,
    console: Console,
    ray: str | None,
    there: Sequence[Node],
    retry: Sequence[Status],
    accept_changes: bool,
) -> Result:
    machine = max(there, key=lambda node: (node.gpu, node.cpu))
    source: FoundCases | None = None
    notices: tuple[str, ...] = ()
    if is_known(places.ledger, study.name):
        console.print(Text(f"{study.name}: going on with it, as {shown(places.ledger)} has it"))
    else:
        with facts_memory(places.home if is_url(places.storage) else Path(places.storage)) as memory:
            found = check(study, machine, memory, partial(_said, console))
        study, source, notices = found.study, found.cases, found.notices
        trials = sum(work.search_trials + work.final_trials for work in found.work)
        said = (counted(len(study.arms), "arm"), counted(trials, "trial"), counted(len(found.facts), "case"))
        console.print(Text(f"{study.name}: {', '.join(said)}"))
        for warning in found.warnings:
            console.print(Text(f"Note: {warning}", style="yellow"), soft_wrap=not console.is_terminal)
    made(places.home, "--home")
    if not is_url(places.storage):
        made(Path(places.storage), "--storage")
    follower = Follower(places.ledger, study.name, slots(there, (shape_of(study, machine),)))
    try:
        with watching(console, follower.look) as hear:
            return run(
                study,
                home=places.home,
                ledger_url=places.ledger,
                storage=places.storage,
                mlflow_uri=places.mlflow or default_uri(places.home),
                ray_address=ray,
                source=source,
                notices=notices,
                retry=retry,
                accept_changes=accept_changes,
                on_event=_with_slots(hear, follower),
            )
    finally:
        follower.close()


def is_known(ledger: str, name: str) -> bool:
    """Whether a ledger has a study; a ledger that does not exist has none.

    Raises:
        InputError: The ledger cannot be used; reported before the data are examined.
    """
    try:
        with Ledger.open(ledger, read_only=True) as opened:
            return opened.has_study(name)
    except LedgerNotMadeError:
        return False


def lost_trials(number: int) -> str:
    """Return the sentence about trials that machines lost."""
    trials = "1 trial was" if number == 1 else f"{number} trials were"
    return f"{trials} lost to machines: until they are there, the report compares nothing with their arms."


def ended(result: Result, again: str) -> list[str]:
    """Return lines that tell how a run ended.

    Args:
        result: The result of `run`.
        again: The command that continues the study.
    """
    took = duration(result.seconds)
    if result.trouble is not None:
        why = f"{result.study}: given up after {took}: {result.trouble}"
        return [why, "Nothing is lost. Go on with:", f"  {again}"]
    if result.stopped:
        return [f"{result.study}: stopped after {took}; nothing is lost. Go on with:", f"  {again}"]
    counts = [f"{result.finished} finished", f"{result.halved} halved away"]
    counts += [f"{number} {word}" for number, word in ((result.failed, "failed"), (result.lost, "lost")) if number]
    return [f"{result.study}: done after {took}; trials: {', '.join(counts)}"]


def _said(console: Console, event: Event) -> None:
    if isinstance(event, Step):
        console.print(Text(event.text))


def _with_slots(hear: OnEvent, follower: Follower) -> OnEvent:
    """Pass the number of slots to the display once it is known, for its estimate of the time left."""

    def hear_and_count(event: Event) -> None:
        if isinstance(event, Step) and event.slots is not None:
            follower.slots = event.slots
        hear(event)

    return hear_and_count

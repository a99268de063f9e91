"""What `run` does around the launch: look first, watch, let MLflow follow, tell how it ended."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.text import Text

from study.checking.check import check
from study.checking.facts_memory import facts_memory
from study.command.options import Places, made
from study.console.follower import Follower
from study.console.watch import watching
from study.events import CohortSampled, Event, OnEvent, Step
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
    study: Study, places: Places, console: Console, ray: str | None = None, wait_minutes: float = 0.0
) -> Result:
    """Runs a study to its end, or goes on with it, and says what happens.

    Args:
        study: What to run.
        places: Where its parts lie.
        console: Where to say it.
        ray: A running Ray cluster's address; by default one is started here.
        wait_minutes: How long a machine that can hold a trial is waited for, where a cluster has none yet.

    Raises:
        InputError: Something the user gave is wrong; nothing was started.
    """
    with machines(ray) as there:
        if ray is not None:
            there = await_room(study, wait_minutes, lambda text: console.print(Text(text)))
        return _run(study, places, console, ray, there)


def _run(study: Study, places: Places, console: Console, ray: str | None, there: Sequence[Node]) -> Result:
    machine = max(there, key=lambda node: (node.gpu, node.cpu))
    notices: tuple[str, ...] = ()
    if is_known(places.ledger, study.name):
        console.print(Text(f"{study.name}: going on with it, as {places.ledger} has it"))
    else:
        with facts_memory(places.home if is_url(places.storage) else Path(places.storage)) as memory:
            found = check(study, machine, memory, partial(_said, console))
        notices = found.notices
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
                on_event=_with_slots(_with_notices(hear, places.ledger, study.name, notices), follower),
            )
    finally:
        follower.close()


def is_known(ledger: str, name: str) -> bool:
    """Whether a ledger has a study; one that is not there has none.

    Raises:
        InputError: It is of no use: better said before the data are looked at.
    """
    try:
        with Ledger.open(ledger, read_only=True) as opened:
            return opened.has_study(name)
    except LedgerNotMadeError:
        return False


def ended(result: Result, again: str) -> list[str]:
    """How a run ended, in lines.

    Args:
        result: What `run` returned.
        again: The command that goes on with it.
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


def _with_notices(hear: OnEvent, ledger: str, name: str, notices: Sequence[str]) -> OnEvent:
    """Before a new study's first trial, what `check` warned of is put beside it, for its report."""
    left = list(notices)

    def hear_and_note(event: Event) -> None:
        if left and isinstance(event, CohortSampled):
            with Ledger.open(ledger) as opened:
                row = opened.study(name)
                while left:
                    opened.add_notice(row.id, left.pop(0))
        hear(event)

    return hear_and_note


def _with_slots(hear: OnEvent, follower: Follower) -> OnEvent:
    """What runs at once is known for sure when the trials' shapes and the machines are: time left goes by it."""

    def hear_and_count(event: Event) -> None:
        if isinstance(event, Step) and event.slots is not None:
            follower.slots = event.slots
        hear(event)

    return hear_and_count

"""A dispatcher in this process without Ray: a study with ledger and storage, whose workers are function calls."""

import dataclasses
import pathlib
import random
from collections.abc import Callable

import torch

from study.dispatch.bookkeeping import Bookkeeper
from study.dispatch.dispatcher import Handout, RunSettings
from study.events import Event
from study.ledger import Ledger
from study.machines.admission import Node, Shape
from study.running.assembly import objective_of, open_dispatcher
from study.study_file import Study
from study.study_file.recorded.objective_empty import decided
from tests.study.numbers import Numbers
from tests.study.numbers_study import NoData, numbers_study
from trainables.segment import SegmentWork, driver_file
from trainables.storage.folder import Storage

torch.set_num_threads(1)
NODES = (Node("a", 2),)
ONE_CPU = Shape(1)


@dataclasses.dataclass
class DispatchBench:
    """A study with its ledger, storage and dispatcher, with workers in this process."""

    study: Study
    ledger: Ledger
    storage: Storage
    nodes: tuple[Node, ...] = NODES
    shape: Shape = ONE_CPU
    named_nodes: bool = False
    events: list[Event] = dataclasses.field(default_factory=list)

    def __post_init__(self) -> None:
        self.study = decided(self.study, ())  # as a run enters it
        if not self.ledger.has_study(self.study.name):
            data = NoData().prepare(pathlib.Path(), print, lambda: None)
            self.ledger.create_study(
                self.study.name, self.study.plain(), self.study.design(), data.cases, data.digest, {}
            )
        self.id = self.ledger.study(self.study.name).id
        self.open()

    def open(self) -> None:
        """Acquires the lease and opens the dispatcher, as a new driver does."""
        data = NoData().prepare(pathlib.Path(), print, lambda: None)
        lease = self.ledger.acquire(self.id)
        design = self.study.design()
        self.lease = lease
        run_settings = RunSettings(storage=self.storage.root, folder="trials/numbers", fence=lease.fence)
        self.storage.write(run_settings.driver, driver_file(lease.fence))
        self.books = Bookkeeper(self.ledger, lease, design, self.storage, objective_of(self.study), self.events.append)
        shapes = dict.fromkeys(self.study.models, self.shape)
        self.dispatcher = open_dispatcher(
            self.study,
            self.books,
            run_settings,
            data,
            shapes,
            lambda: self.nodes,
            self.events.append,
            named_nodes=self.named_nodes,
        )

    def reopen(self) -> None:
        """Ends the driver and starts another."""
        self.ledger.release(self.lease)
        self.open()

    def carry_out(self, handle: str, handout: Handout, steps: int = 99) -> None:
        """Executes a handout as a worker would, or the first `steps` steps of it."""
        work = SegmentWork(handout.assignment, Numbers)
        for _ in range(steps):
            report = work.step()
            self.dispatcher.report(handle, report, "a")
            if report.done:
                self.dispatcher.finished(handle, report)
                return

    def finish(self, chance: random.Random | None = None, each: Callable[[], None] = lambda: None) -> str:
        """Runs to the end with segments in any order; returns the digest. `each` is called before each assignment."""
        chance, names = chance or random.Random(0), iter(range(10**6))
        out: dict[str, Handout] = {}
        while not self.dispatcher.nothing_left:
            handle = f"h{next(names)}"
            if (handout := self.dispatcher.hand_out(handle)) is not None:
                out[handle] = handout
                continue
            each()
            done = chance.choice(sorted(out))
            self.carry_out(done, out.pop(done))
        return self.ledger.digest(self.id)

    def next(self, handle: str = "x") -> Handout:
        handout = self.dispatcher.hand_out(handle)
        assert handout is not None
        return handout


def undisturbed_digest(folder: pathlib.Path, study: Study | None = None) -> str:
    """Returns the digest of a study without faults."""
    with Ledger.open(folder / "undisturbed.db") as ledger:
        return DispatchBench(study or numbers_study(), ledger, Storage(folder / "undisturbed")).finish()

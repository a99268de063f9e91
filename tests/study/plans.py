"""A study in memory for tests of the planner: a design, a dict as ledger, and a formula as trainer."""

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence

from search_spaces.grammar import Choice, Fixed, Range
from study.design import Arm, Design, KnownTrial, PlannedTrial, Segment, TrialKey
from study.planning.planner import Planner, decide
from study.planning.time_left import Speeds

SECOND = Speeds({"unet": 1.0})
"""One second per iteration, and no time for evaluation."""

GAMMA = Range(0.5, 4.0)
RATE = Range(1e-5, 1e-2, log=True)


def arm(index: int, *, tuned: bool = True) -> Arm:
    space = {"loss.gamma": GAMMA, "training.learning_rate": RATE} if tuned else {"training.learning_rate": Fixed(1e-3)}
    default = {"loss.gamma": 2.0, "training.learning_rate": 1e-3} if tuned else {"training.learning_rate": 1e-3}
    return Arm(index, f"unet+loss{index}", "unet", f"loss{index}", "none", space, default)


def grid_arm(index: int = 0) -> Arm:
    space = {"loss.alpha": Choice((0.25, 0.5, 0.75)), "loss.gamma": Choice((1, 2)), "model.width": Fixed(8)}
    return Arm(
        index,
        f"unet+grid{index}",
        "unet",
        "focal",
        "none",
        space,
        {"loss.alpha": 0.5, "loss.gamma": 2, "model.width": 8},
    )


def hashed(*parts: object) -> float:
    """Returns a number in [0, 1) that depends on all parts."""
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:6], "big") / 2**48


@dataclasses.dataclass
class Memory:
    """A ledger in memory that can be copied at any point, in the state that a kill would leave."""

    design: Design
    failure_rate: float = 0.0
    missing_rate: float = 0.0
    trials: dict[TrialKey, KnownTrial] = dataclasses.field(default_factory=dict)

    def take_in(self, planner: Planner) -> None:
        """Inserts due trials and ends halved ones until nothing changes, as a driver does between segments."""
        while True:
            insert, halved = planner.changes()
            if not (insert or halved):
                return
            for batch in insert:
                for plan in batch:
                    assert plan.key not in self.trials, "a trial was planned twice"
                    self.trials[plan.key] = KnownTrial(plan)
                    planner.record(self.trials[plan.key])
            for key in halved:
                assert self.trials[key].status == "open"
                self.trials[key].status = "halved"
                planner.record(self.trials[key])

    def complete(self, segment: Segment) -> KnownTrial:
        """Runs a segment, whose outcome is a function of configuration, seed and mark, as in a training."""
        trial = self.trials[segment.trial]
        assert segment.start == max(trial.values, default=0), "a segment must start where its trial stands"
        what = (sorted(trial.plan.parameters.items()), trial.plan.seed, trial.plan.key.fold, segment.stop)
        if hashed("fails", what) < self.failure_rate:
            trial.status = "failed"
            return trial
        missing = hashed("missing", what) < self.missing_rate
        trial.values[segment.stop] = None if missing else round(hashed("value", what), 1)  # rounded, so that ties occur
        if segment.stop == self.design.marks[-1]:
            trial.status = "finished"
        return trial

    def digest(self) -> str:
        """Returns a digest of everything that must not depend on the order of completion."""
        rows = [
            (
                str(key),
                trial.plan.cohort,
                trial.plan.seed,
                sorted(trial.plan.parameters.items()),
                trial.plan.source,
                trial.status,
                sorted(trial.values.items()),
            )
            for key, trial in sorted(self.trials.items())
        ]
        return hashlib.sha256(repr(rows).encode()).hexdigest()


def run(memory: Memory, choose: Sequence[int], *, kill: frozenset[int] = frozenset()) -> str:
    """Runs a study to its end and returns its digest.

    Args:
        memory: Its ledger, empty or not.
        choose: Positions of the owed segments that complete next, modulo their number, cyclically.
        kill: Steps before which the planner is discarded and made again from the ledger.
    """
    planner = Planner(memory.design, memory.trials.values())
    step = 0
    while True:
        if step in kill:
            planner = Planner(memory.design, memory.trials.values())
        memory.take_in(planner)
        owed = list(planner.owed())
        fresh = decide(memory.design, memory.trials.values())
        assert (fresh.insert, fresh.halved, list(fresh.owed)) == ((), (), owed), "incremental and fresh plans differ"
        if not owed:
            return memory.digest()
        planner.record(memory.complete(owed[choose[step % len(choose)] % len(owed)]))
        step += 1


def two_arms(**changes: object) -> Design:
    base = Design(
        seed=7,
        arms=(arm(0), arm(1)),
        marks=(10, 30),
        eta=2,
        trials_per_arm=4,
        cohort=2,
        sampler="random",
        final_seeds=2,
    )
    return dataclasses.replace(base, **changes)  # type: ignore[arg-type]


def known(number: int, values: Mapping[int, float | None], status: str = "open", cohort: int = 0) -> KnownTrial:
    plan = PlannedTrial(
        TrialKey("search", 0, 0, 0, number), cohort, 1, {"loss.gamma": 1.0, "training.learning_rate": 1e-3}
    )
    return KnownTrial(plan, status, dict(values))  # type: ignore[arg-type]


def one_arm(**changes: object) -> Design:
    base = Design(
        seed=1,
        arms=(arm(0),),
        marks=(10, 30),
        eta=2,
        trials_per_arm=8,
        cohort=4,
        sampler="tpe",
        searches=1,
        final_seeds=3,
        folds=1,
        search_in="first_fold",
        maximize=True,
    )
    return dataclasses.replace(base, **changes)  # type: ignore[arg-type]

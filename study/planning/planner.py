"""The plan: what is owed, as a pure function of the design and of what the ledger knows. No clock, no database, no Ray.

`decide` is the definition. `Planner` gives the same answers step by step: it looks again only at the searches in which
something happened, so that the next segment of ten thousand trials is found in milliseconds.
"""

import dataclasses
import heapq
from collections.abc import Iterable, Iterator, Mapping

from study.design import Design, KnownTrial, PlannedTrial, Segment, TrialKey
from study.planning.cohort_sampling import sample
from study.planning.search import Draw, Owed, Search, SearchChanges
from study.planning.searches import SearchKey, all_searches, search_of


@dataclasses.dataclass(frozen=True, slots=True)
class Decision:
    """The changes and the segments that follow from the ledger.

    Attributes:
        insert: Batches of new trials (a cohort, or the final stage of a winner); each enters the ledger whole.
        halved: Trials that end here: others of their cohort were better at a mark.
        owed: Segments still to run of trials that the ledger has, in the order in which they should start.
    """

    insert: tuple[tuple[PlannedTrial, ...], ...]
    halved: tuple[TrialKey, ...]
    owed: tuple[Segment, ...]

    @property
    def nothing(self) -> bool:
        """Whether the study is complete."""
        return not (self.insert or self.halved or self.owed)


def decide(
    design: Design, known: Iterable[KnownTrial], *, seconds_per_iteration: Mapping[str, float] | None = None
) -> Decision:
    """Return which trials to insert and to end, and which segments to run.

    Args:
        design: The study's design.
        known: Every trial of the ledger.
        seconds_per_iteration: Measured speed by model name; 1 where unknown. It orders segments and changes no result.
    """
    planner = Planner(design, known, seconds_per_iteration=seconds_per_iteration)
    insert, halved = planner.changes()
    return Decision(insert, halved, tuple(planner.owed()))


class Planner:
    """The plan of one study, kept up to date while results come in.

    Everything that enters the ledger is told by `record`; `changes` and `owed` then say what follows.

    Args:
        design: The study's design.
        known: Every trial of the ledger.
        seconds_per_iteration: Measured speed by model name; 1 where unknown.
        draw: How configurations are drawn; only a simulation takes another.
    """

    def __init__(
        self,
        design: Design,
        known: Iterable[KnownTrial] = (),
        *,
        seconds_per_iteration: Mapping[str, float] | None = None,
        draw: Draw = sample,
    ) -> None:
        self._design = design
        self._speeds = dict(seconds_per_iteration or {})
        self._searches = {key: Search(design, key, draw) for key in all_searches(design)}
        self._dirty: set[SearchKey] = set(self._searches)
        self._changes_of: dict[SearchKey, SearchChanges] = {}
        self._lead = 0.0
        for trial in known:
            self.record(trial)

    def record(self, trial: KnownTrial) -> None:
        """Record a trial that was inserted, reached a mark, or ended."""
        search = search_of(self._design, trial.plan.key)
        if search not in self._searches:
            raise ValueError(f"trial {trial.plan.key} belongs to no search of the design")
        self._searches[search].record(trial)
        self._dirty.add(search)

    def measure(self, model: str, seconds_per_iteration: float) -> None:
        """Record a model's speed; only the order of segments depends on it."""
        self._speeds[model] = seconds_per_iteration

    def changes(self) -> tuple[tuple[tuple[PlannedTrial, ...], ...], tuple[TrialKey, ...]]:
        """Return the changes that the ledger should make now: batches to insert, trials to end as halved."""
        self._refresh()
        each = [self._changes_of[key] for key in self._searches]
        return (
            tuple(batch for found in each for batch in found.insert),
            tuple(key for found in each for key in found.halved),
        )

    def set_lead(self, iterations: float) -> None:
        """Set the lead of the first arm over the last, in iterations (`study.planning.arm_lead`)."""
        self._lead = iterations / len(self._design.arms)

    def owed(self) -> Iterator[Segment]:
        """Return the segments still to run, in the order in which they should start.

        Segments with the longest chain of work behind them come first (iterations × the model's speed), then by cohort
        and trial: a long chain that starts late would run alone at the end.
        """
        self._refresh()
        queues = [self._queue(key, found.owed) for key, found in self._changes_of.items() if found.owed]
        return (segment for _, _, segment in heapq.merge(*queues))

    def _queue(self, key: SearchKey, owed: Iterable[Owed]) -> Iterator[tuple[float, int, Segment]]:
        """Yield a search's segments with their position in the study's order; lazily, since few are looked at."""
        speed = self._speeds.get(self._design.arms[key.arm].model, 1.0)
        behind = self._lead * key.arm
        return (((behind - chain) * speed, cohort, segment) for chain, cohort, segment in owed)

    def _refresh(self) -> None:
        for key in self._dirty:
            self._changes_of[key] = self._searches[key].changes()
        self._dirty.clear()

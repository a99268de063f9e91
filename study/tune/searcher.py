"""PlanSearcher: what Ray Tune asks for the next trial, which to Tune is what a segment is to us."""

from collections.abc import Callable
from typing import Any

from ray.tune.search import Searcher

from study.dispatch.dispatcher import Desk, as_config


class PlanSearcher(Searcher):
    """Hands out owed segments until there are none, `limit` were handed out, or `closed` says so.

    What comes back is the recorder's: Tune tells both.
    """

    def __init__(self, desk: Desk, *, limit: int, closed: Callable[[], bool]) -> None:
        super().__init__()
        self._desk, self._limit, self._closed = desk, limit, closed
        self.handed_out = 0
        self.trouble: Exception | None = None
        """What went wrong here; Tune would take it for its own."""

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        """The next segment as a config; None: ask again; FINISHED: what is under way is the last."""
        try:
            if self.trouble or self._closed() or self.handed_out >= self._limit or self._desk.nothing_left:
                return str(Searcher.FINISHED)
            errand = self._desk.hand_out(trial_id)
        except Exception as error:
            self.trouble = error
            return str(Searcher.FINISHED)
        if errand is None:
            return None
        self.handed_out += 1
        return as_config(errand)

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Nothing: the recorder, which hears it next, knows more."""

    def __getstate__(self) -> dict[str, Any]:
        """Nothing: Tune pickles its Tuner for a restore that never comes."""
        return {}

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the ledger knows all."""

    def restore(self, checkpoint_path: str) -> None:
        """Never asked for: a new driver begins from the ledger."""
        raise NotImplementedError("the ledger knows; Tuner.restore is not used")

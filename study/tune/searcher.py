"""PlanSearcher: the search algorithm that gives Ray Tune the next segment. One segment is one trial of Tune."""

from collections.abc import Callable
from typing import Any

from ray.tune.search import Searcher

from study.dispatch.dispatcher import Dispatcher, tune_config


class PlanSearcher(Searcher):
    """Hands out owed segments until none is left, `limit` were handed out, or `closed` returns True.

    Results are handled by `Recorder`, which Tune calls as well.
    """

    def __init__(self, dispatcher: Dispatcher, *, limit: int, closed: Callable[[], bool]) -> None:
        super().__init__()
        self._dispatcher, self._limit, self._closed = dispatcher, limit, closed
        self.handed_out = 0
        self.trouble: Exception | None = None
        """An error raised in this class, kept because Tune would treat it as its own."""

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        """Return the next segment as a config; None to be asked again; FINISHED when no more will follow."""
        try:
            if self.trouble or self._closed() or self.handed_out >= self._limit or self._dispatcher.nothing_left:
                return str(Searcher.FINISHED)
            handout = self._dispatcher.hand_out(trial_id)
        except Exception as error:
            self.trouble = error
            return str(Searcher.FINISHED)
        if handout is None:
            return None
        self.handed_out += 1
        return tune_config(handout)

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Do nothing: `Recorder` is called next and has the whole result."""

    def __getstate__(self) -> dict[str, Any]:
        """Return no state: Tune pickles its Tuner for a restore, which is never used."""
        return {}

    def save(self, checkpoint_path: str) -> None:
        """Do nothing: the ledger holds the whole state."""

    def restore(self, checkpoint_path: str) -> None:
        """Refuse: a new driver continues from the ledger."""
        raise NotImplementedError("a run continues from the ledger; Tuner.restore is not used")

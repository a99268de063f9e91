"""The Learner protocol: what a segment needs from something that trains, and the error of a diverged training.

It imports neither PyTorch nor Ray, so that a test can use plain numbers instead of a network.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from trainables.errors import InputError
from trainables.evaluation.evaluated import Evaluation
from trainables.trial import Point


class Diverged(InputError):  # noqa: N818 (it is what happened, and it reads so)
    """A loss or weight is not finite: caused by the trial's parameters, not by the machine.

    The same trial raises it with the same text in every run, however it was interrupted.
    """


class Learner(Protocol):
    """One network in training, or a substitute in tests.

    Its numbers are a function of the TrialSpec and the iteration alone: however a training is cut into `advance`
    calls, saved and loaded again, weights, curve and scores are the same.
    """

    iteration: int
    """Iterations done, from 0."""

    passed: int
    """Iterations of this process that were skipped after an early stop."""

    def advance(self, to: int, *, seconds: float | None = None) -> tuple[Point, ...]:
        """Train until `iteration == to`, or until `seconds` of wall time are over, whichever comes first.

        At least one iteration, or a part of its validation, is done unless `to` is reached already. Returns the
        curve points completed meanwhile.

        Raises:
            Diverged: A loss or weight is not finite.
        """

    def evaluations(self, cases: Sequence[str], *, previews: Sequence[str] = ()) -> Iterator[Evaluation]:
        """Yield scores of full volumes with the present weights, case by case; `previews` are names among `cases`.

        No other method is called until the iterator is exhausted or closed.
        """

    def state_dict(self) -> dict[str, Any]:
        """Return a copy of the state, for `load_state_dict`: tensors on the CPU, numbers, strings, lists and dicts."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore a state of `state_dict`."""

    def digest(self) -> str:
        """Return the SHA-256 of weights and optimiser state, hexadecimal: equal digests, equal trainings."""

    def close(self) -> None:
        """Release memory and files; no method is called afterwards."""

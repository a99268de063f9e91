"""What the service needs of something that learns: the Learner protocol, what it returns and how it gives up.

Knows neither PyTorch nor Ray, so that a test can put numbers in a network's place.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from trainables.errors import InputError
from trainables.evaluation.evaluated import Evaluation
from trainables.trial import Point


class Diverged(InputError):  # noqa: N818 (it is what happened, and it reads so)
    """The training is worth nothing any more: a loss or weight is not finite. The parameters' fault, not the machine's.

    The same trial raises it with the same text in every run, however it was interrupted.
    """


class Learner(Protocol):
    """One network learning, or what stands for it.

    Its numbers are a function of the TrialSpec and the iteration alone: however a training is cut into `advance`
    calls, saved and loaded again, weights, curve and scores are the same.
    """

    iteration: int
    """Iterations done, from 0."""

    passed: int
    """How many of those that were done here an early stop let pass without training."""

    def advance(self, to: int, *, seconds: float | None = None) -> tuple[Point, ...]:
        """Trains until `iteration == to`, or until `seconds` of wall time are over, whichever comes first.

        Makes at least one iteration, or a part of what belongs to one, unless `to` is reached already. Returns the
        curve points completed meanwhile.

        Raises:
            Diverged: A loss or weight is not finite.
        """

    def evaluations(self, cases: Sequence[str], *, previews: Sequence[str] = ()) -> Iterator[Evaluation]:
        """Scores full volumes with the weights as they are, case after case; `previews` are names among `cases`.

        Nothing else is asked of it until the last has come or the iterator is closed.
        """

    def state_dict(self) -> dict[str, Any]:
        """A copy of all that `load_state_dict` needs: tensors on the CPU, numbers, strings, lists and dicts."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on where the state was taken."""

    def digest(self) -> str:
        """SHA-256 of weights and optimiser state, hexadecimal: equal digests, equal trainings."""

    def close(self) -> None:
        """Lets go of memory and files; nothing is called afterwards."""

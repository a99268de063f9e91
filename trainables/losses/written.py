"""A loss as a study file writes it: one of ours, a weighted sum of several, log cosh of it, or the user's own."""

import functools
import operator
from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

from trainables import user_code
from trainables.errors import InputError
from trainables.losses.log_cosh import log_cosh
from trainables.losses.parts.voxels import read_once

Loss = Callable[..., Tensor]
FACTOR = "factor"
LOG_COSH = "log_cosh"


def written_loss(name: str, parameters: Mapping[str, Any], known: Mapping[str, Loss]) -> Loss:
    """The loss with its parameters filled in: `(logits, target, *, weight, ignore) -> scalar`.

    Args:
        name: Key of `known`; else any name, and the parameters say what it is.
        parameters: Keyword arguments of the loss. `code` is the import path of the user's own,
            `my_package.my_module:my_loss`. Where `name` is not known, each key is a known loss and its value the
            parameters of that: the loss is their sum, each times its `factor` (1 where it is silent). With `log_cosh`
            true it is log cosh of all that.
        known: Losses by name.

    Raises:
        InputError: There is no such loss, or the user's code cannot be imported.
    """
    rest = dict(parameters)
    curved = rest.pop(LOG_COSH, False)
    path = rest.pop("code", None)
    loss: Loss
    if path is not None:
        loss = functools.partial(user_code.imported(path), **rest)
    elif name in known:
        loss = functools.partial(known[name], **rest)
    else:
        loss = _sum(name, rest, known)
    if not curved:
        return loss

    def log_cosh_of(logits: Tensor, target: Tensor, **maps: Tensor) -> Tensor:
        return log_cosh(loss(logits, target, **maps))

    return log_cosh_of


def _sum(name: str, parts: Mapping[str, Any], known: Mapping[str, Loss]) -> Loss:
    if not parts or not all(part in known and isinstance(inside, Mapping) for part, inside in parts.items()):
        raise InputError(f"no loss named {name!r}; there are {', '.join(known)}")
    factors = {part: inside.get(FACTOR, 1.0) for part, inside in parts.items()}
    losses = {
        part: functools.partial(known[part], **{key: value for key, value in inside.items() if key != FACTOR})
        for part, inside in parts.items()
    }

    def weighted_sum(logits: Tensor, target: Tensor, **maps: Tensor) -> Tensor:
        with read_once(logits, target, **maps):
            terms: list[Tensor] = [factors[part] * loss(logits, target, **maps) for part, loss in losses.items()]
        return functools.reduce(operator.add, terms)

    return weighted_sum

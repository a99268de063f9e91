"""Tensors inside nested dicts, lists and tuples: copied to the CPU, and walked through in one fixed order."""

from collections.abc import Iterator
from typing import Any

from torch import Tensor


def copied(value: Any) -> Any:
    """Nested dicts and lists with every tensor copied to the CPU."""
    if isinstance(value, Tensor):
        return value.detach().to("cpu", copy=True)
    if isinstance(value, dict):
        return {key: copied(item) for key, item in value.items()}
    if isinstance(value, list):
        return [copied(item) for item in value]
    return value


def tensors_of(value: Any, name: str = "") -> Iterator[tuple[str, Tensor]]:
    """Every tensor in nested dicts and tuples with its path, in order of the keys' text."""
    if isinstance(value, Tensor):
        yield name, value
    elif isinstance(value, dict):
        for key in sorted(value, key=str):
            yield from tensors_of(value[key], f"{name}/{key}")
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from tensors_of(item, f"{name}/{index}")

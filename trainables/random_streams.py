"""Random streams: every draw of a trial is a function of (seed, stream, iteration, slot) and of nothing before it.

Two losses with one seed so meet on the same initial weights, patches and augmentations, also after a resume
(shared with no state to save: a stream is opened where it is needed and thrown away).
"""

import hashlib

import numpy as np


def key_of(*parts: object) -> int:
    """A 128-bit integer that stands for the parts; equal parts give equal keys on every machine and version."""
    text = "\x1f".join(f"{type(part).__name__}:{part}" for part in parts)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=16).digest(), "big")


def seed_of(*parts: object) -> int:
    """A non-negative 63-bit seed that stands for the parts; it fits a signed 64-bit database column."""
    return key_of(*parts) >> 65


def stream(seed: int, name: str, iteration: int = 0, slot: int = 0) -> np.random.Generator:
    """A fresh counter-based generator.

    Args:
        seed: The trial's seed.
        name: Name of the stream: `"weights"`, `"patches"`, `"augment"`, `"dropout"`, …; different names are
            independent.
        iteration: Training iteration, from 0.
        slot: Position in the batch, from 0.
    """
    return np.random.Generator(np.random.Philox(key=key_of(seed, name, iteration, slot)))

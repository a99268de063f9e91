"""Tiny cases in memory, without files, prepared by the real preprocessing: bright blobs to segment."""

import dataclasses
import types
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from torch import Tensor

from trainables.data.cache.cache import Dataset
from trainables.data.cases.case import Case
from trainables.data.cases.label_values import Label
from trainables.data.cases.options import PreprocessOptions
from trainables.data.preparing import preprocess, resample
from trainables.trial import TrialSpec


@dataclasses.dataclass(frozen=True, eq=False)
class TinyCase:
    """A case with `CachedCase`'s attributes."""

    name: str
    prepared: preprocess.Prepared

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self.prepared, attribute)

    @property
    def facts(self) -> Any:
        return types.SimpleNamespace(channels=len(self.prepared.image), spacing=self.prepared.reference_spacing)

    def grey(self) -> np.ndarray:
        return self.prepared.grey

    def restore(self, probabilities: Tensor) -> Tensor:
        return resample.restore(probabilities, self.prepared.reference.shape)


def options(dim: int, spacing: Any = "native") -> PreprocessOptions:
    labels = (Label("organ", "==", 1), Label("lesion", "==", 2))
    return PreprocessOptions(dim=dim, labels=labels, spacing=spacing)


def blob(shape: Sequence[int], seed: int) -> Case:
    """Makes a bright ellipsoid with a brighter one inside, in noise."""
    rng = np.random.default_rng(seed)
    axes = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij")
    centre = rng.uniform(-0.3, 0.3, len(shape))
    radius = sum((a - c) ** 2 for a, c in zip(axes, centre, strict=True)) ** 0.5
    reference = (radius < 0.6).astype(np.uint8) + (radius < 0.3)
    image = reference + rng.normal(0, 0.3, shape)
    return Case(image[None].astype(np.float32), reference.astype(np.uint8), (1.5,) * len(shape), ())


def dataset(shape: Sequence[int] = (20, 18, 19), cases: int = 4, spacing: Any = "native") -> Dataset:
    how = options(len(shape), spacing)
    made = {f"case{i}": TinyCase(f"case{i}", preprocess.prepare(blob(shape, i), how)) for i in range(cases)}
    return Dataset(cast(Any, made), how)


def spec(dim: int = 3, **changes: Any) -> TrialSpec:
    """Returns a trial that takes seconds on the cases of `dataset`."""
    given: dict[str, Any] = {
        "key": "search-a00-r0-f0-n000",
        "seed": 11,
        "data": "",
        "train": ("case0", "case1"),
        "evaluate": ("case2", "case3"),
        "model": "unet3d" if dim == 3 else "unet",
        "model_parameters": {"width": 2},
        "loss": "dice",
        "iterations": 12,
        "marks": (5, 12),
        "patch_size": (17, 16, 16)[:dim] if dim == 3 else (32, 32),
        "patch_overlap": (8,) * dim,
        "foreground": 0.5,
        "classes": ("background", "organ", "lesion"),
        "regions": {"both": (1, 2), "lesion": (2,)},
        "metrics": ("dice", "hd95"),
        "learning_rate": 3e-3,
        "augment": ("mirror", "rotate", "noise"),
    }
    return TrialSpec(**{**given, **changes})

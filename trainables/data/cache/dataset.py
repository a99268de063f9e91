"""A prepared dataset as trials read it: arrays of the cases are memory-mapped when first used."""

import dataclasses
import functools
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any, Self

import numpy as np
from torch import Tensor

from trainables.data.cache.scaling import Scaled, Scales, scaled_padding
from trainables.data.cases.area import Box
from trainables.data.cases.options import PreprocessOptions
from trainables.data.inspecting.inspect import CaseFacts
from trainables.data.preparing import restoring
from trainables.storage import whole_files
from trainables.storage.object_store import is_url


@dataclasses.dataclass(frozen=True, eq=False)
class CachedCase:
    """One prepared case; arrays are read-only and memory-mapped when first used.

    Attributes:
        name: The case's name.
        folder: Its entry.
        facts: Facts of the case.
        scales: Scaling of each channel as it is read, where preparing left it (`zscore_training`).
    """

    name: str
    folder: pathlib.Path
    facts: CaseFacts
    scales: Scales = ()

    @functools.cached_property
    def _manifest(self) -> dict[str, Any]:
        manifest: dict[str, Any] = whole_files.read_manifest(self.folder)["facts"]
        return manifest

    @functools.cached_property
    def image(self) -> np.ndarray | Scaled:
        """float32 `(channel, *spatial)` on the training grid, normalised.

        Raises:
            ValueError: It was prepared for the training cases' scale, and none was given.
        """
        stored = whole_files.load(self.folder, "image")
        if not self.scales and (self.folder / "foreground_intensities.npy").exists():
            raise ValueError(f"{self.name}: prepared for zscore_training; Dataset.open needs the trial's scales")
        return Scaled(stored, self.scales) if self.scales else stored

    @property
    def foreground_intensities(self) -> np.ndarray:
        """float32 `(channel, n)`, not scaled: at most 10,000 foreground voxels; with `zscore_training` only."""
        return whole_files.load(self.folder, "foreground_intensities")

    @functools.cached_property
    def label(self) -> np.ndarray:
        """uint8 class indices `(*spatial)` on the training grid; `labels.IGNORED` (255) where none is trained on."""
        return whole_files.load(self.folder, "label")

    @functools.cached_property
    def foreground(self) -> np.ndarray:
        """int32 flat indices into `label`: of each class in turn at most 10,000 voxels."""
        return whole_files.load(self.folder, "foreground")

    @functools.cached_property
    def foreground_counts(self) -> tuple[int, ...]:
        """How many entries of `foreground` belong to each class; background's is 0."""
        return tuple(self._manifest["foreground_counts"])

    @functools.cached_property
    def components(self) -> np.ndarray:
        """int32 lesion numbers `(*spatial)` on the training grid: 1, 2, … across the classes; 0 is background.

        Raises:
            ValueError: The case was prepared without (`PreprocessOptions.components`); so do the two below.
        """
        return self._of_components("components")

    @functools.cached_property
    def component_voxels(self) -> np.ndarray:
        """int32 flat indices into `components`: of each component in turn at most 10,000 voxels."""
        return self._of_components("component_voxels")

    @functools.cached_property
    def component_counts(self) -> tuple[int, ...]:
        """How many entries of `component_voxels` belong to each component, number 1 first."""
        return tuple(self._with_components()["component_counts"])

    def _of_components(self, name: str) -> np.ndarray:
        self._with_components()
        return whole_files.load(self.folder, name)

    def _with_components(self) -> dict[str, Any]:
        if "component_counts" not in self._manifest:
            raise ValueError(f"{self.name}: prepared without components; PreprocessOptions.components asks for them")
        return self._manifest

    @functools.cached_property
    def reference(self) -> np.ndarray:
        """uint8 class indices on the original grid, axes `[z, y, x]` (closest RAS) or `[y, x]`.

        0 where a voxel is not scored.
        """
        return whole_files.load(self.folder, "reference")

    @functools.cached_property
    def excluded(self) -> np.ndarray | None:
        """True where a voxel of the original grid is not scored; None where all are."""
        there = (self.folder / "excluded.npy").exists()
        return whole_files.load(self.folder, "excluded") if there else None

    @property
    def box(self) -> Box | None:
        """The part of the original grid that the training grid spans; None is all of it."""
        box = self._manifest.get("box")
        return None if box is None else tuple((low, high) for low, high in box)

    @property
    def spacing(self) -> tuple[float, ...] | None:
        """Voxel sides of the training grid in mm; None where unknown."""
        return None if self._manifest["spacing"] is None else tuple(self._manifest["spacing"])

    @property
    def reference_spacing(self) -> tuple[float, ...] | None:
        """Voxel sides of the original grid in mm; None where unknown: distances are then in pixels."""
        spacing = self._manifest["reference_spacing"]
        return None if spacing is None else tuple(spacing)

    @functools.cached_property
    def padding(self) -> tuple[float, ...]:
        """For each channel the intensity that stands for nothing beyond the edges."""
        return scaled_padding(self._manifest["padding"], self.scales)

    def grey(self) -> np.ndarray:
        """uint8 picture of the first channel on the original grid."""
        return whole_files.load(self.folder, "grey")

    def restore(self, probabilities: Tensor) -> Tensor:
        """Class indices on the original grid.

        Args:
            probabilities: `(classes, *spatial)` on the training grid.

        Returns:
            uint8 of `reference`'s shape, on the same device: each class interpolated linearly, then the greatest.
            Background outside the box and where nothing is scored.
        """
        return restoring.restored(probabilities, self.reference.shape, self.box, self.excluded)


class Dataset:
    """The prepared cases of a study.

    Attributes:
        cases: Name → case, ordered by name.
        classes: Names by class index; `classes[0]` is `background`.
        options: Options they were prepared with.
    """

    def __init__(self, cases: Mapping[str, CachedCase], how: PreprocessOptions) -> None:
        self.cases = cases
        self.options = how
        self.classes = how.classes

    @classmethod
    def open(cls, path: str | pathlib.Path, scales: Scales = ()) -> Self:
        """Opens an index that `write_index` wrote; arrays are mapped when they are first used.

        Args:
            path: The index; a URL where the cache is in an object store (`mirror`), copied to this machine first.
            scales: Result of `scaling.training_scales` for the trial's training cases; () without `zscore_training`.

        Raises:
            DamagedEntryError: The index is missing or no index.
        """
        if is_url(path):
            from trainables.data.cache import local_copy  # which makes such datasets by the cache, and so imports this

            path = local_copy.here(str(path))
        path = pathlib.Path(path)
        index = whole_files.read_json(path)
        if index is None:
            raise whole_files.DamagedEntryError(f"{path}: no dataset index; run the command again to build it.")
        entries = path.parent.parent / "entries"
        found = {
            name: CachedCase(
                name,
                whole_files.entry_folder(entries, case["entry"]),
                CaseFacts.from_plain({**case["facts"], "name": name}),
                scales,
            )
            for name, case in index["cases"].items()
        }
        return cls(found, PreprocessOptions.from_plain(index["options"]))

    @property
    def dim(self) -> int:
        """2 or 3: of patches; where it is 2, cases are pictures, or volumes of slices."""
        return self.options.dim

    @property
    def channels(self) -> int:
        """Image channels, the same in every case."""
        return next(iter(self.cases.values())).facts.channels

    @functools.cached_property
    def spacing(self) -> tuple[float, ...] | None:
        """Voxel sides of a patch in mm: those asked for, or the cases' median; None where unknown."""
        if isinstance(self.options.spacing, tuple):
            return self.options.spacing
        known = [case.facts.spacing[-self.dim :] for case in self.cases.values() if case.facts.spacing is not None]
        if self.options.spacing == "unknown" or len(known) < len(self.cases):
            return None
        return tuple(float(value) for value in np.median(np.array(known), axis=0))

    def __iter__(self) -> Iterator[CachedCase]:
        return iter(self.cases.values())

    def __len__(self) -> int:
        return len(self.cases)


def verify(path: str | pathlib.Path) -> list[str]:
    """Return the names of the cases whose arrays differ from their checksums. Reads everything.

    Args:
        path: A dataset's index.
    """
    return [case.name for case in Dataset.open(path) if not whole_files.verify(case.folder)]

"""Preprocessing options of a study: plain data, JSON in and out."""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any, Literal, Self

from trainables.data.cases.area import Crop, Roi
from trainables.data.cases.label_values import Label, OtherLabels
from trainables.data.reading.raw import Colour

Normalize = Literal["zscore", "zscore_nonzero", "zscore_training", "minmax", "none"]
Spacing = tuple[float, ...] | Literal["native", "unknown"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class PreprocessOptions:
    """How the cases of a study become arrays. Equal files and options give equal arrays.

    Attributes:
        dim: The number of sizes in `patch.size`: 2 for pictures (PNG, JPEG, single-slice NIfTI) and slices of volumes.
        labels: In the study file's order: `labels[i]` has class index `i + 1`. `labels.parse_all` makes them.
        other_labels: Treatment of mask values that no label names.
        colour: Treatment of the colours of pictures: one `grey` channel, or three `channels`, of grey ones too.
        regions: Region → class indices whose union it is, for the ceilings.
        spacing: Voxel size in mm, `[z, y, x]` or `[y, x]` (slices keep their distance); `native` keeps each case's
            grid; `unknown` does so too and reports distances in pixels, whatever the header says.
        clip: Lowest and highest intensity kept, applied after resampling; None keeps all.
        normalize: After clipping, each channel of each case by itself: `zscore` (mean 0, standard deviation 1),
            `zscore_nonzero` (the same for the voxels that are not 0; those that are stay 0), `minmax` (to `[0, 1]`) or
            `none`; `zscore_training` leaves it to the reader, who takes the foreground of the training cases for all
            (`scaling`). One for all channels, or one for each.
        percentiles: Instead of `clip`, two percentiles in `[0, 100]` of the voxels that are normalised: of each case,
            for `zscore_training` of the training cases' foreground.
        ignore: Mask values whose voxels are neither trained on nor scored, beside those of `other_labels: ignore`.
        roi: The region of interest outside of which nothing is scored; None: the whole case.
        crop: The part of a case kept for training; None: all.
        outside_roi: Whether voxels outside the region of interest stay as they are (`keep`), or take their channel's
            lowest value and no label (`minimum`).
        pad: Values beyond an edge: `background`, 0 after a z-score and else the channel's lowest value; `minimum`,
            its lowest value always.
        components: Whether each class's connected components are numbered too, for losses and patches that go by
            lesions.
        unshear: Whether volumes with sheared axes (a tilted gantry) are resampled to right angles, on which they are
            scored too; else they are refused.
    """

    dim: int
    labels: tuple[Label, ...]
    other_labels: OtherLabels = "refuse"
    colour: Colour = "grey"
    regions: Mapping[str, tuple[int, ...]] = dataclasses.field(default_factory=dict)
    spacing: Spacing = "native"
    clip: tuple[float, float] | None = None
    normalize: Normalize | tuple[Normalize, ...] = "zscore"
    percentiles: tuple[float, float] | None = None
    ignore: tuple[Label, ...] = ()
    roi: Roi | None = None
    crop: Crop | None = None
    outside_roi: Literal["keep", "minimum"] = "keep"
    pad: Literal["background", "minimum"] = "background"
    components: bool = False
    unshear: bool = False

    def __post_init__(self) -> None:
        if self.dim not in (2, 3):
            raise ValueError(f"dim must be 2 or 3, not {self.dim}")
        if isinstance(self.spacing, tuple) and (len(self.spacing) != self.dim or min(self.spacing) <= 0):
            raise ValueError(f"spacing must be {self.dim} positive numbers, not {self.spacing}")
        if self.clip is not None and not self.clip[0] < self.clip[1]:
            raise ValueError(f"clip must be (low, high) with low < high, not {self.clip}")
        if self.percentiles is not None and not 0 <= self.percentiles[0] < self.percentiles[1] <= 100:
            raise ValueError(f"percentiles must be two numbers in [0, 100], increasing, not {self.percentiles}")
        if self.percentiles is not None and self.clip is not None:
            raise ValueError("clip and percentiles must not be given together")
        if self.roi is None and (self.outside_roi == "minimum" or (self.crop is not None and self.crop.to == "roi")):
            raise ValueError("a roi must be given where something is cropped to it or set outside of it")
        if any(not 1 <= index <= len(self.labels) for classes in self.regions.values() for index in classes):
            raise ValueError(f"regions must name class indices 1 to {len(self.labels)}, not {dict(self.regions)}")

    @property
    def classes(self) -> tuple[str, ...]:
        """Names by class index; `classes[0]` is `background`."""
        return ("background", *(label.name for label in self.labels))

    @property
    def ignores(self) -> bool:
        """Whether some voxels may be ignored."""
        return bool(self.ignore) or self.other_labels == "ignore"

    def normalization(self, channel: int) -> Normalize:
        """How a channel is normalised."""
        return self.normalize if isinstance(self.normalize, str) else self.normalize[channel]

    @property
    def scaled_by_training(self) -> bool:
        """Whether some channel is left to the training cases' statistics."""
        return "zscore_training" in ((self.normalize,) if isinstance(self.normalize, str) else self.normalize)

    def plain(self) -> dict[str, Any]:
        """As JSON-able data."""
        data: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(self), allow_nan=False))
        return data

    @classmethod
    def from_plain(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `plain`; what came later than the data counts as its default."""
        given = dict(data)
        given["labels"] = tuple(Label(**label) for label in given["labels"])
        given["ignore"] = tuple(Label(**label) for label in given.get("ignore", ()))
        given["roi"] = None if given.get("roi") is None else Roi.from_plain(given["roi"])
        given["crop"] = None if given.get("crop") is None else Crop.from_plain(given["crop"])
        given["regions"] = {name: tuple(classes) for name, classes in given["regions"].items()}
        for name in ("spacing", "clip", "normalize", "percentiles"):
            if isinstance(given.get(name), list):
                given[name] = tuple(given[name])
        return cls(**given)

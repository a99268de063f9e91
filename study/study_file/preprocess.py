"""The `preprocess` section: the preparation of images, once, before all trials."""

import math
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, TypeGuard, get_args

from pydantic import BeforeValidator, Field

from study.study_file.dataset import label_rule
from study.study_file.errors import Problem, shown, suggestion
from study.study_file.sections_base import Section, Whole, listed
from trainables.data.cases.options import Normalize

NORMALIZATIONS: tuple[str, ...] = get_args(Normalize)


class Window(Section):
    """A window of intensities, as viewers name it: from `level - width / 2` to `level + width / 2`.

    Attributes:
        level: Its centre, in the image's unit.
        width: Its whole width, in the image's unit.
    """

    level: float
    width: Annotated[float, Field(gt=0)]


class Crop(Section):
    """The part of a case that is kept for training; scores are of the whole case.

    Attributes:
        to: Box of the voxels that are not 0 (`nonzero`), of the region of interest (`roi`), or of a label in the
            reference mask (`reference`): an oracle crop, and reports say so.
        label: For `reference`: one of `dataset.labels`, or a value or rule of the mask.
        margin: Voxels of the file's grid more on each side: one number, or `[z, y, x]`.
    """

    to: Literal["nonzero", "roi", "reference"]
    label: str | int | None = None
    margin: Annotated[tuple[Annotated[Whole, Field(ge=0)], ...], BeforeValidator(lambda value: _margin(value))] = (0,)


class Preprocess(Section):
    """The preparation of images, once, before all trials.

    Attributes:
        crop: The part of a case that is kept; None: all.
        spacing: Millimetres of a voxel `[z, y, x]` (`[y, x]` in 2D) that all cases are resampled to; `native` keeps
            each case's grid; `unknown` does so too and gives distances in voxels, whatever the header says.
        outside_roi: Whether voxels outside `dataset.roi` stay, or take the lowest value and no label (`minimum`).
        clip: Intensities are cut off at these two values, before normalisation; None: not.
        window: The same as level and width.
        percentiles: The same by two percentiles of each case; with `zscore_training` of the training cases' foreground.
        normalize: After clipping, by case (`zscore`, `zscore_nonzero`, `minmax`), by the training cases' foreground
            (`zscore_training`), or `none`; one for all channels, a list in their order, or channel → which.
        pad: Values beyond an edge: 0 after a z-score and else the lowest value (`background`), or always the lowest
            value (`minimum`).
        unshear: Whether volumes whose axes are sheared (a tilted gantry) are resampled to right angles; else they are
            refused.
    """

    crop: Crop | None = None
    spacing: Annotated[Any, BeforeValidator(lambda value: _spacing(value))] = "native"
    outside_roi: Literal["keep", "minimum"] = "keep"
    clip: Annotated[Any, BeforeValidator(lambda value: _increasing(value))] = None
    window: Window | None = None
    percentiles: Annotated[Any, BeforeValidator(lambda value: _percentiles(value))] = None
    normalize: Annotated[Any, BeforeValidator(lambda value: _normalize(value))] = "zscore"
    pad: Literal["background", "minimum"] = "background"
    unshear: bool = False

    @property
    def limits(self) -> Any:
        """Lowest and highest intensity kept, whether by `clip` or by `window`; None: all."""
        if self.window is None:
            return self.clip
        return self.window.level - self.window.width / 2, self.window.level + self.window.width / 2

    def problems(self) -> Iterator[Problem]:
        """Yield keys that do not go together."""
        given = [key for key in ("clip", "window", "percentiles") if getattr(self, key) is not None]
        if len(given) > 1:
            yield Problem((given[1],), f"stands beside {given[0]}: both say where intensities are cut off; give one.")
        if self.window is not None and not -math.inf < self.limits[0] < self.limits[1] < math.inf:
            yield Problem(("window",), f"goes from {self.limits[0]:g} to {self.limits[1]:g}: give a width to see.")
        if self.crop is None:
            return
        if self.crop.to == "reference" and self.crop.label is None:
            yield Problem(("crop", "label"), "missing: which label of the reference to crop to.")
        if self.crop.to != "reference" and self.crop.label is not None:
            yield Problem(("crop", "label"), f"goes with `to: reference`, not with `to: {self.crop.to}`: leave it out.")


def with_dataset(values: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield what does not fit the `dataset` section: missing regions and labels, channels of other names."""
    preprocess, dataset = values["preprocess"], values["dataset"]
    crop, how = preprocess.crop, preprocess.normalize
    if dataset.roi is None and crop is not None and crop.to == "roi":
        yield Problem(("preprocess", "crop", "to"), "roi needs `dataset.roi`: say where the region of interest is.")
    if dataset.roi is None and preprocess.outside_roi == "minimum":
        yield Problem(
            ("preprocess", "outside_roi"), "minimum needs `dataset.roi`: say where the region of interest is."
        )
    if crop is not None and crop.label is not None:
        try:
            label_rule(crop.label, dataset.labels)
        except ValueError as error:
            yield Problem(("preprocess", "crop", "label"), str(error))
    names = tuple(dataset.images) if isinstance(dataset.images, Mapping) else ()
    if isinstance(how, Mapping):
        yield from _channel_names(how, names)
    elif isinstance(how, tuple) and names and len(how) != len(names):
        text = f"names {len(how)} channels, `dataset.images` {len(names)}: one for each, in their order."
        yield Problem(("preprocess", "normalize"), text)


def _channel_names(how: Mapping[str, str], names: tuple[str, ...]) -> Iterator[Problem]:
    if not names:
        text = "goes by channel, and `dataset.images` names none: name them there, or give a list in their order."
        yield Problem(("preprocess", "normalize"), text)
        return
    for name in how:
        if name not in names:
            yield Problem(("preprocess", "normalize", name), f"there is no channel {name!r}.{suggestion(name, names)}")
    if missing := [name for name in names if name not in how]:
        yield Problem(("preprocess", "normalize"), f"says nothing of channel {', '.join(missing)}: name each.")


def _margin(value: object) -> object:
    return listed(value) if isinstance(value, list | tuple) else (value,)


def _spacing(value: object) -> object:
    if value in ("native", "unknown"):
        return value
    if isinstance(value, list | tuple) and len(value) in (2, 3) and all(_is_positive(number) for number in value):
        return tuple(float(number) for number in value)
    raise ValueError(
        f"expected native, unknown, or millimetres [z, y, x] ([y, x] in 2D) above 0, found {shown(value)}."
    )


def _increasing(value: object) -> object:
    if value is None:
        return value
    if isinstance(value, list | tuple) and len(value) == 2 and all(_is_number(number) for number in value):
        low, high = (float(number) for number in value)
        if low < high:
            return low, high
    raise ValueError(f"expected [low, high], low below high, or nothing, found {shown(value)}.")


def _percentiles(value: object) -> object:
    try:
        given = _increasing(value)
    except ValueError:
        given = (-1.0, -1.0)
    if isinstance(given, tuple) and not 0 <= given[0] < given[1] <= 100:
        raise ValueError(f"expected two percentiles between 0 and 100, such as [0.5, 99.5], found {shown(value)}.")
    return given


def _normalize(value: object) -> object:
    each: list[object] = [value]
    if isinstance(value, Mapping) and value:
        each = list(value.values())
    elif isinstance(value, list | tuple) and value:
        each = list(value)
    for word in each:
        if word not in NORMALIZATIONS:
            near = suggestion(word, NORMALIZATIONS) if isinstance(word, str) else ""
            near = near if near.startswith(" Did") else ""
            known = ", ".join(NORMALIZATIONS)
            raise ValueError(f"expected {known}, or one for each channel, found {shown(value)}.{near}")
    if isinstance(value, Mapping):
        return dict(value)
    return value if isinstance(value, str) else tuple(each)


def _is_positive(value: object) -> bool:
    return _is_number(value) and value > 0


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)

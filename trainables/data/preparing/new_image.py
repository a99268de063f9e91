"""A new image prepared as a study prepares its cases, and what is found in it on the image's own grid."""

import dataclasses

import numpy as np
from torch import Tensor

from trainables.data.cases.area import Box
from trainables.data.cases.options import PreprocessOptions
from trainables.data.cases.unlabelled import ImageFiles, Stored, read_unlabelled
from trainables.data.preparing import memory, preprocess, restoring
from trainables.data.reading import readers
from trainables.errors import InputError


@dataclasses.dataclass(frozen=True, eq=False)
class NewImage:
    """A new image on the training grid.

    Attributes:
        name: Its name.
        image: float32 `(channel, *spatial)`, normalised (with `zscore_training` not yet).
        padding: For each channel the value beyond the edges, as of `preprocess.Prepared`.
        shape: Voxels of its own grid, `[z, y, x]` of closest RAS or `[y, x]`.
        spacing: mm along the same axes; None where unknown.
        box: What of its own grid the training grid spans; None is all of it.
        excluded: True outside of its region of interest; None where it has none.
        stored: How its file stores it.
        warnings: What a person should look at, one line each.
    """

    name: str
    image: np.ndarray
    padding: tuple[float | None, ...]
    shape: tuple[int, ...]
    spacing: tuple[float, ...] | None
    box: Box | None
    excluded: np.ndarray | None
    stored: Stored
    warnings: tuple[str, ...]

    def restore(self, probabilities: Tensor) -> Tensor:
        """Return class indices on its own grid (`restoring.restored`)."""
        return restoring.restored(probabilities, self.shape, self.box, self.excluded)

    def restore_values(self, values: Tensor, outside: tuple[float, ...]) -> np.ndarray:
        """Return numbers on its own grid (`restoring.restored_values`), outside of its region of interest too."""
        found = restoring.restored_values(values, self.shape, self.box, outside)
        if self.excluded is not None:
            for channel, value in zip(found, outside, strict=True):
                channel[self.excluded] = value
        return found


def prepare_new(files: ImageFiles, options: PreprocessOptions, *, classes: int) -> NewImage:
    """Read an image and prepare it as `preprocess.prepare` prepares a case.

    Args:
        files: Which.
        options: The study's.
        classes: Outputs of the network, for the estimate of memory.

    Raises:
        InputError: It cannot be read or does not fit the options: one line that begins with the file.
    """
    read = read_unlabelled(files, options)
    case = read.case
    try:
        preprocess.check_channels(case, options)
        shape = preprocess.training_shape(case, options)
        sizes = {"channels": len(case.image), "classes": classes}
        memory.refuse_too_large(case.reference.shape, shape, spacing=options.spacing, **sizes)
    except InputError as error:
        raise InputError(f"{readers.short(files.images[0])}: {error}") from error
    image, padding = preprocess.training_image(case, options, shape)
    return NewImage(
        name=files.name,
        image=image,
        padding=padding,
        shape=case.reference.shape,
        spacing=case.spacing,
        box=case.box,
        excluded=case.excluded,
        stored=read.stored,
        warnings=case.warnings,
    )

"""A new image prepared as a study prepares its cases, and what is found in it on the image's own grid."""

import dataclasses

import numpy as np
from torch import Tensor

from trainables.data.cases.area import Box
from trainables.data.cases.options import PreprocessOptions
from trainables.data.cases.unlabelled import Stored, Unlabelled
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
        box: What of its own grid the training grid spans; None is all of it.
        excluded: True outside of its region of interest; None where it has none.
        stored: How its file stores it.
    """

    name: str
    image: np.ndarray
    padding: tuple[float | None, ...]
    shape: tuple[int, ...]
    box: Box | None
    excluded: np.ndarray | None
    stored: Stored

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


def prepare_new(name: str, read: Unlabelled, options: PreprocessOptions, *, classes: int) -> NewImage:
    """Prepare an image that was read as `preprocess.prepare` prepares a case.

    Args:
        name: Its name.
        read: The image.
        options: The study's.
        classes: Outputs of the network, for the estimate of memory.

    Raises:
        InputError: It does not fit the options: one line that begins with the file.
    """
    case = read.case
    try:
        preprocess.check_channels(case, options)
        shape = preprocess.training_shape(case, options)
        sizes = {"channels": len(case.image), "classes": classes}
        memory.refuse_too_large(case.reference.shape, shape, spacing=options.spacing, **sizes)
    except InputError as error:
        raise InputError(f"{readers.short(read.stored.path)}: {error}") from error
    image, padding = preprocess.training_image(case, options, shape)
    return NewImage(
        name=name,
        image=image,
        padding=padding,
        shape=case.reference.shape,
        box=case.box,
        excluded=case.excluded,
        stored=read.stored,
    )

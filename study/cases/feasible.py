"""Memory of one batch in training, at least. `study.study_file.limits` refuses what no machine holds."""

import math

from search_spaces.grammar import Choice, Fixed, Parameter, Scalar
from study.study_file import Study

VALUES_A_VOXEL = 20
"""float32 values that a training keeps for each voxel of a batch at the least: image, label, and a first layer of a few
channels with its gradients."""


def batch_bytes(study: Study) -> float:
    """Return the bytes of one batch in training, at least; of a batch size that is found out, those of one patch."""
    slices = 2 * study.patch.context + 1
    return 4.0 * VALUES_A_VOXEL * greatest_batch(study) * slices * math.prod(map(float, study.patch.size))


def greatest_batch(study: Study) -> int:
    """Return the greatest batch size of a study's trials, in patches; 1 where it is found out later."""
    sizes = _values(study.training.parameters["batch_size"])
    return max((size for size in sizes if isinstance(size, int)), default=1)


def _values(parameter: Parameter) -> tuple[Scalar, ...]:
    """Return a parameter's value, its choices, or its greatest value as a whole number."""
    if isinstance(parameter, Fixed):
        return (parameter.value,)
    return parameter.values if isinstance(parameter, Choice) else (int(parameter.high),)

"""Memory of one batch in training, at least. `study.study_file.limits` refuses what no machine holds."""

import math

from search_spaces.grammar import Choice, Fixed, Parameter, Scalar
from study.study_file import Study

VALUES_A_VOXEL = 20
"""float32 values that a training keeps for each voxel of a batch at the least: image, label, and a first layer of a few
channels with its gradients."""


def batch_bytes(study: Study) -> float:
    """Return the bytes of one batch in training, at least; of a batch size that is found out, those of one patch."""
    patches = max(
        (size for size in _values(study.training.parameters["batch_size"]) if isinstance(size, int)), default=1
    )
    slices = 2 * study.patch.context + 1
    return 4.0 * VALUES_A_VOXEL * patches * slices * math.prod(map(float, study.patch.size))


def _values(parameter: Parameter) -> tuple[Scalar, ...]:
    """Return a parameter's value, its choices, or its greatest value as a whole number."""
    if isinstance(parameter, Fixed):
        return (parameter.value,)
    return parameter.values if isinstance(parameter, Choice) else (int(parameter.high),)

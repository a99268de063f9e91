"""Average precision of a case: how well the network ranks its voxels, over all thresholds."""

from trainables.metrics.geometry import Geometry


def average_precision(geometry: Geometry) -> float | None:
    """Area under the step-wise precision-recall curve of the log-odds, in `[0, 1]`; the reference is not empty.

    The log-odds are those of the class probabilities on the original grid, as they come out of what the inference
    averages over windows (`inference.average`: logits before the softmax, or probabilities after it).

    Source: `trainables.metrics.histogram`.
    """
    assert geometry.histogram is not None, "a ranking needs log-odds"
    return geometry.histogram.average_precision

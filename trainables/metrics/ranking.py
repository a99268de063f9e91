"""Average precision and area under the ROC curve of a case: how well a network ranks voxels, over all thresholds."""

from trainables.metrics.geometry import Geometry


def average_precision(geometry: Geometry) -> float | None:
    """Area under the step-wise precision-recall curve of the log-odds, in `[0, 1]`; the reference is not empty.

    The log-odds are those of the class probabilities on the original grid, as they come out of what the inference
    averages over windows (`inference.average`: logits before the softmax, or probabilities after it).

    Source: `trainables.metrics.histogram`.
    """
    assert geometry.histogram is not None, "a ranking needs log-odds"
    return geometry.histogram.average_precision


def roc_auc(geometry: Geometry) -> float | None:
    """Area under the ROC curve of the log-odds, in `[0, 1]`: 0.5 is chance; the reference is not empty.

    The probability that a voxel of the region has greater log-odds than one outside, ties counted half. None where
    the reference fills the image.

    Source: `trainables.metrics.histogram`; Hanley and McNeil 1982, https://doi.org/10.1148/radiology.143.1.7063747.
    """
    assert geometry.histogram is not None, "a ranking needs log-odds"
    return geometry.histogram.roc_auc

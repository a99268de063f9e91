"""The metrics by name, and how a case is scored with them."""

from trainables.metrics.geometry import Geometry
from trainables.metrics.registry import METRICS, Metric, metric_named
from trainables.metrics.scoring import score_case

__all__ = ["METRICS", "Geometry", "Metric", "metric_named", "score_case"]

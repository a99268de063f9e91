"""The metrics by name, and how a case is scored with them."""

from trainables.metrics.geometry import Geometry
from trainables.metrics.odds import Odds, gather
from trainables.metrics.registry import METRICS, Metric, metric_named
from trainables.metrics.scoring import Measured, measure_case, score_case

__all__ = ["METRICS", "Geometry", "Measured", "Metric", "Odds", "gather", "measure_case", "metric_named", "score_case"]

"""Names of regions and of the objective in print."""

from reports.results.metric_facts import METRICS
from reports.results.protocol import MEAN
from reports.results.results import Results


def objective(results: Results) -> str:
    """Returns the objective in print: `Dice (tumor)`, `Dice (mean over 3 regions)`."""
    how = results.protocol
    return f"{METRICS[how.metric].label} ({region(results, how.region)})"


def region(results: Results, name: str) -> str:
    """Returns a region in print."""
    if name in results.protocol.means:
        return f"{name} (mean of {' and '.join(results.protocol.means[name])})"
    return f"mean over {len(results.protocol.regions)} regions" if name == MEAN else name

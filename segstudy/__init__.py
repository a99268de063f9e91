"""The Python interface of segstudy: what the command does and prints, as functions and pandas frames.

    import segstudy

    checked = segstudy.check("study.yaml", data="images")
    segstudy.run("study.yaml", data="images", home="runs")
    table = segstudy.results("my-study", home="runs")

Every function names the ledger as the command does: by the home folder (`runs` by default), or by `ledger`, a file or
a URL. Wrong input raises `InputError`, whose text is the command's line. Importing this package loads neither PyTorch
nor Ray; functions load what they need.
"""

from segstudy.catalogue import losses, metrics, models
from segstudy.networks import load_network, predict
from segstudy.records import cases, comparisons, curves, report, results, trials
from segstudy.studies import CheckedStudy, StudyStatus, check, run, status, stop, studies
from trainables.errors import InputError

__all__ = [
    "CheckedStudy",
    "InputError",
    "StudyStatus",
    "cases",
    "check",
    "comparisons",
    "curves",
    "load_network",
    "losses",
    "metrics",
    "models",
    "predict",
    "report",
    "results",
    "run",
    "status",
    "stop",
    "studies",
    "trials",
]

"""The study file: what a researcher writes, read and checked as a whole."""

from study.spec.dataset import Split
from study.spec.errors import SpecError
from study.spec.file import builtin_studies
from study.spec.from_file import load
from study.spec.study import Study, Training
from study.spec.trial_fields import trial_fields

__all__ = ["SpecError", "Split", "Study", "Training", "builtin_studies", "load", "trial_fields"]

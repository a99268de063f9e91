"""The study file: what a researcher writes, read and checked as a whole."""

from study.study_file.errors import SpecError
from study.study_file.load import load
from study.study_file.overrides import builtin_studies
from study.study_file.split import Split
from study.study_file.study import Study, Training
from study.study_file.trial_fields import trial_fields

__all__ = ["SpecError", "Split", "Study", "Training", "builtin_studies", "load", "trial_fields"]

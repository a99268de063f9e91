"""The study file: what a researcher writes, read and checked as a whole."""

from study.spec.study import SpecError, Split, Study, Training, builtin_studies, load, trial_fields

__all__ = ["SpecError", "Split", "Study", "Training", "builtin_studies", "load", "trial_fields"]

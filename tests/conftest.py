"""For all tests: examples of hypothesis have no time limit of their own, since a busy machine would trip it."""

from hypothesis import settings

settings.register_profile("default", deadline=None)
settings.load_profile("default")

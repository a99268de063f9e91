"""The keys of `dataset.split`: which cases train, validate and test."""

import re
import warnings
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from study.study_file.errors import Problem, shown
from study.study_file.sections_base import Section, Seed, Whole, named

LONGEST_PATTERN = 200
"""Letters of a pattern. A short pattern can still be slow, so names are short too (`study.cases.splits`)."""
FOLD = "fold"
"""The word in `by` that stands for folders `fold_0/`, `fold_1/`, …."""


def _part(value: object) -> object:
    """Return which cases: a share of the groups, one range or name, or a list of them."""
    if value is None or isinstance(value, str):
        return (value,) if value else None
    if isinstance(value, float):
        if not 0 < value < 1:
            raise ValueError(f"expected a share between 0 and 1, found {value:g}.")
        return value
    if isinstance(value, list | tuple) and value:
        names = tuple(named(name) for name in value)
        if all(isinstance(name, str) and name for name in names):
            return names
    raise ValueError(f"expected a share (0.2), a range (a..b) or a list of cases, found {shown(value)}.")


Part = Annotated[Any, BeforeValidator(_part)]
"""`float` share of the groups, `tuple[str, ...]` of names and ranges `a..b`, or None."""


class Split(Section):
    """The division of cases into training, validation and test. Cases that no part names train.

    Attributes:
        validation: Cases that a search is judged on; with `by` names of folds.
        test: Cases that the final stage is scored on; with `by` names of folds.
        folds: Number of folds. Without `test`, fold k tests part k and validates on the next one; with it, fold k
            validates on part k. With `by` and `file` it is found by itself.
        by: The folds are in the files' places: `fold` for folders `fold_0/`, `fold_1/`, …, or a regular expression
            that is searched for in a case's path below `path` (else in its name) and whose one group is its fold.
        file: A file with the split (`study.cases.split_files`), relative to the study file.
        stratify: `labels`: shares and folds are even over labels and volumes. `none`: they are drawn by name alone,
            so they stay what they are when a mask is corrected or a label is added; studies that share a data set
            then share its test cases. Therefore it is the default.
        seed: Seed of shares and folds; None: the study's seed.
    """

    validation: Part = None
    test: Part = None
    folds: Annotated[Whole, Field(ge=2)] | None = None
    by: Annotated[str, Field(min_length=1, max_length=LONGEST_PATTERN)] | None = None
    file: Annotated[str, Field(min_length=1)] | None = None
    stratify: Literal["none", "labels"] = "none"
    seed: Seed | None = None

    @property
    def is_drawn(self) -> bool:
        """Whether the split is drawn at random."""
        if self.by is not None or self.file is not None:
            return False
        return self.folds is not None or any(isinstance(part, float) for part in (self.validation, self.test))

    def problems(self) -> Iterator[Problem]:
        """Yield parts that do not go together, or that leave no training case."""
        if self.by is not None or self.file is not None:
            yield from self._given_problems()
        else:
            yield from self._part_problems()
        if self.stratify == "labels" and not self.is_drawn:
            yield Problem(("stratify",), "nothing is drawn in this split: leave it out, or give shares or `folds`.")

    def _part_problems(self) -> Iterator[Problem]:
        """Yield the problems of a split that this section gives."""
        if self.folds is None:
            for part in ("validation", "test"):
                if getattr(self, part) is None:
                    yield Problem((part,), "missing: give a share (0.2), a range (a..b) or a list of cases.")
            shares = [part for part in (self.validation, self.test) if isinstance(part, float)]
            if sum(shares) >= 1:
                yield Problem((), f"shares add up to {sum(shares):g} and leave nothing to train on.")
        elif self.validation is not None:
            yield Problem(("validation",), "folds bring their own validation cases: leave this out.")
        elif self.test is None and self.folds == 2:
            yield Problem(("folds",), "2 folds leave nothing to train on (one tests, one validates): give 3 or `test`.")

    def _given_problems(self) -> Iterator[Problem]:
        """Yield the problems of a split that the files' places or a file give."""
        if self.by is not None and self.file is not None:
            yield Problem(("file",), "`by` gives the split too: keep one of them.")
        key, what = ("by", "folds") if self.by is not None else ("file", "cases")
        for part in ("validation", "test"):
            if isinstance(getattr(self, part), float):
                yield Problem((part,), f"with `{key}` nothing is drawn: give a list of {what}, not a share.")
        if self.by is None and self.validation is not None:
            yield Problem(("validation",), "the file says which cases validate: leave this out.")
        elif self.validation is not None and self.test is None:
            yield Problem(("test",), "missing: with `validation`, say which folds test.")
        elif self.validation is not None and self.folds is not None:
            yield Problem(("folds",), "`validation` and `test` name the folds of the one split: leave this out.")
        if self.by not in (None, FOLD) and (flaw := pattern_flaw(str(self.by), FOLD)):
            yield Problem(("by",), flaw)


def pattern_flaw(pattern: str, word: str) -> str | None:
    """Return the problem of a regular expression that stands where `word` could."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", FutureWarning)  # "possible nested set": it will mean something else
            groups = re.compile(pattern).groups
    except (re.error, OverflowError, RecursionError, FutureWarning) as error:
        return f"not a regular expression: {error}."
    if groups == 1:
        return None
    part = "the patient's" if word == "case" else "the fold's"
    hint = f"put {part} part in brackets: '^([a-z]+\\d+)_'" if groups == 0 else "write the others as (?:…)"
    return f"expected `{word}` or a regular expression with one group, found {groups} groups: {hint}."

"""The base class of a study file's sections, and the kinds of values that they share."""

import re
from collections.abc import Iterator
from typing import Annotated, ClassVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from study.study_file.errors import Problem


class Section(BaseModel):
    """Keys that belong together. Nothing is converted silently, and unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    separate: ClassVar[bool] = False
    """Whether its keys can be judged while another one is wrong."""

    def problems(self) -> Iterator[Problem]:
        """Yield the problems between keys that are each right; paths are relative to the section."""
        yield from ()


def whole(value: object) -> object:
    """Return 30000 for 3e4: people write both."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def listed(value: object) -> object:
    """Return a YAML list as a tuple."""
    return tuple(value) if isinstance(value, list) else value


def named(value: object) -> object:
    """Return a case's name as text: a case may be called 12."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _folder(name: str) -> str:
    if not NAME.fullmatch(name):
        raise ValueError(f"expected small letters, digits, '.', '_' or '-' (it names folders), found {name!r}.")
    return name


NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
Name = Annotated[str, AfterValidator(_folder)]
Whole = Annotated[int, BeforeValidator(whole)]
Count = Annotated[Whole, Field(ge=1)]
Seed = Annotated[Whole, Field(ge=0, le=2**63 - 1)]
Case = Annotated[str, BeforeValidator(named), Field(min_length=1, max_length=300)]
Cases = Annotated[tuple[Case, ...], BeforeValidator(listed)]

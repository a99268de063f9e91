"""Names and values in the form that MLflow accepts: letters, lengths, numbers as text."""

import hashlib
import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from search_spaces.grammar import Scalar

STUDY_TAG, KEY_TAG = "segstudy.study", "segstudy.key"
"""Tags that identify runs: the study, and the arm or trial of it. MLflow's own ids are stored nowhere."""

NOTE_TAG = "mlflow.note.content"  # shown as description on MLflow's page

_ODD = re.compile(r"[^\w.\- :]")  # refused by MLflow in names; the slash separates groups
_NAME, _PARAMETER, RUN_TAG, EXPERIMENT_TAG = 250, 6000, 8000, 20_000  # MLflow's maximum lengths


def word(text: str) -> str:
    """Return a name of a region, metric or parameter in letters that MLflow accepts; different names stay different."""
    plain = text.replace("+", " and ")
    safe = _ODD.sub("_", plain)
    if safe == plain and " and " not in text and safe.strip(" .") == safe and len(safe) < _NAME // 2:
        return safe
    return f"{safe[: _NAME // 4].strip(' .')}.{hashlib.blake2b(text.encode(), digest_size=3).hexdigest()}"


def parameters(values: Mapping[str, Scalar]) -> dict[str, str]:
    """Return a configuration as text; numbers in the shortest form that reads back as the same double."""
    return {
        word(name): _cut(value if isinstance(value, str) else json.dumps(value), _PARAMETER)
        for name, value in values.items()
    }


def space_text(value: Any) -> str:
    """Return a parameter of an arm's space as a study file writes it: `0.5`, `a, b`, `1e-05..0.001 (log)`."""
    if "fixed" in value:
        return json.dumps(value["fixed"]).strip('"')
    if "choice" in value:
        return ", ".join(json.dumps(each).strip('"') for each in value["choice"])
    extra = [*(["log"] if value.get("log") else []), *([f"step {value['step']}"] if value.get("step") else [])]
    return f"{value['low']}..{value['high']}" + (f" ({', '.join(extra)})" if extra else "")


def tags(values: Mapping[str, str], *, longest: int = RUN_TAG) -> dict[str, str]:
    """Return the values truncated to MLflow's maximum length."""
    return {name: _cut(value, longest) for name, value in values.items()}


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def sendable(values: Mapping[str, float | None]) -> Iterator[tuple[str, float]]:
    """Return only finite values: MLflow turns infinity into 1.8e308 and draws NaN as 0."""
    for name, value in values.items():
        if value is not None and math.isfinite(value):
            yield name, value


def milliseconds(seconds: float) -> int:
    """Convert seconds since 1970 to milliseconds since 1970."""
    return round(seconds * 1000)

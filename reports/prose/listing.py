"""Lists of names in a sentence."""

from collections.abc import Sequence


def listed(names: Sequence[str]) -> str:
    """Returns `a`, `a and b`, `a, b and c`; an empty string without names."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""

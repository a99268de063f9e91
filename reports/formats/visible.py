"""Text from a ledger as a terminal may show it: control characters are written out and never obeyed."""

import re

_CONTROL = re.compile("[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069]")
"""Control characters but tab and newline, and those that turn the direction of text."""


def visible(text: str) -> str:
    r"""Returns text whose control characters are written as `\x1b`."""
    return _CONTROL.sub(lambda found: found.group().encode("unicode_escape").decode(), text)

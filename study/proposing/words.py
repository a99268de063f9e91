"""Words in file names: reference masks, fields of view, second readings, patients."""

import re


def _word(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![a-z])(?:{pattern})(?![a-z])", re.IGNORECASE)


REFERENCE = _word(
    r"labels?(?:tr)?|seg(?:s|mentations?)?|gt|ground[ _-]?truth|truth|manual\d*|annotations?|annot|"
    r"consensus|\d(?:st|nd)[ _-]?(?:manual|ho)"
)
AREA = _word(r"masks?|fov|roi|field[ _-]?of[ _-]?view|brain[ _-]?masks?")
NO_REFERENCE = _word(r"fov|roi|field[ _-]?of[ _-]?view|brain[ _-]?masks?")
SECOND = _word(r"2nd[ _-]?(?:manual|ho)|manual2|(?:rater|observer|reader|annotator)[ _-]?[2-9]")
PATIENT = _word(r"(?:sub|subject|patient|pat|pt|person|volunteer)s?[ _-]?\d+")


def is_reference(text: str) -> bool:
    """Return whether a path promises a reference mask; `mask` alone may as well be a field of view."""
    return bool(REFERENCE.search(text)) and not NO_REFERENCE.search(text)


def is_area(text: str) -> bool:
    """Return whether a path promises a mask of some kind, such as a field of view."""
    return bool(AREA.search(text))


def is_second_reading(text: str) -> bool:
    """Return whether a path promises the mask of another reader, which is no reference beside the first."""
    return bool(SECOND.search(text))


def names_patient(name: str) -> bool:
    """Return whether a name numbers a patient and nothing else: `sub-01`; a numbered `case` may be one of several."""
    return bool(PATIENT.search(name)) and len(re.findall(r"\d+", name)) == 1

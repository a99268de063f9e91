"""SVG for the HTML page: matplotlib's drawing as a tree, with ids, colours and fonts of the page."""

import re
from collections.abc import Iterator, Mapping
from xml.etree import ElementTree

_SVG = "http://www.w3.org/2000/svg"
_XLINK = "http://www.w3.org/1999/xlink"
_HREF = f"{{{_XLINK}}}href"
_DROPPED = frozenset({f"{{{_SVG}}}metadata", f"{{{_SVG}}}style"})
_LONG_NUMBER = re.compile(r"(\d\.\d\d)\d+")
"""Hundredths of a point are enough."""


def for_page(svg: str, label: str, key: str, colours: Mapping[str, str]) -> str:
    """Returns a drawing that can stand inside a page.

    Args:
        svg: As matplotlib writes it.
        label: Text for screen readers.
        key: Prefix of all ids, unique on the page.
        colours: Colour in the drawing → the page's.
    """
    root = ElementTree.fromstring(svg)
    for parent in list(root.iter()):
        for child in [each for each in parent if each.tag in _DROPPED]:  # metadata; a style would hold for the page
            parent.remove(child)
    referred = {name for element in root.iter() for name in _references(element)}
    for element in root.iter():
        _adapt(element, key, colours, referred)
        element.tag = element.tag.removeprefix(f"{{{_SVG}}}")
        if element.text and not element.text.strip():
            element.text = None
        element.tail = None
    root.attrib = {"viewBox": root.attrib["viewBox"], "role": "img", "aria-label": label}
    return ElementTree.tostring(root, encoding="unicode")


def _references(element: ElementTree.Element) -> Iterator[str]:
    """Yields the ids that an element refers to."""
    if _HREF in element.attrib:
        yield element.attrib[_HREF].removeprefix("#")
    for value in element.attrib.values():
        if value.startswith("url(#"):
            yield value[5:-1]


def _adapt(element: ElementTree.Element, key: str, colours: Mapping[str, str], referred: set[str]) -> None:
    """Makes an element's ids, colours, font and digits the page's."""
    old, element.attrib = element.attrib, {}
    for name, value in old.items():
        if name == "id":
            if value in referred:
                element.attrib["id"] = f"{key}-{value}"
        elif name == _HREF:
            element.attrib["href"] = f"#{key}-{value.removeprefix('#')}"
        elif value.startswith("url(#"):
            element.attrib[name] = f"url(#{key}-{value[5:]}"
        elif name == "style":
            element.attrib[name] = _style(value, colours)
        elif not (name == "transform" and value.startswith("rotate(-0 ")):
            element.attrib[name] = _short(" ".join(value.split()))


def _style(value: str, colours: Mapping[str, str]) -> str:
    """Returns a style in the page's colours and without a font of its own."""
    parts = []
    for part in value.split(";"):
        name, _, content = (text.strip() for text in part.partition(":"))
        if name and name != "font-family":
            parts.append(f"{name}: {colours.get(content) or _short(content)}")
    return "; ".join(parts)


def _short(text: str) -> str:
    return _LONG_NUMBER.sub(r"\1", text)

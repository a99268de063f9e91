"""A drawing inside a page: its own ids, the page's colours and font, nothing that holds for the whole page."""

from xml.etree import ElementTree

from reports.figures.page_svg import for_page

DRAWN = """<?xml version="1.0" encoding="utf-8" standalone="no"?>
<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">
<svg xmlns:xlink="http://www.w3.org/1999/xlink" width="216pt" height="136pt" viewBox="0 0 216 136"
 xmlns="http://www.w3.org/2000/svg" version="1.1">
 <metadata><who>matplotlib</who></metadata>
 <defs><style type="text/css">*{stroke-linejoin: round}</style></defs>
 <g id="figure_1">
  <defs><path id="m1" d="M 0 0
L 0 3.51987
" style="stroke: #010204; stroke-width: 0.6"/></defs>
  <use xlink:href="#m1" x="47.684877" y="118.79976" style="fill: #010204; opacity: 0.45678"/>
  <path d="M 1 2" clip-path="url(#p7)" style="fill: none"/>
  <text style="font-size: 8px; font-family: 'DejaVu Sans', sans-serif; fill: #000000"
   transform="rotate(-0 4 1)">0.12345 &lt; a</text>
 </g>
 <defs><clipPath id="p7"><rect x="1"/></clipPath></defs>
</svg>"""


def test_it_is_the_pages() -> None:
    made = for_page(DRAWN, 'Dice of <a> & "b"', "k1", {"#010204": "var(--muted)", "#000000": "var(--ink)"})
    root = ElementTree.fromstring(made)
    assert root.attrib == {"viewBox": "0 0 216 136", "role": "img", "aria-label": 'Dice of <a> & "b"'}
    assert {element.tag for element in root.iter()} == {"svg", "defs", "g", "path", "use", "text", "clipPath", "rect"}
    assert [element.attrib["id"] for element in root.iter() if "id" in element.attrib] == ["k1-m1", "k1-p7"]
    use = next(root.iter("use"))
    assert use.attrib == {"href": "#k1-m1", "x": "47.68", "y": "118.79", "style": "fill: var(--muted); opacity: 0.45"}
    paths = list(root.iter("path"))
    assert paths[0].attrib["d"] == "M 0 0 L 0 3.51"
    assert paths[1].attrib["clip-path"] == "url(#k1-p7)"
    text = next(root.iter("text"))
    assert text.attrib == {"style": "font-size: 8px; fill: var(--ink)"}
    assert text.text == "0.12345 < a"  # what is written keeps its digits
    assert "xml" not in made

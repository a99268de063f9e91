"""Pictures in notebook cells: the table as HTML, with names that cannot become markup."""

from rich.table import Table
from rich.text import Text

from study.console.notebook import as_html


def test_a_picture_is_escaped_and_keeps_its_lines() -> None:
    table = Table("arm", "best")
    table.add_row(Text("<script>unet</script>"), "0.71")
    table.add_row("vnet+dice", "0.62")
    html = as_html(table)
    assert "<script>" not in html
    assert "&lt;script&gt;unet" in html
    assert html.index("0.71") < html.index("0.62")
    assert html.startswith("<div style=")
    assert html.count("\n") >= 5

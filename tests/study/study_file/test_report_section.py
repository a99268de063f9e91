"""`report.tables` and `report.published`: what is taken, and what is wrong with the rest."""

from typing import Any

import pytest

from study.study_file import SpecError
from study.study_file.recorded.changes import difference
from study.study_file.report_section import TableLayout
from tests.study.study_files import study

EMPTY = {"layout": None, "rows": [], "columns": [], "each": [], "metric": [], "region": [], "iteration": []}


def test_words_stand_for_lists_and_layouts() -> None:
    file = study(
        {
            "report": {
                "tables": ["arms", {"rows": "loss", "columns": ["model", "region"], "metric": "dice"}],
                "published": "kits19",
            }
        }
    )
    assert file.plain()["report"]["tables"] == [
        {**EMPTY, "layout": "arms"},
        {**EMPTY, "rows": ["loss"], "columns": ["model", "region"], "metric": ["dice"]},
    ]
    assert file.report.published == ("kits19",)
    assert study({"report": file.plain()["report"]}).report == file.report


def test_a_table_has_every_key_that_reports_read() -> None:
    assert list(TableLayout.model_fields) == list(EMPTY)


@pytest.mark.parametrize(
    ("report", "where", "text"),
    [
        ({"tables": ["arm"]}, "report.tables[0].layout", "Did you mean 'arms'?"),
        ({"tables": "arms"}, "report.tables", "expected a list, found 'arms'"),
        ({"tables": [{"layout": "arms", "rows": "loss"}]}, "report.tables[0].layout", "brings its own rows"),
        ({"tables": [{"rows": "loss"}]}, "report.tables[0].columns", "missing: give rows and columns"),
        ({"tables": [{}]}, "report.tables[0].rows", "missing: give rows and columns"),
        ({"tables": [{"rows": "loss", "columns": "loss"}]}, "report.tables[0]", "names the axis 'loss' twice"),
        ({"tables": [{"rows": "arm", "columns": "loss"}]}, "report.tables[0]", "an arm is model and loss"),
        ({"tables": [{"rows": "loss", "columns": "modell"}]}, "report.tables[0].columns[0]", "Did you mean 'model'?"),
        (
            {"tables": [{"rows": "loss", "columns": "model", "column": "region"}]},
            "report.tables[0].column",
            "Did you mean 'columns'?",
        ),
        ({"tables": [{"layout": "regions", "region": "kidny"}]}, "report.tables[0].region[0]", "Did you mean 'kidney'"),
        (
            {"tables": [{"layout": "regions", "metric": "iou"}]},
            "report.tables[0].metric[0]",
            "'iou' is not computed: add it to report.metrics, or show dice",
        ),
        ({"tables": [{"layout": "arms", "iteration": 50}]}, "report.tables[0].iteration[0]", "a mark (100), found 50"),
        ({"published": "kits20"}, "report.published[0]", "Did you mean 'kits19'?"),
        ({"published": ["kits19", "kits19"]}, "report.published", "names one twice"),
        ({"equivalence": 0}, "report.equivalence", "expected more than 0, found 0"),
        ({"equivalence": "1 %"}, "report.equivalence", "expected a number"),
        ({"published": "matthews/lits"}, "report.published[0]", "there is no study with printed numbers"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(report: dict[str, Any], where: str, text: str) -> None:
    with pytest.raises(SpecError) as raised:
        study({"report": report})
    assert len(raised.value.lines) == 1
    assert raised.value.lines[0].startswith(f"{where}:")
    assert text in raised.value.lines[0]


def test_a_region_of_equivalence_is_declared_before_the_study() -> None:
    assert study({"report.equivalence": 1}).report.equivalence == 1.0
    old, new = study().plain(), study({"report.equivalence": 0.02}).plain()
    assert difference(old, new).incompatible == ["report.equivalence: nothing in the ledger, 0.02 in the file"]


def test_the_mean_can_be_shown_where_it_is_the_objective() -> None:
    table = {"layout": "regions", "region": ["mean", "tumor"]}
    assert study({"report": {"tables": [table]}}).report.tables[0].region == ("mean", "tumor")
    with pytest.raises(SpecError, match="there is no region 'mean'"):
        study({"report": {"tables": [table]}, "objective.region": "tumor"})

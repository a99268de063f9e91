"""Views of MLflow's page: their columns, order and widths by hand, and a reader's own version that stays."""

import dataclasses
import json
from typing import Any

import pytest

from study.ledger.rows import ArmRow, StudyRow
from study.tracking.naming import word
from study.tracking.views import DEFAULT_VIEW, labels, touched, view_tags

STUDY = StudyRow(
    id=1,
    name="toy",
    file={"report": {"metrics": ["dice", "hd95"]}, "dataset": {"regions": {"kidney+tumor": [], "tumor": []}}},
    marks=(10,),
    maximize=True,
    data_digest="d" * 64,
    versions={},
    created=1000.5,
    stop_requested=False,
    report_reads=0,
)
SPACE = {"training.learning_rate": {"low": 1e-4, "high": 1e-2}, "model.width": {"fixed": 8}}
ARMS = [
    ArmRow(0, "unet3d+dice", "unet3d", "dice", "none", SPACE),
    ArmRow(1, "unet3d+focal", "unet3d", "focal", "none", {"loss.gamma": {"choice": [1, 2]}, **SPACE}),
    ArmRow(2, "unet3d+focal+inverse", "unet3d", "focal", "inverse", SPACE),
]


def view(tag: str) -> dict[str, Any]:
    """The page's own reading of a tag: an envelope with a name, two numbers, and the state as text."""
    envelope = json.loads(tag)
    assert (envelope["createdAt"], envelope["updatedAt"]) == (1_000_500, 1_000_500)
    return {"name": envelope["name"], **json.loads(envelope["state"])}


def test_results_has_test_metrics_then_parameters_in_which_runs_differ() -> None:
    found = view(view_tags(STUDY, ARMS)[DEFAULT_VIEW])
    assert found["name"] == "Results"
    kidney = word("kidney+tumor")  # as the metrics of runs are named
    assert found["selectedColumns"][:5] == [
        "metrics.`validation/best objective`",
        *(f"metrics.`test/{name}`" for name in (f"dice/{kidney}", "dice/tumor", f"hd95/{kidney}", "hd95/tumor")),
    ]
    assert found["selectedColumns"][5:] == [  # one network, so no column for it
        *("params.`training.learning_rate`", "params.`loss.gamma`", "params.`loss`", "params.`weighting`")
    ]
    assert found["columnOrder"] == ["attributes.`Run Name`", "runDateAndNestInfo", *found["selectedColumns"]]
    assert set(found["columnWidths"]) == set(found["columnOrder"])
    assert (found["orderByKey"], found["orderByAsc"]) == ("attributes.start_time", True)


def test_search_has_the_best_trial_first() -> None:
    found = view(view_tags(STUDY, ARMS)[f"{DEFAULT_VIEW}-search"])
    assert found["searchFilter"] == "tags.stage = 'search'"
    assert (found["orderByKey"], found["orderByAsc"]) == ("metrics.`validation/objective`", False)
    assert found["selectedColumns"][1] == "params.`training.learning_rate`"
    assert found["selectedColumns"][-1] == "metrics.`validation/hd95/tumor`"
    least = view(view_tags(dataclasses.replace(STUDY, maximize=False), ARMS)[f"{DEFAULT_VIEW}-search"])
    assert least["orderByAsc"] is True


def test_heads_of_columns_and_names_of_runs_fit() -> None:
    widths = view(view_tags(STUDY, ARMS)[DEFAULT_VIEW])["columnWidths"]
    assert widths["metrics.`test/dice/tumor`"] > 7 * len("test/dice/tumor")
    assert widths["attributes.`Run Name`"] > 7 * len("search 10 · focal+inverse · unet3d")
    wide = dataclasses.replace(ARMS[1], loss="log_cosh_focal_tversky", name="unet3d+log_cosh_focal_tversky")
    found = view(view_tags(STUDY, [ARMS[0], wide])[DEFAULT_VIEW])["columnWidths"]
    assert found["params.`loss`"] > 7 * len("log_cosh_focal_tversky")  # a column is as wide as its values
    many = [dataclasses.replace(ARMS[0], model="n" * 200, name="n" * 200 + "+dice")]
    assert view(view_tags(STUDY, many)[DEFAULT_VIEW])["columnWidths"]["attributes.`Run Name`"] <= 420


def test_a_tag_is_never_longer_than_mlflow_takes() -> None:
    regions = {f"{number:02d}" + "r" * 120: [] for number in range(60)}
    study = dataclasses.replace(STUDY, file={"report": {"metrics": ["m" * 120]}, "dataset": {"regions": regions}})
    tags = view_tags(study, ARMS)
    assert all(len(tag) <= 20_000 for tag in tags.values())
    assert len(view(tags[DEFAULT_VIEW])["selectedColumns"]) > 20


def test_a_study_file_without_metrics_or_regions() -> None:
    found = view(view_tags(dataclasses.replace(STUDY, file={}), ARMS[:1])[DEFAULT_VIEW])
    assert found["selectedColumns"] == ["metrics.`validation/best objective`", "params.`training.learning_rate`"]


def test_what_differs_stands_first_in_a_name() -> None:
    assert labels(ARMS) == {0: "dice · unet3d", 1: "focal · unet3d", 2: "focal+inverse · unet3d"}
    networks = [
        dataclasses.replace(ARMS[0], number=number, model=model, name=f"{model}+dice")
        for number, model in enumerate(("unet", "vnet"))
    ]
    assert labels(networks) == {0: "unet+dice", 1: "vnet+dice"}  # no more losses than networks: the arm's own name
    assert labels(ARMS[:1]) == {0: "unet3d+dice"}


@pytest.mark.parametrize(
    ("there", "expected"),
    [
        (None, False),
        ('{"createdAt": 5, "updatedAt": 5}', False),
        ('{"createdAt": 5, "updatedAt": 6}', True),
        ("deflate;xyz", False),
        ("[]", False),
    ],
)
def test_a_view_that_its_reader_changed(there: str | None, expected: bool) -> None:
    assert touched(there) is expected

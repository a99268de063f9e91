"""`segstudy metrics`: every metric with its definition, and what an empty mask counts."""

import json

import pytest

from search_spaces.metrics import KNOWN
from study.cli import run_command
from study.command.metric_cards import all_cards, card_of


def test_all_metrics_are_listed_with_a_definition() -> None:
    cards = all_cards()
    assert [card.name for card in cards] == list(KNOWN)
    assert all(card.definition and card.label and card.better for card in cards)


def test_a_card_says_what_an_empty_mask_counts() -> None:
    card = card_of("hd95")
    assert (card.unit, card.range, card.needs, card.of) == ("mm", (0.0, None), "masks", "case")
    assert card.empty == {
        "neither mask has the region": ("left out", "0"),
        "only the prediction has it": ("left out", "the image's diagonal"),
        "only the reference has it": ("the image's diagonal", "the image's diagonal"),
    }
    assert card_of("dice").empty["only the prediction has it"] == ("left out", "0")
    assert card_of("specificity").empty["neither mask has the region"] == ("computed", "computed")
    assert card_of("mcc").range == (-1.0, 1.0)
    assert card_of("volume_error").unit == "mL"
    assert card_of("surface_dice_1.5").definition.startswith("share of both surfaces' voxels within 1.5 mm")


@pytest.mark.parametrize(
    ("name", "needs", "of"),
    [
        ("roc_auc", "probabilities", "case"),
        ("lesion_recall", "lesions", "case"),
        ("object_dice", "lesions", "split"),
        ("pooled_average_precision", "probabilities", "split"),
        ("group_f0.5", "masks", "split"),
    ],
)
def test_a_card_says_what_a_metric_is_computed_from(name: str, needs: str, of: str) -> None:
    card = card_of(name)
    assert (card.needs, card.of) == (needs, of)


def test_as_a_user_runs_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["metrics"]) == 0
    listed = capsys.readouterr().out
    assert "surface_dice_MM" in listed
    assert max(map(len, listed.splitlines())) <= 100
    assert run_command(["metrics", "assd", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["unit"] == "mm"
    assert run_command(["metrics", "volume_error"]) == 0
    assert "0 mL or more" in capsys.readouterr().out
    assert run_command(["metrics", "dize"]) == 2
    said = capsys.readouterr().err
    assert said == "Error: no metric named 'dize'. Did you mean 'dice'? `segstudy metrics` lists them.\n"

"""The papers' own numbers: complete, with the registries' names, and none that the papers do not print."""

import collections

import pytest

from reports.published import datasets, rows
from reports.published.protocols import PROTOCOLS
from reports.results.metric_facts import METRICS
from search_spaces.defaults import LOSSES
from search_spaces.published import PUBLISHED


@pytest.mark.parametrize(
    ("name", "count"),
    # chest-ct: 9 arms x 4 metrics; matthews: 4 losses x 5 marks x 2 data sets; kits19: 7 rows x 3 regions
    [("chest-ct", 36), ("matthews", 40), ("matthews/brats15", 20), ("kits19", 21)],
)
def test_every_printed_number_is_there(name: str, count: int) -> None:
    assert len(rows([name])) == count


def test_numbers_are_the_papers() -> None:
    (row,) = (r for r in rows(["kits19"]) if (r.loss, r.region) == ("weighted_dice", "tumor"))
    assert (row.value, row.printed_loss, row.source) == ("0.521", "Weighted Dice", "kits19 paper, Table 1")
    (row,) = (r for r in rows(["matthews/promise12"]) if (r.loss, r.iteration) == ("wasserstein_dice", 5000))
    assert row.value == "0.230"  # printed 0.23 among three digits
    (row,) = (r for r in rows(["chest-ct"]) if (r.model, r.loss, r.metric) == ("unet", "custom", "dice"))
    assert (row.value, dict(row.parameters)) == ("0.8877", {"alpha": 0.25, "gamma": 4.0, "delta": 0.7})
    (row,) = (r for r in rows(["chest-ct"]) if (r.model, r.loss, r.metric) == ("segnet", "custom", "precision"))
    assert row.value == "0.6330"  # 63.3 among percentages of two digits


def test_the_authors_own_number_comes_before_a_recomputed_one() -> None:
    lits = [row for row in rows(["inverse-weighting/lits"]) if row.metric == "object_dice"]
    found = {(row.loss, row.weighting): (row.value, row.spread, row.origin) for row in lits}
    assert found["dice_sq", "none"] == ("0.63", "0.25", "printed")
    assert found["dice_sq", "inverse"] == ("0.49", "0.30", "printed")
    assert found["gdl_iw", "none"] == ("0.6028", "0.2733", "recomputed")  # not printed for LiTS
    assert len(found) == len(lits)


def test_two_rows_of_one_loss_are_told_apart_by_their_parameters() -> None:
    tversky = collections.Counter(row.parameters for row in rows(["kits19"]) if row.loss == "focal_tversky")
    assert sorted(tversky.values()) == [3, 3]


@pytest.mark.parametrize("name", PUBLISHED)
def test_names_and_values_are_usable(name: str) -> None:
    found = rows([name])
    assert {row.dataset for row in found} == set(PUBLISHED[name])
    for row in found:
        assert row.study == name
        assert row.loss in LOSSES
        assert row.weighting in ("none", "inverse")
        assert row.metric in METRICS or row.metric == "cpm_iw2020"  # the authors' own for choosing alpha
        assert float(row.value) >= 0
        assert float(row.value) <= 1 or row.metric == "lesion_false_positives"
        assert {key for key, _ in row.parameters} <= set(LOSSES[row.loss])


def test_every_data_set_has_a_protocol_and_nothing_else_has() -> None:
    assert set(PROTOCOLS) == set(datasets(PUBLISHED))


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(ValueError, match="expected a study with published numbers"):
        rows(["kits20"])
    with pytest.raises(ValueError, match="found 'kits19/lits'"):
        rows(["kits19/lits"])

import numpy as np

from study.ledger.rows import Case, ScoreRow, Scores
from tests.study.small import key


def test_rows_of_scores_have_names_in_place_of_positions() -> None:
    scores = Scores(
        trials=(key(0), key(3)),
        cases=(Case("a", "ann", ("test",)), Case("b", "bob", ("test",))),
        regions=("kidney", "tumor"),
        metrics=("dice",),
        notes=("empty reference",),
        trial=np.array([1, 0], np.int32),
        iteration=np.array([10, 5], np.int32),
        region=np.array([1, 0], np.int32),
        metric=np.array([0, 0], np.int32),
        case=np.array([1, 0], np.int32),
        value=np.array([np.nan, 0.25]),
        note=np.array([0, -1], np.int32),
    )
    assert len(scores) == 2
    assert list(scores.rows()) == [
        ScoreRow(key(3), 10, "tumor", "dice", "b", "bob", None, "empty reference"),
        ScoreRow(key(0), 5, "kidney", "dice", "a", "ann", 0.25, None),
    ]

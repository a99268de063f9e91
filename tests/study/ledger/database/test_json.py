import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.ledger.database.json import dumps, readable


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_double_reads_back_as_itself(value: float) -> None:
    assert json.loads(dumps(value)) == value


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_no_database_keeps_what_json_has_no_word_for(value: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        dumps({"value": [value]})


def test_names_keep_their_order() -> None:
    assert dumps({"tumor": 1, "kidney": 2}) == '{"tumor": 1, "kidney": 2}'


def test_text_that_postgresql_refuses_is_replaced() -> None:
    assert readable("a\x00b\ud800c") == "a\N{REPLACEMENT CHARACTER}b?c"
    assert readable("µm 3 → 4") == "µm 3 → 4"

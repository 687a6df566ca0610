import json
import math

import hypothesis.strategies as st
import pytest
from hypothesis import given

from isoflop.json_values import json_value, toml_value


def json_values():
    """Values as our own files hold them."""
    plain = (
        st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False, allow_infinity=False)
    )
    return st.recursive(plain | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))


class TestJsonOfAnybody:
    """What `json_value` and `toml_value` let through."""

    @pytest.mark.parametrize("text", ["NaN", "[1, Infinity]", "1e999", "-1e999", "9" * 400, '{"a": [1E400]}'])
    def test_a_number_that_no_float_holds_is_none(self, text):
        with pytest.raises(ValueError, match="no finite number|digits"):
            json_value(text)

    @pytest.mark.parametrize("before", range(0, 101, 10))
    def test_it_is_found_wherever_it_stands(self, before):
        for text in ("9" * 301, "1e400"):
            with pytest.raises(ValueError, match="no finite number|digits"):
                json_value(f'["{"x" * before}", {text}]')

    @pytest.mark.parametrize("text", ["[" * 65 + "]" * 65, "[" * 100_000, '{"a":' * 2000 + "1" + "}" * 2000])
    def test_what_is_nested_too_deeply_is_none(self, text):
        with pytest.raises(ValueError, match="nested more than 64 deep"):
            json_value(text)

    def test_long_files_that_are_not_deep_are_read(self):
        assert json_value(json.dumps([[1, {"a": 2}]] * 1000)) == [[1, {"a": 2}]] * 1000

    @pytest.mark.parametrize(("text", "value"), [("-" + "9" * 400, -math.inf), ("1e999", math.inf), ("12", 12)])
    def test_tables_of_others_may_hold_infinity(self, text, value):
        assert json_value(text, finite=False) == value

    @given(json_values())
    def test_whatever_json_writes_is_read_as_it_is(self, value):
        assert json_value(json.dumps(value)) == value
        assert json_value(json.dumps(value).encode(), finite=False) == value

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            (b"a = nan", "a: expected a number that is finite"),
            (b"[run.optimizer]\neps = -inf", "run.optimizer.eps: expected"),
            (b"a = " + b"[" * 50_000, "nested more than 64 deep"),
            (b".".join([b"a"] * 50_000) + b" = 1", "nested more than 64 deep"),
            (b"a = " + b"9" * 5000, "digits"),
            (b"a = 0x" + b"f" * 3000, "digits"),
            (b"a = '\xff'", "decode"),
        ],
    )
    def test_toml_too(self, text, message):
        with pytest.raises(ValueError, match=message):
            toml_value(text)

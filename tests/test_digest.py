"""A file that carries its digest shows that it was changed; one without is taken as it is."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoflop.digest import check_digest, digest_of_json, read_with_digest, write_with_digest
from isoflop.errors import InputError

NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers()
LEAVES = st.none() | st.booleans() | NUMBERS | st.text(max_size=8)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3))
NAMES = st.text(max_size=6).filter(lambda name: name != "digest")


@given(st.dictionaries(NAMES, VALUES, max_size=4))
def test_what_was_written_is_read_back(tmp_path_factory, body):
    path = tmp_path_factory.mktemp("digest") / "file.json"
    write_with_digest(path, body)
    assert read_with_digest(path) == body
    assert digest_of_json(json.loads(path.read_text())) == json.loads(path.read_text())["digest"]


@given(st.dictionaries(NAMES, VALUES, min_size=1, max_size=4), st.data())
def test_any_other_value_has_another_digest(body, data):
    name = data.draw(st.sampled_from(sorted(body)))
    other = data.draw(VALUES)
    if json.dumps(other) != json.dumps(body[name]):
        assert digest_of_json(body | {name: other}) != digest_of_json(body)


def test_keys_that_are_numbers_have_the_digest_of_the_file(tmp_path):
    write_with_digest(tmp_path / "f.json", {"budgets": {2.5: "b", 10.0: "a", 9.0: "c"}})
    assert read_with_digest(tmp_path / "f.json") == {"budgets": {"2.5": "b", "10.0": "a", "9.0": "c"}}


def test_a_changed_file_is_refused_and_one_without_digest_read(tmp_path):
    path = tmp_path / "file.json"
    write_with_digest(path, {"loss": 1.5})
    value = json.loads(path.read_text())
    path.write_text(json.dumps(value | {"loss": 1.4}))
    with pytest.raises(InputError, match=r"file\.json: changed after it was written"):
        read_with_digest(path)
    path.write_text('{"loss": 1.4}')
    assert read_with_digest(path) == {"loss": 1.4}
    check_digest(path, [1, 2])


def test_what_cannot_have_been_written_is_refused(tmp_path):
    path = tmp_path / "file.json"
    path.write_text('{"loss": NaN, "digest": "ab"}')
    with pytest.raises(InputError, match="no finite number"):
        read_with_digest(path)

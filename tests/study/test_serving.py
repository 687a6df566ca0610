"""plans/serving.json: what serving the final models costs."""

import json

import pytest

from isoflop.codec import to_json
from isoflop.digest import read_with_digest, write_with_digest
from isoflop.errors import InputError
from isoflop.study.serving import ServingCost, read_serving


def test_it_is_read_as_it_was_written(old_study):
    path = old_study / "plans" / "serving.json"
    costs = read_serving(path)
    assert to_json(costs) == read_with_digest(path)
    assert len(costs) == 2


def test_what_an_earlier_version_did_not_state_stays_unknown(tmp_path):
    write_with_digest(tmp_path / "serving.json", {"run": {"tokens_per_second": 7.5, "memory_bytes": 9}})
    costs = read_serving(tmp_path / "serving.json")
    assert costs == {"run": ServingCost(tokens_per_second=7.5, memory_bytes=9)}
    assert to_json(costs) == {"run": {"tokens_per_second": 7.5, "memory_bytes": 9}}


def test_nothing_is_measured_before_the_final_runs(tmp_path):
    assert read_serving(tmp_path / "serving.json") == {}


def test_a_changed_file_is_refused(old_study):
    path = old_study / "plans" / "serving.json"
    value = json.loads(path.read_text())
    value["f9ad59b0d141"]["tokens_per_second"] *= 2
    path.write_text(json.dumps(value))
    with pytest.raises(InputError, match="changed after it was written"):
        read_serving(path)
    del value["digest"]
    value["f9ad59b0d141"]["tokens_per_second"] = "fast"
    path.write_text(json.dumps(value))
    with pytest.raises(InputError, match="f9ad59b0d141.tokens_per_second: expected a valid number"):
        read_serving(path)

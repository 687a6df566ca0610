import dataclasses
import json
import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from isoflop.errors import InputError
from isoflop.runs.result import RunResult, counted_params

from .conftest import result_of, small_spec


def test_round_trip_through_json_text(folder):
    result = result_of(folder)
    assert RunResult.from_json(json.loads(json.dumps(result.as_json()))) == result


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(loss=st.floats(0, 20), flops=st.floats(1, 1e25), tokens=st.integers(0, 10**14))
def test_numbers_survive_exactly(folder, loss, flops, tokens):
    result = result_of(folder, val_loss_nats=loss, flops={"matmul": flops}, tokens_seen=tokens)
    assert RunResult.from_json(json.loads(json.dumps(result.as_json()))) == result


def test_failed_run_keeps_its_unknown_numbers_unknown(folder):
    unknown = dict.fromkeys(("val_loss_nats", "val_loss_se", "bits_per_byte", "train_loss_nats", "steps"))
    failed = result_of(folder, status="failed", reason="diverged", message="loss not finite", domains={}, **unknown)
    assert RunResult.from_json(failed.as_json()).val_loss_nats is None


def test_all_problems_are_gathered(folder):
    value = result_of(folder).as_json()
    del value["wall_seconds"], value["domains"]
    value["lost"] = 1
    with pytest.raises(InputError) as caught:
        RunResult.from_json(value)
    assert all(
        part in str(caught.value) for part in ("3 problems", "wall_seconds: missing", "domains: missing", "lost")
    )


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"schema": 2}, "schema"),
        ({"status": "finished"}, "status"),
        ({"reason": "bored"}, "reason"),
        ({"reason": "killed"}, "expected none in a run that is done"),
        ({"status": "failed"}, "reason: missing"),
        ({"val_loss_nats": math.nan}, "val_loss_nats: expected a finite number"),
        ({"val_loss_nats": None}, "val_loss_nats: missing in a run that is done"),
        ({"steps": 1.5}, "steps"),
        ({"attempts": None}, "attempts"),
        ({"threads": True}, "threads"),
        ({"flops": {"guess": 1.0}}, "not conventions of FLOPs: guess"),
        ({"flops": {"matmul": math.inf}}, "flops"),
        ({"params": {"total": 1.5}}, "params"),
        ({"domains": {"a": {"loss_nats": 1.0}}}, "domains.a"),
        ({"domains": []}, "domains"),
    ],
)
def test_what_is_not_a_result_is_refused(folder, changed, said):
    with pytest.raises(InputError, match=said):
        result_of(folder, **changed)


def test_not_an_object():
    with pytest.raises(InputError, match="expected a JSON object, got list"):
        RunResult.from_json([])


def test_counted_params_agree_with_the_shape():
    architecture = small_spec().architecture
    counted = counted_params(architecture)
    assert counted["total"] == sum(tensor.size for tensor in architecture.tensors())
    assert counted["total"] == sum(architecture.params().by_role().values())
    assert counted["non_embedding"] == counted["total"] - counted["embedding"] - counted["output_head"]


def test_every_field_is_documented_in_one_of_the_checks():
    names = {f.name for f in dataclasses.fields(RunResult)}
    from isoflop.runs import result

    checked = {*result._WHOLE, *result._NUMBERS, *result._TEXTS, "params", "flops", "domains", "schema"}
    checked |= {"spent_flops", "notices"}
    assert names == checked


def test_what_was_spent_is_all_where_nothing_else_is_said(folder):
    result = result_of(folder)
    earlier = {name: value for name, value in result.as_json().items() if name not in {"spent_tokens", "spent_flops"}}
    read = RunResult.from_json(earlier)
    assert (read.spent_tokens, read.spent_flops) == (result.tokens_seen, result.flops)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"spent_tokens": -1}, "spent_tokens"),
        ({"spent_flops": {"matmul": float("inf")}}, "spent_flops"),
        ({"spent_flops": [1.0]}, "spent_flops"),
        ({"spent_flops": {}}, "spent_flops: expected the conventions of flops"),
        ({"notices": {"code": "a"}}, "notices"),
        ({"notices": [{"code": 3, "message": "b"}]}, "notices"),
    ],
)
def test_hostile_spending_and_notices_are_refused(folder, changed, said):
    with pytest.raises(InputError, match=said):
        RunResult.from_json(result_of(folder).as_json() | changed)


def test_a_run_that_spent_more_than_its_spec_asks_is_not_this_run(folder):
    spec = folder.read_spec()
    folder.write_result(result_of(folder, spent_tokens=spec.tokens + 1, spent_flops=result_of(folder).flops))
    with pytest.raises(InputError, match="spent_tokens: expected at most"):
        folder.read_result()

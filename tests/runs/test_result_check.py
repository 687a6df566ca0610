import json

import pytest

from isoflop.errors import InputError

from .conftest import result_of

NO_LOSS = {"domains": {"a": {"loss_nats": 999.0, "loss_se": 0.1, "bits_per_byte": 3.8, "tokens": 64, "bytes": 63}}}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"run_id": "0123456789ab"}, "run_id: expected .*the folder's name, got 0123456789ab"),
        ({"tokens_seen": 641}, "tokens_seen: expected 640, as the spec asks, got 641"),
        ({"steps": 9}, "steps: expected 10, as the spec asks, got 9"),
        ({"val_loss_nats": -2.6}, "val_loss_nats: expected 0 to 22.2 nats with a vocabulary of 257, got -2.6"),
        ({"val_loss_nats": 2.6e9}, "val_loss_nats: expected 0 to"),
        ({"train_loss_nats": 23}, "train_loss_nats: expected 0 to"),
        (NO_LOSS, r"domains\.a\.loss_nats: expected 0 to"),
        ({"status": "failed", "reason": "diverged", "steps": 11}, "steps: expected at most 10"),
    ],
)
def test_a_result_that_is_not_of_its_spec_is_refused(folder, changed, said):
    value = {**result_of(folder).as_json(), **changed}
    folder.result.write_text(json.dumps(value))
    with pytest.raises(InputError, match=said) as caught:
        folder.read_result()
    assert "result.json: not a result of this run; delete it to have the run trained again" in str(caught.value)


def test_results_of_any_run_that_ended_are_read(folder):
    for result in (
        result_of(folder),
        result_of(folder, val_loss_nats=0.0),
        result_of(folder, val_loss_nats=7.5),  # above a uniform guess: bad, and possible
        result_of(folder, status="failed", reason="killed", steps=None, tokens_seen=None, val_loss_nats=None),
        result_of(folder, status="failed", reason="diverged", steps=4, tokens_seen=256, val_loss_nats=None),
    ):
        folder.write_result(result)
        assert folder.read_result() == result


def test_all_that_is_wrong_is_told_at_once(folder):
    folder.result.write_text(json.dumps({**result_of(folder).as_json(), "steps": 1, "tokens_seen": 1}))
    with pytest.raises(InputError, match="2 problems"):
        folder.read_result()

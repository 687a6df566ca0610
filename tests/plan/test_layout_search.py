"""The search for a layout: what it returns fits, nothing is faster, and it evaluates few layouts."""

from dataclasses import replace
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isoflop.arch import train_memory
from isoflop.arch.layout import RECOMPUTE, Layout, TrainingSetup
from isoflop.arch.published import published_shape
from isoflop.arch.step_time import step_time
from isoflop.errors import InputError, RefusedError
from isoflop.hardware import hardware_named
from isoflop.plan import layout_search
from isoflop.plan.layout_search import MEMORY_SHARE, estimate_or_notice, evaluate_layout, find_layout

H100 = hardware_named("H100")
SMALL, SMALL_SEQ = published_shape("llama3-8b")


@given(st.sampled_from([8, 16, 24, 64, 100, 256]), st.sampled_from([256, 480, 1024]), st.sampled_from(["H100", "A100"]))
@settings(max_examples=20, deadline=None)
def test_what_is_found_uses_all_devices_fits_and_shares_the_batch(count, batch, device):
    hardware = hardware_named(device)
    found = find_layout(SMALL, SMALL_SEQ, hardware, count, batch=batch, batch_slack=0.2)
    layout, micro = found.layout, found.micro_batch_sequences
    assert layout.devices == count
    assert abs(found.batch_sequences / batch - 1) <= 0.2
    assert SMALL.n_heads % layout.tensor == 0
    assert layout.tensor <= 8
    assert found.memory.total <= MEMORY_SHARE * hardware.memory_bytes
    setup = TrainingSetup(seq_len=SMALL_SEQ, sequences=micro, layout=layout, recompute=found.recompute)
    assert found.memory == train_memory(SMALL, setup)
    less = RECOMPUTE[: RECOMPUTE.index(found.recompute)]
    for recompute in less:
        memory = train_memory(SMALL, replace(setup, recompute=recompute))
        assert memory.total > MEMORY_SHARE * hardware.memory_bytes


def test_nothing_that_fits_is_faster():
    batch = 64
    found = find_layout(SMALL, SMALL_SEQ, H100, 32, batch=batch)
    for tensor in (1, 2, 4, 8):
        for pipeline in (1, 2, 4, 8, 16, 32):
            for sharded in (1, 2, 4, 8, 16, 32):
                ways = tensor * pipeline * sharded
                if ways > 32:
                    continue
                layout = Layout(data=32 // ways, sharded=sharded, tensor=tensor, pipeline=pipeline)
                for micro in (1, 2, 4, 8, 16, 32, 64):
                    if layout.batch_ways * micro > batch:
                        continue
                    for recompute in RECOMPUTE:
                        setup = TrainingSetup(seq_len=SMALL_SEQ, sequences=micro, layout=layout, recompute=recompute)
                        if train_memory(SMALL, setup).total > MEMORY_SHARE * 80e9:
                            continue
                        seconds = step_time(SMALL, setup, H100, batch=batch).seconds
                        assert found.time.seconds <= seconds * (1 + 1e-9)


def test_the_layout_of_a_search_is_evaluated_to_the_same_estimate():
    found = find_layout(SMALL, SMALL_SEQ, H100, 32, batch=64)
    own = evaluate_layout(SMALL, SMALL_SEQ, H100, found.layout, batch=64, sequences=found.micro_batch_sequences)
    assert own == found
    again = evaluate_layout(
        SMALL, SMALL_SEQ, H100, found.layout, batch=64, sequences=found.micro_batch_sequences, recompute="full"
    )
    assert again.recompute == "full"
    assert again.memory.total <= found.memory.total
    assert again.time.seconds > found.time.seconds


def test_a_layout_that_does_not_fit_is_evaluated_too():
    arch, seq_len = published_shape("llama3-70b")
    found = evaluate_layout(arch, seq_len, H100, Layout(sharded=8), batch=8)
    assert found.memory.total > found.device_bytes
    assert found.recompute == "full"


def test_the_batch_of_a_layout_is_rounded_by_the_slack_and_no_further():
    assert evaluate_layout(SMALL, SMALL_SEQ, H100, Layout(sharded=8), batch=62, batch_slack=0.05).batch_sequences == 64
    with pytest.raises(InputError, match="batch: expected a multiple of 8 x 1 sequences of 8192 tokens, .* got 62"):
        evaluate_layout(SMALL, SMALL_SEQ, H100, Layout(sharded=8), batch=62)
    with pytest.raises(InputError, match="got 3"):
        evaluate_layout(SMALL, SMALL_SEQ, H100, Layout(sharded=8), batch=3, batch_slack=0.05)


@pytest.mark.parametrize(
    ("name", "device", "count", "batch"),
    [("mt-nlg-530b", "A100", 2240, 1920), ("palm-540b", "TPUv4", 6144, 2048), ("llama3-405b", "H100", 16_384, 2048)],
)
def test_published_runs_have_a_layout_no_slower_than_their_own_by_this_account(name, device, count, batch):
    arch, seq_len = published_shape(name)
    hardware = hardware_named(device)
    found = find_layout(arch, seq_len, hardware, count, batch=batch)
    own, micro = {
        "mt-nlg-530b": (Layout(tensor=8, pipeline=35, data=8), 1),
        "palm-540b": (Layout(tensor=12, sharded=256, data=2), 4),
        "llama3-405b": (Layout(tensor=8, pipeline=16, sharded=128, interleaved=8), 1),
    }[name]
    theirs = step_time(
        arch, TrainingSetup(seq_len=seq_len, layout=own, sequences=micro, recompute="full"), hardware, batch=batch
    )
    assert found.time.seconds <= theirs.seconds
    assert found.layout.devices == count


def test_a_search_over_sixteen_thousand_devices_predicts_few_steps(monkeypatch):
    arch, seq_len = published_shape("llama3-405b")
    calls = {"memory": 0, "time": 0}

    def counted(kind, function):
        def call(*args, **options):
            calls[kind] += 1
            return function(*args, **options)

        return call

    monkeypatch.setattr(layout_search, "train_memory", counted("memory", train_memory))
    monkeypatch.setattr(layout_search, "step_time", counted("time", step_time))
    find_layout(arch, seq_len, H100, 16_384, batch=2048)
    # at a tenth of a millisecond each, a plan waits less than a third of a second for its layout
    assert calls["time"] < 700
    assert calls["memory"] < 4000


def test_too_few_devices_are_refused_with_how_many_would_do():
    arch, seq_len = published_shape("llama3-70b")
    with pytest.raises(RefusedError, match="do not fit into 8 H100; the least that would hold them is 20") as refusal:
        find_layout(arch, seq_len, H100, 8, batch=64)
    assert refusal.value.code == "does_not_fit"
    assert find_layout(arch, seq_len, H100, 20, batch=64).layout.devices == 20


def test_a_context_that_fits_nowhere_is_refused():
    with pytest.raises(RefusedError, match="nor into any number of them"):
        find_layout(SMALL, 10**9, H100, 8, batch=8)


def test_a_batch_that_no_layout_shares_is_refused():
    with pytest.raises(RefusedError, match="no layout of 512 H100 shares a batch of 3 sequences evenly") as refusal:
        find_layout(SMALL, SMALL_SEQ, H100, 512, batch=3)
    assert refusal.value.code == "no_layout"


def test_a_device_without_a_known_speed_is_an_error():
    with pytest.raises(InputError, match="MI300X: no published runs say"):
        find_layout(SMALL, SMALL_SEQ, hardware_named("MI300X"), 8, batch=8)


def test_a_search_returns_an_estimate_or_the_reason_that_it_raised():
    estimate, notices = estimate_or_notice(partial(find_layout, SMALL, SMALL_SEQ, H100, 8, batch=64))
    assert (estimate.batch_sequences, notices) == (64, ())
    estimate, (notice,) = estimate_or_notice(partial(find_layout, SMALL, SMALL_SEQ, H100, 512, batch=3))
    assert (estimate, notice.code) == (None, "no_placement")
    assert "shares a batch of 3 sequences" in notice.message


def test_json_has_the_layout_memory_and_step():
    found = find_layout(SMALL, SMALL_SEQ, H100, 16, batch=64)
    json = found.as_json()
    assert json["data"] * json["sharded"] * json["tensor"] * json["pipeline"] == json["count"] == 16
    assert json["batch_tokens"] == json["step"]["tokens"] == 64 * SMALL_SEQ
    assert json["memory_bytes"]["total"] < json["device_bytes"]

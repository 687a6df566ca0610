"""A spec is read back as it was written, refuses what cannot be trained, and its id is its content."""

import json
import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoflop.arch import Architecture
from isoflop.errors import InputError
from isoflop.schedule import KINDS, Schedule
from isoflop.spec import Optimizer, RunSpec


def _architecture(kv_heads, group, family, n_positions, **rest):
    return Architecture(
        family=family,
        n_heads=kv_heads * group,
        n_kv_heads=kv_heads,
        n_positions=n_positions if family == "gpt" else None,
        **rest,
    )


ARCHITECTURES = st.builds(
    _architecture,
    kv_heads=st.integers(1, 8),
    group=st.integers(1, 8),
    family=st.sampled_from(["llama", "gopher", "gpt", "palm"]),
    n_layers=st.integers(1, 100),
    d_model=st.integers(1, 20_000),
    head_dim=st.integers(1, 256),
    d_ff=st.integers(1, 80_000),
    vocab_size=st.integers(2, 300_000),
    tied_embedding=st.booleans(),
    n_positions=st.integers(4096, 10**6),
    without=st.sampled_from([(), ("query_key_norm",)]),
)
SHARES = st.floats(0, 1)
RATES = st.floats(1e-9, 1e3)
OPTIMIZERS = st.builds(
    Optimizer,
    beta1=st.floats(0, 0.9999),
    beta2=st.floats(0, 0.9999),
    eps=RATES,
    weight_decay=SHARES,
    clip_norm=RATES,
    embedding_lr=RATES,
    output_head_lr=RATES,
    vectors_lr=RATES,
    hidden=st.just("adamw"),
) | st.builds(
    Optimizer,
    beta1=st.just(0.9),
    beta2=st.just(0.95),
    eps=RATES,
    weight_decay=SHARES,
    clip_norm=RATES,
    embedding_lr=RATES,
    output_head_lr=RATES,
    vectors_lr=RATES,
    hidden=st.just("muon"),
    momentum=st.floats(0, 0.9999),
)


@st.composite
def specs(draw):
    seq_len = draw(st.integers(1, 4096))
    batch_tokens = seq_len * draw(st.integers(1, 64))
    tokens = batch_tokens * draw(st.integers(1, 10**6))
    return RunSpec(
        architecture=draw(ARCHITECTURES),
        tokens=tokens,
        batch_tokens=batch_tokens,
        seq_len=seq_len,
        peak_lr=draw(RATES),
        schedule=draw(st.builds(Schedule, kind=st.sampled_from(KINDS), final_fraction=SHARES)),
        warmup_tokens=draw(st.integers(0, tokens)),
        optimizer=draw(OPTIMIZERS),
        seed=draw(st.integers(0, 2**63 - 1)),
        corpus=draw(st.text("0123456789abcdef", min_size=64, max_size=64)),
        eval_tokens=draw(st.integers(1, 10**7)),
        budget_flops=draw(st.none() | st.floats(1e6, 1e26)),
        group=draw(st.text("0123456789abcdef", max_size=12)),
        z_loss=draw(st.just(0.0) | st.floats(1e-9, 1.0)),
    )


def test_a_mask_leaves_whole_sequences():
    plain = SPEC.batch_tokens
    masked = replace(SPEC, masked_fraction=0.5, batch_tokens=2 * plain, tokens=2 * SPEC.tokens)
    assert masked.sequences == SPEC.sequences == plain // SPEC.seq_len
    assert masked.run_id != SPEC.run_id
    assert "masked_fraction" not in SPEC.as_json()
    with pytest.raises(InputError, match="expected whole sequences of"):
        replace(SPEC, masked_fraction=0.3)
    with pytest.raises(InputError, match="expected a share of at least 0 and below 1"):
        replace(SPEC, masked_fraction=1.0)


SPEC = RunSpec(
    architecture=Architecture(
        family="llama",
        n_layers=2,
        d_model=64,
        n_heads=2,
        n_kv_heads=2,
        head_dim=32,
        d_ff=168,
        vocab_size=257,
        tied_embedding=False,
    ),
    tokens=4096,
    batch_tokens=512,
    seq_len=256,
    peak_lr=0.005,
    schedule=Schedule(),
    warmup_tokens=512,
    optimizer=Optimizer(
        beta1=0.9,
        beta2=0.95,
        eps=1e-8,
        weight_decay=0.1,
        clip_norm=1.0,
        embedding_lr=4.0,
        output_head_lr=4.0,
        vectors_lr=1.0,
    ),
    seed=0,
    corpus="0" * 64,
    eval_tokens=65_536,
    budget_flops=1e12,
    group="0123456789ab",
)


def shuffled(value, order):
    """The same JSON with the keys of every object in another order."""
    if not isinstance(value, dict):
        return value
    return {key: shuffled(value[key], order) for key in random.Random(order).sample(list(value), len(value))}


@given(specs())
def test_a_spec_is_read_back_from_json_text_with_its_id(spec):
    read = RunSpec.from_json(json.loads(json.dumps(spec.as_json())))
    assert read == spec
    assert read.run_id == spec.run_id


@given(specs(), st.integers(0, 10))
def test_the_order_of_keys_does_not_matter(spec, order):
    assert RunSpec.from_json(shuffled(spec.as_json(), order)).run_id == spec.run_id


@pytest.mark.parametrize(
    "changed",
    [
        {"tokens": 4608},
        {"batch_tokens": 1024},
        {"seq_len": 128},
        {"peak_lr": 0.0050000001},
        {"schedule": Schedule(kind="constant")},
        {"schedule": Schedule(final_fraction=0.0)},
        {"warmup_tokens": 511},
        {"optimizer": replace(SPEC.optimizer, eps=1e-9)},
        {"architecture": replace(SPEC.architecture, tied_embedding=True)},
        {"seed": 1},
        {"corpus": "1" * 64},
        {"eval_tokens": 65_537},
        {"budget_flops": None},
        {"group": ""},
        {"z_loss": 1e-4},
        {"architecture": replace(SPEC.architecture, without=("query_key_norm",))},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_whatever_decides_the_numbers_decides_the_id(changed):
    assert replace(SPEC, **changed).run_id != SPEC.run_id


def test_the_id_names_folders_of_studies_that_exist_and_must_not_drift():
    # SHA-256 of the canonical JSON: keys sorted, no blanks, Python's shortest floats
    assert SPEC.run_id == "ada81c38e295"
    assert len(SPEC.run_id) == 12


def test_a_spec_written_before_a_field_existed_is_read_with_its_id():
    written = SPEC.as_json()
    assert "z_loss" not in written
    assert not {"n_positions", "without"} & set(written["architecture"])
    assert RunSpec.from_json(written) == SPEC


def test_a_spec_without_muon_says_nothing_of_it():
    assert {"hidden", "momentum"}.isdisjoint(SPEC.as_json()["optimizer"])
    muon = replace(SPEC, optimizer=replace(SPEC.optimizer, hidden="muon"))
    assert muon.as_json()["optimizer"]["hidden"] == "muon"
    assert muon.run_id != SPEC.run_id


def test_a_context_beyond_the_learned_positions_is_refused():
    learned = replace(SPEC.architecture, family="gpt", n_positions=255)
    with pytest.raises(InputError, match="seq_len: expected at most n_positions=255, got 256"):
        replace(SPEC, architecture=learned)


def test_steps():
    assert SPEC.steps == 8


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"tokens": 0}, "tokens: expected a whole number of at least 1, got 0"),
        ({"tokens": 4096.0}, "tokens: expected a whole number"),
        ({"tokens": 4000}, "tokens: expected a multiple of batch_tokens=512, got 4000"),
        ({"batch_tokens": 300}, "batch_tokens: expected a multiple of seq_len=256, got 300"),
        ({"warmup_tokens": 4097}, "warmup_tokens: expected 0 to tokens=4096, got 4097"),
        ({"warmup_tokens": -1}, "warmup_tokens"),
        ({"eval_tokens": 0}, "eval_tokens"),
        ({"peak_lr": 0.0}, "peak_lr: expected a positive number"),
        ({"peak_lr": float("nan")}, "peak_lr"),
        ({"z_loss": -1e-4}, "z_loss: expected a weight of at least 0"),
        ({"z_loss": float("nan")}, "z_loss"),
        ({"precision": "bfloat16"}, "precision: the trainer computes in float32, got 'bfloat16'"),
        ({"schema": 99}, "schema: this version of isoflop reads 1, got 99; design the study again"),
    ],
)
def test_what_cannot_be_trained_is_refused(changed, said):
    with pytest.raises(InputError, match=said):
        replace(SPEC, **changed)


def test_all_problems_are_reported_at_once():
    with pytest.raises(InputError, match="2 problems") as caught:
        replace(SPEC, tokens=4000, peak_lr=-1.0)
    assert "batch_tokens=512" in str(caught.value)
    assert "peak_lr" in str(caught.value)


@pytest.mark.parametrize(
    ("mend", "said"),
    [
        (lambda value: [value], "expected a JSON object, got list"),
        (lambda value: {k: v for k, v in value.items() if k not in ("seed", "tokens")}, "seed: missing"),
        (lambda value: {**value, "colour": "red"}, "colour: not a field of a run spec"),
        (lambda value: {**value, "architecture": {}}, "architecture: 9 problems"),
        (lambda value: {**value, "architecture": None}, "architecture: expected an object"),
        (lambda value: {**value, "schedule": {"kind": "cosine", "colour": 1}}, "colour"),
        (lambda value: {**value, "schedule": {"kind": "zigzag"}}, "expected one of cosine"),
        (lambda value: {**value, "optimizer": {"beta1": 0.9}}, "beta2"),
        (lambda value: {**value, "peak_lr": "fast"}, "spec"),
        (lambda value: {**value, "warmup_tokens": "some"}, "spec"),
    ],
)
def test_a_file_that_is_no_spec_is_refused(mend, said):
    with pytest.raises(InputError, match=said):
        RunSpec.from_json(mend(SPEC.as_json()))

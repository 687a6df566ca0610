"""What all exports share: the run of a plan, the comment at the head, refusals."""

from dataclasses import replace

import pytest

import isoflop
from isoflop.arch.layout import Layout
from isoflop.errors import InputError, RefusedError
from isoflop.laws import published_law
from isoflop.plan import make_plan
from isoflop.plan.export import EXPORTS, EngineRun
from isoflop.plan.export.checked import CHECKED
from isoflop.plan.export.engine_run import one_rate, refuse, undecayed
from isoflop.schedule import Schedule
from isoflop.units import format_quantity
from plan.export.reading import comment_of

SCRIPTS = sorted(set(EXPORTS) - {"hf"})
FAMILY = {"nanogpt": "gpt"}


def test_a_plan_without_a_shape_has_nothing_to_export():
    with pytest.raises(RefusedError, match="nothing to export: the plan has no shape; plan another size") as refused:
        EngineRun.of_plan(make_plan(published_law("besiroglu2024"), 1e20, recipe=None))
    assert refused.value.code == "no_buildable_shape"


def test_the_reason_of_the_plan_is_passed_on():
    plan = make_plan(published_law("besiroglu2024"), 1e12)
    assert plan.buildable is None
    with pytest.raises(RefusedError, match="nothing to export: params: "):
        EngineRun.of_plan(plan)


def test_batches_warm_up_and_last_rate(engine_run):
    value = engine_run(tokens=4_096_000, batch_tokens=4_096, warmup_tokens=40_000, peak_lr=1e-3)
    assert (value.sequences, value.run.steps, value.warmup_steps) == (16, 1000, 10)
    assert value.final_lr == pytest.approx(1e-4)
    assert replace(value, run=replace(value.run, schedule=Schedule(kind="constant"))).final_lr == 1e-3
    wsd = replace(value.run, schedule=Schedule(kind="wsd", cooldown_fraction=0.2))
    assert replace(value, run=wsd).cooldown_steps == 200
    late = replace(wsd, warmup_tokens=3_686_400)  # a cooldown begins after the warm-up at the earliest
    assert replace(value, run=late).cooldown_steps == 100


@pytest.mark.parametrize(
    ("layout", "micro", "said"),
    [
        (Layout(data=3), None, "expected replicas x micro-batch to divide the 16 sequences of a batch, got 3 x 1"),
        (Layout(data=2, sharded=2), 8, "got 4 x 8"),
        (Layout(tensor=7), 1, "tensor: expected a divisor of n_heads"),
    ],
)
def test_a_layout_must_share_the_batch_and_split_the_shape(engine_run, layout, micro, said):
    with pytest.raises(InputError, match=said):
        engine_run(tokens=4_096_000, batch_tokens=4_096, warmup_tokens=0, layout=layout, micro_batch_sequences=micro)


@pytest.mark.parametrize("engine", SCRIPTS)
def test_every_file_begins_with_what_it_is(engine_run, engine):
    value = engine_run(FAMILY.get(engine, "llama"))
    said = comment_of(EXPORTS[engine](value))
    assert f"made by isoflop {isoflop.__version__}." in said
    counts = f"N = {value.arch.params().total:,} total parameters, D = {format_quantity(value.run.tokens)} tokens"
    assert f"Plan: {counts}, C = 1.2e17 FLOPs, by law besiroglu2024." in said
    for part in ("Fill in: -", "Rates: - batch of", "Not planned: - layout over devices", "Differs from the plan: -"):
        assert part in said
    assert max(map(len, EXPORTS[engine](value).splitlines())) <= 120


@pytest.mark.parametrize("engine", SCRIPTS)
def test_what_was_planned_is_not_listed_as_open(engine_run, engine):
    planned = {"layout": Layout(data=2), "micro_batch_sequences": 1, "recompute": "none", "batch_tokens": 2_560}
    value = engine_run(FAMILY.get(engine, "llama"), **planned)
    assert "Not planned" not in comment_of(EXPORTS[engine](value))


@pytest.mark.parametrize("engine", sorted(EXPORTS))
@pytest.mark.parametrize("family", ["gopher", "gpt-rope", "palm"])
def test_no_engine_has_these_families(engine_run, engine, family):
    with pytest.raises(RefusedError, match=f"{family}; plan with --family ") as refused:
        EXPORTS[engine](engine_run(family))
    assert refused.value.code == "not_expressible"


def test_all_that_is_wrong_is_reported_at_once():
    with pytest.raises(RefusedError, match="^an engine cannot express this run: one; two$"):
        refuse("an engine", ["one", "two"])
    refuse("an engine", [])


@pytest.mark.parametrize("engine", SCRIPTS)
def test_every_file_says_which_rates_apply(engine_run, engine):
    value = engine_run(FAMILY.get(engine, "llama"))
    rule = f"tokens, peak rate {value.run.peak_lr:.3g}, by steplaw2025 (Li et al. 2025"
    assert rule in comment_of(EXPORTS[engine](value))
    own = replace(value, rates_rule="a rule of one's own")
    assert "by a rule of one's own; of this shape" in comment_of(EXPORTS[engine](own))


def test_rates_by_role_are_reported(engine_run):
    value = engine_run(peak_lr=1e-3)
    rates = replace(value.run.optimizer, embedding_lr=10.0, output_head_lr=4.0)
    said = comment_of(EXPORTS["torchtitan"](replace(value, run=replace(value.run, optimizer=rates))))
    assert "that of the hidden matrices; embedding 0.01, output head 0.004, vectors 0.001" in said


@pytest.mark.parametrize(
    ("seconds", "tokens", "interval"),
    [(None, 4_000 * 4_096, 500), (None, 100 * 4_096, 25), (None, 4_096, 1), (2.0, 40_000 * 4_096, 1_800)],
)
def test_a_checkpoint_an_hour_or_every_500_steps_and_four_of_a_short_run(engine_run, seconds, tokens, interval):
    value = engine_run(tokens=tokens, batch_tokens=4_096, warmup_tokens=0, step_seconds=seconds)
    assert value.checkpoint_steps == interval


def test_groups_are_as_few_as_there_are_rates(engine_run):
    value = engine_run(peak_lr=1e-3)
    names = {"vectors": "v", "embedding": "e", "head": "h"}
    assert undecayed(value, **names) == {1e-3: ["v", "e", "h"]}
    assert one_rate(value.run) == []
    rates = replace(value.run.optimizer, embedding_lr=10.0, output_head_lr=4.0)
    several = replace(value, run=replace(value.run, optimizer=rates))
    assert undecayed(several, **names) == {1e-3: ["v"], 1e-2: ["e"], 4e-3: ["h"]}
    assert "plan with --rates steplaw2025" in one_rate(several.run)[0]
    tied = replace(several, run=replace(several.run, architecture=replace(value.arch, tied_embedding=True)))
    assert undecayed(tied, **names) == {1e-3: ["v"], 1e-2: ["e"]}


@pytest.mark.parametrize("engine", SCRIPTS)
def test_muon_and_masks_are_refused_by_name(engine_run, engine):
    value = engine_run(FAMILY.get(engine, "llama"))
    muon = replace(value.run, optimizer=replace(value.run.optimizer, hidden="muon"))
    with pytest.raises(RefusedError, match="the run has muon for its hidden matrices"):
        EXPORTS[engine](replace(value, run=muon))
    batch = value.run.batch_tokens
    masked = replace(value.run, batch_tokens=2 * batch, tokens=2 * batch, warmup_tokens=0, masked_fraction=0.5)
    with pytest.raises(RefusedError, match="it masks nothing, and the run 50 % of each batch"):
        EXPORTS[engine](replace(value, run=masked))


@pytest.mark.parametrize(("engine", "family"), [(name, "gpt" if name == "nanogpt" else "llama") for name in EXPORTS])
def test_every_file_names_what_it_was_checked_against(engine_run, engine, family):
    text = EXPORTS[engine](engine_run(family))
    said = " ".join(text.replace("#", " ").split())
    assert CHECKED[engine].words[1:] in said

"""Trunk and branches cost what their own steps cost, and are the runs that their specs describe."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoflop.begins import Begins
from isoflop.errors import InputError
from isoflop.run_tree import check_branch, roots, steps_to_keep
from isoflop.schedule import Schedule
from isoflop.sweep import (
    Design,
    DesignedRun,
    branch_of,
    branched_runs,
    sweep_cost,
)
from isoflop.sweep.cost import BYTES_PER_PARAM_KEPT
from sweep.machine import RECIPE, SPEED

SHAPE = RECIPE.shape(24, 2)


def branched(*horizons, seed=0, **stated):
    return branched_runs(RECIPE, SHAPE, horizons, corpus="c", seed=seed, **stated)


def test_four_horizons_cost_1_60_times_less_than_four_runs():
    """T10: sum of 1, 2, 4, 8 over 8 + .2 (1 + 2 + 4) is 1.596."""
    runs = branched(1e6, 2e6, 4e6, 8e6)
    assert RECIPE.schedule.cooldown_fraction == 0.2
    assert runs.saving == pytest.approx(1.60, abs=0.01)
    assert runs.spent_flops == pytest.approx(sweep_cost(runs.specs, SPEED, 2).flops)
    assert runs.straight_flops == sum(spec.flops for spec in runs.specs)


@given(
    st.lists(st.floats(5, 7.5), min_size=2, max_size=5, unique_by=lambda log: round(log, 1)), st.integers(0, 2**63 - 1)
)
def test_branches_have_one_batch_rate_and_warm_up_and_the_horizons(logs, seed):
    horizons = sorted(10**log for log in logs)
    runs = branched(*horizons, seed=seed)
    assert runs.trunk.begins is None
    assert len({(spec.batch_tokens, spec.peak_lr, spec.warmup_tokens) for spec in runs.specs}) == 1
    middle = math.exp(sum(map(math.log, horizons)) / len(horizons))
    assert runs.trunk.batch_tokens == RECIPE.batch_tokens(SHAPE, middle)
    for spec, tokens in zip(runs.specs, horizons[::-1], strict=True):
        assert spec.tokens == pytest.approx(tokens, abs=spec.batch_tokens / 2 + 1)
        assert spec.warmup_tokens <= RECIPE.warmup_fraction * spec.tokens
    for branch in runs.branches:
        assert branch.begins.run == runs.trunk.run_id
        check_branch(runs.trunk, branch)
        # the next step is the first of its cooldown
        assert branch.begins.step == branch.shared_steps
        token = (branch.begins.step + 0.5) * branch.batch_tokens
        assert branch.schedule.factor(token, tokens=branch.tokens, warmup_tokens=branch.warmup_tokens) < 1
        assert branch.spent_tokens == pytest.approx(0.2 * branch.tokens, abs=branch.batch_tokens)


def test_the_rate_of_every_common_step_is_the_same():
    runs = branched(1e5, 3e5)
    trunk, (branch,) = runs.trunk, runs.branches

    def rates(spec):
        middles = ((step + 0.5) * spec.batch_tokens for step in range(branch.begins.step))
        return [spec.schedule.factor(token, tokens=spec.tokens, warmup_tokens=spec.warmup_tokens) for token in middles]

    assert rates(trunk) == rates(branch)


def test_a_branch_is_in_the_group_of_the_run_that_starts_by_itself():
    _, branch = branched(1e5, 3e5).specs
    straight = replace(branch, begins=None)
    assert straight.run_id != branch.run_id
    other = branched(1e5, 3e5, seed=1).branches[0]
    assert other.group == branch.group == straight.group
    assert other.run_id != branch.run_id


def test_a_longer_run_begins_where_the_trunk_began_to_decay():
    trunk = branched(1e5, 3e5).trunk
    longer = branch_of(trunk, 1.2e6)
    assert longer.begins == Begins(run=trunk.run_id, step=trunk.shared_steps)
    longest = branch_of(longer, 3e6)
    assert longest.begins == Begins(run=longer.run_id, step=longer.shared_steps)
    tree = roots([trunk, longer, longest])
    assert tree == dict.fromkeys([trunk.run_id, longer.run_id, longest.run_id], trunk.run_id)
    spent = sum(spec.spent_tokens for spec in (trunk, longer, longest))
    # three cooldowns, and the constant steps of the longest once
    assert spent == pytest.approx(3e6 + 0.2 * (3e5 + 1.2e6), rel=0.01)


def test_a_branch_takes_the_last_checkpoint_that_was_kept():
    trunk = branched(1e5, 3e5).trunk
    assert branch_of(trunk, 2e5, kept=[5, 60, trunk.steps]).begins.step == 60
    with pytest.raises(InputError, match="no checkpoint in its first"):
        branch_of(trunk, 2e5, kept=[trunk.steps])
    longer = branch_of(trunk, 1.2e6)
    with pytest.raises(InputError, match="no checkpoint in its first"):
        branch_of(longer, 1e5)  # all that they have in common are steps of the trunk


def test_checkpoints_are_kept_where_others_begin_and_their_disk_is_billed():
    runs = branched(1e5, 2e5, 4e5)
    begun = tuple(sorted(branch.begins.step for branch in runs.branches))
    assert steps_to_keep(runs.specs) == {runs.trunk.run_id: begun}
    assert steps_to_keep(runs.specs, longer=True) == {runs.trunk.run_id: (*begun, runs.trunk.shared_steps)}
    alone = [replace(spec, begins=None) for spec in runs.specs]
    more = sweep_cost(runs.specs, SPEED, 1).disk_bytes - sweep_cost(alone, SPEED, 1).disk_bytes
    assert more == 2 * SHAPE.params().total * BYTES_PER_PARAM_KEPT


def test_a_branch_takes_the_seconds_of_its_own_steps():
    branch = branched(1e5, 1e6).branches[0]
    straight = replace(branch, begins=None)
    saved = SPEED.seconds(straight) - SPEED.seconds(branch)
    assert saved == pytest.approx(branch.begins.step * SPEED.step(branch))


def test_runs_without_a_constant_rate_have_no_branches():
    cosine = replace(RECIPE, schedule=Schedule(kind="cosine"))
    with pytest.raises(InputError, match="branch off a constant rate: expected wsd, got cosine"):
        branched_runs(cosine, SHAPE, [1e5, 2e5], corpus="c", seed=0)
    with pytest.raises(InputError, match="different numbers of steps"):
        branched(1e5, 1e5)


def test_a_design_keeps_its_tree_and_refuses_a_parent_that_it_does_not_hold(tmp_path):
    runs = [replace(spec, budget_flops=1e12) for spec in branched(1e5, 2e5).specs]
    runs[1] = replace(runs[1], begins=Begins(run=runs[0].run_id, step=runs[1].begins.step))
    design = Design(runs=tuple(DesignedRun(spec=spec, purpose="isoflop") for spec in runs))
    design.save(tmp_path / "sweep.json")
    assert Design.load(tmp_path / "sweep.json") == design
    with pytest.raises(InputError, match="is none of the runs here"):
        Design(runs=design.runs[1:])


def test_the_share_of_a_branch_that_is_done_counts_its_own_steps():
    branch = branched(1e5, 4e5).branches[0]
    begun = branch.begins.step * branch.batch_tokens
    assert branch.share_done(begun) == branch.share_done(0) == 0
    assert branch.share_done((begun + branch.tokens) / 2) == pytest.approx(0.5)
    assert branch.share_done(branch.tokens) == replace(branch, begins=None).share_done(branch.tokens) == 1

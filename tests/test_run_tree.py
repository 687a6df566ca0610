"""A run may begin from another only where both have the same first steps; what says otherwise is refused by name."""

import json
from dataclasses import replace

import pytest
from sweep.machine import RECIPE

from isoflop.begins import Begins
from isoflop.errors import InputError
from isoflop.run_tree import DECIDING, check_branch, check_tree, root_of
from isoflop.schedule import Schedule
from isoflop.spec import RunSpec
from isoflop.sweep import branch_of, branched_runs

RUNS = branched_runs(RECIPE, RECIPE.shape(24, 2), [1e5, 4e5], corpus="c", seed=0)
TRUNK, BRANCH = RUNS.specs
CHANGES = {
    "architecture": RECIPE.shape(28, 2),
    "batch_tokens": 2 * TRUNK.batch_tokens,
    "seq_len": TRUNK.seq_len // 2,
    "peak_lr": 2 * TRUNK.peak_lr,
    "warmup_tokens": TRUNK.warmup_tokens + 1,
    "optimizer": replace(TRUNK.optimizer, beta2=0.99),
    "seed": 1,
    "corpus": "d",
    "z_loss": 1e-4,
    "masked_fraction": 0.5,
}


def begun_from(parent, **changes):
    return replace(BRANCH, begins=Begins(run=parent.run_id, step=BRANCH.begins.step), **changes)


@pytest.mark.parametrize("field", CHANGES)
def test_a_parent_with_other_first_steps_is_refused_by_the_field(field):
    changes = {field: CHANGES[field]}
    if field == "batch_tokens":
        changes["tokens"] = TRUNK.tokens // (2 * TRUNK.batch_tokens) * 2 * TRUNK.batch_tokens
    if field == "masked_fraction":
        changes["batch_tokens"] = 2 * TRUNK.batch_tokens
        changes["tokens"] = TRUNK.tokens // (2 * TRUNK.batch_tokens) * 2 * TRUNK.batch_tokens
    parent = replace(TRUNK, **changes)
    with pytest.raises(InputError, match=rf"differs in [a-z_, ]*{field}"):
        check_branch(parent, begun_from(parent))


def test_every_field_that_decides_is_tried():
    only_one_value = {"precision", "trainer"}
    assert set(CHANGES) == set(DECIDING) - only_one_value


@pytest.mark.parametrize(
    "same", [{"tokens": 2 * TRUNK.tokens}, {"budget_flops": 1e12}, {"group": "g"}, {"eval_tokens": 4096}]
)
def test_a_parent_may_differ_in_what_comes_later(same):
    parent = replace(TRUNK, **same)
    check_branch(parent, begun_from(parent))
    steady = replace(TRUNK, schedule=Schedule(kind="constant"))
    check_branch(steady, begun_from(steady))


def test_steps_after_the_cooldown_began_are_no_common_ones():
    short = replace(TRUNK, tokens=BRANCH.begins.step * TRUNK.batch_tokens)
    with pytest.raises(InputError, match="before either of the two runs lowers its rate"):
        check_branch(short, begun_from(short))
    with pytest.raises(InputError, match=rf"begins.step: expected at most {BRANCH.shared_steps}"):
        replace(BRANCH, begins=Begins(run=TRUNK.run_id, step=BRANCH.shared_steps + 1))
    cosine = Schedule(kind="cosine")
    with pytest.raises(InputError, match="begins.step"):
        replace(BRANCH, schedule=cosine)


def test_steps_that_the_parent_itself_was_given_are_those_of_its_own_parent():
    longer = branch_of(TRUNK, 1.2e6)
    with pytest.raises(InputError, match=rf"begin from {TRUNK.run_id}"):
        check_branch(longer, replace(BRANCH, begins=Begins(run=longer.run_id, step=BRANCH.begins.step)))


@pytest.mark.parametrize(
    "begins",
    [
        {"run": "../../../etc", "step": 4},
        {"run": "0123456789AB", "step": 4},
        {"run": "0123456789ab\n", "step": 4},
        {"run": 3, "step": 4},
        {"run": TRUNK.run_id, "step": 0},
        {"run": TRUNK.run_id, "step": True},
        {"run": TRUNK.run_id, "step": 4.0},
        {"run": TRUNK.run_id, "step": 10**400},
        {"run": TRUNK.run_id, "step": TRUNK.steps},
        {"run": TRUNK.run_id},
        {"run": TRUNK.run_id, "step": 4, "path": "/"},
        "../..",
        [],
        None,
    ],
)
def test_a_hostile_beginning_is_refused(begins):
    value = json.loads(json.dumps(TRUNK.as_json())) | {"begins": begins}
    with pytest.raises(InputError, match="begins"):
        RunSpec.from_json(value)


def test_a_huge_run_with_a_beginning_is_refused():
    value = BRANCH.as_json() | {"tokens": TRUNK.batch_tokens * 10**400}
    with pytest.raises(InputError, match=r"tokens: expected a whole number below 2\^63"):
        RunSpec.from_json(value)


def test_a_circle_and_a_parent_from_elsewhere_are_refused():
    other = replace(BRANCH, begins=Begins(run="0" * 12, step=1))
    with pytest.raises(InputError, match="000000000000 is none of the runs here"):
        check_tree({other.run_id: other})
    # ids are digests, so that no two runs can name each other; a table of names can
    a, b = "a" * 12, "b" * 12
    circle = {name: replace(BRANCH, begins=Begins(run=parent, step=1)) for name, parent in ((a, b), (b, a))}
    with pytest.raises(InputError, match="circle"):
        root_of(a, circle)
    with pytest.raises(InputError):
        check_tree(circle)


def test_a_run_without_a_beginning_keeps_its_id_and_a_branch_is_read_back():
    assert "begins" not in TRUNK.as_json()
    assert RunSpec.from_json(json.loads(json.dumps(BRANCH.as_json()))) == BRANCH
    assert BRANCH.run_id != replace(BRANCH, begins=None).run_id

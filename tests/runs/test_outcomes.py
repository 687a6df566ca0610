"""The rows that fits take of run folders, and their digest."""

from dataclasses import replace

from isoflop.run_tree import roots
from isoflop.runs.folder import RunFolder
from isoflop.runs.outcomes import FLOPS_CONVENTION, PARAMS_CONVENTION, digest_of, observations_of, outcome_of
from isoflop.schedule import Schedule
from isoflop.sweep import branch_of
from runs.conftest import result_of, small_spec


def test_a_row_is_what_the_result_says(tmp_path):
    spec = small_spec()
    run = RunFolder.create(tmp_path, spec)
    assert outcome_of(run, spec).status == "unfinished"
    run.write_result(result_of(run))
    row, result = outcome_of(run, spec), run.read_result()
    assert (row.status, row.loss, row.tokens) == ("done", result.val_loss_nats, result.tokens_seen)
    assert row.params == result.params[PARAMS_CONVENTION]
    assert row.flops == result.flops[FLOPS_CONVENTION]


def test_the_digest_is_of_the_numbers_and_not_of_their_order(tmp_path):
    spec = small_spec()
    run = RunFolder.create(tmp_path, spec)
    run.write_result(result_of(run))
    row = outcome_of(run, spec)
    other = replace(row, run_id="other", loss=row.loss + 0.25)
    digest = digest_of(observations_of([row, other]))
    assert digest_of(observations_of([other, row])) == digest
    assert digest_of(observations_of([row, replace(other, loss=other.loss + 1e-12)])) != digest


def test_a_branch_names_the_run_that_took_its_first_steps(tmp_path):
    trunk = replace(small_spec(steps=100), schedule=Schedule(kind="wsd"))
    branch = branch_of(trunk, 40 * trunk.batch_tokens)
    tree = roots([trunk, branch])
    runs = {spec.run_id: RunFolder.create(tmp_path, spec) for spec in (trunk, branch)}
    for run in runs.values():
        run.write_result(result_of(run))
    rows = [outcome_of(runs[spec.run_id], spec, tree[spec.run_id]) for spec in (trunk, branch)]
    assert [row.tree for row in rows] == ["", trunk.run_id]
    assert observations_of(rows).trees == (trunk.run_id, trunk.run_id)
    assert [row.tokens for row in rows] == [trunk.tokens, branch.tokens]

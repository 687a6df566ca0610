"""`isoflop fit` on the raw files of published experiments: what is read of each, what is left out, how it ends.

The fitted answers are held to the published ones in test_published_answers.py.
"""

import json

import pytest
from shared_data import shared

C4 = "loss[c4_val/shard-{0000000..0000010}.tar]"
ROUTED = "routed_lm/curves.csv.gz"


@pytest.mark.parametrize(
    ("name", "options", "used", "dropped", "filtered", "runs", "codes"),
    [
        ("chinchilla_svg/svg_extracted_data.csv", [], 245, 0, 0, 245, set()),
        ("gemstones/wandb_df_for_fitting_hot.jsonl", [], 220, 0, 0, 22, {"checkpoints_of_runs"}),
        ("gemstones/wandb_df_for_fitting_hot.jsonl", ["--schedule", "constant"], 220, 0, 0, 22, {"not_annealed"}),
        ("gemstones/wandb_df_for_fitting_cool_end.jsonl", ["--schedule", "matched"], 199, 0, 0, 20, set()),
        ("gemstones/wandb_df_for_fitting_slim_chinchilla.jsonl", [], 28, 0, 0, 28, set()),
        ("porian/isoflop_points.csv", ["--where", "file=summary_df", "--where", "row=4"], 121, 0, 1627, 121, set()),
        ("porian/isoflop_points.csv", ["--where", "file=summary_df", "--where", "row=0"], 107, 1, 1640, 107, set()),
        ("overtraining/models_104.csv", ["--where", "dataset_name=rpj", "--where", "params<1e9", "--column",
         f"loss={C4}"], 32, 0, 72, 32, {"several_columns"}),
    ],
)  # fmt: skip
def test_rows_and_notices(name, options, used, dropped, filtered, runs, codes, answer):
    seen = answer("fit", shared(name), "--draws", 0, *options)["observations"]
    assert (seen["rows_used"], len(seen["dropped"]), seen["filtered"], seen["runs"]) == (used, dropped, filtered, runs)
    assert seen["rows_read"] == used + dropped + filtered
    assert codes == {notice["code"] for notice in seen["notices"]}
    assert seen["flops_check"]["ratio_to_6nd"] == (pytest.approx([1.0] * 3) if "flops" in seen["columns"] and "tokens"
                                                   in seen["columns"] else None)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "options", "code", "message"),
    [
        ("overtraining/models_104.csv", [], 2, f"--column 'loss={C4}'"),
        ("overtraining/eval_metadata.csv", [], 2, "columns of the file: Eval Task, Task Category"),
        (ROUTED, [], 2, "--column 'loss=loss_validation'"),
        (ROUTED, ["--column", "loss=loss_validation"], 3, "B and beta are not identified"),
        (ROUTED, ["--column", "loss=loss_validation", "--column", "tokens=130e9"], 3,
         "all runs have D = 130B tokens: B and beta are not identified"),
        (ROUTED, ["--column", "loss=loss_pile", "--column", "tokens=130e9", "--where", "router_type=Dense"], 3,
         "all runs have D = 130B tokens: B and beta are not identified"),
    ],
)  # fmt: skip
def test_files_that_need_more_or_cannot_answer(name, options, code, message, run):
    result = run("fit", shared(name), "--draws", 0, *options)
    assert result.exit_code == code
    assert message in result.stderr


def test_checkpoints_of_curves_of_one_length_do_not_tell_beta(run):
    """With the tokens of a step (130B over 250,000 steps) each row has a D of its own, and only the last is an end."""
    options = ["--column", "loss=loss_validation", "--column", "tokens=step", "--scale", "tokens=520000"]
    result = run("fit", shared(ROUTED), "--draws", 0, "--json", *options, "--schedule", "unmatched")
    value = json.loads(result.stdout)
    assert value["parametric"]["status"] == "refused"
    assert "B and beta are not identified" in value["parametric"]["reason"]
    assert {item["code"] for item in value["observations"]["dropped"]} == {"bad_value", "checkpoint", "worse_setting"}

"""`isoflop fit`, and the verbs that use its file."""

import json

import numpy as np
import pytest

from isoflop.laws import published_law

LAW = published_law("besiroglu2024")


def isoflop_rows(noise=0.0):
    """Five budgets, nine sizes around the optimum: enough for two approaches."""
    rng = np.random.default_rng(1)
    rows = []
    for flops in np.geomspace(1e18, 1e20, 5):
        best = float(LAW.optimum(flops)[0])
        for factor in np.geomspace(0.25, 4, 9):
            N = best * factor
            D = flops / (6 * N)
            rows.append((N, D, float(LAW.loss(N, D)) * np.exp(noise * rng.standard_normal())))
    return rows


def write_csv(path, rows, header="params,tokens,loss"):
    path.write_text("\n".join([header, *(",".join(f"{value:.12g}" for value in row) for row in rows)]) + "\n")
    return path


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return write_csv(tmp_path_factory.mktemp("runs") / "runs.csv", isoflop_rows(noise=0.003))


@pytest.fixture(scope="module")
def fitted(table):
    from click.testing import CliRunner

    from isoflop.cli import main

    out = table.with_name("fit.json")
    result = CliRunner().invoke(main, ["fit", str(table), "--out", str(out), "--draws", "200", "--json"])
    assert result.exit_code == 0, result.stderr
    return out, json.loads(result.stdout)


def test_noise_free_runs_give_their_law_back(tmp_path, answer):
    value = answer("fit", write_csv(tmp_path / "runs.csv", isoflop_rows()), "--draws", 0)
    for name, constant in LAW.constants().items():
        assert value["parametric"][name] == pytest.approx(constant, rel=1e-6)
    assert value["parametric"]["a"] == pytest.approx(float(LAW.a), rel=1e-6)


def test_stable_keys(fitted):
    _, value = fitted
    assert set(value["observations"]) >= {
        "rows_read", "rows_used", "dropped", "params_convention", "flops_convention", "loss_unit",
    }  # fmt: skip
    for approach in ("parametric", "isoflop", "envelope"):
        assert set(value[approach]) >= {"status", "reason", "a", "b", "intervals", "warnings"}
    assert set(value["parametric"]) >= {
        "E", "A", "B", "alpha", "beta", "objective", "delta", "starts", "identified",
    }  # fmt: skip
    assert set(value["isoflop"]) >= {"budgets", "tokens_coefficient", "params_coefficient"}
    assert value["envelope"]["status"] == "not_applicable"
    assert value["disagreement"]["params_ratio_at"]


def test_plan_and_predict_from_the_fit(fitted, answer):
    out, _ = fitted
    plan = answer("plan", "--fit", out, "--flops", "5e20")
    low, high = plan["params_interval"]
    assert low < float(LAW.optimum(5e20)[0]) < high
    assert plan["loss_interval"][0] < plan["loss"] < plan["loss_interval"][1]
    assert 0 < plan["expected_waste"] < 0.2
    assert plan["extrapolation_factor"] == pytest.approx(5, rel=1e-6)
    value = answer("predict", "--fit", out, "--params", "1e9", "--tokens", "2e10")
    assert value["interval"][0] < float(LAW.loss(1e9, 2e10)) < value["interval"][1]


def test_another_approach_of_the_fit(fitted, answer, run):
    out, value = fitted
    plan = answer("plan", "--fit", out, "--flops", "5e20", "--approach", "isoflop")
    expected = value["isoflop"]["params_coefficient"] * 5e20 ** value["isoflop"]["a"]
    assert plan["params"] == pytest.approx(expected, rel=1e-9)
    assert plan["loss"] is None
    refused = run("plan", "--fit", out, "--flops", "5e20", "--approach", "envelope")
    assert refused.exit_code == 3
    assert run("plan", "--fit", out, "--flops", "5e20", "--approach", "seventh").exit_code == 2


def test_dropped_rows_are_listed_with_reasons(tmp_path, answer):
    path = write_csv(tmp_path / "runs.csv", [*isoflop_rows(), (1e9, 2e10, -1.0)])
    value = answer("fit", path, "--draws", 0)
    assert value["observations"]["rows_read"] == 46
    assert value["observations"]["rows_used"] == 45
    assert value["observations"]["dropped"][0]["row"] == 46


def test_columns_can_be_named(tmp_path, answer):
    path = write_csv(tmp_path / "runs.csv", isoflop_rows(), header="size,seen,val_ce")
    value = answer("fit", path, "--draws", 0, "--column", "N=size", "--column", "D=seen", "--column", "loss=val_ce")
    assert value["observations"]["rows_used"] == 45


def test_for_people(table, run):
    result = run("fit", table, "--draws", 50)
    assert result.exit_code == 0
    assert "3 parametric" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_a_place_that_cannot_be_written_is_reported(table, tmp_path, run):
    result = run("fit", table, "--draws", 0, "--out", tmp_path / "missing" / "fit.json")
    assert result.exit_code == 2
    assert "no such folder" in result.stderr
    (tmp_path / "taken").mkdir()
    result = run("fit", table, "--draws", 0, "--out", tmp_path / "taken")
    assert result.exit_code == 2
    assert "taken" in result.stderr


def test_runs_that_cannot_tell_are_refused_with_the_reason(tmp_path, run):
    rows = [(N, 20 * N, float(LAW.loss(N, 20 * N))) for N in np.geomspace(1e7, 1e9, 12)]
    out = tmp_path / "fit.json"
    result = run("fit", write_csv(tmp_path / "runs.csv", rows), "--out", out, "--json")
    assert result.exit_code == 3
    assert json.loads(result.stdout)["parametric"]["status"] == "refused"
    assert "Error:" in result.stderr
    assert not out.exists()


RUNS = isoflop_rows(noise=0.003)
N, D, LOSS = (np.array(column) for column in zip(*RUNS, strict=True))
CONSTANTS = ("E", "A", "B", "alpha", "beta", "a", "objective")


def text(**columns):
    rows = zip(*columns.values(), strict=True)
    cells = (",".join(cell if isinstance(cell, str) else f"{cell:.17g}" for cell in row) for row in rows)
    return "\n".join([",".join(columns), *cells]) + "\n"


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """The answer to the plain table, to which every other way of writing it must come."""
    from click.testing import CliRunner

    from isoflop.cli import main

    path = tmp_path_factory.mktemp("plain") / "runs.csv"
    path.write_text(text(params=N, tokens=D, loss=LOSS))
    result = CliRunner().invoke(main, ["fit", str(path), "--draws", "0", "--json"])
    return json.loads(result.stdout)


WRITTEN = {
    "text": (text(params=[f"{n / 1e6:.17g}M" for n in N], tokens=[f"{d / 1e9:.17g}B" for d in D], loss=LOSS), []),
    "log10": (text(log10_N=np.log10(N), **{"log10(flops)": np.log10(6 * N * D)}, loss=LOSS), []),
    "ln": (text(ln_N=np.log(N), ln_D=np.log(D), loss=LOSS), []),
    "log, base stated": (
        text(log_N=np.log2(N), tokens=D, loss=LOSS), ["--column", "params=log_N", "--scale", "params=log2"],
    ),
    "units in names": (text(**{"params (M)": N / 1e6, "tokens_B": D / 1e9}, loss=LOSS), []),
    "scales": (
        text(params=N / 1e6, tokens=D / 1e9, loss=LOSS), ["--scale", "params=1e6", "--scale", "tokens=billions"],
    ),
    "perplexity": (text(params=N, tokens=D, val_ppl=np.exp(LOSS)), []),
    "perplexity, stated": (text(params=N, tokens=D, score=np.exp(LOSS)),
                           ["--column", "loss=score", "--loss-unit", "perplexity"]),
    "bits": (text(params=N, tokens=D, loss=LOSS / np.log(2)), ["--loss-unit", "bits_per_token"]),
    "names of W&B": (
        text(**{"Name": [f"run-{i}" for i in range(len(N))], "State": ["finished"] * len(N),
                "config/model/n_params": N, "throughput/total_tokens": D, "eval/c4/loss": LOSS, "train/z_loss": 0 * N}),
        [],
    ),
    "one condition of two": (
        text(params=np.tile(N, 2), tokens=np.tile(D, 2), loss=np.tile(LOSS, 2) * np.repeat([1, 0.9], len(N)),
             data=["c4"] * len(N) + ["web"] * len(N)),
        ["--where", "data=c4"],
    ),
    "one loss of two": (text(params=N, tokens=D, loss_web=LOSS * 0.9, loss_c4=LOSS), ["--column", "loss=loss_c4"]),
    "a row of NaN": (text(params=[*N, 1e9], tokens=[*D, 1e9], loss=[*LOSS, "NaN"]), []),
    "every row twice": (text(params=np.tile(N, 2), tokens=np.tile(D, 2), loss=np.tile(LOSS, 2)), []),
    "overflow": (text(params=N, tokens=D, flops=(6 * N * D) - 2.0**64 * np.round(6 * N * D / 2.0**64), loss=LOSS), []),
    "semicolons": (text(params=N, tokens=D, loss=LOSS).replace(",", ";"), []),
}  # fmt: skip


@pytest.mark.parametrize("written", WRITTEN)
def test_however_it_is_written_the_answer_is_the_same(written, tmp_path, answer, plain):
    content, options = WRITTEN[written]
    path = tmp_path / "runs.csv"
    path.write_text(content)
    value = answer("fit", path, "--draws", 0, *options)
    assert value["observations"]["rows_used"] == len(N)
    for name in CONSTANTS:
        assert value["parametric"][name] == pytest.approx(plain["parametric"][name], rel=1e-6)


def test_what_was_read_and_what_was_stated_is_in_the_answer(tmp_path, answer):
    path = tmp_path / "runs.csv"
    path.write_text(text(params=N / 1e6, ppl=np.exp(LOSS), flops=6.3 * N * D, group=["a"] * 40 + ["b"] * 5))
    value = answer(
        "fit", path, "--draws", 0, "--scale", "params=millions", "--params-convention", "total", "--where", "group=a"
    )["observations"]
    assert value["columns"] == {
        "params": {"column": "params", "scale": 1e6}, "flops": {"column": "flops"}, "loss": {"column": "ppl"},
    }  # fmt: skip
    assert (value["rows_read"], value["rows_used"], value["filtered"]) == (45, 40, 5)
    assert (value["loss_unit"], value["loss_unit_read"]) == ("nats_per_token", "perplexity")
    assert value["stated"] == {
        "params_convention": True, "flops_convention": False, "loss_unit": True, "schedule": False,
    }  # fmt: skip
    assert value["schedule"] == "unknown"


def test_the_ratio_to_6nd_is_in_the_answer(tmp_path, answer):
    path = tmp_path / "runs.csv"
    path.write_text(text(params=N, tokens=D, loss=LOSS, flops=6.6 * N * D))
    flops = answer("fit", path, "--draws", 0)["observations"]["flops_check"]
    assert flops["source"] == "column"
    assert flops["ratio_to_6nd"] == pytest.approx([1.1] * 3)


def test_losses_by_byte_change_the_unit_and_not_the_optimum(tmp_path, answer, plain):
    path = tmp_path / "runs.csv"
    path.write_text(text(params=N, tokens=D, bpb=LOSS / np.log(2) / 4.2))
    value = answer("fit", path, "--draws", 0)
    assert value["observations"]["loss_unit"] == "bits_per_byte"
    assert value["parametric"]["a"] == pytest.approx(plain["parametric"]["a"], rel=1e-6)
    assert value["parametric"]["E"] == pytest.approx(plain["parametric"]["E"] / np.log(2) / 4.2, rel=1e-6)


def test_notices_of_reading_are_on_stderr_even_where_the_fit_refuses(tmp_path, run):
    path = tmp_path / "runs.csv"
    path.write_text(text(params=[1e9] * 12, tokens=D[:12], flops=2e9 * D[:12], loss=LOSS[:12]))
    result = run("fit", path, "--draws", 0)
    assert result.exit_code == 3
    assert result.stderr.count("[flops_forward_only]") == 1


@pytest.mark.parametrize(
    ("content", "arguments", "message"),
    [
        (None, [], "no such file"),
        ("", [], "row"),
        ("colour,shape\nred,round\n", [], "runs.csv"),
        ("params,tokens,loss\n1e9,2e10,2.5\n", ["--column", "loss"], "FIELD=COLUMN"),
        ("params,tokens,loss\n1e9,2e10,2.5\n", ["--column", "loss=nothing"], "nothing"),
        ("params,tokens,loss\n1e9,2e10,2.5\n", ["--params-convention", "all"], "params-convention"),
        ("params,tokens,loss\n1e9,2e10,nan\n", [], "row"),
        ("params,tokens,loss\n1e9,2e10,2.5\n", ["--scale", "params"], "FIELD=UNIT"),
        ("params,tokens,loss\n1e9,2e10,2.5\n", ["--scale", "params=many"], "--scale params=many"),
        ("params,tokens,loss\n1e9,2e10,2.5\n", ["--scale", "flops=1e6"], "no column is read as flops"),
        ("params,tokens,loss\n1e9,2e10,2.5\n", ["--where", "tokens"], "COLUMN=VALUE"),
        ("params,tokens,loss\n1e9,2e10,2.5\n", ["--where", "token=1"], "did you mean 'tokens'"),
        ("params,tokens,loss\n1e9,2e10,2.5\n", ["--where", "tokens=1"], "tokens is one of '2e10'"),
        ("params,tokens,loss\n1e9,2e10,2.5\n", ["--column", "N=params", "--column", "N=tokens"], "already set"),
        ("params,tokens,loss\n1e9,2e10,2.5\n", ["--loss-unit", "nats"], "--loss-unit"),
        ("params,tokens,loss\n1e9,2e10,2.5\n", ["--schedule", "cosine"], "--schedule"),
    ],
)
def test_bad_input(tmp_path, run, content, arguments, message):
    path = tmp_path / "runs.csv"
    if content is not None:
        path.write_text(content)
    result = run("fit", path, *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stdout == ""


def mixed_csv(path):
    """The sweep twice, on two data sets of which the second lies 2 % higher."""
    rows = [
        (N, D, loss * high, name) for name, high in (("c4", 1.0), ("web", 1.02)) for N, D, loss in isoflop_rows(0.003)
    ]
    lines = [",".join([*(f"{value:.12g}" for value in row[:3]), row[3]]) for row in rows]
    path.write_text("\n".join(["params,tokens,loss,dataset", *lines]) + "\n")
    return path


def test_a_table_of_two_data_sets_gets_no_one_answer(tmp_path, run):
    path = mixed_csv(tmp_path / "mixed.csv")
    result = run("fit", str(path), "--out", str(tmp_path / "fit.json"))
    assert result.exit_code == 3
    assert "No one answer: the runs differ in dataset (c4, web)" in result.stdout
    assert [line.split()[:2] for line in result.stdout.splitlines() if line.startswith(("c4", "web"))] == [
        ["c4", "45"], ["web", "45"],
    ]  # fmt: skip
    assert f"isoflop fit {path} --where dataset=c4" in result.stdout
    assert "--pooled" in result.stderr
    assert not (tmp_path / "fit.json").exists()
    value = json.loads(run("fit", str(path), "--json", "--draws", "0").stdout)
    assert [group["where"] for group in value["groups"]["groups"]] == [{"dataset": "c4"}, {"dataset": "web"}]
    assert value["parametric"]["code"] == "mixed_conditions"


def test_its_runs_are_pooled_on_demand_and_one_condition_answers_alone(tmp_path, run):
    path = mixed_csv(tmp_path / "mixed.csv")
    pooled = run("fit", str(path), "--pooled", "--draws", "50")
    assert pooled.exit_code == 0
    assert "[mixed_conditions]" in pooled.stderr
    alone = run("fit", str(path), "--where", "dataset=web", "--draws", "50")
    assert (alone.exit_code, "mixed_conditions" in alone.stderr) == (0, False)

"""`isoflop plan --export`: the configuration of an engine on stdout, or in a file, and nothing else there."""

import json

import pytest

from isoflop.arch.huggingface import read_config
from isoflop.plan.export import EXPORTS

PLAN = ("plan", "--law", "hoffmann2022-3", "--flops", "1e20")


@pytest.mark.parametrize("engine", sorted(EXPORTS))
def test_every_engine_has_its_file(run, engine):
    family = ["--family", "gpt"] if engine == "nanogpt" else []
    result = run(*PLAN, "--export", engine, *family)
    assert result.exit_code == 0
    assert "warning:" in result.stderr
    assert "warning:" not in result.stdout
    assert result.stdout.endswith("\n")
    assert not result.stdout.endswith("\n\n")
    if engine == "hf":
        json.loads(result.stdout)
    else:
        assert result.stdout.startswith("# ")


def test_the_shape_is_that_of_the_plan(run, answer, tmp_path):
    out = tmp_path / "config.json"
    result = run(*PLAN, "--export", "hf", "--out", out)
    assert (result.exit_code, result.stdout) == (0, "")
    assert [path.name for path in tmp_path.iterdir()] == ["config.json"]
    arch, seq_len = read_config(out)
    planned = answer(*PLAN)["architecture"]
    assert arch.params().total == planned["params"]
    assert seq_len == planned["seq_len"]
    assert out.read_text() == run(*PLAN, "--export", "hf").stdout


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--export", "hf", "--json"), 2, "--export and --json both print to stdout; use one of them"),
        (
            ("--out", "plan.json"),
            2,
            "--out: expected a file that ends in .toml, or --export ENGINE as well; got plan.json",
        ),
        (("--export", "hf", "--out", "nowhere/config.json"), 2, "--out: no such folder: nowhere"),
        (("--export", "keras"), 2, "'keras' is not one of"),
        (("--export", "hf", "--family", "palm"), 3, "no model of transformers is a palm; plan with --family llama"),
        (("--export", "nanogpt"), 3, "nanoGPT cannot express this run: it has no llama; plan with --family gpt"),
        (("--export", "hf", "--params", "700M", "--vocab", "100000000"), 3, "nothing to export: params: "),
    ],
)
def test_what_cannot_be_exported_is_reported_and_stdout_stays_empty(run, arguments, code, said):
    result = run(*PLAN, *arguments)
    assert result.exit_code == code
    assert said in result.stderr
    assert result.stdout == ""


def test_a_studys_plan_is_exported_with_published_rates_where_an_engine_has_no_muon(finished_study, run):
    # the recipe of small models has Muon, which these engines are not set to
    refused = run("plan", "--fit", finished_study.path, "--flops", "1e12", "--export", "torchtitan")
    assert refused.exit_code == 3
    assert "the run has muon for its hidden matrices" in refused.stderr
    large = ("plan", "--fit", finished_study.path, "--params", "70M", "--tokens", "1B")
    result = run(*large, "--rates", "steplaw2025", "--export", "torchtitan")
    assert result.exit_code == 0, result.stderr

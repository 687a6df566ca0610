"""`isoflop count`."""

import pytest


def test_chinchilla(answer):
    value = answer("count", "chinchilla-70b")
    assert value["params"]["total"] == 70_061_948_160
    assert sum(value["params"]["by_role"].values()) == value["params"]["total"]
    assert value["params"]["non_embedding"] == 70_061_948_160 - 32_000 * 8_192
    assert value["flops_per_token"]["six_n"] == 6 * 70_061_948_160
    assert value["memory_bytes"]["train"] > 16 * 70_061_948_160
    assert value["memory_bytes"]["serve"] > 2 * 70_061_948_160
    assert value["architecture"]["n_layers"] == 80
    assert value["seq_len"] == 2048


def test_a_shape_of_ones_own(answer):
    value = answer(
        "count", "--layers", 2, "--d-model", 64, "--heads", 2, "--d-ff", 176, "--vocab", 257, "--seq-len", 256
    )
    # 2 layers of attention 4 d^2, gated feed-forward 3 d f, norms 2 d + 2 head_dim; final norm d; two tables of 257 d
    body = 2 * (4 * 64 * 64 + 3 * 64 * 176 + 2 * 64 + 2 * 32) + 64
    assert value["params"]["non_embedding"] == body
    assert value["params"]["total"] == body + 2 * 257 * 64


def test_the_context_changes_the_flops_of_attention_only(answer):
    short, long = (answer("count", "chinchilla-70b", "--seq-len", length) for length in (1024, 2048))
    assert short["params"] == long["params"]
    more = long["flops_per_token"]["palm_mfu"] - short["flops_per_token"]["palm_mfu"]
    assert more == pytest.approx(12 * 80 * 8192 * 1024)


def test_the_nearest_shape_to_a_size(answer):
    value = answer("count", "--params", "7B", "--family", "gopher", "--vocab", 50_000)
    assert value["params"]["total"] == pytest.approx(7e9, rel=0.02)
    assert value["architecture"]["family"] == "gopher"
    assert value["architecture"]["vocab_size"] == 50_000


def test_for_people(run):
    result = run("count", "chinchilla-70b")
    assert "70,061,948,160" in result.stdout
    assert "chinchilla_appendix_f" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["chinchilla-71b"], "chinchilla-70b"),
        (["lamda-137b"], "no shape"),
        ([], "published name"),
        (["--layers", "3"], "--d-model"),
        (["--layers", "0", "--d-model", "64"], "n_layers"),
        (["--layers", "2", "--d-model", "64", "--family", "mamba"], "llama"),
        (["--layers", "2", "--d-model", "64", "--heads", "4", "--kv-heads", "3"], "n_kv_heads"),
        (["chinchilla-70b", "--layers", "3"], "not both"),
        (["--params", "7B", "--layers", "3"], "--params"),
        (["--params", "-7B"], "--params"),
        (["--params", "seven"], "--params"),
        (["--layers", "2", "--d-model", "64", "--seq-len", "0"], "seq-len"),
        (["--layers", "2", "--d-model", "64", "--heads", "-1"], "n_heads"),
        (["--params", "3"], "smaller vocabulary"),
        (["--layers", "2", "--d-model", "64", "--heads", "0"], "n_heads"),
        (["--layers", "2", "--d-model", "64", "--head-dim", "0"], "head_dim"),
        (["--layers", "2", "--d-model", "-64"], "d_model"),
    ],
)
def test_bad_input(run, arguments, message):
    result = run("count", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stdout == ""

"""`isoflop count`."""

import json

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


def test_palm_on_its_devices(answer):
    value = answer("count", "palm-540b", "--gpus", "6144xTPUv4", "--tokens-per-second", "238.3K")
    assert value["params"]["total"] == 540_354_281_472
    devices = value["devices"]
    assert (devices["count"], devices["device"]) == (6144, "TPUv4")
    assert devices["utilization"] == pytest.approx(0.462, abs=5e-4)  # Chowdhery et al. 2022, section 4.1
    placement = devices["placement"]
    assert {name: placement[name] for name in devices["layout"]} == devices["layout"]
    assert placement["count"] == 6144
    assert placement["memory_bytes"]["total"] < 0.9 * devices["device_bytes"]
    assert devices["train_bytes"]["total"] > devices["train_recomputed_bytes"]["total"]
    laid_out = answer("count", "palm-540b", "--gpus", "6144xTPUv4", "--tensor", 12, "--sharded", 256)["devices"]
    assert laid_out["layout"]["data"] == 2
    assert laid_out["fits_recomputed"]
    assert laid_out["utilization"] is None


def test_mt_nlg_by_its_published_formula(answer):
    value = answer("count", "mt-nlg-530b")
    assert value["params"]["total"] == 529_600_778_240
    assert value["devices"] is None
    shape = ("--family", "gpt", "--layers", 105, "--d-model", 20480, "--heads", 128, "--vocab", 51200)
    assert answer("count", *shape)["params"]["total"] == 529_600_819_200
    assert answer("count", *shape, "--without", "final_norm")["params"]["total"] == 529_600_778_240


def test_a_palm_of_ones_own_keeps_heads_of_256_and_one_of_keys_and_values(answer):
    shape = ("--family", "palm", "--layers", 118, "--d-model", 18432, "--heads", 48, "--vocab", 256_000)
    assert answer("count", *shape)["params"]["total"] == 540_354_281_472


def test_a_hugging_face_config(answer, run, tmp_path):
    fields = {"n_layer": 12, "n_head": 12, "n_embd": 768, "n_positions": 1024, "vocab_size": 50257}
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"model_type": "gpt2", **fields}))
    for name in (path, tmp_path):
        value = answer("count", name)
        assert (value["params"]["total"], value["seq_len"]) == (124_439_808, 1024)
    assert answer("count", path, "--seq-len", 512)["seq_len"] == 512
    assert "the positions learned" in run("count", path, "--seq-len", 2048).stderr
    path.write_text(json.dumps({"model_type": "gpt2", **fields, "n_layer": None}))
    result = run("count", path)
    assert result.exit_code == 2
    assert f"{path}: n_layer: missing" in result.stderr


def test_what_is_served_by_format_and_batch(answer):
    one, many = (answer("count", "llama3-8b", "--batch", batch)["memory_bytes"] for batch in (1, 32))
    assert many["serve_kv_cache"] == 32 * one["serve_kv_cache"] == 32 * 2 * 32 * 8 * 128 * 8192 * 2
    assert many["train_activations"] == 32 * one["train_activations"]
    small = answer("count", "llama3-8b", "--weights", "int4", "--kv-cache", "int8")["memory_bytes"]
    assert small["serve_weights"] == 8_030_261_248 // 2
    assert 2 * small["serve_kv_cache"] == one["serve_kv_cache"]


def test_the_layout_that_is_proposed_for_people(run):
    shown = run("count", "llama3-8b", "--gpus", "64xH100", "--batch-tokens", 64 * 8192 * 4).stdout
    assert "micro-batch" in shown
    assert "for 2.1M tokens" in shown
    assert "of 74.5 GiB" in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_ways_that_are_given_are_kept(answer):
    devices = answer("count", "llama3-8b", "--gpus", "8xH100", "--sharded", 4)["devices"]
    assert devices["layout"] == {"data": 2, "sharded": 4, "tensor": 1, "pipeline": 1, "interleaved": 1, "expert": 1}
    assert devices["placement"] is None


@pytest.mark.parametrize(
    ("arguments", "share", "seconds"),
    [
        # Smith et al. 2022, section 2.4, and its MFU in Chowdhery et al. 2022, Table 3
        ("mt-nlg-530b --gpus 2240xA100 --tensor 8 --pipeline 35 --sharded 1 --batch-tokens 3932160", 0.302, 60.1),
        # Korthikanti et al. 2022, Table 5
        (
            "mt-nlg-530b --gpus 280xA100 --tensor 8 --pipeline 35 --interleaved 3 --recompute none "
            "--batch-tokens 573440",
            0.560,
            37.83,
        ),
        # Chowdhery et al. 2022, section 4.1: 238.3K tokens a second
        ("palm-540b --gpus 6144xTPUv4 --tensor 12 --sharded 256 --batch 4 --batch-tokens 4194304", 0.462, 17.60),
    ],
)
def test_a_utilization_of_ones_own_is_a_step_in_ones_own_layout(answer, arguments, share, seconds):
    devices = answer("count", *arguments.split(), "--utilization", share)["devices"]
    assert devices["step_seconds"] == pytest.approx(seconds, rel=5e-3)
    assert devices["utilization"] == share
    placement = devices["placement"]
    assert {name: placement[name] for name in devices["layout"]} == devices["layout"]
    assert devices["step_seconds"] * devices["tokens_per_second"] == pytest.approx(placement["batch_tokens"])
    assert placement["step"]["seconds"] != devices["step_seconds"]  # the prediction stands beside it


def test_a_utilization_needs_no_known_speed_of_the_device(run, answer):
    asked = ("count", "llama3-8b", "--gpus", "8xMI300X", "--sharded", 8, "--batch-tokens", "1M", "--utilization", 0.3)
    devices = answer(*asked)["devices"]
    assert devices["placement"] is None
    assert devices["step_seconds"] == pytest.approx(1e6 / (0.3 * devices["peak_tokens_per_second"]))
    assert "no published runs say how fast its products are" in run(*asked).stderr


def test_a_step_in_ones_own_layout_for_people(run):
    shown = run(
        "count", "llama3-405b", "--gpus", "8192xH100", "--tensor", 8, "--pipeline", 16, "--recompute", "none",
        "--batch-tokens", "16M", "--utilization", 0.43,
    ).stdout  # fmt: skip
    assert "no activation recomputation" in " ".join(shown.split())
    assert "GiB: does not fit" in shown
    assert "At 43.0 %" in shown
    assert "s a step" in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_a_shape_that_does_not_fit_says_how_many_devices_would_hold_it(run):
    result = run("count", "llama3-70b", "--gpus", "8xH100")
    assert result.exit_code == 0
    assert "the least that would hold them is 20 [no_placement]" in result.stderr
    assert "does not fit" in result.stdout


def test_devices_for_people(run):
    result = run("count", "mt-nlg-530b", "--gpus", "2240xA100", "--tensor", 8, "--pipeline", 35, "--sharded", 1)
    assert "8 data, 1 sharded, 8 tensor, 35 pipeline" in result.stdout
    assert "fits" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80


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
        (["nowhere/config.json"], "no such file"),
        (["chinchilla-70b", "--tensor", "8"], "--gpus"),
        (["chinchilla-70b", "--gpus", "8xH100", "--tensor", "3"], "divide 8 devices"),
        (["chinchilla-70b", "--gpus", "81xH100", "--pipeline", "81"], "at most n_layers=80"),
        (["chinchilla-70b", "--gpus", "8xH101"], "H100"),
        (["chinchilla-70b", "--utilization", "0.4"], "--gpus"),
        (["chinchilla-70b", "--gpus", "512xH100", "--utilization", "40"], "share of the peak"),
        (
            ["chinchilla-70b", "--gpus", "512xH100", "--utilization", "0.4", "--tokens-per-second", "1M"],
            "use one of them",
        ),
        (["chinchilla-70b", "--gpus", "512xH100", "--recompute", "full"], "custom layout"),
        (["chinchilla-70b", "--gpus", "512xH100", "--tensor", "8", "--recompute", "full"], "--batch-tokens"),
        (["chinchilla-70b", "--gpus", "512xH100", "--interleaved", "3"], "need stages"),
        (["chinchilla-70b", "--gpus", "H100"], "512xH100"),
        (["gpt3-175b", "--seq-len", "4096"], "2048, the positions learned"),
        (["--layers", "2", "--d-model", "64", "--without", "embedding"], "query_key_norm"),
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


def test_muon_keeps_one_momentum_of_the_hidden_matrices(answer):
    adam, muon = (answer("count", "llama3-8b", "--optimizer", name) for name in ("adamw", "muon"))
    roles = adam["params"]["by_role"]
    hidden = roles["attention"] + roles["feed_forward"]
    assert adam["memory_bytes"]["train_optimizer"] - muon["memory_bytes"]["train_optimizer"] == 4 * hidden
    on = answer("count", "llama3-8b", "--optimizer", "muon", "--gpus", "64xH100", "--sharded", 64)["devices"]
    of_adam = answer("count", "llama3-8b", "--gpus", "64xH100", "--sharded", 64)["devices"]
    spared = of_adam["train_bytes"]["optimizer"] - on["train_bytes"]["optimizer"]
    assert spared == pytest.approx(4 * hidden / 64, rel=1e-6)


def test_a_config_with_experts(answer, run, tmp_path):
    """Mixtral 8x7B: every layer stores eight experts and uses two."""
    path = tmp_path / "config.json"
    shape = {"hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32, "num_attention_heads": 32}
    more = {"num_key_value_heads": 8, "vocab_size": 32000, "max_position_embeddings": 32768, "num_local_experts": 8}
    path.write_text(json.dumps({"model_type": "mixtral", "num_experts_per_tok": 2} | shape | more))
    value = answer("count", path, "--seq-len", 4096, "--batch", 2, "--kv-cache", "int8")
    assert value["params"]["total"] == 46_702_792_704
    assert value["active_params"]["total"] == 12_879_925_248
    assert value["flops_per_token"]["six_active_n"] == 6 * 12_879_925_248
    assert value["memory_bytes"]["serve_weights"] == 2 * 46_702_792_704
    assert value["memory_bytes"]["serve_kv_cache"] == 2 * 32 * 2 * 1024 * 4096
    assert value["layers"][0]["count"] == 32
    hidden = value["params"]["by_role"]["attention"] + value["params"]["by_role"]["feed_forward"]
    muon = answer("count", path, "--optimizer", "muon")["memory_bytes"]["train_state"]
    assert value["memory_bytes"]["train_state"] - muon == 4 * hidden
    printed = " ".join(run("count", path).stdout.split())
    assert "2 of 8 experts of 14336" in printed
    assert "a token uses" in printed
    refused = run("count", path, "--gpus", "8xH100")
    assert refused.exit_code == 2
    assert "mixtral is of none" in refused.stderr

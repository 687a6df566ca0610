"""Shell scripts for Megatron-LM, run as far as the arguments that they hand to torchrun."""

import argparse
import os
import subprocess
from dataclasses import replace

import pytest

from isoflop.arch.layout import Layout
from isoflop.errors import RefusedError
from isoflop.plan.export import EXPORTS
from isoflop.schedule import Schedule
from plan.export.reading import comment_of

PLACES = {"DATA_PATH": "corpus/text", "TOKENIZER": "the tokenizer", "CHECKPOINTS": "runs", "MASTER_ADDR": "first"}


def started(value, tmp_path, places=PLACES):
    """(what torchrun is called with before pretrain_gpt.py, and behind it) by the script, in words."""
    (tmp_path / "run.sh").write_text(EXPORTS["megatron"](value))
    torchrun = tmp_path / "torchrun"
    torchrun.write_text('#!/bin/sh\nprintf "%s\\n" "$CUDA_DEVICE_MAX_CONNECTIONS" "$@"\n')
    torchrun.chmod(0o755)
    done = subprocess.run(
        ["bash", tmp_path / "run.sh"], capture_output=True, text=True, check=True,
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}", **places},
    )  # fmt: skip
    connections, *words = done.stdout.splitlines()
    assert connections == "1", "without it tensor parallelism is refused before Blackwell"
    place = words.index("pretrain_gpt.py")
    return words[:place], words[place + 1 :]


def arguments(value, tmp_path, places=PLACES):
    """{option: its value, True for a switch} that the script starts pretrain_gpt.py with."""
    found = {}
    for word in started(value, tmp_path, places)[1]:
        if word.startswith("--"):
            assert word not in found
            name, found[word] = word, True
        else:
            found[name] = word
    return found


def test_a_llama(engine_run, tmp_path):
    value = engine_run(micro_batch_sequences=2, batch_tokens=2_560, warmup_tokens=25_600)
    given, arch, run = arguments(value, tmp_path), value.arch, value.run
    shape = {
        "--num-layers": arch.n_layers, "--hidden-size": arch.d_model, "--ffn-hidden-size": arch.d_ff,
        "--num-attention-heads": arch.n_heads, "--kv-channels": arch.head_dim, "--seq-length": 256,
        "--micro-batch-size": 2, "--global-batch-size": 10, "--lr-warmup-samples": 100,
    }  # fmt: skip
    assert {name: int(given[name]) for name in shape} == shape
    for switch in ("--swiglu", "--disable-bias-linear", "--qk-layernorm", "--untie-embeddings-and-output-weights"):
        assert given[switch] is True
    assert (given["--normalization"], given["--position-embedding-type"]) == ("RMSNorm", "rope")
    assert int(given["--train-samples"]) * run.seq_len == int(given["--lr-decay-samples"]) * run.seq_len == run.tokens
    assert (float(given["--lr"]), float(given["--min-lr"])) == (run.peak_lr, pytest.approx(run.peak_lr / 10))
    assert (given["--attention-dropout"], given["--hidden-dropout"]) == ("0", "0")
    assert given["--tokenizer-model"] == "the tokenizer"
    for absent in ("--group-query-attention", "--use-distributed-optimizer", "--tensor-model-parallel-size"):
        assert absent not in given


def test_a_gpt(engine_run, tmp_path):
    given = arguments(engine_run("gpt"), tmp_path)
    assert (given["--normalization"], given["--position-embedding-type"]) == ("LayerNorm", "learned_absolute")
    assert given["--max-position-embeddings"] == "256"
    for absent in ("--swiglu", "--disable-bias-linear", "--qk-layernorm", "--untie-embeddings-and-output-weights"):
        assert absent not in given


def test_grouped_queries_and_no_query_key_norm(engine_run, tmp_path):
    given = arguments(engine_run(arch={"n_kv_heads": 1, "without": ("query_key_norm",)}), tmp_path)
    assert (given["--group-query-attention"], given["--num-query-groups"]) == (True, "1")
    assert "--qk-layernorm" not in given


def test_the_schedules(engine_run, tmp_path):
    constant = arguments(engine_run(schedule=Schedule(kind="constant")), tmp_path)
    assert (constant["--lr-decay-style"], constant["--min-lr"]) == ("constant", constant["--lr"])
    value = engine_run(schedule=Schedule(kind="wsd", cooldown_fraction=0.2))
    wsd = arguments(value, tmp_path)
    assert (wsd["--lr-decay-style"], wsd["--lr-wsd-decay-style"]) == ("WSD", "minus_sqrt")
    assert int(wsd["--lr-wsd-decay-samples"]) == pytest.approx(
        0.2 * int(wsd["--train-samples"]), abs=value.sequences / 2
    )


def test_a_layout(engine_run, tmp_path):
    layout = Layout(data=2, sharded=2, tensor=2, pipeline=2, interleaved=2)
    value = engine_run(
        arch={"n_heads": 4, "n_kv_heads": 4, "n_layers": 8},
        batch_tokens=2_048,
        layout=layout,
        micro_batch_sequences=2,
        recompute="full",
    )
    given = arguments(value, tmp_path)
    assert (given["--tensor-model-parallel-size"], given["--pipeline-model-parallel-size"]) == ("2", "2")
    assert given["--sequence-parallel"] is given["--use-distributed-optimizer"] is True
    assert (given["--recompute-granularity"], given["--recompute-num-layers"]) == ("full", "1")
    assert given["--num-layers-per-virtual-pipeline-stage"] == "2"
    # in a pipeline the plan too shares the optimiser's state alone
    assert "ZeRO 3" not in comment_of(EXPORTS["megatron"](value))
    flat = replace(value, layout=Layout(sharded=4))
    assert "shards all state of the model over 4 devices (ZeRO 3)" in comment_of(EXPORTS["megatron"](flat))
    assert "where the plan has half of the products" in comment_of(
        EXPORTS["megatron"](replace(flat, recompute="selective"))
    )


@pytest.mark.parametrize(
    ("vocab", "tensor", "step", "padding"), [(1024, 2, 128, 0), (257, 1, 1, 0), (257, 2, 128, 255)]
)
def test_the_vocabulary_is_padded_by_as_little_as_can_be(engine_run, tmp_path, vocab, tensor, step, padding):
    shape = {"n_heads": 4, "n_kv_heads": 4, "vocab_size": vocab}
    value = engine_run(arch=shape, layout=Layout(tensor=tensor))
    assert arguments(value, tmp_path)["--make-vocab-size-divisible-by"] == str(step)
    said = comment_of(EXPORTS["megatron"](value))
    assert (f"padded by {padding} rows" in said) == (padding > 0)


@pytest.mark.parametrize("family", ["llama", "gpt"])
def test_its_own_parser_takes_them(engine_run, tmp_path, family):
    parsers = pytest.importorskip(
        "megatron.training.arguments", reason="megatron-core is not installed: not parsed", exc_type=ImportError
    )
    value = engine_run(family, layout=Layout(sharded=2), batch_tokens=2_048, recompute="full", seed=3)
    words = [word for name, given in arguments(value, tmp_path).items() for word in (name, given) if word is not True]
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parsers.add_megatron_arguments(parser)
    given = parser.parse_args(words)
    assert (given.num_layers, given.kv_channels, given.seed) == (value.arch.n_layers, value.arch.head_dim, 3)
    assert (given.layernorm_epsilon, given.add_bias_linear) == (1e-6, family == "gpt")
    assert given.use_distributed_optimizer
    assert given.recompute_granularity == "full"
    assert given.bias_gelu_fusion, "what makes its GELU the approximation by tanh"


def test_checkpoints_and_evaluations(engine_run, tmp_path):
    value = engine_run()
    given = arguments(value, tmp_path)
    # with --save and without an interval its arguments are refused; without one for evaluation it stops later
    assert given["--save-interval"] == given["--eval-interval"] == str(value.checkpoint_steps)
    assert int(given["--eval-iters"]) * value.run.batch_tokens == pytest.approx(value.run.eval_tokens, rel=0.5)


def test_it_starts_on_the_devices_of_the_plan(engine_run, tmp_path):
    one = engine_run(layout=Layout(sharded=4), batch_tokens=2_048)
    assert started(one, tmp_path)[0] == ["--nproc_per_node", "4"]
    many = engine_run(layout=Layout(data=2, sharded=8), batch_tokens=4_096, node_devices=8)
    assert started(many, tmp_path)[0] == [
        "--nnodes", "2", "--nproc_per_node", "8", "--rdzv_backend", "c10d", "--rdzv_endpoint", "first:29500",
    ]  # fmt: skip
    assert "on each of 2 nodes of 8 devices" in comment_of(EXPORTS["megatron"](many))
    odd = engine_run(batch_tokens=6 * 256)
    assert started(odd, tmp_path)[0] == ["--nproc_per_node", "2"], "8 devices do not divide 6 sequences"


@pytest.mark.parametrize("devices", [1, 2, 8, 16, 64])
def test_its_own_checks_pass(engine_run, tmp_path, monkeypatch, devices):
    parsers = pytest.importorskip(
        "megatron.training.arguments", reason="megatron-core is not installed: not parsed", exc_type=ImportError
    )
    layout = Layout(data=max(1, devices // 8), sharded=min(devices, 4), tensor=2 if devices >= 8 else 1)
    value = engine_run(layout=layout, batch_tokens=128 * 256, arch={"n_heads": 4, "n_kv_heads": 4}, node_devices=8)
    monkeypatch.setattr(parsers, "get_device_arch_version", lambda: 9)  # asks the GPU, which a test may not have
    monkeypatch.setattr("sys.argv", ["pretrain_gpt.py", *started(value, tmp_path)[1]])
    for name, given in {"WORLD_SIZE": devices, "RANK": 0, "CUDA_DEVICE_MAX_CONNECTIONS": 1}.items():
        monkeypatch.setenv(name, str(given))
    parsed = parsers.parse_args()
    parsers.validate_args(parsed)
    assert parsed.world_size == devices


def test_places_must_be_given(engine_run, tmp_path):
    with pytest.raises(subprocess.CalledProcessError) as failed:
        arguments(engine_run(), tmp_path, places={"DATA_PATH": "x"})
    assert "TOKENIZER: a folder with a Hugging Face tokenizer of 1,024 tokens" in failed.value.stderr


@pytest.mark.parametrize(
    ("family", "changes", "said"),
    [
        ("gpt", {"arch": {"without": ("final_norm",)}}, "it has a final norm"),
        (
            "llama",
            {"arch": {"n_layers": 9}, "layout": Layout(pipeline=2)},
            "and 2 do not divide 9; take a layout whose",
        ),
        ("llama", {"z_loss": 1e-4}, "it has no z-loss, and the run one of 1e-4; plan with --family llama"),
    ],
)
def test_what_it_cannot_do_is_refused(engine_run, family, changes, said):
    with pytest.raises(RefusedError, match=said):
        EXPORTS["megatron"](engine_run(family, **changes))

"""Configurations of nanoGPT."""

from dataclasses import replace

import pytest

from isoflop.arch.layout import Layout
from isoflop.errors import RefusedError
from isoflop.plan.export import EXPORTS
from isoflop.schedule import Schedule
from plan.export.reading import assignments, comment_of

# The defaults at the head of nanoGPT's train.py: any other name would be an assignment without effect.
NAMES = {
    "out_dir", "eval_interval", "log_interval", "eval_iters", "eval_only", "always_save_checkpoint", "init_from",
    "wandb_log", "wandb_project", "wandb_run_name", "dataset", "gradient_accumulation_steps", "batch_size",
    "block_size", "n_layer", "n_head", "n_embd", "dropout", "bias", "learning_rate", "max_iters", "weight_decay",
    "beta1", "beta2", "grad_clip", "decay_lr", "warmup_iters", "lr_decay_iters", "min_lr", "backend", "device",
    "dtype", "compile",
}  # fmt: skip


def exported(value):
    return assignments(EXPORTS["nanogpt"](value))


def test_names_are_those_of_nanogpt_and_values_those_of_the_run(engine_run):
    value = engine_run("gpt", micro_batch_sequences=2)
    config, run = exported(value), value.run
    assert set(config) <= NAMES
    assert (config["n_layer"], config["n_head"], config["n_embd"]) == (
        value.arch.n_layers, value.arch.n_heads, value.arch.d_model,
    )  # fmt: skip
    tokens = config["batch_size"] * config["gradient_accumulation_steps"] * config["block_size"]
    assert tokens == run.batch_tokens
    assert tokens * config["max_iters"] == run.tokens
    assert config["lr_decay_iters"] == config["max_iters"]
    assert config["warmup_iters"] == pytest.approx(run.warmup_tokens / run.batch_tokens, abs=0.5)
    assert (config["learning_rate"], config["min_lr"]) == (run.peak_lr, pytest.approx(run.peak_lr / 10))
    assert (config["beta1"], config["beta2"], config["weight_decay"], config["grad_clip"]) == (0.9, 0.95, 0.1, 1.0)


def test_checkpoints_are_saved_along_the_way_and_at_the_end(engine_run):
    value = engine_run("gpt")
    config, steps = exported(value), value.run.steps
    assert config["always_save_checkpoint"] is True
    assert steps % config["eval_interval"] == 0
    assert "evaluates and saves its last checkpoint" in comment_of(EXPORTS["nanogpt"](value))
    assert "init_from = 'resume' once there is a checkpoint" in comment_of(EXPORTS["nanogpt"](value))
    assert value.checkpoint_steps / 4 < config["eval_interval"] <= value.checkpoint_steps
    prime = engine_run("gpt", batch_tokens=256, tokens=7_919 * 256, warmup_tokens=0)
    assert exported(prime)["eval_interval"] == prime.checkpoint_steps
    assert "saves no checkpoint, since no eval_interval near 500 divides" in comment_of(EXPORTS["nanogpt"](prime))


def test_its_model_has_as_many_parameters(engine_run):
    value = engine_run("gpt")
    config, vocab = exported(value), value.arch.vocab_size
    d, layers = config["n_embd"], config["n_layer"]
    # Its GPT with biases: wte and wpe; two LayerNorms, c_attn, c_proj, c_fc and c_proj a block; ln_f; a tied head.
    block = 2 * 2 * d + (3 * d * d + 3 * d) + (d * d + d) + (4 * d * d + 4 * d) + (4 * d * d + d)
    assert config["bias"] is True
    assert vocab * d + config["block_size"] * d + layers * block + 2 * d == value.arch.params().total


def test_a_vocabulary_that_is_not_its_own_is_to_be_filled_in(engine_run):
    assert "vocab_size = 1,024 in data/DATASET/meta.pkl" in comment_of(EXPORTS["nanogpt"](engine_run("gpt")))
    own = engine_run("gpt", arch={"vocab_size": 50_304})
    assert "meta.pkl" not in comment_of(EXPORTS["nanogpt"](own))


def test_a_constant_rate_is_a_cosine_between_equal_ends(engine_run):
    config = exported(engine_run("gpt", schedule=Schedule(kind="constant")))
    assert config["min_lr"] == config["learning_rate"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"arch": {"d_ff": 1024}}, "4 d_model, got 1024"),
        ({"arch": {"tied_embedding": False}}, "its output head is its embedding"),
        ({"arch": {"n_positions": 512}}, "as many positions as a sequence has, 256, got 512"),
        ({"arch": {"vocab_size": 70_000}}, "of 16 bits; plan with --vocab up to 65536"),
        ({"arch": {"without": ("final_norm",)}}, "GPT-2 has a final norm"),
        ({"schedule": Schedule(kind="wsd")}, "a cosine only"),
        ({"z_loss": 1e-4}, "it has no z-loss"),
        ({"layout": Layout(sharded=2), "batch_tokens": 2560}, "it has replicas only"),
        ({"recompute": "selective"}, "it does not recompute"),
    ],
)
def test_what_it_cannot_do_is_refused(engine_run, changes, said):
    with pytest.raises(RefusedError, match=said):
        EXPORTS["nanogpt"](engine_run("gpt", **changes))


def test_several_rates_and_another_eps_are_refused(engine_run):
    value = engine_run("gpt")
    rates = replace(value.run.optimizer, embedding_lr=10.0, eps=1e-6)
    with pytest.raises(RefusedError, match="one learning rate, and the run one by role.*an eps of 1e-8, got 1e-6"):
        EXPORTS["nanogpt"](replace(value, run=replace(value.run, optimizer=rates)))

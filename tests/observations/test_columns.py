"""Names met in published tables and trackers, and names that must not be taken for something else."""

import numpy as np
import pytest

from isoflop.errors import InputError
from isoflop.observations import FIELDS, match_columns
from isoflop.observations.columns import candidates, field_named


@pytest.mark.parametrize(
    ("field", "names"),
    [
        ("N", ["N", "n", "params", "#params", "parameter_count", "param_count", "Model Size", "params_active_precise",
               "orig_n", "model_size__precise", "total_parameter_count", "n_params", "config/model/num_params",
               "params_no_embed", "Parameters",
               "N (total)", "N (non-emb)", "params (M)", "log10_N", "ln_N", "log_10 params"]),
        ("D", ["D", "tokens", "token_num", "training_tokens", "Training Tokens", "throughput/total_tokens", "orig_t",
               "tokens_B", "tokens (billions)", "tokens_in_billions", "log10(tokens)", "summary.tokens_seen"]),
        ("C", ["C", "flops", "FLOPs", "compute", "Training FLOP", "Training compute (FLOP)", "log10(flops)",
               "total_flops", "perf/train_flops", "FLOPs (6ND)"]),
        ("budget", ["budget", "compute_budget", "budget_flops", "log10_budget"]),
        ("loss", ["loss", "final_loss", "val_loss", "validation_loss", "Val Loss", "eval/c4/loss", "orig_loss",
                  "loss_c4", "loss[c4_val/shard-{0}.tar]", "val_loss_nats", "eval/loss", "perplexity", "val_ppl", "bpb",
                  "bits_per_byte", "validation/pile_loss", "loss (nats)", "train.loss", "test_nll"]),
        ("peak_lr", ["lr", "learning_rate", "optimizer/lr", "peak_lr"]),
        ("run_id", ["run", "run_id", "run_name", "Name", "hyper_id"]),
        ("status", ["status", "State"]),
        ("step", ["step", "_step", "global_step"]),
        ("unique_tokens", ["unique_tokens"]),
        ("batch", ["batch", "batch_size", "global_bs"]),
    ],
)  # fmt: skip
def test_names_of_the_field(field, names):
    for name in names:
        assert match_columns([name]).get(field) == name, name


@pytest.mark.parametrize(
    "name",
    ["z_loss", "train/z_loss", "loss_std", "loss_sequences_lower_95[c4]", "aux_loss", "eval/loss_stderr", "loss_weight",
     "balance_loss", "closs", "glossary", "loss_scale", "ppl_std", "kl_loss"],
)  # fmt: skip
def test_names_that_are_no_loss(name):
    assert "loss" not in match_columns([name])


@pytest.mark.parametrize(
    ("name", "field", "scale", "logarithm"),
    [
        ("params (M)", "N", 1e6, ""), ("params (millions)", "N", 1e6, ""), ("Model Size [B]", "N", 1e9, ""),
        ("tokens_B", "D", 1e9, ""), ("tokens_in_billions", "D", 1e9, ""), ("tokens (T)", "D", 1e12, ""),
        ("log10_N", "N", 1.0, "log10"), ("log10(flops)", "C", 1.0, "log10"), ("ln_N", "N", 1.0, "ln"),
        ("ln(D)", "D", 1.0, "ln"), ("log2_tokens", "D", 1.0, "log2"), ("log_D", "D", 1.0, "log"),
        ("params", "N", 1.0, ""), ("Training compute (FLOP)", "C", 1.0, ""), ("params_m", "N", 1e6, ""),
    ],
)  # fmt: skip
def test_units_and_logarithms_in_names(name, field, scale, logarithm):
    found = candidates([name]).get(field)
    assert (found[0].scale, found[0].logarithm) == (scale, logarithm)


def test_units_of_losses_in_names():
    units = {name: candidates([name])["loss"][0].loss_unit for name in ("val_ppl", "perplexity", "bpb", "loss")}
    assert units == {"val_ppl": "perplexity", "perplexity": "perplexity", "bpb": "bits_per_byte", "loss": ""}


def test_plain_numbers_come_before_their_logarithms_and_names_before_patterns():
    names = ["log10_params", "model_size_label", "params"]
    assert [item.column for item in candidates(names)["N"]] == ["params", "log10_params", "model_size_label"]


def test_words_of_options():
    assert [field_named(word, "--column") for word in ("params", "N", "tokens", "D", "flops", "compute", "C")] == [
        "N", "N", "D", "D", "C", "C", "C",
    ]  # fmt: skip
    assert all(field_named(field, "--column") == field for field in FIELDS)
    with pytest.raises(InputError, match=r"--scale colour: expected a field of params \(N\)"):
        field_named("colour", "--scale")


@pytest.mark.parametrize(
    ("name", "field", "scale"),
    [
        ("num_input_tokens_seen", "D", 1.0), ("total_flos", "C", 1.0), ("consumed_tokens", "D", 1.0),
        ("consumed-tokens", "D", 1.0), ("lm loss validation", "loss", 1.0), ("n_tokens_seen", "D", 1.0),
        ("model_param_count", "N", 1.0), ("train/CrossEntropyLoss", "loss", 1.0),
        ("eval/c4_en/CrossEntropyLoss", "loss", 1.0), ("metrics/eval/LanguageCrossEntropy", "loss", 1.0),
        ("time/token", "D", 1.0), ("time/batch", "step", 1.0), ("nll", "loss", 1.0), ("params_m", "N", 1e6),
        ("tokens_bn", "D", 1e9), ("D/N", "tokens_per_param", 1.0), ("tokens_per_param", "tokens_per_param", 1.0),
        ("chinchilla_multiple", "tokens_per_param", 20.0), ("steps", "step", 1.0), ("batch_size", "batch", 1.0),
        ("seq_len", "seq_len", 1.0), ("bs", "batch", 1.0), ("gbsz", "batch", 1.0), ("active_params", "N", 1.0),
        ("activated_params", "N", 1.0), ("throughput/total_gflops", "C", 1e9), ("compute (ZFLOPs)", "C", 1e21),
        ("PF-days", "C", 8.64e19), ("petaflop/s-days", "C", 8.64e19), ("train_exaflops", "C", 1e18),
        ("FLOPs [×10²¹]", "C", 1e21), ("C (10^18)", "C", 1e18), ("budget (EFLOPs)", "budget", 1e18),
        ("M params", "N", 1e6), ("billions of tokens", "D", 1e9), ("tokens, billions", "D", 1e9),
        ("D (B tokens)", "D", 1e9),
        ("-loss", "loss", -1.0), ("log_likelihood", "loss", -1.0), ("neg_log_likelihood", "loss", 1.0),
        ("log10_ppl", "loss", np.log(10)), ("steps_k", "step", 1e3), ("unique_tokens_b", "unique_tokens", 1e9),
        ("Global batch (M tokens)", "batch_tokens", 1e6), ("failure_reason", "failure_reason", 1.0),
    ],
)  # fmt: skip
def test_names_of_trainers_and_trackers_with_their_units(name, field, scale):
    found = candidates([name])
    assert list(found) == [field]
    assert found[field][0].scale == pytest.approx(scale)


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("log_perplexity", "nats_per_token"), ("eval/log_ppl", "nats_per_token"), ("log2 perplexity", "bits_per_token"),
        ("loss (bits/token)", "bits_per_token"), ("bits/token", "bits_per_token"), ("val_bpc", "bits_per_character"),
        ("bits_per_char", "bits_per_character"), ("loss (nats/char)", "nats_per_character"),
        ("loss_nats", "nats_per_token"),
        ("val bits/byte", "bits_per_byte"), ("ppl_c4", "perplexity"), ("perplexity (val)", "perplexity"),
        ("lm loss validation ppl", "perplexity"), ("eval/nats_per_byte", "nats_per_byte"), ("val loss", ""),
    ],
)  # fmt: skip
def test_units_of_losses_anywhere_in_a_name(name, unit):
    assert candidates([name])["loss"][0].loss_unit == unit


@pytest.mark.parametrize("name", ["log_loss", "log(val_loss)", "ln(loss)"])
def test_a_logarithm_of_a_loss_is_none_of_a_perplexity(name):
    assert candidates([name])["loss"][0].logarithm == ("ln" if name.startswith("ln") else "log")


@pytest.mark.parametrize(
    "name",
    ["tokens_per_second", "tokens/s", "flops_per_token", "FLOPs/token", "TFLOP/s", "throughput (TFLOP/s/GPU)",
     "embedding_params", "params_embedding", "model_size_gb", "warmup_steps", "eval_tokens", "word_perplexity",
     "byte_perplexity", "predicted_loss", "initial_loss", "excess_loss", "d_model", "n_layers", "loss (%)",
     "log10(D/N)",
     "token", "vocab", "mfu", "gpu_hours", "x" * 5000, "(" * 500, "-" * 500],
)  # fmt: skip
def test_names_that_are_no_count_and_no_loss(name):
    assert not {"N", "D", "C", "loss", "budget", "step", "tokens_per_param"} & candidates([name]).keys()

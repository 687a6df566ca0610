"""Configurations of models, studies and plans, with values of every kind and none."""

from __future__ import annotations

import random
from pathlib import Path

from hostile import damage

MODELS: tuple[dict[str, object], ...] = (
    {"model_type": "llama", "hidden_size": 512, "num_attention_heads": 8, "num_key_value_heads": 4,
     "num_hidden_layers": 6, "intermediate_size": 1536, "vocab_size": 32000, "max_position_embeddings": 2048,
     "tie_word_embeddings": False, "rope_scaling": None},
    {"model_type": "gpt2", "n_embd": 768, "n_head": 12, "n_layer": 12, "vocab_size": 50257, "n_positions": 1024,
     "n_inner": None, "tie_word_embeddings": True},
    {"model_type": "qwen3", "hidden_size": 1024, "num_attention_heads": 16, "num_key_value_heads": 8, "head_dim": 128,
     "num_hidden_layers": 28, "intermediate_size": 3072, "vocab_size": 151936, "max_position_embeddings": 40960},
)  # fmt: skip
STUDY = """schema = 1
flops = 3e10
family = "llama"
workers = 2
engine = "local"
seed = 0
corpus = "english"
tokenizer = "bytes"
seq_len = 32
allow_epochs = false
budgets = 3
budget_ratio = 2.0
final_ratio = 4.0
log = ["tensorboard"]

[slurm]
partition = "gpu"
"""


def model(rng: random.Random, folder: Path) -> list[object]:
    """A config.json in `folder`, and the command line that reads it."""
    file = folder / "config.json"
    text = damage.damaged_json(rng.choice(MODELS), rng)
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    if rng.random() < 0.1:
        file.write_bytes(damage.damaged_bytes(file.read_bytes(), rng))
    return ["count", file, *rng.choice(([], ["--json"], ["--gpus", "64xH100", "--json"], ["--gpus", "64xH100"]))]


def study(rng: random.Random, folder: Path) -> list[object]:
    """A study.toml in `folder`, and the command line that reads it."""
    (folder / "study.toml").write_bytes(damage.damaged_toml(STUDY, rng))
    return [*rng.choice((["status"], ["report"], ["score"], ["run", "--reindex"])), folder]


def plan(rng: random.Random, folder: Path, whole: str) -> list[object]:
    """A plan.toml in `folder`, made of the text of a whole one, and the command line that reads it."""
    file = folder / "plan.toml"
    file.write_bytes(damage.damaged_toml(whole, rng))
    return ["launch", file, "--dry-run", *rng.choice(([], ["--json"]))]

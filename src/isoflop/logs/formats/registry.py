"""The kinds of logs, the surest sign first: the first that recognises a file or folder reads it."""

from __future__ import annotations

from isoflop.logs.formats import (
    huggingface,
    lightning,
    llm_c,
    megatron,
    mlflow,
    mlflow_database,
    modded_nanogpt,
    nanochat,
    nanogpt,
    nested_curves,
    run_folder,
    tables,
    tensorboard,
    tensorboard_csv,
    torchtitan,
    wandb,
    wandb_chart,
)
from isoflop.logs.formats.format import LogFormat

FORMATS: tuple[LogFormat, ...] = (
    run_folder.FORMAT,
    wandb.FORMAT,
    tensorboard.FORMAT,
    mlflow.FORMAT,
    mlflow_database.FORMAT,
    huggingface.FORMAT,
    lightning.FORMAT,
    nested_curves.FORMAT,
    torchtitan.FORMAT,
    megatron.FORMAT,
    modded_nanogpt.FORMAT,
    nanogpt.FORMAT,
    nanochat.FORMAT,
    llm_c.FORMAT,
    tensorboard_csv.FORMAT,
    wandb_chart.FORMAT,
    tables.FORMAT,
)  # fmt: skip
"""Folders and files with a sign of their own come first; any table comes last."""

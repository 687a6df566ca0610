"""The models that Hugging Face configurations describe, counted to the parameter or refused by name."""

from isoflop.arch.huggingface.read import read_config, read_model

__all__ = ["read_config", "read_model"]

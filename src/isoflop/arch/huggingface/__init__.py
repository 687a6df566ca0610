"""The models that Hugging Face configurations describe, counted to the parameter or refused by name."""

from isoflop.arch.huggingface.read import library_count, read_config, read_model

__all__ = ["library_count", "read_config", "read_model"]

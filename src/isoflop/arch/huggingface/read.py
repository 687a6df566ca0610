"""The door: a config.json as a model, and as the shape of a family where one is exactly that model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from isoflop.arch.architecture import Architecture
from isoflop.arch.composed.model import ComposedModel
from isoflop.arch.composed.parts import Experts
from isoflop.arch.huggingface import dense, mixtures, older
from isoflop.arch.huggingface.by_library import LibraryCount, count_by_library, has_library
from isoflop.arch.huggingface.config import Config
from isoflop.arch.huggingface.exact import EXACT_READERS
from isoflop.arch.huggingface.windows import check_expert_layers
from isoflop.codec import Json
from isoflop.errors import InputError, Notice, quoted
from isoflop.json_values import json_value
from isoflop.regular_files import read_through_links

READERS: dict[str, Callable[[Config], ComposedModel]] = {
    "deepseek_v2": mixtures.deepseek,
    "deepseek_v3": mixtures.deepseek,
    "falcon": older.falcon,
    "gemma": dense.gemma,
    "gemma2": dense.gemma,
    "gemma3": dense.gemma,
    "gemma3_text": dense.gemma,
    "glm4": dense.glm4,
    "glm4_moe": mixtures.glm4_moe,
    "gpt2": older.gpt2,
    "gpt_bigcode": older.gpt2,
    "gpt_neox": dense.gpt_neox,
    "gpt_oss": mixtures.gpt_oss,
    "granite": dense.llama,
    "kimi_k2": mixtures.deepseek,
    "llama": dense.llama,
    "llama4": mixtures.llama4,
    "llama4_text": mixtures.llama4,
    "mistral": dense.llama,
    "mixtral": mixtures.mixtral,
    "olmo": dense.olmo,
    "olmo2": dense.olmo,
    "olmo3": dense.olmo,
    "olmoe": mixtures.olmoe,
    "opt": older.opt,
    "phi": dense.phi,
    "phi3": dense.phi3,
    "qwen2": dense.qwen2,
    "qwen2_moe": mixtures.qwen_moe,
    "qwen3": dense.qwen3,
    "qwen3_moe": mixtures.qwen_moe,
    "smollm3": dense.llama,
    "starcoder2": dense.starcoder2,
}
"""{`model_type`: its reader}."""
_DEEPEST = 10_000  # layers, as in Architecture: a mistyped count must not take minutes


@dataclass(frozen=True, kw_only=True)
class ConfigModel:
    """What a configuration describes."""

    composed: ComposedModel
    """The model with all its parts."""
    shape: Architecture | None
    """The same model as a shape of a family, which can be planned and trained; None where no family is exactly it."""


def read_model(path: Path) -> ConfigModel:
    """The model of the config.json at `path`.

    Raises InputError where the file cannot be read, is of a `model_type` without a reader, and, with all problems at
    once, where a field is missing, has a value that no reader knows, or may change the count and is read by none.
    """
    values = _values(path)
    config = _config(path, values, READERS)
    composed = READERS[config.kind](config)
    check_expert_layers(config, [isinstance(layer.feed_forward, Experts) for layer in composed.layers])
    config.refuse_unread()
    if config.problems:
        raise InputError.gathered(str(path), dict.fromkeys(config.problems))
    if values is not config.values:
        words = "text_config: the language model alone is counted, without what sees or hears"
        composed = replace(composed, notices=(*composed.notices, Notice(code="part_not_counted", message=words)))
    return ConfigModel(composed=composed, shape=_exact(config))


def library_count(path: Path) -> LibraryCount | None:
    """The count by transformers of the config.json at `path`; None where its kind has a reader here.

    Raises InputError where transformers is not installed, or does not know the kind or what the file says.
    """
    kind, values = _language_model(path, _values(path), READERS)
    if kind in READERS:
        return None
    if not has_library():
        raise InputError(
            f"{_unknown_kind(path, kind, READERS)}; or install 'isoflop[hf]', with which transformers counts"
        )
    return count_by_library(path, kind, values)


def read_config(path: Path) -> tuple[Architecture, int]:
    """(architecture, longest context) of the config.json at `path`, where a family is exactly that model.

    Raises InputError where the file cannot be read or its `model_type` is not exactly one of the families, and, with
    all problems at once, where a field is missing or has a value that no family has.
    """
    config = _config(path, _values(path), EXACT_READERS)
    reader, context = EXACT_READERS[config.kind]
    shape, seq_len = reader(config), config.number(context)
    if config.problems:
        raise InputError.gathered(str(path), dict.fromkeys(config.problems))
    return shape(), seq_len


def _exact(config: Config) -> Architecture | None:
    if config.kind not in EXACT_READERS:
        return None
    again = Config(config.kind, config.values)
    shape = EXACT_READERS[config.kind][0](again)
    return None if again.problems else shape()


def _values(path: Path) -> dict[str, Json]:
    try:
        values = json_value(read_through_links(path))
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file; expected a config.json, or the name of a published model") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: expected JSON as Hugging Face writes it, and it cannot be read ({error})") from error
    if not isinstance(values, dict):
        raise InputError(f"{path}: expected a JSON object, got {type(values).__name__}")
    return values


def _config(path: Path, values: dict[str, Json], readers: Mapping[str, object]) -> Config:
    """The fields of the language model, which one of `readers` reads."""
    kind, values = _language_model(path, values, readers)
    if kind not in readers:
        raise InputError(
            f"{_unknown_kind(path, kind, readers)}; give the shape by options such as --layers and --d-model"
        )
    layers = values.get("num_hidden_layers", values.get("n_layer"))
    if isinstance(layers, int) and layers > _DEEPEST:
        raise InputError(f"{path}: layers: expected at most {_DEEPEST:,}, got {layers:,}")
    return Config(kind, values)


def _language_model(path: Path, values: dict[str, Json], readers: Mapping[str, object]) -> tuple[str, dict[str, Json]]:
    """(kind, fields) of the language model: those of `text_config` where the file describes more than that."""
    kind, inner = values.get("model_type"), values.get("text_config")
    if kind is None and not (isinstance(inner, dict) and "model_type" in inner):
        raise InputError(f"{path}: model_type: missing; expected one of {', '.join(readers)}")
    if isinstance(inner, dict):
        values = inner
        kind = inner.get("model_type", kind)
    elif inner is not None:
        raise InputError(f"{path}: text_config: expected an object, got {quoted(inner)}")
    if not isinstance(kind, str):
        raise InputError(_unknown_kind(path, kind, readers))
    return kind, values


def _unknown_kind(path: Path, kind: Json, readers: Mapping[str, object]) -> str:
    return f"{path}: model_type: expected one of {', '.join(readers)}, got {quoted(kind)}"

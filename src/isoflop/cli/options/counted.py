"""The shape and the devices of `isoflop count`, from its options."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from isoflop.arch import Architecture, family_named
from isoflop.arch.composed.model import ComposedModel
from isoflop.arch.devices import layout_of
from isoflop.arch.huggingface import library_count, read_model
from isoflop.arch.huggingface.by_library import LibraryCount
from isoflop.arch.layout import Layout, Recompute
from isoflop.arch.published import published_model, published_models, published_shape
from isoflop.arch.shapes import DEFAULT_VOCAB_SIZE, nearest_shape, usual_head_dim
from isoflop.cli.options.verb import flags
from isoflop.errors import InputError
from isoflop.large_recipe import DEFAULT_SEQ_LEN
from isoflop.units import format_quantity


@dataclass(frozen=True, kw_only=True)
class CustomShape:
    """Options of a shape; None or empty where not set."""

    family: str | None
    layers: int | None
    d_model: int | None
    heads: int | None
    kv_heads: int | None
    head_dim: int | None
    d_ff: int | None
    vocab: int | None
    tied: bool | None
    without: tuple[str, ...]

    @property
    def set_names(self) -> list[str]:
        """Names of the options that were set."""
        return [name for name, value in vars(self).items() if value not in (None, ())]


@dataclass(frozen=True, kw_only=True)
class OnGpus:
    """Options of devices; None where not set."""

    tensor: int | None
    pipeline: int | None
    sharded: int | None
    interleaved: int | None
    recompute: Recompute | None
    batch_tokens: float | None
    tokens_per_second: float | None
    utilization: float | None

    def layout(self, count: int) -> Layout | None:
        """Returns the custom layout over `count` devices; None where no degree of parallelism was set."""
        degrees = {
            name: degree
            for name in ("tensor", "pipeline", "sharded", "interleaved")
            if (degree := getattr(self, name)) is not None
        }
        return layout_of(count, **degrees) if degrees else None


def counted_shape(
    name: str | None, params: float | None, shape: CustomShape, seq_len: int | None
) -> tuple[Architecture | ComposedModel | LibraryCount, int, str]:
    """Returns (model, context length in tokens, source) of the requested shape: a shape of a family where one is it."""
    context = seq_len or DEFAULT_SEQ_LEN
    if name is not None:
        if shape.set_names or params is not None:
            raise InputError("count: a published model has its own shape; use the name or shape options, not both")
        path = Path(name)
        if name not in published_models() and (path.suffix == ".json" or path.exists()):
            path = path / "config.json" if path.is_dir() else path
            counted = library_count(path)
            if counted is not None:
                return counted, counted.context or context, "a Hugging Face config, by transformers"
            found = read_model(path)
            return found.shape or found.composed, found.composed.context, "a Hugging Face config"
        return *published_shape(name), published_model(name).source
    family, vocab = shape.family or "llama", shape.vocab or DEFAULT_VOCAB_SIZE
    if params is not None:
        if extra := sorted(set(shape.set_names) - {"family", "vocab"}):
            raise InputError(f"count: --params determines the shape and excludes {flags(extra)}; omit one of them")
        arch = nearest_shape(params, family=family, vocab_size=vocab, seq_len=context)
        return arch, context, f"nearest buildable shape to {format_quantity(params)} parameters"
    if shape.layers is None or shape.d_model is None:
        raise InputError("count: expected a published name, a config.json, --params, or --layers and --d-model")
    return _custom_shape(family, vocab, shape, shape.layers, shape.d_model, context), context, "as given"


def _custom_shape(family: str, vocab: int, shape: CustomShape, layers: int, d_model: int, seq_len: int) -> Architecture:
    kind = family_named(family)
    usual = usual_head_dim(d_model, family)
    heads = shape.heads
    if heads is None:
        heads = max(1, d_model // max(1, usual if shape.head_dim is None else shape.head_dim))
    # a family with a fixed width of heads keeps it for any number of heads: PaLM 540B has 48 of 256 in 18,432
    width = usual if kind.multi_query and d_model >= 4096 else d_model // max(1, heads)
    return Architecture(
        family=family,
        n_layers=layers,
        d_model=d_model,
        n_heads=heads,
        n_kv_heads=(1 if kind.multi_query else heads) if shape.kv_heads is None else shape.kv_heads,
        head_dim=width if shape.head_dim is None else shape.head_dim,
        d_ff=round(kind.usual_d_ff(d_model)) if shape.d_ff is None else shape.d_ff,
        vocab_size=vocab,
        tied_embedding=kind.tied_embedding if shape.tied is None else shape.tied,
        **kind.own_fields(seq_len),
        without=shape.without,
    )

"""`isoflop count`: parameters, FLOPs and memory of a shape."""

from __future__ import annotations

from typing import Any

import click

from isoflop.arch import Architecture, family_named
from isoflop.arch.published import published_model, published_shape
from isoflop.arch.shapes import nearest_shape, shape_account
from isoflop.cli.answer import print_facts, print_json, print_table
from isoflop.cli.options import QUANTITY, json_option
from isoflop.errors import InputError
from isoflop.units import format_bytes, format_flops, format_quantity

DEFAULT_VOCAB = 32_000
DEFAULT_SEQ_LEN = 2_048


@click.command()
@click.argument("name", required=False)
@click.option("--params", type=QUANTITY, help="The nearest buildable shape with this many parameters, all counted.")
@click.option("--family", help="llama (default) or gopher.")
@click.option("--layers", type=int, help="Blocks; with --d-model, a shape of your own.")
@click.option("--d-model", type=int, help="Width of the residual stream.")
@click.option("--heads", type=int, help="Query heads. Default: as many as fit, 128 wide (64 up to width 1,024).")
@click.option("--kv-heads", type=int, help="Heads of keys and values. Default: --heads.")
@click.option("--head-dim", type=int, help="Width of a head. Default: d-model / heads.")
@click.option("--d-ff", type=int, help="Width of the feed-forward. Default: the family's ratio.")
@click.option("--vocab", type=int, help=f"Tokens of the vocabulary. Default: {DEFAULT_VOCAB:,}.")
@click.option("--tied/--untied", default=None, help="Whether the output head is the embedding. Default: the family's.")
@click.option("--seq-len", type=click.IntRange(min=1), help=f"Context in tokens. Default: {DEFAULT_SEQ_LEN:,}.")
@json_option
def command(name: str | None, params: float | None, seq_len: int | None, as_json: bool, **shape: Any) -> None:
    """Count parameters, FLOPs and memory of a shape.

    NAME is a published shape such as chinchilla-70b. Without it, give --layers and --d-model, or --params.
    """
    arch, own_seq_len, source = _shape(name, params, shape)
    answer = {**shape_account(arch, seq_len or own_seq_len), "name": name, "source": source}
    if as_json:
        print_json(answer)
        return
    _print(answer, title=f"{name or arch.family}: {source}")


def _shape(name: str | None, params: float | None, shape: dict[str, Any]) -> tuple[Architecture, int, str]:
    """(architecture, context length, where it comes from) of what was asked for."""
    given = {key: value for key, value in shape.items() if value is not None}
    if name is not None:
        if given or params is not None:
            raise InputError("count: a published name has its own shape; give the name or shape options, not both")
        return *published_shape(name), published_model(name).source
    family, vocab = given.get("family", "llama"), given.get("vocab", DEFAULT_VOCAB)
    if params is not None:
        if extra := sorted(set(given) - {"family", "vocab"}):
            raise InputError(f"count: --params chooses the shape; it goes with --family and --vocab, not {extra}")
        arch = nearest_shape(params, family=family, vocab_size=vocab)
        return arch, DEFAULT_SEQ_LEN, f"nearest buildable shape to {format_quantity(params)} parameters"
    if "layers" not in given or "d_model" not in given:
        raise InputError("count: expected a published name, or --params, or --layers and --d-model")
    return _own_shape(family, vocab, given), DEFAULT_SEQ_LEN, "as given"


def _own_shape(family: str, vocab: int, given: dict[str, Any]) -> Architecture:
    kind, d_model = family_named(family), given["d_model"]
    wished_head = given.get("head_dim", 64 if d_model <= 1024 else 128)
    heads = given.get("heads", max(1, d_model // max(1, wished_head)))
    return Architecture(
        family=family,
        n_layers=given["layers"],
        d_model=d_model,
        n_heads=heads,
        n_kv_heads=given.get("kv_heads", heads),
        head_dim=given.get("head_dim", d_model // max(1, heads)),
        d_ff=given["d_ff"] if "d_ff" in given else round(kind.ff_ratio * d_model),
        vocab_size=vocab,
        tied_embedding=given.get("tied", kind.tied_embedding),
    )


def _print(answer: dict[str, Any], *, title: str) -> None:
    arch, params, memory = answer["architecture"], answer["params"], answer["memory_bytes"]
    heads = f"{arch['n_heads']} heads of {arch['head_dim']}"
    if arch["n_kv_heads"] != arch["n_heads"]:
        heads += f" ({arch['n_kv_heads']} for keys and values)"
    facts = [
        ("Shape", f"{arch['family']}, {arch['n_layers']} layers of {arch['d_model']}, {heads}"),
        ("", f"feed-forward {arch['d_ff']}, vocabulary {arch['vocab_size']}, context {answer['seq_len']}"),
        ("Parameters", f"{params['total']:,}"),
        ("  non-embedding", f"{params['non_embedding']:,}"),
        ("  in products", f"{params['matmul']:,}"),
        ("To train", f"{format_bytes(memory['train'])}: 16 bytes a parameter and one sequence's activations"),
        ("To serve", f"{format_bytes(memory['serve'])}: 16-bit weights and one sequence's key-value cache"),
    ]
    print_facts(facts, title=title)
    click.echo()
    print_table(
        ["Training FLOPs per token", "FLOPs", "of 6 N"],
        [
            [name, format_flops(value), f"{value / (6 * params['total']):.3f}"]
            for name, value in answer["flops_per_token"].items()
        ],
    )

"""`isoflop count`: parameters, FLOPs and memory of a shape."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from isoflop.arch import DTYPE_BYTES, MOST_OF_A_SHAPE, Architecture, family_named, memory_bytes
from isoflop.arch.devices import OnDevices, layout_of, on_devices
from isoflop.arch.huggingface import read_config
from isoflop.arch.layout import RECOMPUTE, Layout
from isoflop.arch.published import published_model, published_models, published_shape
from isoflop.arch.shapes import nearest_shape, shape_account, usual_head_dim
from isoflop.cli.options.common import QUANTITY, json_option
from isoflop.cli.output.layout import format_seconds, placement_facts
from isoflop.cli.output.tables import print_facts, print_json, print_notices, print_table
from isoflop.errors import InputError, Notice
from isoflop.hardware import Hardware, hardware_named
from isoflop.large_recipe import CHINCHILLA_RATIO, DEFAULT_SEQ_LEN, LargeRecipe
from isoflop.plan import Placement
from isoflop.plan.placement import place, place_own
from isoflop.units import format_bytes, format_flops, format_quantity, parse_devices

DEFAULT_VOCAB = 32_000
_COUNT = click.IntRange(1, MOST_OF_A_SHAPE)
_SIZE = click.IntRange(max=MOST_OF_A_SHAPE)  # the shape says what is wrong below
_WAYS = ("tensor", "pipeline", "sharded", "interleaved")
_ON_DEVICES = (*_WAYS, "recompute", "batch_tokens", "tokens_per_second", "utilization")


@click.command()
@click.argument("name", required=False)
@click.option("--params", type=QUANTITY, help="The nearest buildable shape with this many parameters, all counted.")
@click.option("--family", help="llama (default), gopher, gpt or palm.")
@click.option("--layers", type=_SIZE, help="Blocks; with --d-model, a shape of your own.")
@click.option("--d-model", type=_SIZE, help="Width of the residual stream.")
@click.option("--heads", type=_SIZE, help="Query heads. Default: as many as fit at the family's usual width.")
@click.option("--kv-heads", type=_SIZE, help="Heads of keys and values. Default: --heads; palm: 1.")
@click.option("--head-dim", type=_SIZE, help="Width of a head. Default: d-model / heads; palm: 256 from width 4,096.")
@click.option("--d-ff", type=_SIZE, help="Width of the feed-forward. Default: the family's ratio.")
@click.option("--vocab", type=_SIZE, help=f"Tokens of the vocabulary. Default: {DEFAULT_VOCAB:,}.")
@click.option("--tied/--untied", default=None, help="Whether the output head is the embedding. Default: the family's.")
@click.option("--without", multiple=True, help="What the shape lacks: query_key_norm (llama), final_norm (gpt).")
@click.option("--seq-len", type=_COUNT, help=f"Context in tokens. Default: {DEFAULT_SEQ_LEN:,}, or its own.")
@click.option("--batch", type=_COUNT, default=1, show_default=True, help="Sequences trained or served at once.")
@click.option("--weights", type=click.Choice(list(DTYPE_BYTES)), default="bfloat16", help="Format of served weights.")
@click.option(
    "--kv-cache", type=click.Choice(list(DTYPE_BYTES)), default="bfloat16", help="Format of the served cache."
)
@click.option("--gpus", metavar="COUNTxDEVICE", help="Devices to train on, such as 6144xTPUv4: memory of each, speed.")
@click.option("--tensor", type=_COUNT, help="With --gpus: devices that every matrix is split over.")
@click.option("--pipeline", type=_COUNT, help="With --gpus: stages of layers.")
@click.option("--sharded", type=_COUNT, help="With --gpus: devices that share a replica. Without any: the fastest.")
@click.option("--interleaved", type=_COUNT, help="With --pipeline: pieces that a stage is dealt out in.")
@click.option(
    "--recompute", type=click.Choice(RECOMPUTE), help="In a layout of your own. Default: the least that fits."
)
@click.option("--batch-tokens", type=QUANTITY, help="With --gpus: tokens of a step. Default: by the Step Law.")
@click.option("--tokens-per-second", type=QUANTITY, help="With --gpus: a measured speed, to be told its utilization.")
@click.option("--utilization", type=QUANTITY, help="With --gpus: model FLOPs over peak, to be told speed and step.")
@json_option
def command(
    name: str | None,
    params: float | None,
    seq_len: int | None,
    batch: int,
    weights: str,
    kv_cache: str,
    gpus: str | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Count parameters, FLOPs and memory of a shape.

    NAME is a published shape such as chinchilla-70b, or the path of a Hugging Face config.json. Without it, give
    --layers and --d-model, or --params.
    """
    options = {key: value for key, value in given.items() if value not in (None, ())}
    placed = {key: options.pop(key) for key in _ON_DEVICES if key in options}
    arch, own_seq_len, source = _shape(name, params, options, seq_len)
    context = seq_len or own_seq_len
    answer = {**shape_account(arch, context), "name": name, "source": source, "batch": batch, "devices": None}
    answer["memory_bytes"] = memory_bytes(arch, context, batch=batch, weights=weights, cache=kv_cache)
    if {"tokens_per_second", "utilization"} <= set(placed):
        raise InputError("count: --tokens-per-second and --utilization follow from each other; give one of them")
    if placed and gpus is None:
        names = ", ".join(f"--{name.replace('_', '-')}" for name in _ON_DEVICES)
        raise InputError(f"count: {names} are about --gpus; give that too")
    if gpus is not None:
        answer["devices"] = _on_devices(arch, context, batch, gpus, placed)
    if as_json:
        print_json(answer)
        return
    _print(answer, title=f"{name or arch.family}: {source}")


def _shape(
    name: str | None, params: float | None, given: dict[str, Any], seq_len: int | None
) -> tuple[Architecture, int, str]:
    """(architecture, context length, where it comes from) of what was asked for."""
    context = seq_len or DEFAULT_SEQ_LEN
    if name is not None:
        if given or params is not None:
            raise InputError("count: a published name has its own shape; give the name or shape options, not both")
        path = Path(name)
        if name not in published_models() and (path.suffix == ".json" or path.exists()):
            return *read_config(path / "config.json" if path.is_dir() else path), "a Hugging Face config"
        return *published_shape(name), published_model(name).source
    family, vocab = given.get("family", "llama"), given.get("vocab", DEFAULT_VOCAB)
    if params is not None:
        if extra := sorted(set(given) - {"family", "vocab"}):
            raise InputError(f"count: --params chooses the shape; it goes with --family and --vocab, not {extra}")
        arch = nearest_shape(params, family=family, vocab_size=vocab, seq_len=context)
        return arch, context, f"nearest buildable shape to {format_quantity(params)} parameters"
    if "layers" not in given or "d_model" not in given:
        raise InputError("count: expected a published name, a config.json, --params, or --layers and --d-model")
    return _own_shape(family, vocab, given, context), context, "as given"


def _own_shape(family: str, vocab: int, given: dict[str, Any], seq_len: int) -> Architecture:
    kind, d_model = family_named(family), given["d_model"]
    usual = usual_head_dim(d_model, family)
    heads = given.get("heads", max(1, d_model // max(1, given.get("head_dim", usual))))
    # a family with a width of its own for heads keeps it whatever their number: PaLM 540B has 48 of 256 in 18,432
    own_width = usual if kind.multi_query and d_model >= 4096 else d_model // max(1, heads)
    return Architecture(
        family=family,
        n_layers=given["layers"],
        d_model=d_model,
        n_heads=heads,
        n_kv_heads=given.get("kv_heads", 1 if kind.multi_query else heads),
        head_dim=given.get("head_dim", own_width),
        d_ff=given["d_ff"] if "d_ff" in given else round(kind.ff_ratio * d_model),
        vocab_size=vocab,
        tied_embedding=given.get("tied", kind.tied_embedding),
        n_positions=seq_len if kind.learned_positions else None,
        without=given.get("without", ()),
    )


def _on_devices(arch: Architecture, seq_len: int, batch: int, gpus: str, placed: dict[str, Any]) -> dict[str, Any]:
    """What `OnDevices.as_json` says of the layout given, or else of the fastest, which is then under `placement`."""
    count, name = parse_devices(gpus)
    hardware = hardware_named(name)
    speed, utilization = placed.get("tokens_per_second"), placed.get("utilization")
    ways = {key: placed[key] for key in _WAYS if key in placed}
    layout = layout_of(count, **ways)
    placement, notices = _placement(arch, seq_len, hardware, layout if ways else None, count, batch, placed)
    print_notices(notices)
    layout = layout if placement is None else placement.layout
    found: OnDevices = on_devices(arch, seq_len, hardware, layout, sequences=batch)
    if utilization is not None:
        speed = found.tokens_per_second(utilization)
    elif speed is not None:
        utilization = found.utilization(speed)
    step = placed.get("batch_tokens") if placement is None else placement.time.tokens
    return {
        **found.as_json(),
        "placement": None if placement is None else placement.as_json(),
        "tokens_per_second": speed,
        "utilization": utilization,
        "step_seconds": None if speed is None or step is None else step / speed,
    }


def _placement(
    arch: Architecture,
    seq_len: int,
    hardware: Hardware,
    own: Layout | None,
    count: int,
    batch: int,
    placed: dict[str, Any],
) -> tuple[Placement | None, tuple[Notice, ...]]:
    """The fastest layout, or what the layout `own` takes where a step was given for it; else nothing."""
    given = placed.get("batch_tokens")
    recipe = LargeRecipe(seq_len=seq_len, given_batch=given)
    if own is None:
        if "recompute" in placed:
            raise InputError("count: --recompute is about a layout of your own; give --tensor, --pipeline or --sharded")
        step = recipe.batch_tokens(arch, CHINCHILLA_RATIO * arch.params().total)
        return place(arch, seq_len, hardware, count, batch=step // seq_len, slack=recipe.batch_slack)
    if given is None:
        if "recompute" in placed:
            raise InputError("count: --recompute is about a step; give its --batch-tokens too")
        return None, ()
    return place_own(
        arch,
        seq_len,
        hardware,
        own,
        batch=round(given / seq_len),
        slack=recipe.batch_slack,
        sequences=batch,
        recompute=placed.get("recompute"),
    )


def _print(answer: dict[str, Any], *, title: str) -> None:
    arch, params, memory = answer["architecture"], answer["params"], answer["memory_bytes"]
    heads = f"{arch['n_heads']} heads of {arch['head_dim']}"
    if arch["n_kv_heads"] != arch["n_heads"]:
        heads += f" ({arch['n_kv_heads']} for keys and values)"
    texts = "one sequence" if answer["batch"] == 1 else f"{answer['batch']} sequences"
    facts = [
        ("Shape", f"{arch['family']}, {arch['n_layers']} layers of {arch['d_model']}, {heads}"),
        ("", f"feed-forward {arch['d_ff']}, vocabulary {arch['vocab_size']}, context {answer['seq_len']}"),
        *([("", f"attention over the last {arch['sliding_window']} tokens")] if "sliding_window" in arch else []),
        ("Parameters", f"{params['total']:,}"),
        *((f"  {role.replace('_', ' ')}", f"{count:,}") for role, count in params["by_role"].items() if count),
        ("  non-embedding", f"{params['non_embedding']:,}"),
        ("  in products", f"{params['matmul']:,}"),
        ("To train", f"{format_bytes(memory['train'])}: 16 bytes a parameter and the activations of {texts}"),
        ("  recomputing", f"{format_bytes(memory['train_recomputed'])}, activations computed a second time"),
        (
            "To serve",
            f"{format_bytes(memory['serve'])}: {format_bytes(memory['serve_weights'])} of weights, "
            f"{format_bytes(memory['serve_kv_cache'])} of cache for {texts}",
        ),
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
    if answer["devices"] is not None:
        click.echo()
        print_facts(
            _device_facts(answer["devices"]), title=f"On {answer['devices']['count']}x{answer['devices']['device']}"
        )


def _device_facts(found: dict[str, Any]) -> list[tuple[str, str]]:
    if found["placement"] is not None:
        facts = placement_facts(found["placement"])
    else:
        kept, again, device = found["train_bytes"], found["train_recomputed_bytes"], found["device_bytes"]
        state = kept["weights"] + kept["gradients"] + kept["optimizer"]
        facts = [
            ("Layout", ", ".join(f"{ways} {name}" for name, ways in found["layout"].items() if name != "interleaved")),
            ("State of a device", f"{format_bytes(state)}, and {format_bytes(kept['gathered'])} of gathered weights"),
            ("With activations", f"{format_bytes(kept['total'])} of {format_bytes(device)}: {_fits(found['fits'])}"),
            ("  recomputing", f"{format_bytes(again['total'])}: {_fits(found['fits_recomputed'])}"),
        ]
    facts.append(("At the peak", f"{format_quantity(found['peak_tokens_per_second'])} tokens a second"))
    if found["utilization"] is not None:
        speed = f"{format_quantity(found['tokens_per_second'], 4)} tokens a second"
        if found["step_seconds"] is not None:
            speed += f", {format_seconds(found['step_seconds'])} a step"
        facts.append((f"At {found['utilization']:.1%}", speed))
    return facts


def _fits(fits: bool) -> str:
    return "fits" if fits else "does not fit"

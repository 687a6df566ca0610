"""`isoflop count`: parameters, FLOPs and memory of a shape."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import get_args

import click
import cloup
from cloup import option_group

from isoflop.arch import DTYPE_BYTES, MOST_OF_A_SHAPE, Architecture, memory_bytes
from isoflop.arch.composed.model import ComposedModel
from isoflop.arch.devices import layout_of, on_devices
from isoflop.arch.huggingface.by_library import LibraryCount
from isoflop.arch.layout import MIXED, RECOMPUTE, Formats, HiddenOptimizer, Layout, TrainingSetup
from isoflop.arch.shapes import DEFAULT_VOCAB_SIZE, shape_account
from isoflop.cli.options.counted import CustomShape, OnGpus, counted_shape
from isoflop.cli.options.own_device import OwnDevice, own_device_options
from isoflop.cli.options.types import QUANTITY, WholeNumber
from isoflop.cli.options.verb import flags, json_option, picked, verb
from isoflop.cli.output.count import DevicesAccount, print_count
from isoflop.cli.output.count_composed import Use, composed_json, print_composed
from isoflop.cli.output.count_library import library_json, print_library_count
from isoflop.cli.output.tables import print_json, print_notices
from isoflop.codec import to_json
from isoflop.errors import InputError, Notice
from isoflop.hardware import Hardware
from isoflop.large_recipe import CHINCHILLA_RATIO, DEFAULT_SEQ_LEN, LargeRecipe
from isoflop.plan import LayoutEstimate, estimate_or_notice, evaluate_layout, find_layout
from isoflop.units import parse_devices, parse_quantity

_FORMAT = click.Choice(list(DTYPE_BYTES))
_COUNT = WholeNumber(1, MOST_OF_A_SHAPE)
_SIZE = WholeNumber(high=MOST_OF_A_SHAPE)  # the shape says what is wrong below


@verb("isoflop count chinchilla-70b", "isoflop count --params 7B --gpus 64xH100")
@click.argument("name", nargs=-1)
@option_group(
    "Shape",
    cloup.option(
        "--params", type=QUANTITY, help="Count the nearest buildable shape with this many parameters in total."
    ),
    cloup.option("--family", help="Architecture family: llama, gopher, gpt, gpt-rope, palm or moe. [llama]"),
    cloup.option("--layers", type=_SIZE, help="Number of layers; with --d-model, a custom shape."),
    cloup.option("--d-model", type=_SIZE, help="Width of the residual stream."),
    cloup.option("--heads", type=_SIZE, help="Number of query heads. [as many as fit at the family's usual width]"),
    cloup.option("--kv-heads", type=_SIZE, help="Number of key-value heads. [--heads; palm: 1]"),
    cloup.option("--head-dim", type=_SIZE, help="Width of a head. [d-model / heads; palm: 256 from width 4,096]"),
    cloup.option("--d-ff", type=_SIZE, help="Width of the feed-forward layer. [the family's ratio]"),
    cloup.option("--vocab", type=_SIZE, help=f"Vocabulary size. [{DEFAULT_VOCAB_SIZE:,}]"),
    cloup.option("--tied/--untied", default=None, help="Whether the output head shares the embedding. [the family's]"),
    cloup.option(
        "--without", multiple=True, help="Omit an optional part: query_key_norm (llama), final_norm (gpt). Repeatable."
    ),
    cloup.option("--seq-len", type=_COUNT, help=f"Context length in tokens. [the model's, or {DEFAULT_SEQ_LEN:,}]"),
)
@option_group(
    "Memory",
    cloup.option("--batch", type=_COUNT, default=1, help="Sequences trained or served concurrently. [1]"),
    cloup.option(
        "--optimizer",
        type=click.Choice(get_args(HiddenOptimizer)),
        default="adamw",
        help="What trains the hidden matrices; AdamW the rest. [adamw]",
    ),
    cloup.option("--weights", type=_FORMAT, default="bfloat16", help="Format of the served weights. [bfloat16]"),
    cloup.option(
        "--kv-cache", type=_FORMAT, default="bfloat16", help="Format of the served key-value cache. [bfloat16]"
    ),
)
@option_group(
    "Devices",
    cloup.option(
        "--gpus", metavar="COUNTxDEVICE", help="Training devices, such as 6144xTPUv4: adds memory per device and speed."
    ),
    cloup.option("--tensor", type=_COUNT, help="With --gpus: devices over which each matrix is split."),
    cloup.option("--pipeline", type=_COUNT, help="With --gpus: number of pipeline stages."),
    cloup.option(
        "--sharded", type=_COUNT, help="With --gpus: devices that shard one replica. Without a layout: the fastest."
    ),
    cloup.option("--interleaved", type=_COUNT, help="With --pipeline: interleaved chunks per stage."),
    cloup.option(
        "--recompute",
        type=click.Choice(RECOMPUTE),
        help="Activation recomputation of a custom layout. [the least that fits]",
    ),
    cloup.option("--batch-tokens", type=QUANTITY, help="With --gpus: batch size in tokens. [by the Step Law]"),
    cloup.option(
        "--tokens-per-second", type=QUANTITY, help="With --gpus: a measured speed, to compute its utilization."
    ),
    cloup.option(
        "--utilization", type=QUANTITY, help="With --gpus: model FLOPs over peak, to compute speed and step time."
    ),
)
@own_device_options()
@json_option
def command(
    name: tuple[str, ...],
    params: float | None,
    seq_len: int | None,
    batch: int,
    optimizer: HiddenOptimizer,
    weights: str,
    kv_cache: str,
    gpus: str | None,
    as_json: bool,
    **options: object,
) -> None:
    """Count the parameters, FLOPs and memory of a model shape.

    NAME is a published shape such as chinchilla-70b, the path of a Hugging Face config.json, or a size such as 7B.
    Without NAME, use --layers and --d-model, or --params.
    """
    model, params = _name_or_size(name, params)
    shape, on_gpus, own = picked(CustomShape, options), picked(OnGpus, options), picked(OwnDevice, options)
    own.check_gpus(gpus)
    arch, own_seq_len, source = counted_shape(model, params, shape, seq_len)
    context = seq_len or own_seq_len
    if not isinstance(arch, Architecture):
        if gpus is not None:
            raise InputError(
                f"count: --gpus: layouts are computed for the families of isoflop, and {arch.kind} is of none"
            )
        use = Use(batch=batch, weights=weights, cache=kv_cache, optimizer=optimizer)
        _print_composed(arch, context, use, f"{model}: {source}", as_json)
        return
    account = replace(
        shape_account(arch, context),
        memory_bytes=memory_bytes(arch, context, batch=batch, weights=weights, cache=kv_cache, optimizer=optimizer),
    )
    if on_gpus.tokens_per_second is not None and on_gpus.utilization is not None:
        raise InputError("count: --tokens-per-second and --utilization determine each other; use one of them")
    if gpus is None and (names := [name for name, value in vars(on_gpus).items() if value is not None]):
        raise InputError(f"count: {flags(names)}: needs --gpus")
    formats = MIXED.with_optimizer(optimizer)
    devices = None if gpus is None else _on_devices(arch, context, batch, gpus, on_gpus, formats, own)
    if as_json:
        asked = {"name": model, "source": source, "batch": batch, "optimizer": optimizer}
        print_json({**account.as_json(), **asked, "devices": to_json(devices)})
        return
    print_count(account, devices, batch=batch, optimizer=optimizer, title=f"{model or arch.family}: {source}")


def _print_composed(model: ComposedModel | LibraryCount, seq_len: int, use: Use, title: str, as_json: bool) -> None:
    name, source = title.rsplit(": ", 1)
    if as_json:
        answer = (
            library_json(model, seq_len, use) if isinstance(model, LibraryCount) else composed_json(model, seq_len, use)
        )
        print_json({**answer, "name": name, "source": source})
        return
    if isinstance(model, LibraryCount):
        print_library_count(model, seq_len, use, title=title)
    else:
        print_composed(model, seq_len, use, title=title)
    print_notices(model.notices)


def _name_or_size(words: tuple[str, ...], params: float | None) -> tuple[str | None, float | None]:
    """Returns (name, size) of the argument, whose words make one name: `llama3 8b` is llama3-8b, and `7B` a size."""
    name = "-".join(words) or None
    if name is not None and params is None and re.fullmatch(r"[\d.]+[KkMmBbTt]", name) and not Path(name).exists():
        return None, parse_quantity(name, "count")
    return name, params


def _on_devices(
    arch: Architecture, seq_len: int, batch: int, gpus: str, options: OnGpus, formats: Formats, own: OwnDevice
) -> DevicesAccount:
    """Returns the account of the custom layout, or else of the fastest, which is then its `placement`."""
    count, hardware = parse_devices(gpus)[0], own.device(gpus)
    speed, utilization, custom = options.tokens_per_second, options.utilization, options.layout(count)
    placement, notices = _placement(arch, seq_len, hardware, custom, count, batch, options, formats)
    print_notices(notices)
    layout = (custom or layout_of(count)) if placement is None else placement.layout
    on = on_devices(arch, TrainingSetup(seq_len=seq_len, sequences=batch, layout=layout, formats=formats), hardware)
    if utilization is not None:
        speed = on.tokens_per_second(utilization)
    elif speed is not None:
        utilization = on.utilization(speed)
    step = options.batch_tokens if placement is None else placement.time.tokens
    return DevicesAccount(
        on=on,
        placement=placement,
        tokens_per_second=speed,
        utilization=utilization,
        step_seconds=None if speed is None or step is None else step / speed,
    )


def _placement(
    arch: Architecture,
    seq_len: int,
    hardware: Hardware,
    custom: Layout | None,
    count: int,
    batch: int,
    options: OnGpus,
    formats: Formats,
) -> tuple[LayoutEstimate | None, tuple[Notice, ...]]:
    """Returns the fastest layout, or the estimate of the custom one where its batch size is set; else None."""
    recipe = LargeRecipe(seq_len=seq_len, given_batch=options.batch_tokens)
    if custom is None:
        if options.recompute is not None:
            raise InputError("count: --recompute needs a custom layout: --tensor, --pipeline or --sharded")
        step = recipe.batch_tokens(arch, CHINCHILLA_RATIO * arch.params().total)
        batch, slack = step // seq_len, recipe.batch_slack
        return estimate_or_notice(
            partial(find_layout, arch, seq_len, hardware, count, batch=batch, batch_slack=slack, formats=formats)
        )
    if options.batch_tokens is None:
        if options.recompute is not None:
            raise InputError("count: --recompute needs the batch size of a step: --batch-tokens")
        return None, ()
    return estimate_or_notice(
        partial(
            evaluate_layout,
            arch,
            seq_len,
            hardware,
            custom,
            batch=round(options.batch_tokens / seq_len),
            batch_slack=recipe.batch_slack,
            sequences=batch,
            formats=formats,
            recompute=options.recompute,
        )
    )

"""Printing of the account of a shape."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import click

from isoflop.arch.devices import OnDevices
from isoflop.arch.layout import HiddenOptimizer
from isoflop.arch.shapes import ShapeAccount
from isoflop.cli.output.layout import format_seconds, placement_facts
from isoflop.cli.output.tables import print_facts, print_table
from isoflop.codec import JsonObject, to_json
from isoflop.plan import LayoutEstimate
from isoflop.units import format_bytes, format_flops, format_number, format_quantity, percent


@dataclass(frozen=True, kw_only=True)
class DevicesAccount:
    """A shape on devices, at a speed that was measured or follows from a utilization."""

    on: OnDevices
    placement: LayoutEstimate | None
    """The fastest layout, or the custom one at its batch size; None where neither is known."""
    tokens_per_second: float | None
    utilization: float | None
    """Model FLOPs over peak, 0 to 1."""
    step_seconds: float | None

    def as_json(self) -> JsonObject:
        """The fields, those of `on` among them."""
        values = {name: to_json(value) for name, value in vars(self).items() if name != "on"}
        return self.on.as_json() | values


def print_count(
    account: ShapeAccount, devices: DevicesAccount | None, *, batch: int, optimizer: HiddenOptimizer, title: str
) -> None:
    """Prints the account of a shape for `batch` sequences: parameters, memory, FLOPs, and its numbers on devices."""
    arch, params, memory = account.architecture, account.params, account.memory_bytes
    heads = f"{arch.n_heads} heads of {arch.head_dim}"
    if arch.n_kv_heads != arch.n_heads:
        heads += f" ({arch.n_kv_heads} for keys and values)"
    texts = "one sequence" if batch == 1 else f"{batch} sequences"
    window = arch.sliding_window
    state = "16 bytes a parameter"
    if optimizer == "muon":
        state = f"{format_number(memory['train_state'] / params.total)} bytes a parameter, with Muon's one momentum,"
    facts = [
        ("Shape", f"{arch.family}, {arch.n_layers} layers of {arch.d_model}, {heads}"),
        ("", f"feed-forward {arch.d_ff}, vocabulary {arch.vocab_size}, context {account.seq_len}"),
        *([] if window is None else [("", f"attention over the last {window} tokens")]),
        ("Parameters", f"{params.total:,}"),
        *((f"  {role.replace('_', ' ')}", f"{count:,}") for role, count in params.by_role().items() if count),
        ("  non-embedding", f"{params.non_embedding:,}"),
        ("  in products", f"{params.matmul:,}"),
        ("To train", f"{format_bytes(memory['train'])}: {state} and the activations of {texts}"),
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
            [name, format_flops(value), f"{value / (6 * params.total):.3f}"]
            for name, value in account.flops_per_token.items()
        ],
    )
    if devices is not None:
        click.echo()
        print_facts(_device_facts(devices), title=f"On {devices.on.layout.devices}x{devices.on.device}")


def _device_facts(devices: DevicesAccount) -> list[tuple[str, str]]:
    on = devices.on
    if devices.placement is not None:
        facts = placement_facts(devices.placement)
    else:
        memory, degrees = on.memory, asdict(on.layout)
        state = memory.weights + memory.gradients + memory.optimizer
        facts = [
            ("Layout", ", ".join(f"{ways} {name}" for name, ways in degrees.items() if name != "interleaved")),
            ("State of a device", f"{format_bytes(state)}, and {format_bytes(memory.gathered)} of gathered weights"),
            ("With activations", f"{format_bytes(memory.total)} of {format_bytes(on.device_bytes)}: {_fits(on.fits)}"),
            ("  recomputing", f"{format_bytes(on.memory_recomputed.total)}: {_fits(on.fits_recomputed)}"),
        ]
    facts.append(("At the peak", f"{format_quantity(on.peak_tokens_per_second)} tokens a second"))
    if devices.utilization is not None and devices.tokens_per_second is not None:
        speed = f"{format_quantity(devices.tokens_per_second, 4)} tokens a second"
        if devices.step_seconds is not None:
            speed += f", {format_seconds(devices.step_seconds)} a step"
        facts.append((f"At {percent(devices.utilization)}", speed))
    return facts


def _fits(fits: bool) -> str:
    return "fits" if fits else "does not fit"

"""Printing of the account of a shape."""

from __future__ import annotations

from typing import Any

import click

from isoflop.cli.output.layout import format_seconds, placement_facts
from isoflop.cli.output.tables import print_facts, print_table
from isoflop.units import format_bytes, format_flops, format_quantity


def print_count(answer: dict[str, Any], *, title: str) -> None:
    """Prints the account of a shape: parameters, memory, FLOPs, and its numbers on devices."""
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

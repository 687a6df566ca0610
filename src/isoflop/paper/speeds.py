"""Throughput as utilization: Gopher, MT-NLG and PaLM on their devices."""

from __future__ import annotations

from isoflop.arch import flops_per_token
from isoflop.arch.devices import layout_of, on_devices
from isoflop.arch.layout import TrainingSetup
from isoflop.arch.published import published_shape
from isoflop.hardware import hardware_named
from isoflop.paper.printed import Printed, printed_table
from isoflop.paper.section import Compared, Section
from isoflop.units import format_number

_MT_NLG, _SEQUENCES = "mt-nlg-530b", 1920  # Smith et al. 2022, section 2.4: its batch
_DTYPE = "bfloat16"


def throughput() -> Section:
    """teraFLOP/s of a device, tokens per second, and the share of the peak that they imply."""
    tables = [printed_table(name) for name in ("steps", "utilization", "hardware-utilization")]
    return Section(
        name="throughput",
        title="Throughput and utilization",
        source="; ".join(table.source for table in tables),
        lead="Model FLOPs utilization: tokens a second x (6 N + 12 L H Q T) over the peak of all devices, N counted "
        "from the shape. A device's teraFLOP/s of MT-NLG count the recomputed forward pass.",
        compared=(*_device_speeds(), *_token_speeds(), *_model_utilization(), *_hardware_utilization()),
    )


def _step_tokens() -> int:
    return _SEQUENCES * published_shape(_MT_NLG)[1]


def _device_speeds() -> list[Compared]:
    arch, seq_len = published_shape(_MT_NLG)
    step = _step_tokens() * flops_per_token(arch, seq_len, "megatron_hardware")
    compared = []
    for row in printed_table("steps").rows:
        seconds, gpus = Printed(text=row["seconds"]), int(row["gpus"])
        ours = step / seconds.value / gpus / 1e12
        printed = Printed(text=row["teraflops"])
        fastest = step / (seconds.value - seconds.half) / gpus / 1e12
        why = (
            f"the step's {seconds.text} s are rounded: {format_number(seconds.value - seconds.half, 6)} s "
            f"would be {fastest:.1f}"
        )
        why = "" if printed.rounds_to(ours) else why
        compared.append(Compared(what=f"MT-NLG, {gpus:,} GPUs, teraFLOP/s each", published=printed, ours=ours, why=why))
    return compared


def _token_speeds() -> list[Compared]:
    return [
        Compared(
            what="MT-NLG, 2,240 GPUs, tokens/s",
            published=Printed(text=row["tokens_per_second"]),
            ours=_step_tokens() / float(row["seconds"]),
        )
        for row in printed_table("tokens-per-second").rows
    ]


def _model_utilization() -> list[Compared]:
    compared = []
    for row in printed_table("utilization").rows:
        arch, seq_len = published_shape(row["shape"])
        setup = TrainingSetup(seq_len=seq_len, layout=layout_of(int(row["count"])))
        running = on_devices(arch, setup, hardware_named(row["device"]))
        whole = running.utilization(float(row["tokens_per_second"]))
        without_attention = flops_per_token(arch, seq_len, "six_n") / flops_per_token(arch, seq_len, "palm_mfu")
        for counted, printed, ours in (
            ("without attention", row["without"], whole * without_attention),
            ("with attention", row["with"], whole),
        ):
            if printed:
                what = f"{row['shape']}, MFU {counted}"
                compared.append(Compared(what=what, published=Printed(text=printed), ours=ours))
    return compared


def _hardware_utilization() -> list[Compared]:
    compared = []
    for row in printed_table("hardware-utilization").rows:
        peak = int(row["count"]) * hardware_named(row["device"]).peak_flops[_DTYPE]
        ours = float(row["tokens_per_second"]) * float(row["flops_per_token"]) / peak
        compared.append(Compared(what=f"{row['shape']}, HFU", published=Printed(text=row["share"]), ours=ours))
    return compared

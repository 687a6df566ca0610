"""A planned run as an export takes it, and what the exports share: refusals and the opening comment."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass

from isoflop.arch import Architecture
from isoflop.arch.layout import Layout, Recompute
from isoflop.errors import InputError, RefusedError
from isoflop.hardware import hardware_named
from isoflop.plan.export.checked import Checked
from isoflop.plan.plan import Plan
from isoflop.spec import RunSpec
from isoflop.units import format_flops, format_number, format_quantity, percent

_COMMENT_WIDTH = 100
_CHECKPOINT_SECONDS = 3600.0  # an assumption: what a lost machine may cost
LEAST_CHECKPOINTS = 4
"""Of a run, so that a short one can go on too where it stopped."""

# What every engine does in its own way, and no configuration changes.
_OWN_WAYS = (
    "initial weights are the engine's own; isoflop's trainer draws from 1/sqrt(fan-in), and 0 for what writes into "
    "the residual stream",
)


@dataclass(frozen=True, kw_only=True)
class EngineRun:
    """What the configuration of an engine needs of a plan: the run, and its layout where that is known."""

    run: RunSpec
    plan: str
    """Which plan this is, in one line: N, D, C and the law."""
    layout: Layout | None = None
    """None where nobody chose one: the engine's defaults stay."""
    micro_batch_sequences: int | None = None
    """Sequences that a device works on at once; None leaves the engine's default."""
    recompute: Recompute | None = None
    """What the backward pass recomputes; None leaves the engine's default."""
    planned_devices: int | None = None
    """Devices that the plan has; None where it has none."""
    node_devices: int | None = None
    """Devices of a node; None where that is not known."""
    step_seconds: float | None = None
    """Predicted time of a step; None where no devices were planned for."""
    rates_rule: str = ""
    """By which rule batch and peak rate are set; empty where that is not known."""
    name: str = "isoflop-plan"
    """What the engine calls the run, and the folder of its checkpoints."""

    def __post_init__(self) -> None:
        if self.layout is not None:
            self.layout.check(self.arch)
        together = self.replicas * (self.micro_batch_sequences or 1)
        if self.sequences % together:
            raise InputError(
                f"layout: expected replicas x micro-batch to divide the {self.sequences} sequences of a batch, got "
                f"{self.replicas} x {self.micro_batch_sequences or 1}"
            )

    @classmethod
    def of_plan(cls, plan: Plan) -> EngineRun:
        """The run of `plan`. Raises RefusedError `no_buildable_shape` where it has none."""
        if plan.buildable is None:
            why = next((n.message for n in plan.notices if n.code == "no_buildable_shape"), "the plan has no shape")
            message = f"nothing to export: {why}; plan another size, or another --family or --vocab"
            raise RefusedError("no_buildable_shape", message)
        built, law, placed, cost = plan.buildable, plan.law, plan.layout_estimate, plan.cost_estimate
        convention = law.params_convention.replace("_", "-")
        return cls(
            run=built.run,
            plan=f"N = {built.params:,} {convention} parameters, D = {format_quantity(built.run.tokens)} tokens, "
            f"C = {format_flops(plan.flops)} FLOPs, by law {law.name}",
            layout=None if placed is None else placed.layout,
            micro_batch_sequences=None if placed is None else placed.micro_batch_sequences,
            recompute=None if placed is None else placed.recompute,
            planned_devices=None if cost is None else cost.devices,
            node_devices=None if placed is None else _node_devices(placed.device),
            step_seconds=None if placed is None else plan.step_seconds,
            rates_rule=plan.rates_rule,
        )

    @property
    def arch(self) -> Architecture:
        """The shape."""
        return self.run.architecture

    @property
    def sequences(self) -> int:
        """Sequences of a batch."""
        return self.run.batch_tokens // self.run.seq_len

    @property
    def replicas(self) -> int:
        """Devices, or groups of them, that each take a share of the batch; 1 where no layout was chosen."""
        return 1 if self.layout is None else self.layout.batch_ways

    @property
    def pipelined(self) -> bool:
        """Whether a layout with several stages was chosen."""
        return self.layout is not None and self.layout.pipeline > 1

    @property
    def interleaved(self) -> bool:
        """Whether each stage of the layout has its layers in several pieces."""
        return self.layout is not None and self.layout.interleaved > 1

    @property
    def layers_per_piece(self) -> int:
        """Layers of the fullest piece of a stage; all of them without stages."""
        pieces = 1 if self.layout is None else self.layout.pipeline * self.layout.interleaved
        return math.ceil(self.arch.n_layers / pieces)

    @property
    def warmup_steps(self) -> int:
        """Steps of warm-up, to the nearest whole one."""
        return round(self.run.warmup_tokens / self.run.batch_tokens)

    @property
    def checkpoint_steps(self) -> int:
        """Steps between two checkpoints: an hour of them where a step's time is known, else 500, torchtitan's default.

        A short run has LEAST_CHECKPOINTS all the same.
        """
        steps = 500 if self.step_seconds is None else round(_CHECKPOINT_SECONDS / self.step_seconds)
        return max(1, min(steps, self.run.steps // LEAST_CHECKPOINTS))

    @property
    def eval_steps(self) -> int:
        """Batches of one evaluation: as many tokens as the plan evaluates on."""
        return max(1, round(self.run.eval_tokens / self.run.batch_tokens))

    @property
    def final_lr(self) -> float:
        """Learning rate at the last token."""
        kind = self.run.schedule.kind
        return self.run.peak_lr * (1.0 if kind == "constant" else self.run.schedule.final_fraction)

    @property
    def cooldown_steps(self) -> int:
        """Steps of the cooldown of `wsd`: it begins after the warm-up at the earliest."""
        steps = round(self.run.schedule.cooldown_fraction * self.run.steps)
        return min(steps, self.run.steps - self.warmup_steps)


def whole_layers_again(value: EngineRun) -> list[str]:
    """The difference of an engine that recomputes whole layers, where the plan recomputes every second product."""
    if value.recompute != "selective":
        return []
    return ["every activation is computed again, where the plan has half of the products: less memory, and slower"]


def shape_values(arch: Architecture) -> dict[str, object]:
    """Returns what the scripts in Python fill in of a shape."""
    return {
        "params": arch.params().total,
        "d": arch.d_model,
        "ff": arch.d_ff,
        "heads": arch.n_heads,
        "kv_heads": arch.n_kv_heads,
        "head_dim": arch.head_dim,
        "layers": arch.n_layers,
        "vocab": arch.vocab_size,
        "tied": arch.tied_embedding,
    }


def refuse(engine: str, problems: Iterable[str]) -> None:
    """Raises RefusedError `not_expressible` with all `problems` at once, if there are any."""
    if found := list(problems):
        raise RefusedError("not_expressible", f"{engine} cannot express this run: {'; '.join(found)}")


def one_rate(run: RunSpec) -> list[str]:
    """The problem of a run with several learning rates in an engine that has one for all parameters; else none."""
    rates = run.optimizer
    several = {rates.embedding_lr, rates.output_head_lr, rates.vectors_lr} != {1.0}
    return ["it has one learning rate, and the run one by role; plan with --rates steplaw2025"] if several else []


def no_z_loss(run: RunSpec) -> list[str]:
    """The problem of a run with a z-loss in an engine without one; else none."""
    return (
        [f"it has no z-loss, and the run one of {format_number(run.z_loss, 6)}; plan with --family llama"]
        if run.z_loss
        else []
    )


def no_recipe_of_a_study(run: RunSpec) -> list[str]:
    """The problems of a run with Muon or masked tokens, which only isoflop's own trainer has; else none."""
    problems = []
    if run.optimizer.hidden != "adamw":
        problems.append(f"the run has {run.optimizer.hidden} for its hidden matrices, where it is set to AdamW")
    if run.masked_fraction:
        problems.append(f"it masks nothing, and the run {percent(run.masked_fraction, 0)} of each batch")
    return problems


def undecayed(value: EngineRun, *, vectors: str, embedding: str, head: str) -> dict[float, list[str]]:
    """{learning rate: patterns of the parameters that have it and no weight decay}, as few groups as there are rates.

    The head is left out where it is the embedding.
    """
    rates = value.run.optimizer
    groups = {rates.vectors_lr * value.run.peak_lr: [vectors]}
    groups.setdefault(rates.embedding_lr * value.run.peak_lr, []).append(embedding)
    if not value.arch.tied_embedding:
        groups.setdefault(rates.output_head_lr * value.run.peak_lr, []).append(head)
    return groups


def _rates(value: EngineRun) -> Iterable[str]:
    """Batch and rates of the run, and the rule that set them for this shape and length."""
    run, rates = value.run, value.run.optimizer
    rule = f", by {value.rates_rule}" if value.rates_rule else ""
    yield (
        f"batch of {run.batch_tokens:,} tokens, peak rate {format_number(run.peak_lr)}{rule}; of this shape on this "
        "many tokens: make a new plan for another"
    )
    by_role = {"embedding": rates.embedding_lr, "output head": rates.output_head_lr, "vectors": rates.vectors_lr}
    if set(by_role.values()) != {1.0}:
        others = ", ".join(f"{role} {format_number(factor * run.peak_lr)}" for role, factor in by_role.items())
        yield f"the peak rate is that of the hidden matrices; {others}"


def _left_open(value: EngineRun, micro_batch: str) -> Iterable[str]:
    """What was not planned, and what the file has in its place."""
    if value.layout is None:
        yield "layout over devices: the engine's default"
    if value.micro_batch_sequences is None:
        yield f"micro-batch: {micro_batch}"
    if value.recompute is None:
        yield "recomputation of activations: the engine's default"


def comment(
    value: EngineRun,
    *,
    engine: str,
    checked: Checked,
    fill_in: Iterable[str],
    differs: Iterable[str],
    micro_batch: str = "the engine's default",
) -> str:
    """The lines that a file for `engine` begins with, ended by a newline.

    They say who made it from which plan, what a person must fill in (a command after a line break stays in one piece),
    what was not planned, and what the engine does in another way. `micro_batch` is what stands where none was planned.
    """
    from isoflop import __version__

    parts: list[tuple[str, Iterable[str]]] = [
        ("Fill in", fill_in),
        ("Rates", _rates(value)),
        ("Not planned", _left_open(value, micro_batch)),
        ("Differs from the plan", (*differs, *_OWN_WAYS)),
    ]
    lines = [
        f"{engine}: made by isoflop {__version__}.",
        *_wrapped(f"{checked.words[0].upper()}{checked.words[1:]}."),
        *_wrapped(f"Plan: {value.plan}."),
    ]
    for title, entries in parts:
        if entries := list(entries):
            lines += ["", f"{title}:"]
            for entry in entries:
                text, *commands = entry.split("\n")
                lines += [*_wrapped(f"- {text}", hanging="  "), *(f"    {command}" for command in commands)]
    return "".join(f"# {line}".rstrip() + "\n" for line in lines)


def _wrapped(text: str, hanging: str = "") -> list[str]:
    return textwrap.wrap(text, _COMMENT_WIDTH - 2, subsequent_indent=hanging, break_on_hyphens=False)


def _node_devices(device: str) -> int | None:
    """Devices of a node, of a catalogued device; None for one of the user's own."""
    try:
        return hardware_named(device).node_devices
    except InputError:
        return None

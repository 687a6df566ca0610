"""Printing of a plan of a mixture of experts."""

from __future__ import annotations

from isoflop.cli.output.layout import placement_facts
from isoflop.cli.output.plan import cost_facts, training_words
from isoflop.cli.output.tables import grade_facts, print_facts
from isoflop.codes import Grade
from isoflop.plan.expert_plan import ExpertPlan
from isoflop.units import format_bytes, format_flops, format_number, format_quantity, percent


def print_expert_plan(plan: ExpertPlan, grade: Grade) -> None:
    """Prints the plan as a short table."""
    mixture, dense, arch = plan.mixture, plan.dense, plan.architecture
    low, high = map(format_number, dense.factor_range)
    facts = [
        *grade_facts(grade),
        ("Parameters", f"{format_quantity(plan.active_params)} active of {format_quantity(plan.total_params)} in all"),
        (
            "Experts",
            f"{format_number(mixture.active, 6)} of {format_number(mixture.experts, 6)} a token, "
            f"{format_number(mixture.shared, 6)} shared: {percent(mixture.activation_ratio)} of them (A), "
            f"sparsity {format_number(mixture.sparsity)}",
        ),
        (
            "Granularity",
            f"{format_number(mixture.granularity)} (G): experts {arch.d_ff} wide; the law's best is "
            f"{format_number(plan.law.best_granularity)}",
        ),
        (
            "Tokens",
            f"{format_quantity(plan.tokens)}, {format_quantity(plan.tokens / plan.active_params)} an active parameter",
        ),
        (
            "A token costs",
            f"{format_flops(plan.flops_per_token)} FLOPs: active experts, attention, router and head",
        ),
        (
            "Dense equal",
            f"{format_flops(dense.flops)} FLOPs for the same loss: {format_number(dense.factor)} times as many "
            f"({low} to {high})",
        ),
        ("", f"on {format_quantity(dense.tokens)} tokens of {format_flops(dense.flops_per_token)} FLOPs"),
        *_report(plan),
        ("Nearest shape", f"{arch.family}, {arch.n_layers} layers of {arch.d_model}, {arch.n_heads} heads"),
        ("Training", training_words(plan.run)),
        (
            "Memory",
            f"{format_bytes(plan.memory['train'])} to train, {format_bytes(plan.memory['serve'])} to serve",
        ),
    ]
    if plan.cost_estimate is not None:
        billed = f"{format_flops(plan.cost_estimate.flops)} model FLOPs: 6 times the active parameters, and attention"
        facts += cost_facts(plan.cost_estimate, billed)
    if plan.layout_estimate is not None:
        facts += placement_facts(plan.layout_estimate)
    facts.append(("Law", f"{plan.law.name}: {plan.law.paper}"))
    print_facts(facts, title=f"Plan of experts for {format_flops(plan.flops)} training FLOPs")


def _report(plan: ExpertPlan) -> list[tuple[str, str]]:
    """Returns what another group measured of sparsity, independently of the law."""
    gain = plan.sparsity_gain
    if gain is None:
        return []
    return [
        (
            "Measured apart",
            f"sparsity {format_number(gain.sparsity)} needs {format_number(gain.times_fewer)} times fewer FLOPs than 8 "
            f"({gain.paper}); by the law {format_number(gain.times_fewer_by_law)}",
        )
    ]

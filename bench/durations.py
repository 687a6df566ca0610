"""Hours of whole published runs beside those of a plan, and the two spreads of plan/run_time.py; docs/devices.md.

python bench/durations.py          # the table and the fit, in Markdown
"""

from __future__ import annotations

from collections.abc import Sequence

from isoflop.plan.run_time import RUN_OVER_STEPS, WHOLE_RUN_UTILIZATION, Spread
from isoflop.plan.whole_runs import WholeRun, outside, spread_of, whole_runs


def fitted(runs: Sequence[WholeRun]) -> list[WholeRun]:
    """The runs that the spreads are of: with fused attention, on devices that have a step time."""
    return [run for run in runs if run.attention == "fused" and run.predicted_steps() is not None]


def over_steps(run: WholeRun) -> float:
    """Published device-hours over those of the predicted steps."""
    steps = run.predicted_steps()
    assert steps is not None
    return run.device_hours / steps


def ours(run: WholeRun) -> tuple[float, float, float]:
    """Device-hours that a plan states of the run: (expected, fast end, slow end)."""
    steps = run.predicted_steps()
    if steps is not None:
        return steps * RUN_OVER_STEPS.expected, steps * RUN_OVER_STEPS.low, steps * RUN_OVER_STEPS.high
    whole, share = run.device_hours * run.utilization, WHOLE_RUN_UTILIZATION
    return whole / share.expected, whole / share.high, whole / share.low


def row(run: WholeRun) -> str:
    expected, low, high = ours(run)
    count = f"{run.devices:,} {run.hardware.name}" if run.devices_stated else f"{run.hardware.name}, number not stated"
    within = "inside" if low <= run.device_hours <= high else "**outside**"
    times = f"{run.device_hours / expected:.2f}"
    stated = f"{run.device_hours:,.0f}" + (f" ({run.note})" if run.note else "")
    range_ = f"{expected:,.0f} ({low:,.0f} to {high:,.0f})"
    fit = "yes" if run.attention == "fused" else "no"
    source = f"{run.source}; {run.read_in}" if run.read_in else run.source
    assumed = "; ".join(run.assumed) or "-"
    return " | ".join((run.name, f"{run.tokens:.3g}", count, stated, range_, times, within, fit, assumed, source))


def summary(name: str, ratios: Sequence[tuple[str, float]], spread: Spread) -> None:
    found = spread_of(ratios)
    print(
        f"\n{name}: {found.expected:.3f} ({found.low:.3f} to {found.high:.3f}), "
        f"slow over fast {found.high / found.low:.2f};"
    )
    print(f"in run_time.py {spread.expected:.3f} ({spread.low:.3f} to {spread.high:.3f})")
    for by_group, what in ((False, "runs"), (True, "groups")):
        left_out = outside(ratios, by_group=by_group)
        print(f"- one of the {what} left out: {1 - len(left_out) / len(ratios):.1%} of {len(ratios)} inside")


def main() -> None:
    runs = whole_runs()
    print(
        "| run | tokens | devices | device-hours, published | ours, 90 % range | published over ours | "
        "| fitted | assumed | source |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for run in runs:
        print(f"| {row(run)} |")
    chosen = fitted(runs)
    steps = [(run.group, over_steps(run)) for run in chosen]
    shares = [(run.group, run.utilization) for run in chosen]
    groups, of_fit = ({run.group for run in some} for some in (runs, chosen))
    print(f"\n{len(runs)} runs of {len(groups)} groups; fitted {len(chosen)} of {len(of_fit)}")
    summary("hours over predicted steps", steps, RUN_OVER_STEPS)
    summary("utilization of the whole run", shares, WHOLE_RUN_UTILIZATION)
    older = [run for run in runs if run.attention == "stored"]
    covered = sum(low <= run.device_hours <= high for run in older for _, low, high in (ours(run),))
    print(f"\nof {len(older)} runs without fused attention, not fitted: {covered} inside")


if __name__ == "__main__":
    main()

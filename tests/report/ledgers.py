"""A ledger that tests make up: losses and sizes, hits and misses, some that do not count, a backtest."""

from ledger.entries import entry

from isoflop.ledger import Ledger
from isoflop.ledger.hits import hits_of
from isoflop.ledger.lean import kind_summary, reaches_of

MONTH = 30 * 86_400.0


def entries():
    losses = [
        entry(name=f"run {n}", study=f"s{n}", actual=2.0 * (1 + (n - 4) / 100), flops=1e20 * 2**n, data_flops=1e20,
              sealed=1.7e9 + n * MONTH)
        for n in range(7)
    ]  # fmt: skip
    size = {"quantity": "params", "unit": "non_embedding", "predicted": 7e9, "interval": (5e9, 9e9), "actual": 8e9}
    return [
        *losses,
        entry(name="the size", study="s0", flops=4e20, data_flops=1e20, **size),
        entry(name="accuracy", study="s1", quantity="accuracy", predicted=0.5, interval=(0.4, 0.6), actual=0.55),
        entry(name="late", why_not="sealed after its run began (the first start of the run names none)"),
        entry(name="to come", actual=None, scored=None, why_not="no outcome yet"),
    ]


def ledger(*chosen):
    chosen = chosen or tuple(entries())
    counted = [one for one in chosen if one.counted]
    backtests = (entry(name="mine, best loss", source="backtest", sealed=None, flops=2e12, data_flops=1e12),)
    return Ledger(
        entries=chosen,
        backtests=backtests,
        coverage=hits_of(counted),
        kinds=tuple(one for kind in ("loss", "size", "other") if (one := kind_summary(kind, counted)).of),
        reaches=reaches_of(counted),
        backtest_kinds=(kind_summary("loss", backtests),),
        notices=(),
    )

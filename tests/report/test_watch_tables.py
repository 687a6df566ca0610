"""The tables of a run under way."""

from __future__ import annotations

from dataclasses import replace

from watch.drawn_runs import ladder, logged_run
from watch.written_logs import SIZE, TOKENS

from isoflop.report.watch_tables import ending_table, method_table
from isoflop.watch import watch_run
from isoflop.watch.endings import WhatIf

FOUND = watch_run(logged_run("big", SIZE, TOKENS, until=0.4), ladder())


def way(price: float | None) -> WhatIf:
    return WhatIf(
        name="1.5x", total_tokens=1.5 * TOKENS, predicted_final=5.4, interval=(5.3, 5.5), flops=1e15, price=price
    )


def test_a_price_stands_beside_other_ends_where_one_is_known() -> None:
    table = ending_table(replace(FOUND, what_if=(way(12.0),)))
    assert table is not None
    assert table.columns[-1] == "price"
    assert table.rows[0][-1] == "12"
    ranged = ending_table(replace(FOUND, what_if=(replace(way(12.0), price_range=(7.0, 21.0)),)))
    assert ranged is not None
    assert ranged.rows[0][-1] == "12 (7 to 21)"
    plain = ending_table(replace(FOUND, what_if=(way(None),)))
    assert plain is not None
    assert "price" not in plain.columns
    assert ending_table(FOUND) is None


def test_methods_of_a_run_that_ended_are_not_shown() -> None:
    assert method_table(FOUND) is not None
    assert method_table(watch_run(logged_run("big", SIZE, TOKENS), ladder())) is None

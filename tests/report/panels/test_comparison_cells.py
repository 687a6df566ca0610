from __future__ import annotations

from isoflop.report.panel import Absent, Panel
from isoflop.report.panels.comparison_cells import audit_panel, cells_panel, parts_panel
from report.compared import BETTER, OUT_OF_REACH, WORSE, comparison


def test_every_cell_of_every_set_has_a_row() -> None:
    panel = cells_panel(comparison(BETTER, WORSE, OUT_OF_REACH))
    assert isinstance(panel, Panel)
    rows = panel.tables[0].rows
    assert len(rows) == 6
    assert rows[0] == ("c4", "100M", "2B", "1.2e18", "3.5000", "3.4200", "3, 3", "2.3 %", "1.28", "1.15 to 1.41")
    assert rows[-1][-2:] == ("out of reach", "–")
    assert isinstance(cells_panel(comparison()), Absent)


def test_the_audit_lists_all_and_what_differs_first() -> None:
    panel = audit_panel(comparison(BETTER))
    assert isinstance(panel, Panel)
    assert [row[3] for row in panel.tables[0].rows] == ["differs", "equal", "equal", "not known"]
    assert isinstance(audit_panel(comparison(BETTER, audit=())), Absent)


def test_parts_need_an_interval() -> None:
    assert isinstance(parts_panel(comparison(BETTER)), Panel)
    assert isinstance(parts_panel(comparison(OUT_OF_REACH)), Absent)

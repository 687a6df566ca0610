"""A table however written gives the law that it was made from, or is refused: never another one in silence."""

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings

from .drawn_tables import outcome_of, tables


def test_a_drawn_table_is_right_or_refused():
    outcomes = []

    @settings(max_examples=200, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(tables())
    def run(table):
        with tempfile.TemporaryDirectory() as folder:
            outcome = outcome_of(table, Path(folder))
        outcomes.append(outcome)
        assert outcome.kind != "wrong", (outcome.message, table.made_of)

    run()
    right = [outcome for outcome in outcomes if outcome.kind == "right"]
    refused = [outcome.message for outcome in outcomes if outcome.kind == "refused"]
    # a reader that refused everything would be of no use: only a question that the table leaves open may be asked
    assert all("choose one" in message or "--decimal" in message for message in refused)
    assert len(right) >= 0.75 * len(outcomes)
    assert 0.82 <= sum(outcome.inside for outcome in right) / len(right) <= 0.98

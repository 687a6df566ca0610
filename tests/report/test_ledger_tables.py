"""The tables and sentences of a ledger, and its Markdown."""

from ledger.entries import entry

from isoflop.report.ledger_markdown import ledger_markdown
from isoflop.report.ledger_tables import backtest_table, coverage_table, entry_table, not_counted_table, reach_table
from isoflop.report.ledger_words import headline, lean_sentence
from report.ledgers import ledger


def test_the_headline_counts_the_intervals_of_90_per_cent():
    assert headline(ledger()).startswith("9 of 9 intervals of 90 % held what came, of 7 studies: a share of 72 %")
    assert headline(ledger(entry(why_not="late"))) == "Of 1 forecast no one counts yet."
    assert headline(ledger(entry(interval=None, level=None))).endswith("none of them had an interval.")


def test_hits_and_shares_of_each_level():
    rows = coverage_table(ledger()).rows
    assert [row[:2] for row in rows] == [("50 %", "5 of 9"), ("80 %", "8 of 9"), ("90 %", "9 of 9")]


def test_a_forecast_is_shown_with_what_came():
    row = entry_table([entry(actual=2.05, flops=1e21, data_flops=1e20)], "").rows[0]
    assert row == ("big run", "2023-11-14", "×10", "2.0000", "1.9000 to 2.1000", "2.0500", "+2.50 %", "+0.8")
    assert entry_table([entry(level=0.8)], "").rows[0][4] == "1.9000 to 2.1000 (80 %)"
    by_hand = entry_table([entry(source="written", predicted=2.01, actual=2.0)], "").rows[0]
    assert by_hand[3:6] == ("2.01", "1.9 to 2.1", "2")


def test_each_that_does_not_count_has_its_reason():
    assert [row[2] for row in not_counted_table(ledger()).rows] == [
        "sealed after its run began (the first start of the run names none)",
        "no outcome yet",
    ]


def test_kinds_and_reaches_stand_apart():
    assert [(row[0], row[1], row[2]) for row in reach_table(ledger()).rows] == [
        ("losses", "within the data", "1 of 1"),
        ("losses", "×1 to ×3", "1 of 1"),
        ("losses", "×3 to ×10", "2 of 2"),
        ("losses", "×10 to ×30", "1 of 1"),
        ("losses", "above ×30", "2 of 2"),
        ("other numbers", "not stated", "1 of 1"),
        ("sizes", "×3 to ×10", "1 of 1"),
    ]


def test_the_lean_is_told_in_words():
    high = [entry(study=str(n), actual=1.9 + n / 1000) for n in range(4)]
    assert lean_sentence(ledger(*high).kinds[0]).endswith("the forecasts are too high.")
    assert lean_sentence(ledger(entry(actual=1.9)).kinds[0]).endswith("below their forecasts on average, of one study.")


def test_backtests_are_counted_apart():
    assert backtest_table(ledger()).note.endswith("losses: 1 of 1 held.")


def test_markdown_of_anybodys_words_stays_text():
    name = "a|b <script> [x](y) `z`\nnew"
    page = ledger_markdown(ledger(entry(name=name, made_from=name, evidence=name)), "isoflop ledger")
    assert r"a\|b \<script\> \[x\](y) \`z\`\\nnew" in page
    assert "<script>" not in page
    widths = {line.replace(r"\|", "").count("|") for line in page.splitlines() if line.startswith("|")}
    assert widths <= {5, 6, 9}

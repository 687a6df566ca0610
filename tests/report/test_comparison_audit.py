from __future__ import annotations

from dataclasses import replace

from isoflop.compare import Audit
from isoflop.report.comparison_audit import audit_facts, audit_table
from report.compared import BETTER, comparison


def test_what_differs_stands_alone_and_what_forbids_a_verdict_first() -> None:
    one = comparison(BETTER)
    table = audit_table(one)
    assert table is not None
    assert table.rows == (("peak learning rate", "0.003", "0.02"),)
    assert table.note == "Equal: tokens, tokenizer. Stated by neither side: epochs."
    tokenizer = replace(one.audit[2], b="llama", equal=False)
    both = audit_table(replace(one, audit=(*one.audit[:2], tokenizer)))
    assert both is not None
    assert [row[0] for row in both.rows] == ["tokenizer", "peak learning rate"]
    assert audit_table(replace(one, audit=(one.audit[0], one.audit[3]))) is None


def test_digests_are_cut_and_where_nothing_differs_a_line_says_so() -> None:
    one = comparison(BETTER)
    corpus = Audit(what="corpus", a="0748c8fd" * 8, b="31800b1b" * 8, equal=False)
    table = audit_table(replace(one, audit=(corpus,)))
    assert table is not None
    assert table.rows == (("corpus", "0748c8fd0748...", "31800b1b3180..."),)
    assert audit_facts(one) == []
    (fact,) = audit_facts(replace(one, audit=(one.audit[0], one.audit[3])))
    assert fact.value == "nothing that was recorded. Equal: tokens. Stated by neither side: epochs."

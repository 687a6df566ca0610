"""What differs between two recipes besides their losses, as its page and the terminal show it."""

from __future__ import annotations

import re

from isoflop.compare import Audit, Comparison
from isoflop.compare.audit import UNKNOWN
from isoflop.report.panel import KeyValue, SmallTable

_HEX, _DIGEST = re.compile(r"[0-9a-f]{32,}"), 12


def differing(comparison: Comparison) -> list[Audit]:
    """What differs between the two recipes, what forbids a verdict first; not what neither side tells."""
    found = [one for one in comparison.audit if not one.equal and not _untold(one)]
    return sorted(found, key=lambda one: not one.must)


def _untold(one: Audit) -> bool:
    return one.a == one.b == UNKNOWN


def audit_table(comparison: Comparison) -> SmallTable | None:
    """What differs, with the value of each side and what that does to the answer; None where nothing differs."""
    found = differing(comparison)
    if not found:
        return None
    remarks = any(one.remark for one in found)
    rows = tuple((one.what, _value(one.a), _value(one.b), *((one.remark,) if remarks else ())) for one in found)
    return SmallTable(
        heading="What differs",
        columns=("", comparison.a, comparison.b, *(("",) if remarks else ())),
        rows=rows,
        note=audit_note(comparison),
    )


def _value(text: str) -> str:
    """A value of the audit; of a digest as much as tells two apart."""
    return f"{text[:_DIGEST]}..." if _HEX.fullmatch(text) else text


def audit_facts(comparison: Comparison) -> list[KeyValue]:
    """What was held against each other, in a line, where nothing differs; else the table says it."""
    if differing(comparison) or not comparison.audit:
        return []
    return [KeyValue(label="Differs", value=f"nothing that was recorded. {audit_note(comparison)}".strip())]


def audit_note(comparison: Comparison) -> str:
    """What is equal, and what neither side tells; empty where there is neither."""
    equal = [one.what for one in comparison.audit if one.equal and not _untold(one)]
    untold = [one.what for one in comparison.audit if _untold(one)]
    sentences = [f"Equal: {', '.join(equal)}."] if equal else []
    sentences += [f"Stated by neither side: {', '.join(untold)}."] if untold else []
    return " ".join(sentences)

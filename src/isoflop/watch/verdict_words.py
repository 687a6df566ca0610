"""The verdicts in words, as the terminal and the report say them."""

from __future__ import annotations

_WORDS = {
    "above": "above its band",
    "below": "below its band",
    "off_shape": "off the shape of its family",
    "data_repeated": "its data are repeated",
}


def verdict_words(verdict: str) -> str:
    """Returns a verdict in words.

    >>> verdict_words("on_course"), verdict_words("above")
    ('on course', 'above its band')
    """
    return _WORDS.get(verdict, verdict.replace("_", " "))

"""Shapes that are mostly tables: how far their N is what a law calls N, and what their products cost against 6 N D."""

from __future__ import annotations

from dataclasses import replace

from isoflop.arch import Architecture, flops_per_token
from isoflop.laws import Provenance
from isoflop.units import format_number, percent

MOST_SHARE = 0.5
"""Share of table and head in N from which a law's optimum is not that of the shape: they are most of it.

Of the smallest row of Hoffmann et al. 2022, Table A9 (44M, width 512, a tied table of 32,000), they are 37 %.
"""
RUNS_VOCABULARY = 32_000
"""Vocabulary of the tied table of those runs: with it the rows of Table A9 count to the printed million."""
_OF_THOSE_RUNS = ("hoffmann2022", "besiroglu2024")
_NAMED = 0.005  # a smaller share is not worth a word


def table_share(arch: Architecture) -> float:
    """Share of embedding and output head in all parameters."""
    count = arch.params()
    return 1 - count.non_embedding / count.total


def is_mostly_tables(arch: Architecture, law: Provenance) -> bool:
    """Whether more than MOST_SHARE of the parameters are tables that the law counts in N."""
    return law.params_convention == "total" and table_share(arch) > MOST_SHARE


def counted_like_the_runs(arch: Architecture, law: Provenance) -> float | None:
    """N of a run behind the law with the same body: its layers, with the table that those runs had at this width.

    None for laws whose runs have a vocabulary that is not known here.
    """
    return float(with_tied_table(arch, RUNS_VOCABULARY).params().total) if has_known_tables(law) else None


def has_known_tables(law: Provenance) -> bool:
    """Whether the vocabulary of the runs behind a law is known here."""
    return law.name.startswith(_OF_THOSE_RUNS)


def with_tied_table(arch: Architecture, vocab_size: int) -> Architecture:
    """The same layers with one tied table of that vocabulary."""
    return replace(arch, vocab_size=vocab_size, tied_embedding=True)


def head_cost(arch: Architecture) -> float:
    """Training FLOPs of a token: 6 N with one table, the head. The table that is looked up costs no products."""
    return 6.0 * with_tied_table(arch, arch.vocab_size).params().total


def share_message(arch: Architecture, counted: float | None) -> str:
    """Says which share the tables are, and what that does to the answer."""
    words = (
        f"{percent(table_share(arch), 0)} of the shape's parameters are the table of the embedding and the output "
        f"head, for a vocabulary of {arch.vocab_size:,}: the law's runs had few of them there, so its N is not the "
        "best size for this vocabulary"
    )
    if counted is not None:
        size = format_number(counted)
        words += f", and the loss is that of the run with the same layers, which the law counts as {size}"
    return f"{words}; plan with a smaller --vocab, --tied or a larger budget"


def solved_message(arch: Architecture, limited: bool) -> str:
    """Says that N was solved with the shape's own tables; `limited`: what may be served decided it."""
    counted = format_number(with_tied_table(arch, RUNS_VOCABULARY).params().total)
    solved = "N was limited with" if limited else "N was solved again with"
    return (
        f"{percent(table_share(arch), 0)} of the shape's parameters are the table of the embedding and the output "
        f"head, for a vocabulary of {arch.vocab_size:,}, where the law's runs had one table of {RUNS_VOCABULARY:,}: "
        f"{solved} the FLOPs of this shape's own head, and N and the loss are those of the run with the same layers, "
        f"which the law counts as {counted}"
    )


def products_in_words(arch: Architecture, seq_len: int) -> str:
    """Why the matrix products of a token cost other than 6 N, N being all parameters."""
    count, six_n = arch.params(), flops_per_token(arch, seq_len, "six_n")
    products = 6.0 * count.matmul
    attention = (flops_per_token(arch, seq_len, "matmul") - products) / six_n
    looked_up = (count.vectors + (0 if arch.tied_embedding else count.embedding)) / count.total
    unused = 1 - products / six_n - looked_up
    parts = {
        f"attention over {seq_len:,} tokens adds": attention,
        "the table, which is looked up, and vectors take off": looked_up,
        "experts that a token does not use take off": unused,
    }
    return ", ".join(f"{words} {percent(share, 0)}" for words, share in parts.items() if share > _NAMED)

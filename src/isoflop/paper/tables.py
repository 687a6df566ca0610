"""Tables 2, 3 and A3 of Hoffmann et al. 2022, and sentences of papers about best sizes, by the laws fitted to them."""

from __future__ import annotations

from isoflop.laws import PublishedLaw, compute_for_params, published_law
from isoflop.paper.printed import Printed, printed_table
from isoflop.paper.section import Cell, Column, Compared, Grid, Section
from isoflop.units import format_quantity

_POWER_LAW = "the power law goes through eight rows, each printed with two to four digits"
_TYPO = ("1.26e24", "6 N D of the row's own tokens is 1.26e25: a factor of ten is missing in print")


def exponents() -> Section:
    """Table 2: exponents by approach, with the intervals that are printed."""
    table = printed_table("table-2")
    compared = []
    rows: list[tuple[Cell, ...]] = []
    for row in table.rows:
        law = published_law(row["law"])
        compared += [
            Compared(what=f"{letter}, {row['approach']}", published=Printed(text=row[letter]), ours=float(ours))
            for letter, ours in (("a", law.a), ("b", law.b))
        ]
        for letter, limits in law.provenance.intervals.items():
            rows.append((f"{letter}, {row['law']}", *limits, float(getattr(law, letter))))
    heads = {"low": "10th", "high": "90th", "ours": "ours"}
    columns = (
        Column(name="exponent", title="Exponent"),
        *(Column(name=name, title=title, how="exponent") for name, title in heads.items()),
    )
    return Section(
        name="table-2",
        title="Table 2: how N_opt and D_opt grow with C",
        source=table.source,
        lead="Ours are the slopes of the power laws through Tables 3 and A3 for approaches 1 and 2, and beta / "
        "(alpha + beta) of the unrounded constants for approach 3. The runs behind approaches 1 and 2 are not "
        "public, so their percentiles stand as printed (approach 1's own b of 0.50 lies outside its own, and "
        "approach 3's own a of 0.457); approach 3's are made again from the points of Figure 4, section "
        "figure-4, and come out some fifty times wider.",
        compared=tuple(compared),
        grids=(Grid(title="10th and 90th percentiles as printed", columns=columns, rows=tuple(rows)),),
    )


def table_3() -> Section:
    """Table 3: the FLOPs and tokens that approach 1 gives each size."""
    return Section(
        name="table-3",
        title="Table 3: best FLOPs and tokens for a size, approach 1",
        source=printed_table("table-3").source,
        lead="Ours is one power law, N = k (C/6)^a, and D = C / 6N.",
        compared=_rows("table-3", published_law("hoffmann2022-1")),
    )


def table_a3() -> Section:
    """Table A3: the same by approaches 2 and 3, and the FLOPs that approach 3's constants give."""
    names = {"approach 2": "hoffmann2022-2", "approach 3": "hoffmann2022-3-table"}
    compared = [
        one
        for approach, law in names.items()
        for one in _rows(f"table-a3-{approach.replace(' ', '-')}", published_law(law), f", {approach}")
    ]
    return Section(
        name="table-a3",
        title="Table A3: the same by approaches 2 and 3",
        source="Hoffmann et al. 2022 (2203.15556), Table A3",
        lead="Ours is a power law through each approach's rows. Neither printed set of approach 3's constants makes "
        "its columns: the grid has the FLOPs that they ask for over the table's, its 175B row read as 1.26e25.",
        compared=tuple(compared),
        grids=(_constants_against_table(),),
    )


def _rows(table: str, law: PublishedLaw, mark: str = "") -> tuple[Compared, ...]:
    compared = []
    for row in printed_table(table).rows:
        size, flops, tokens = (Printed(text=row[name]) for name in ("params", "flops", "tokens"))
        C = compute_for_params(law, size.value)
        for what, printed, ours in (("FLOPs", flops, C), ("tokens", tokens, C / (6 * size.value))):
            why = "" if printed.rounds_to(ours) else _why_row(law, size, flops, printed)
            compared.append(Compared(what=f"{size.text}, {what}{mark}", published=printed, ours=ours, why=why))
    return tuple(compared)


def _why_row(law: PublishedLaw, size: Printed, flops: Printed, printed: Printed) -> str:
    """Why a law through the table does not reproduce one of its numbers."""
    if size.text == "67B":
        params = float(law.optimum(flops.value)[0])
        return f"its size is rounded: {flops.text} FLOPs would be {format_quantity(params)}; left out of the power law"
    if printed.text == _TYPO[0]:
        return _TYPO[1]
    own, slack = flops.value / (6 * size.value), flops.half / (6 * size.value)
    if printed is not flops and flops.text != _TYPO[0] and abs(own - printed.value) > slack + 1.001 * printed.half:
        return f"the row's own FLOPs over 6 N are {format_quantity(own)} tokens"
    return _POWER_LAW


def _constants_against_table() -> Grid:
    rows: list[tuple[Cell, ...]] = []
    for row in printed_table("table-a3-approach-3").rows:
        size = Printed(text=row["params"])
        # 6 N D of the typo's row is ten times what is printed.
        flops = Printed(text=row["flops"]).value * (10 if row["flops"] == _TYPO[0] else 1)
        laws = [published_law(name) for name in ("hoffmann2022-3", "hoffmann2022-3-rounded")]
        rows.append((size.text, *(compute_for_params(law, size.value) / flops - 1 for law in laws)))
    return Grid(
        title="Approach 3: FLOPs by its constants, over the table's less 1",
        columns=(
            Column(name="params", title="N"),
            Column(name="unrounded", title="unrounded constants", how="share"),
            Column(name="rounded", title="as in Eq. 10", how="share"),
        ),
        rows=tuple(rows),
    )


_WHY_SENTENCE = {
    "hoffmann2022-3-rounded": "beta is printed as 0.28 for 0.2849, which moves the optimum by a fifth",
    "hoffmann2022-1": "section 3.4 contradicts Table 3, which has 3.85e24 and 3.7T for 175B, 9.90e24 and 5.9T for 280B",
    "kaplan2020": "N_opt = 1.3e9 (C / 8.64e19)^0.73 of Kaplan et al. 2020 makes 7.77B",
    "llama3-2024-printed": "two printed digits of (alpha, A) = (0.53, 0.29); 16.55T takes alpha = 0.53778",
    "llama3-2024": "402B on 16.55T is 3.99e25 by 6 N D: the paper's C is 5.71 N D",
}


def sentences() -> Section:
    """Best sizes and their tokens that the text of a paper states."""
    table, compared = printed_table("sentences"), []
    for row in table.rows:
        law, at, printed = published_law(row["law"]), Printed(text=row["at"]).value, Printed(text=row["value"])
        flops = compute_for_params(law, at) if row["given"] == "params" else at
        params, tokens = (float(value) for value in law.optimum(flops))
        ours = {"flops": flops, "params": params, "tokens": tokens}[row["asked"]]
        why = "" if printed.rounds_to(ours) else _WHY_SENTENCE[row["law"]]
        compared.append(Compared(what=row["place"], published=printed, ours=ours, why=why))
    return Section(
        name="sentences",
        title="Sentences about a best size",
        source=table.source,
        lead="What the text of a paper says, next to what its own law says.",
        compared=tuple(compared),
    )

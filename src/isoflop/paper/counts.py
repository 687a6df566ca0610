"""Sizes and FLOPs of published shapes: Table A9, Table A4, the systems; counted tensor by tensor."""

from __future__ import annotations

from isoflop.arch import flops_per_token
from isoflop.arch.published import published_model, published_models, published_shape
from isoflop.paper.printed import Printed, printed_table
from isoflop.paper.section import Compared, Section
from isoflop.units import format_number


def table_a4() -> Section:
    """Table A4: FLOPs of Appendix F over 6 N D, of six shapes."""
    table, compared = printed_table("table-a4"), []
    for row in table.rows:
        arch, seq_len = published_shape(row["shape"])
        body, six_n = (flops_per_token(arch, seq_len, name) for name in ("chinchilla_appendix_f_body", "six_n"))
        compared.append(Compared(what=f"{row['model']} model", published=Printed(text=row["ratio"]), ours=body / six_n))
    return Section(
        name="table-a4",
        title="Table A4: FLOPs of Appendix F over 6 N D",
        source=table.source,
        lead="Appendix F lists the FLOPs of embeddings and logits too; the six ratios come out only without them, for "
        "sequences of 2,048.",
        compared=tuple(compared),
    )


def table_a9() -> Section:
    """Table A9: parameters of fifty shapes, to the printed million."""
    compared = []
    for name, model in published_models().items():
        if "Table A9" not in model.source:
            continue
        arch, _ = published_shape(name)
        printed = Printed(text=f"{round(model.params / 1e6)}M")
        compared.append(Compared(what=name, published=printed, ours=float(arch.params().total)))
    return Section(
        name="table-a9",
        title="Table A9: parameters of fifty shapes",
        source="Hoffmann et al. 2022 (2203.15556), Table A9",
        lead="N = L (5 d a + 2 d f + 10 d) + V d + V with a the width of the attention, V = 32,000, positions "
        "relative and the embedding tied. The rows of 3,530M and 4,084M have 22 heads as printed: with 21 and "
        "23, as a transcription has them, they would be 3,468M and 4,152M.",
        compared=tuple(compared),
        most=5,
    )


def sizes() -> Section:
    """The size of every published system whose shape is known."""
    table, compared = printed_table("sizes"), []
    for row in table.rows:
        arch, _ = published_shape(row["shape"])
        compared.append(
            Compared(what=row["shape"], published=Printed(text=row["params"]), ours=float(arch.params().total))
        )
    return Section(
        name="sizes",
        title="Sizes of systems",
        source=table.source,
        lead="Counted from the shapes. PaLM's norms have no gains, MT-NLG's vocabulary is padded to 51,200.",
        compared=tuple(compared),
    )


def compute() -> Section:
    """Training FLOPs of systems: PaLM's Table 21, Gopher's budgets."""
    table, compared = printed_table("table-21"), []
    for row in table.rows:
        model, printed = published_model(row["system"]), Printed(text=row["flops"])
        ours = float(model.flops or 0)
        why = (
            ""
            if printed.rounds_to(ours)
            else f"the table takes {row['params']}, Table 1 has {format_number(model.params / 1e9, 4)}B"
        )
        what = f"6 N D, {row['system']}"
        compared.append(Compared(what=what, published=printed, ours=ours, why=why))
    gopher, budgets = published_model("gopher-280b"), printed_table("budgets")
    arch, seq_len = published_shape("gopher-280b")
    body = float(gopher.tokens or 0) * flops_per_token(arch, seq_len, "chinchilla_appendix_f_body")
    ours_of = {
        "5.76e23": (float(gopher.flops or 0), "a given: 8/7 of 6 N D, with no known reason"),
        "6.3e23": (4 / 3 * body, ""),
    }
    for row in budgets.rows:
        ours, why = ours_of[row["flops"]]
        compared.append(Compared(what=row["what"], published=Printed(text=row["flops"]), ours=ours, why=why))
    return Section(
        name="compute",
        title="Training compute of systems",
        source=f"{table.source}; {budgets.source}",
        lead="6 N D of printed sizes and tokens. Gopher's 6.3e23 is 4/3 of the count of Appendix F without "
        "embeddings and logits, as if one forward pass were computed again.",
        compared=tuple(compared),
    )

"""Published systems under published laws: best sizes at their compute, losses, the compute of an optimal run."""

from __future__ import annotations

from dataclasses import dataclass

from isoflop.arch.published import published_model
from isoflop.laws import ChinchillaLaw, compute_for_loss, published_law
from isoflop.paper.printed import printed_table
from isoflop.paper.section import Cell, Column, Grid, Section
from isoflop.plan import law_at_budget
from isoflop.units import format_flops, parse_quantity

LOSS_LAWS = ("hoffmann2022-3-rounded", "hoffmann2022-3", "besiroglu2024")
"""Laws with a loss surface, fitted to the runs of Hoffmann et al. 2022."""
FRONTIERS = (
    "hoffmann2022-1", "hoffmann2022-2", "hoffmann2022-3-table", "hoffmann2022-3-rounded", "hoffmann2022-3",
    "besiroglu2024", "besiroglu2024-notebook", "muennighoff2023",
)  # fmt: skip
"""Laws in the order in which they are listed."""
_BUDGETS = (
    ("1e21", 1e21, ""),
    ("Gopher's budget of 5.76e23", 5.76e23, ""),
    ("Gopher's 6 N D", None, "gopher-280b"),
    ("Chinchilla's 6 N D", None, "chinchilla-70b"),
    ("MT-NLG's 6 N D", None, "mt-nlg-530b"),
    ("PaLM's 6 N D", None, "palm-540b"),
)
_IN_BRIEF = ("Gopher's budget of 5.76e23", "PaLM's 6 N D")


@dataclass(frozen=True, kw_only=True)
class System:
    """A system that was built or proposed, with C = 6 N D."""

    name: str
    label: str
    params: float
    tokens: float
    source: str
    """Paper and table."""
    built: bool = True
    """False for one that a paper only proposes."""

    @property
    def flops(self) -> float:
        """6 N D."""
        return 6 * self.params * self.tokens


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """A system under one law."""

    loss: float
    """Predicted, in the law's unit."""
    gap: float
    """Loss above the least loss at the same compute."""
    share: float
    """Share of its compute that an optimal run of the same loss needs."""
    best_params: float
    """N of least loss at the same compute."""
    best_tokens: float
    """D of least loss at the same compute."""


def systems() -> tuple[System, ...]:
    """All systems, in the order of `printed.toml`."""
    table = printed_table("systems")
    listed = []
    for row in table.rows:
        if row["params"]:
            size, tokens, source = parse_quantity(row["params"]), parse_quantity(row["tokens"]), table.source
        else:
            model = published_model(row["system"])
            assert model.tokens is not None
            size, tokens, source = model.params, model.tokens, model.source
        built = not row["params"]
        listed.append(
            System(name=row["system"], label=row["label"], params=size, tokens=tokens, source=source, built=built)
        )
    return tuple(listed)


def system_named(name: str) -> System:
    """The system called `name`."""
    return next(system for system in systems() if system.name == name)


def evaluate(law: ChinchillaLaw, params: float, tokens: float) -> Evaluation:
    """The evaluation under `law` of a run of `params` parameters on `tokens` tokens."""
    flops, loss = 6 * params * tokens, float(law.loss(params, tokens))
    best_params, best_tokens = (float(value) for value in law.optimum(flops))
    return Evaluation(
        loss=loss,
        gap=loss - float(law.loss(best_params, best_tokens)),
        share=compute_for_loss(law, loss) / flops,
        best_params=best_params,
        best_tokens=best_tokens,
    )


def loss_law(name: str) -> ChinchillaLaw:
    """A published law with a loss surface."""
    law = published_law(name)
    assert isinstance(law, ChinchillaLaw)
    return law


def optima() -> Section:
    """The best use of the systems' budgets under every law."""
    columns = (
        Column(name="law", title="Law"),
        Column(name="params", title="N", how="quantity"),
        Column(name="tokens", title="D", how="quantity"),
        Column(name="tokens_per_param", title="D/N", how="quantity"),
    )
    grids = []
    for title, stated, name in _BUDGETS:
        flops = stated or system_named(name).flops
        optima_by_law = [law_at_budget(published_law(law), flops) for law in FRONTIERS]
        rows: list[tuple[Cell, ...]] = [
            (one.law.name, one.params, one.tokens, one.tokens / one.params) for one in optima_by_law
        ]
        heading = title if title.endswith(format_flops(flops, 5)) else f"{title}, {format_flops(flops, 5)}"
        grids.append(Grid(title=heading, columns=columns, rows=tuple(rows), detail=title not in _IN_BRIEF))
    return Section(
        name="optima",
        title="The best use of the systems' compute",
        source="N_opt = G (C/6)^a (Hoffmann et al. 2022, Eq. 4), or the power laws through their Tables 3 and A3",
        lead="Gopher had 280B on 300B, MT-NLG 530B on 270B, PaLM 540B on 780B: every law would have built a smaller "
        "model on more text. Tables 3 and A3 print the numbers of section table-3; these follow from the same "
        "laws.",
        grids=tuple(grids),
    )


def losses() -> Section:
    """Losses of systems, how far above the least at their compute, and what an optimal run would need."""
    built = systems()
    rows: list[tuple[Cell, ...]] = [(one.label, one.params, one.tokens, one.flops) for one in built]
    sizes = Grid(
        title="As built, or asked for",
        columns=(
            Column(name="system", title="System"),
            Column(name="params", title="N", how="quantity"),
            Column(name="tokens", title="D", how="quantity"),
            Column(name="flops", title="6 N D", how="flops"),
        ),
        rows=tuple(rows),
    )
    return Section(
        name="losses",
        title="Losses of systems, by laws of the paper's runs",
        source="L(N, D) = E + A / N^alpha + B / D^beta (Hoffmann et al. 2022, Eq. 2) at printed N and D",
        lead="No paper prints these losses: they are of the text and tokens of Hoffmann et al., and do not compare "
        "with a loss that another system reports. Gap: above the least loss at the same compute. Share: of its "
        "compute, what an optimal run needs for its loss.",
        grids=(sizes, *(_losses(name, built) for name in LOSS_LAWS)),
    )


def _losses(name: str, built: tuple[System, ...]) -> Grid:
    law = loss_law(name)
    rows: list[tuple[Cell, ...]] = []
    for system in built:
        seen = evaluate(law, system.params, system.tokens)
        rows.append((system.label, seen.loss, seen.gap, seen.share, seen.best_params, seen.best_tokens))
    return Grid(
        title=name,
        columns=(
            Column(name="system", title="System"),
            Column(name="loss", title="loss", how="loss"),
            Column(name="gap", title="gap", how="gap"),
            Column(name="share", title="share", how="share"),
            Column(name="best_params", title="best N", how="quantity"),
            Column(name="best_tokens", title="best D", how="quantity"),
        ),
        rows=tuple(rows),
        detail=name == "hoffmann2022-3-rounded",
    )

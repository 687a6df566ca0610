"""The planned model against a larger one trained with the same compute."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from isoflop.report.drawing import Drawing, LegendEntry, layout, line, linear_axis, points, room
from isoflop.report.formatting import loss_text, percent, shown
from isoflop.report.panel import Absent, Panel, SmallTable, Table
from isoflop.report.style import LARGER_COLOUR, PLANNED_COLOUR
from isoflop.report.view import View, section
from isoflop.units import format_bytes, format_duration, format_flops


@dataclass(frozen=True, kw_only=True)
class Contestant:
    """One of the two models trained with the final budget."""

    name: str
    """`planned` or `larger`."""
    params: float | None
    """N in the view's convention."""
    tokens: float | None
    flops: float | None
    loss: float | None
    bits_per_byte: float | None
    domains: Mapping[str, float]
    """{domain: bits per byte}."""
    tokens_per_second: float | None
    """Generated tokens a second with a key-value cache, all sequences together."""
    memory_bytes: float | None
    """Bytes to serve it."""
    wall_seconds: float | None
    """Training time."""

    @property
    def tokens_per_param(self) -> float | None:
        """D / N."""
        return self.tokens / self.params if self.tokens and self.params else None


@dataclass(frozen=True, kw_only=True)
class Contest:
    """The planned model against the larger one, at the same compute."""

    planned: Contestant
    larger: Contestant

    @property
    def domains(self) -> tuple[str, ...]:
        """Domains that both were scored on."""
        return tuple(name for name in self.planned.domains if name in self.larger.domains)

    @property
    def advantage(self) -> float | None:
        """Bits per byte of the larger minus those of the planned model: positive where the plan wins."""
        if self.planned.bits_per_byte is None or self.larger.bits_per_byte is None:
            return None
        return self.larger.bits_per_byte - self.planned.bits_per_byte


def contest(view: View) -> Contest | Absent:
    """The two final runs, where both are trained."""
    given = section(view, "contest")
    if not given.get("planned") or not given.get("larger"):
        return Absent(sentence="Planned against larger: the two final runs are not both finished.")
    convention = section(view, "conventions").get("params") or "non_embedding"
    return Contest(
        planned=_contestant("planned", given["planned"], convention),
        larger=_contestant("larger", given["larger"], convention),
    )


def _contestant(name: str, given: Mapping[str, Any], convention: str) -> Contestant:
    params = given.get("params")
    domains = {}
    for domain, value in (given.get("domains") or {}).items():
        score = value.get("bits_per_byte") if isinstance(value, Mapping) else value
        if score is not None:
            domains[str(domain)] = float(score)
    return Contestant(
        name=name,
        params=params.get(convention) if isinstance(params, Mapping) else params,
        tokens=given.get("tokens"),
        flops=given.get("flops"),
        loss=given.get("loss"),
        bits_per_byte=given.get("bits_per_byte"),
        domains=domains,
        tokens_per_second=given.get("tokens_per_second"),
        memory_bytes=given.get("memory_bytes"),
        wall_seconds=given.get("wall_seconds"),
    )


def contest_grid(view: View) -> SmallTable | None:
    """What the answer shows of both models; None until both are trained."""
    found = contest(view)
    if isinstance(found, Absent):
        return None
    wanted = ("Parameters", "Tokens", "Bits per byte, all text", "Tokens per second, generating", "Memory to serve")
    rows = tuple((what, ours, theirs) for what, ours, theirs, _ in contest_rows(found) if what in wanted)
    return SmallTable(heading="Planned against larger, same compute", columns=("", "planned", "larger"), rows=rows)


def contest_rows(found: Contest) -> list[tuple[str, str, str, str]]:
    """(what, planned, larger, which is better) of the table of the contest."""
    ours, theirs = found.planned, found.larger

    def score(value: float) -> str:
        return f"{value:.4f}"

    def rate(value: float) -> str:
        return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"

    rows = [
        ("Parameters", shown(ours.params), shown(theirs.params), ""),
        ("Tokens", shown(ours.tokens), shown(theirs.tokens), ""),
        ("Tokens per parameter", shown(ours.tokens_per_param, rate), shown(theirs.tokens_per_param, rate), ""),
        ("Training compute (FLOPs)", shown(ours.flops, format_flops), shown(theirs.flops, format_flops), "the same"),
        ("Training time", shown(ours.wall_seconds, format_duration), shown(theirs.wall_seconds, format_duration), ""),
        ("Loss", shown(ours.loss, loss_text), shown(theirs.loss, loss_text), "lower"),
        ("Bits per byte, all text", shown(ours.bits_per_byte, score), shown(theirs.bits_per_byte, score), "lower"),
    ]
    rows += [
        (f"Bits per byte, {name}", score(ours.domains[name]), score(theirs.domains[name]), "lower")
        for name in found.domains
    ]
    speeds = shown(ours.tokens_per_second, rate), shown(theirs.tokens_per_second, rate)
    rows.append(("Tokens per second, generating", *speeds, "higher"))
    sizes = shown(ours.memory_bytes, format_bytes), shown(theirs.memory_bytes, format_bytes)
    rows.append(("Memory to serve", *sizes, "lower"))
    return rows


def draw_contest(values: Contest) -> Drawing:
    """Bits per byte by domain: two points joined by a line, better to the left."""
    rows = [("all text", values.planned.bits_per_byte, values.larger.bits_per_byte)]
    rows += [(name, values.planned.domains[name], values.larger.domains[name]) for name in values.domains]
    known = [(name, ours, theirs) for name, ours, theirs in reversed(rows) if ours is not None and theirs is not None]
    data = [line([ours, theirs], [name, name], "#b8c0c7", width=3) for name, ours, theirs in known]
    names = [name for name, _, _ in known]
    for who, colour, symbol, scores in (
        ("larger", LARGER_COLOUR, "square", [theirs for _, _, theirs in known]),
        ("planned", PLANNED_COLOUR, "circle", [ours for _, ours, _ in known]),
    ):
        data.append(
            points(
                scores,
                names,
                colour,
                [f"{who}, {name}: {s:.4f} bits per byte" for name, s in zip(names, scores, strict=True)],
                size=12,
                symbol=symbol,
            )
        )
    return Drawing(
        name="contest",
        describes="Bits per byte by domain of the planned and the larger model",
        data=data,
        layout=layout(
            linear_axis("bits per byte (lower is better)", range=room([s for _, *pair in known for s in pair], 0.15)),
            {**linear_axis(""), "type": "category", "showgrid": False, "range": [-0.6, len(known) - 0.4]},
        ),
        legend=(
            LegendEntry(label="planned", colour=PLANNED_COLOUR, kind="point"),
            LegendEntry(label="larger, same compute", colour=LARGER_COLOUR, kind="square"),
        ),
        height=110 + 52 * len(known),
        narrow_height=110 + 52 * len(known),
    )


def _side_by_side(view: View) -> str:
    sequences = (section(view, "contest").get("planned") or {}).get("served_sequences")
    return f"{sequences} sequences side by side " if sequences else ""


def contest_panel(view: View) -> Panel | Absent:
    """The planned model beside the larger one."""
    values = contest(view)
    if isinstance(values, Absent):
        return values
    verdict = ""
    if values.advantage is not None and values.planned.bits_per_byte:
        share = percent(-values.advantage / (values.planned.bits_per_byte + values.advantage))
        verdict = f" Bits per byte of the planned model against the larger: {share}."
    return Panel(
        name="contest",
        short="Planned or larger",
        title="The planned against the larger model",
        lead="The same compute, spent on a larger model and fewer tokens, as habit had it before Hoffmann et al. 2022."
        + verdict,
        drawings=(draw_contest(values),) if values.planned.bits_per_byte is not None else (),
        tables=(Table(columns=("", "planned", "larger", "better"), rows=tuple(contest_rows(values)), words=(0, 3)),),
        columns=2,
        caption=f"Generation: {_side_by_side(view)}with a key-value cache, on the machine of the methods card below.",
    )

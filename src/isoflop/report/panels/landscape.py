"""N against compute from the study's range to that of the published systems."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isoflop.arch.published import published_systems
from isoflop.report.drawing import Drawing, LegendEntry, PlotlyObject, flops_axis, layout, line, log_axis, spread
from isoflop.report.fitted_runs import FittedRuns
from isoflop.report.panel import Absent, Panel
from isoflop.report.panels.optimum import vertex_markers
from isoflop.report.panels.scaling_lines import (
    LAW_STROKES,
    Marker,
    ScalingLine,
    label_at,
    marker_trace,
    published_lines,
    scaling_line,
)
from isoflop.report.style import BLUE, VERMILLION, transparent

# Where the zoomed-out panel ends: PaLM's 2.5e24 FLOPs with room to its right.
_ZOOM_TO_FLOPS = 1e25
# The systems that the question of Hoffmann et al. 2022 is about, in words as short as a label must be.
_SYSTEM_LABELS = {
    "gopher-280b": "Gopher 280B",
    "mt-nlg-530b": "MT-NLG 530B",
    "chinchilla-70b": "Chinchilla 70B",
    "palm-540b": "PaLM 540B",
    "140b-on-3t": "140B on 3T",
}


@dataclass(frozen=True, kw_only=True)
class Landscape:
    """N against C from the study's range to 1e25 FLOPs."""

    published: tuple[ScalingLine, ...]
    extrapolated: ScalingLine
    """The study's own isoFLOP line, extrapolated far outside its data, for the eye."""
    systems: tuple[Marker, ...]
    vertices: tuple[Marker, ...]
    flops_range: tuple[float, float]


def landscape(fitted: FittedRuns) -> Landscape | Absent:
    """Published laws and systems in one plane with the study's own vertices."""
    vertices = vertex_markers(fitted, "params")
    if not vertices or fitted.isoflop is None:
        return Absent(sentence="The zoomed-out panel: there is no isoFLOP vertex to place in it.")
    low = fitted.flops_range()[0]
    systems = {model.name: model for model in published_systems()}
    law, flops = fitted.isoflop.law, np.geomspace(low, _ZOOM_TO_FLOPS, 2)
    extrapolated = scaling_line(
        "isoflop", "this study's isoFLOP line, carried on", flops, law.params_coefficient * flops**law.a
    )
    return Landscape(
        published=published_lines("params", low, _ZOOM_TO_FLOPS),
        extrapolated=extrapolated,
        systems=tuple(
            Marker(
                label=label,
                flops=float(systems[name].flops or 0),
                value=systems[name].params,
                source=systems[name].source,
            )
            for name, label in _SYSTEM_LABELS.items()
        ),
        vertices=vertices,
        flops_range=(low, _ZOOM_TO_FLOPS),
    )


# Where each label stands, in pixels from its point (wide, narrow): the five systems crowd into one decade of compute.
_LABEL_SHIFTS = {
    "Gopher 280B": ((-70, 6), (-64, 12)),
    "MT-NLG 530B": ((-80, -6), (-76, -6)),
    "PaLM 540B": ((-30, -34), (-50, -36)),
    "Chinchilla 70B": ((-6, 44), (-34, 64)),
    "140B on 3T": ((26, 26), (-14, 38)),
}


def draw_landscape(values: Landscape) -> Drawing:
    """N against C from the study's range to 1e25 FLOPs, published systems labelled where they stand."""
    data = [
        line(law.flops, law.values, LAW_STROKES[law.name][0], dash=LAW_STROKES[law.name][1], width=1.3)
        for law in values.published
    ]
    legend = [
        LegendEntry(label=law.label, colour=LAW_STROKES[law.name][0], kind=LAW_STROKES[law.name][1])
        for law in values.published
    ]
    own = values.extrapolated
    data.insert(0, line(own.flops, own.values, transparent(VERMILLION, 0.45), width=1.5))
    legend.insert(0, LegendEntry(label=own.label, colour=transparent(VERMILLION, 0.45)))
    data.append(marker_trace(values.vertices, VERMILLION, "diamond", 8))
    data.append(marker_trace(values.systems, BLUE, "circle", 9))
    legend.insert(0, LegendEntry(label="vertices of this study", colour=VERMILLION, kind="diamond"))
    legend.append(LegendEntry(label="published systems, C = 6ND", colour=BLUE, kind="point"))
    low, high = values.flops_range
    heights = [mark.value for mark in (*values.vertices, *values.systems)]
    return Drawing(
        name="landscape-map",
        describes="Parameters against compute up to 1e25 FLOPs with Gopher, MT-NLG, Chinchilla, PaLM and 140B on 3T",
        data=data,
        layout=layout(
            flops_axis(low, high * 4),
            log_axis("parameters N", *spread(heights, 12)),
            annotations=[_label(mark, narrow=False) for mark in values.systems],
        ),
        narrow={"annotations": [_label(mark, narrow=True) for mark in values.systems]},
        legend=tuple(legend),
        height=480,
        narrow_height=420,
    )


def _label(mark: Marker, *, narrow: bool) -> PlotlyObject:
    shift = _LABEL_SHIFTS.get(mark.label, ((-60, 0), (-60, 0)))[narrow]
    return label_at(mark.label, mark.flops, mark.value, shift)


def landscape_panel(fitted: FittedRuns) -> Panel | Absent:
    """From the study's range to the published systems."""
    values = landscape(fitted)
    if isinstance(values, Absent):
        return values
    return Panel(
        name="landscape",
        short="Published systems",
        title="From this study to the published systems",
        lead="Gopher, MT-NLG and PaLM stand far above the published laws: trained too large, on too few tokens. "
        "Chinchilla and 140B on 3T stand on them.",
        drawings=(draw_landscape(values),),
        caption="Conventions differ: this study counts its own tokens (bytes unless stated otherwise), exact FLOPs and "
        "very small models; the systems are drawn at C = 6ND of their printed N and D. No line is meant to hold over "
        "all these decades.",
        sources=tuple(f"{mark.label}: {mark.source}" for mark in values.systems),
    )

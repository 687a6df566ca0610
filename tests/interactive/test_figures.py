"""Figures of a fit by name: the drawings of its page, on plotly, on matplotlib and as SVG."""

import sys
import xml.etree.ElementTree as ET

import matplotlib as mpl
import numpy as np
import pytest

import isoflop
from interactive.tables import table
from isoflop.errors import InputError
from isoflop.interactive.marks import Point, Stroke, marks_of
from isoflop.interactive.svg import svg_of
from isoflop.report.drawing import Drawing, band, layout, line, linear_axis, log_axis, points, whiskers
from isoflop.report.fitted_runs import runs_of_fit
from isoflop.report.panels.isoflop_curves import profiles

mpl.use("Agg")
NAMES = [
    "overview", "isoflop", "scaling-params", "scaling-tokens", "surface", "residuals-params", "residuals-tokens",
    "residuals-ratio", "backtest",
]  # fmt: skip


@pytest.fixture(scope="module")
def fitted():
    return isoflop.fit(table("pandas"), draws=100)


def small_drawing():
    bars = whiskers([2.0], [1.5], [3.0], "#000000")
    return Drawing(
        name="small",
        describes="A & B",
        data=[
            band([1.0, 10.0], [1.0, 1.0], [2.0, 2.0], "rgba(0,114,178,0.16)"),
            line([1.0, 10.0], [1.0, 2.0], "#0072b2", dash="dot"),
            points([10.0], [2.0], "#d55e00", ["hover"], symbol="star", error_y=bars),
            points([1e6], [1.0], "#d55e00", ["far outside"]),
        ],
        layout=layout(
            log_axis("N <parameters>", 1.0, 100.0),
            linear_axis("loss", range=[0, 4]),
            annotations=[{"x": 1.0, "y": 3.0, "text": "<b>one</b><br>two", "font": {"color": "#000000", "size": 11}}],
        ),
    )


def test_a_drawing_becomes_plain_marks():
    marks = marks_of(small_drawing())
    area, dotted, star, _ = marks.shapes
    assert isinstance(area, Stroke)
    assert (area.fill.solid, area.fill.alpha) == ("#0072b2", 0.16)
    assert (dotted.x, dotted.y, dotted.dash) == ((1.0, 10.0), (1.0, 2.0), "dot")
    assert isinstance(star, Point)
    assert (star.symbol, star.y_ends, star.x_ends) == ("star", (1.5, 3.0), None)
    assert (marks.x.low, marks.x.high, marks.x.log) == (1.0, 100.0, True)
    assert marks.x.share(10.0) == 0.5
    assert [text for _, text in marks.y.ticks] == ["0", "1", "2", "3", "4"]
    assert (marks.labels[0].x, marks.labels[0].lines, marks.labels[0].bold) == (10.0, ("one", "two"), True)


def test_an_svg_has_each_mark_at_its_place_and_escapes_words():
    root = ET.fromstring(svg_of(marks_of(small_drawing()), "A & B", 240))
    assert root.attrib["aria-label"] == "A & B"
    texts = [element.text for element in root.iter("text")]
    assert {"N <parameters>", "loss", "one", "two"} <= set(texts)
    dotted = next(element for element in root.iter("polyline"))
    (left, low), (middle, _) = (tuple(map(float, pair.split(","))) for pair in dotted.attrib["points"].split())
    at = {element.text: float(element.attrib["x"]) for element in root.iter("text")}
    assert middle == pytest.approx(at["10"], abs=0.1)
    assert left == pytest.approx(2 * at["10"] - at["100"], abs=0.1)
    assert len(list(root.iter("circle"))) == 0  # the point outside the axes is not drawn
    assert "light-dark(#0072b2," in dotted.attrib["style"]
    assert low > 0


@pytest.mark.parametrize("name", NAMES)
def test_plotly_draws_what_the_page_draws(fitted, name):
    figure = fitted.figure(name)
    drawing = fitted._drawings[name]
    assert type(figure).__module__.startswith("plotly.graph_objs")
    drawn = [trace for trace in figure.data if trace.name is None]
    assert len(drawn) == len(drawing.data)
    for shown, given in zip(drawn, drawing.data, strict=True):
        np.testing.assert_allclose(np.asarray(shown.x, dtype=float), given["x"])
        np.testing.assert_allclose(np.asarray(shown.y, dtype=float), given["y"])
    named = [trace.name for trace in figure.data if trace.name is not None]
    assert named == [entry.label for entry in drawing.legend if entry.kind != "ramp"]
    assert figure.layout.xaxis.fixedrange is False


@pytest.mark.parametrize("name", [name for name in NAMES if name != "surface"])
def test_matplotlib_draws_the_same_points(fitted, name):
    axes = fitted.plot(name=name)
    drawing = fitted._drawings[name]
    markers = [
        line for line in axes.lines if line.get_marker() not in ("None", None, "") and len(line.get_xdata()) == 1
    ]
    given = [
        (x, y)
        for trace in drawing.data
        if trace["mode"] == "markers"
        for x, y in zip(trace["x"], trace["y"], strict=True)
    ]
    at = {(float(line.get_xdata()[0]), float(line.get_ydata()[0])) for line in markers}
    assert {(float(x), float(y)) for x, y in given} <= at
    assert axes.get_xlabel() == drawing.layout["xaxis"]["title"]["text"]
    assert axes.get_xscale() == "log"
    axes.figure.canvas.draw()


def test_plot_draws_on_axes_of_the_caller(fitted):
    import matplotlib.pyplot as plt

    _, (left, right) = plt.subplots(1, 2)
    assert fitted.plot(right) is right
    assert not left.has_data()
    assert right.has_data()


def test_the_isoflop_figure_holds_the_runs(fitted):
    runs = {(n, x) for one in profiles(runs_of_fit(fitted)) for n, x in zip(one.params, one.loss, strict=True)}
    drawn = {
        (x, y)
        for t in fitted.figure("isoflop").data
        if t.mode == "markers" and t.name is None
        for x, y in zip(t.x, t.y, strict=True)
    }
    assert len(runs) == 45
    assert runs <= drawn


def test_a_wrong_name_is_answered_with_the_right_ones(fitted):
    with pytest.raises(InputError) as caught:
        fitted.figure("isoflops")
    assert all(name in str(caught.value) for name in NAMES)
    assert "did you mean isoflop?" in str(caught.value)


def test_contours_are_left_to_plotly(fitted):
    with pytest.raises(InputError, match="figure\\('surface'\\)"):
        fitted.plot(name="surface")


@pytest.mark.parametrize(
    ("library", "method", "install"),
    [
        ("plotly.graph_objects", "figure", "isoflop\\[notebook\\]"),
        ("matplotlib.pyplot", "plot", "pip install matplotlib"),
    ],
)
def test_a_missing_library_is_named_with_what_installs_it(fitted, monkeypatch, library, method, install):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(InputError, match=install):
        getattr(fitted, method)()

// The plan of the slider's budget in the first picture of a report: an open star with the interval of its loss, and the
// profile of its budget, among what the picture shows anyway.
(function (isoflop) {
  "use strict";
  const NAME = "first-picture", ASKED = "another budget";
  const REACH = 3; // sizes of the profile, to both sides of its best
  const ROOM = 0.06; // of an axis, beyond what is added
  isoflop.firstPicture = {};
  let given = null; // ranges of the axes as the page was made

  // Shows `plan` and its `profile` in the picture of `page` in that colour; the picture alone where `plan` is null.
  isoflop.firstPicture.show = (page, colour, plan, profile) => {
    const drawing = page.drawings[NAME];
    if (!drawing) return;
    const { layout } = drawing;
    given ??= { x: [...layout.xaxis.range], y: [...layout.yaxis.range] };
    const before = drawing.data.length;
    drawing.data = drawing.data.filter((trace) => trace.name !== ASKED);
    [layout.xaxis.range, layout.yaxis.range] = [[...given.x], [...given.y]];
    if (plan !== null) {
      const bySize = layout.meta.x === "params";
      const x = bySize ? plan.params : plan.flops;
      layout.xaxis.range = reaching(given.x, [Math.log10(x)]);
      layout.yaxis.range = reaching(given.y, plan.loss_interval ?? [plan.loss]);
      if (bySize) drawing.data.push(lineOf(profile, colour, layout));
      drawing.data.push(starOf(plan, x, colour));
    }
    if (plan !== null || before !== drawing.data.length) page.redraw(NAME);
  };

  // A range of an axis that holds `values` too, with room for the star.
  function reaching([low, high], values) {
    const room = ROOM * (high - low);
    return [Math.min(low, ...values.map((value) => value - room)), Math.max(high, ...values.map((value) => value + room))];
  }

  function starOf(plan, x, colour) {
    const { formatFlops, formatQuantity } = isoflop.text;
    const [low, high] = plan.loss_interval ?? [plan.loss, plan.loss];
    const said = `${formatFlops(plan.budget_flops)} FLOPs<br>N = ${formatQuantity(plan.params)}<br>loss ${plan.loss.toFixed(4)}`;
    return {
      type: "scatter", mode: "markers+text", name: ASKED, x: [x], y: [plan.loss], hovertext: [said], hoverinfo: "text",
      text: [`${formatFlops(plan.budget_flops)}   `], textposition: "top left", textfont: { color: colour, weight: "bold" },
      marker: { symbol: "star-open", size: 17, color: colour, line: { width: 2.5, color: colour } },
      error_y: {
        type: "data", symmetric: false, array: [high - plan.loss], arrayminus: [plan.loss - low], color: colour, thickness: 3, width: 11,
      },
    };
  }

  // The profile of the budget, for sizes near the best and as far as the picture reaches.
  function lineOf(profile, colour, { xaxis, yaxis }) {
    const best = profile.params[profile.loss.indexOf(Math.min(...profile.loss))];
    const [low, high] = xaxis.range.map((end) => 10 ** end);
    const [left, right] = [Math.max(low, best / REACH), Math.min(high, best * REACH)];
    const seen = profile.params.map((size, i) => [size, profile.loss[i]])
      .filter(([size, loss]) => size >= left && size <= right && loss <= yaxis.range[1]);
    return {
      type: "scatter", mode: "lines", name: ASKED, x: seen.map(([size]) => size), y: seen.map(([, loss]) => loss),
      line: { color: colour, width: 1.6, dash: "dash" }, hoverinfo: "skip",
    };
  }
})(globalThis.isoflop);

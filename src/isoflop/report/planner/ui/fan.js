// What every law would train, as lines of size against compute, with published systems by name.
(function (isoflop) {
  "use strict";
  isoflop.fan = {};
  const HEIGHT = 420, BUDGETS = 41, ROOM = 4;

  // Returns budgets around those of the systems and the plan's own, at which the lines are drawn.
  isoflop.fan.budgets = (systems, flops) => {
    const all = [...systems.map((system) => system.flops), flops];
    const low = Math.min(...all) / ROOM, high = Math.max(...all) * ROOM;
    return Array.from({ length: BUDGETS }, (_, i) => low * (high / low) ** (i / (BUDGETS - 1)));
  };

  // Draws the fan in `place`. `shown`: {frontiers: [{name, params}], budgets, systems, plan, chosen: name}.
  isoflop.fan.draw = (place, { frontiers, budgets, systems, plan, chosen }) => {
    const width = Math.max(place.clientWidth, 280), narrow = width < 560;
    const edge = { left: narrow ? 46 : 58, right: narrow ? 14 : 172, top: 30, bottom: 50 };
    const x = isoflop.drawing.logScale(budgets[0], budgets[budgets.length - 1], edge.left, width - edge.right);
    const sizes = [...systems.map((system) => system.params), ...frontiers.flatMap((law) => law.params), plan.params];
    const finite = sizes.filter((size) => Number.isFinite(size) && size > 0);
    const y = isoflop.drawing.logScale(Math.min(...finite) / 1.5, Math.max(...finite) * 1.5, HEIGHT - edge.bottom, edge.top);
    const root = isoflop.drawing.svg("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT });
    root.append(
      isoflop.drawing.axis("x", x, y, x.ticks(narrow ? 5 : 9), (flops) => isoflop.text.formatFlops(flops, 2), "Training FLOPs"),
      isoflop.drawing.axis("y", y, x, y.ticks(9), (size) => isoflop.text.formatQuantity(size, 2), "Parameters"),
      isoflop.drawing.svg("line", { class: "budget", x1: x.at(plan.budget_flops), x2: x.at(plan.budget_flops), y1: y.from, y2: y.to }),
    );
    const ordered = [...frontiers].sort((a, b) => (a.name === chosen) - (b.name === chosen));
    for (const law of ordered) root.append(lineOf(law, budgets, x, y, law.name === chosen));
    if (!narrow) root.append(endLabels(ordered, x, y, chosen));
    root.append(pointsOf(systems, x, y, plan));
    place.replaceChildren(root);
  };

  function lineOf(law, budgets, x, y, chosen) {
    const points = budgets.map((flops, i) => [x.at(flops), y.at(law.params[i])]);
    const line = isoflop.drawing.svg("path", { class: chosen ? "law chosen" : "law", "data-law": law.name, d: isoflop.drawing.path(points) });
    line.append(isoflop.drawing.svg("title", {}, law.name));
    return line;
  }

  // Names at the right ends of the lines, moved apart where lines end close together.
  function endLabels(laws, x, y, chosen) {
    const step = 13;
    const labels = laws.map((law) => ({ name: law.name, end: y.at(law.params[law.params.length - 1]) }))
      .filter((label) => Number.isFinite(label.end)).sort((a, b) => a.end - b.end);
    let free = y.to - 12;
    for (const label of labels) {
      label.at = Math.max(label.end, free);
      free = label.at + step;
    }
    let most = y.from;
    for (const label of [...labels].reverse()) {
      label.at = Math.min(label.at, most);
      most = label.at - step;
    }
    const group = isoflop.drawing.svg("g", { class: "ends" });
    for (const { name, end, at } of labels) {
      group.append(
        isoflop.drawing.svg("path", { d: `M${x.to} ${end.toFixed(1)}L${x.to + 12} ${at.toFixed(1)}` }),
        isoflop.drawing.svg("text", { class: name === chosen ? "chosen" : "", x: x.to + 15, y: at + 4 }, name),
      );
    }
    return group;
  }

  function pointsOf(systems, x, y, plan) {
    const group = isoflop.drawing.svg("g", { class: "systems" });
    const star = { left: x.at(plan.budget_flops) - 12, right: x.at(plan.budget_flops) + 12, top: y.at(plan.params) - 12, bottom: y.at(plan.params) + 12 };
    const points = systems.map((system) => ({ x: x.at(system.flops), y: y.at(system.params), text: system.label ?? system.name, system }));
    const taken = [star, ...points.map((point) => ({ left: point.x - 4, right: point.x + 4, top: point.y - 4, bottom: point.y + 4 }))];
    for (const point of points) {
      const mark = isoflop.drawing.svg("circle", { cx: point.x, cy: point.y, r: 4 });
      const { params, tokens } = point.system;
      mark.append(isoflop.drawing.svg("title", {}, `${point.text}: ${isoflop.text.formatQuantity(params)} on ${isoflop.text.formatQuantity(tokens)} tokens`));
      group.append(mark);
    }
    const bounds = { left: x.from, right: x.to, top: y.to - 10, bottom: y.from };
    isoflop.drawing.placeLabels(group, points, bounds, taken);
    group.append(isoflop.drawing.svg("path", {
      class: "planned", d: isoflop.drawing.starPath(10), transform: `translate(${x.at(plan.budget_flops)} ${y.at(plan.params)})`,
    }));
    return group;
  }
})(globalThis.isoflop);

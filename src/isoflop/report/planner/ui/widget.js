// The slider of the budget on a report: the plan of a budget, its sentence and its profile. Runs within a function of
// (root, data, page), where `root` is the widget's section.
(function (isoflop, root, data, page) {
  "use strict";
  const { planner, start, devices, colour } = data;
  const [source] = planner.sources;
  const find = (selector) => root.querySelector(selector);
  const slider = find(".budget-slider"), count = find(".count"), kind = find(".kind");
  let flops = start, params = null;

  function inputs(objective) {
    const device = { name: kind.value, count: Number(count.value) };
    return { law: source.name, budget: { kind: "flops", value: flops }, device, objective, level: planner.level };
  }

  function show() {
    find("output").textContent = isoflop.text.formatFlops(flops);
    isoflop.slider.show(slider, flops);
    const best = isoflop.plan(planner, inputs({ kind: "training_only" }));
    const plan = params === null ? best : isoflop.plan(planner, inputs({ kind: "fixed_params", params }));
    const refused = best.refused ?? plan.refused;
    find("figure").hidden = Boolean(refused) || plan.loss === null;
    find(".sentence").textContent = refused ? `${refused.message}.` : isoflop.words.sentence(plan, "USD");
    find(".note").textContent = refused ? "" : note(best);
    if (find("figure").hidden) return isoflop.firstPicture.show(page, colour, null);
    const profile = isoflop.profile(planner, inputs({ kind: "training_only" }), isoflop.profileSketch.sizes(best.params));
    const describe = isoflop.words.star(plan, "USD");
    isoflop.profileSketch.draw(find(".sketch"), { profile, plan, best, describe }, {
      move: (size) => change({ params: size }),
      release: () => change({ params: null }),
    });
    // as the page was made the picture has this plan already
    const moved = flops !== start || params !== null;
    return isoflop.firstPicture.show(page, colour, moved ? plan : null, profile);
  }

  // How sure the best size is, what that costs, and which warnings the plan has.
  function note(best) {
    const { formatQuantity, formatShare, trimmed } = isoflop.text;
    const said = [];
    if (best.params_interval) {
      const range = isoflop.words.range(best.params_interval, formatQuantity);
      said.push(`The best size is in ${range} with ${trimmed(best.level * 100)} % probability.`);
    }
    if (best.expected_waste !== null) said.push(`Not knowing it better is expected to waste ${formatShare(best.expected_waste)} of the compute.`);
    if (best.extrapolation_factor > 1) said.push(`This is ${trimmed(best.extrapolation_factor)} times the largest compute of the runs.`);
    const codes = best.warnings.map((warning) => warning.code).filter((code) => code !== "extrapolation");
    if (codes.length) said.push(`Warnings: ${[...new Set(codes)].join(", ")}.`);
    return said.join(" ");
  }

  function change(changed) {
    ({ flops, params } = { flops, params, ...changed });
    show();
  }

  [count.value, kind.value] = devices.split("x");
  isoflop.slider.setEnds(slider, source, start);
  isoflop.slider.onSliding(slider, (value) => change({ flops: value, params: null }));
  for (const field of [count, kind]) field.addEventListener("input", show);
  new ResizeObserver(show).observe(find(".sketch"));
  show();
})(globalThis.isoflop, root, data, page);

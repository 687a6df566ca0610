// The figures of an answer: the isoFLOP profile of its budget, the fan of all laws, and the table under the fan.
(function (isoflop) {
  "use strict";
  const { element } = isoflop.drawing;
  const { formatQuantity, formatFlops } = isoflop.text;
  const at = (id) => document.getElementById(id);
  isoflop.figures = {};

  // Draws both figures. `asked`: {plan, inputs, request, currency}; `calls`: {move(params), release(), choose(law)}.
  isoflop.figures.show = (data, asked, calls) => {
    showProfile(data, asked, calls);
    showFan(data, asked, calls);
  };

  function showProfile(data, { plan, inputs, request, currency }, { move, release }) {
    const best = request.params ? bestOf(data, inputs, request, plan) : plan;
    const sizes = isoflop.profileSketch.sizes(best.params);
    const profile = isoflop.profile(data, { ...inputs, budget: { kind: "flops", value: plan.budget_flops } }, sizes);
    at("release").hidden = !request.params;
    at("profile-figure").classList.toggle("absent", plan.loss == null);
    if (plan.loss == null) return;
    const describe = isoflop.words.star(plan, currency);
    isoflop.profileSketch.draw(at("profile"), { profile, plan, best, describe }, { move, release });
  }

  // The plan of the same budget without the fixed size.
  function bestOf(data, inputs, request, plan) {
    const budget = { kind: "flops", value: plan.budget_flops };
    const best = isoflop.plan(data, { ...inputs, budget, objective: isoflop.request.freeObjective(request) });
    return best.refused ? plan : best;
  }

  // The lines of all laws, remembered: they change with the range of budgets and with the laws, not with the star.
  let remembered = { key: "" };
  function linesOf(data, budgets) {
    const key = [budgets[0], budgets[budgets.length - 1], ...data.sources.map((source) => source.name)].join();
    if (remembered.key !== key) remembered = { key, lines: isoflop.frontiers(data, budgets) };
    return remembered.lines;
  }

  function showFan(data, { plan, inputs }, { choose }) {
    const budgets = isoflop.fan.budgets(data.systems, plan.budget_flops);
    const frontiers = linesOf(data, budgets);
    isoflop.fan.draw(at("fan"), { frontiers, budgets, systems: data.systems, plan, chosen: inputs.law });
    const rows = isoflop.frontiers(data, [plan.budget_flops]).map((law) => {
      const [params, tokens] = [law.params[0], law.tokens[0]];
      const name = element("button", { type: "button", class: "law" }, law.name);
      name.addEventListener("click", () => choose(law.name));
      const counts = params === null ? ["", "", ""] : [params, tokens, tokens / params].map((count) => formatQuantity(count));
      const cells = [...counts, law.loss[0]?.toFixed(3) ?? ""];
      const row = element("tr", { class: law.name === inputs.law ? "chosen" : "" }, element("td", {}, name));
      row.append(...cells.map((cell) => element("td", { class: "number" }, cell)));
      for (const [event, on] of [["pointerenter", true], ["focusin", true], ["pointerleave", false], ["focusout", false]]) {
        row.addEventListener(event, () => at("fan").querySelector(`[data-law="${CSS.escape(law.name)}"]`)?.classList.toggle("seen", on));
      }
      return row;
    });
    at("laws-body").replaceChildren(...rows);
    at("laws-budget").textContent = formatFlops(plan.budget_flops);
  }
})(globalThis.isoflop);

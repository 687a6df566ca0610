// What the page draws: the valley of a budget, the fan of all laws.
(function (isoflop) {
  "use strict";
  const laws = isoflop.laws;
  const costs = isoflop.cost;
  const { forBudget, sourceNamed } = isoflop.source;
  const { objectiveOf, wastedShare } = isoflop.objectives;

  // Returns {params, tokens, loss, wasted_share}: models of `sizes` parameters on all tokens that the budget pays for, and
  // the share of it that the best model would save at their loss; nulls where the law has no loss.
  function profileOf(data, inputs, sizes) {
    const source = sourceNamed(data, inputs.law);
    const C = isoflop.budget.flopsOf(data, inputs);
    const { law } = forBudget(source, C);
    const objective = objectiveOf(inputs.objective ?? { kind: "training_only" });
    const tokens = sizes.map((N) => costs.tokens(source.cost, C, N));
    const unknown = sizes.map(() => null);
    if (!laws.hasLoss(law)) return { params: [...sizes], tokens, loss: unknown, wasted_share: unknown };
    const loss = sizes.map((N, i) => objective.loss(law, N, tokens[i]));
    const wasted_share = loss.map((each) => wastedShare(objective, law, each, C, source.cost));
    return { params: [...sizes], tokens, loss, wasted_share };
  }

  // Returns [{name, params, tokens, loss, params_interval, level}] along budgets, one for each law.
  function frontiersOf(data, budgets) {
    return data.sources.map(function (source) {
      const at = budgets.map((C) => forBudget(source, C));
      const optima = at.map(({ law }, i) => laws.optimum(law, budgets[i], source.cost));
      const spread = ({ draws, flops }) => draws.map((draw) => laws.optimum(draw, flops, source.cost)[0]);
      return {
        name: source.name,
        params: optima.map(([N]) => N),
        tokens: optima.map(([, D]) => D),
        loss: optima.map(([N, D], i) => (laws.hasLoss(source) ? laws.loss(at[i].law, N, D) : null)),
        params_interval: at.map((each) => (
          each.draws === null ? null : isoflop.numbers.percentileInterval(spread(each), data.level)
        )),
        level: data.level,
      };
    });
  }

  isoflop.profile = (data, inputs, sizes) => isoflop.answered(() => profileOf(data, inputs, sizes));
  isoflop.frontiers = (data, budgets) => isoflop.answered(() => frontiersOf(data, budgets));
})(globalThis.isoflop);

// What the page draws: the isoFLOP profile of a budget, the fan of all laws.
(function (isoflop) {
  "use strict";
  const laws = isoflop.laws;
  const costs = isoflop.cost;
  const { percentileInterval } = isoflop.numbers;
  const { forBudget, sourceNamed } = isoflop.source;
  const { problemOf, wastedShare } = isoflop.problem;

  // What a fit's forecast of the loss differs from its law at the best size: the profile has the law's shape, and the
  // forecast's depth, as the alternatives of a plan have.
  function forecastOffset(source, law, C) {
    const [N, D] = laws.optimum(law, C, source.cost);
    return isoflop.source.pointLoss(source, law, N, D) - laws.loss(law, N, D);
  }

  // Returns {params, tokens, loss, wasted_share}: models of `sizes` parameters on all tokens that the budget pays for, and
  // the share of it that the best model would save at their loss; nulls where the law has no loss.
  function profileOf(data, inputs, sizes) {
    const source = sourceNamed(data, inputs.law);
    const C = isoflop.budget.solved(data, inputs).flops;
    const { law } = forBudget(source, C);
    const objective = problemOf(inputs.objective ?? { kind: "training_only" });
    const tokens = sizes.map((N) => costs.tokens(source.cost, C, N));
    const unknown = sizes.map(() => null);
    if (!laws.hasLoss(law)) return { params: [...sizes], tokens, loss: unknown, wasted_share: unknown };
    const byLaw = sizes.map((N, i) => objective.loss(law, N, tokens[i]));
    const offset = forecastOffset(source, law, C);
    return {
      params: [...sizes],
      tokens,
      loss: byLaw.map((each) => each + offset),
      wasted_share: byLaw.map((each) => wastedShare(objective, law, each, C, source.cost)),
    };
  }

  // Returns [low, high] of the best N of a budget, or null without draws.
  function sizeInterval(source, at, level) {
    if (source.sizes !== null) {
      const samples = isoflop.sizes.samplesOf(source.sizes, source.cost, at.flops);
      return percentileInterval(samples, level).map(Math.exp);
    }
    if (at.draws === null) return null;
    return percentileInterval(at.draws.map((draw) => laws.optimum(draw, at.flops, source.cost)[0]), level);
  }

  // Returns [{name, params, tokens, loss, params_interval, level}] along budgets, one for each law; nulls at a budget that
  // a fit holds no forecast for.
  function frontiersOf(data, budgets) {
    return data.sources.map(function (source) {
      const rows = budgets.map(function (C) {
        const row = isoflop.answered(function () {
          const at = forBudget(source, C);
          const [N, D] = laws.optimum(at.law, C, source.cost);
          const loss = laws.hasLoss(source) ? isoflop.source.pointLoss(source, at.law, N, D) : null;
          return { N, D, loss, interval: sizeInterval(source, at, data.level) };
        });
        return row.refused ? { N: null, D: null, loss: null, interval: null } : row;
      });
      return {
        name: source.name,
        params: rows.map((row) => row.N),
        tokens: rows.map((row) => row.D),
        loss: rows.map((row) => row.loss),
        params_interval: rows.map((row) => row.interval),
        level: data.level,
      };
    });
  }

  isoflop.profile = (data, inputs, sizes) => isoflop.answered(() => profileOf(data, inputs, sizes));
  isoflop.frontiers = (data, budgets) => isoflop.answered(() => frontiersOf(data, budgets));
})(globalThis.isoflop);

// How N and D are chosen for a budget: a port of isoflop/plan/objectives.py and fixed.py.
(function (isoflop) {
  "use strict";
  const { Refusal, checkPositive } = isoflop.numbers;
  const laws = isoflop.laws;
  const costs = isoflop.cost;

  // What training on fresh text does, with nothing fixed; the objectives below replace parts of it.
  const FRESH = {
    fixed: false,
    repeats: false,
    mostTokens: Infinity,
    mostParams: Infinity,
    loss: laws.loss,
    best: laws.optimum,
    tokensAt: (law, C, cost, N) => costs.tokens(cost, C, N),
    notices: () => [],
  };

  const trainingOnly = () => ({ ...FRESH, choose: laws.optimum });

  function fixedParams({ params }) {
    checkPositive("params", params);
    return { ...FRESH, fixed: true, choose: (law, C, cost) => [params, costs.tokens(cost, C, params)] };
  }

  function fixedTokens({ tokens }) {
    checkPositive("tokens", tokens);
    return { ...FRESH, fixed: true, choose: (law, C, cost) => [costs.sizeAtCost(cost, C / tokens), tokens] };
  }

  function fixedRatio({ tokens_per_param: ratio }) {
    checkPositive("tokens per parameter", ratio);
    function choose(law, C, cost) {
      const N = costs.sizeAtRatio(cost, C, ratio);
      return [N, N * ratio];
    }
    return { ...FRESH, fixed: true, choose };
  }

  // The largest model allowed, trained as another objective would, where its own choice is larger.
  function sizeLimit(objective, params, shape = null) {
    const choose = (law, C, cost) => [params, objective.tokensAt(law, C, cost, params)];
    return { ...objective, kind: "size_limit", fixed: true, mostParams: params, shape, choose };
  }

  const OBJECTIVES = {
    training_only: trainingOnly,
    fixed_params: fixedParams,
    fixed_tokens: fixedTokens,
    fixed_ratio: fixedRatio,
  };

  // Returns the objective of {kind, ...numbers}.
  function objectiveOf(spec) {
    const make = OBJECTIVES[spec.kind];
    if (!make) throw new Refusal("input", `objective: expected one of ${Object.keys(OBJECTIVES).join(", ")}, got ${spec.kind}`);
    return { kind: spec.kind, ...make(spec) };
  }

  isoflop.objectives = { FRESH, OBJECTIVES, objectiveOf, sizeLimit };
})(globalThis.isoflop);

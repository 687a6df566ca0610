// How N and D are chosen for a budget: a port of isoflop/plan/objectives.py and fixed.py.
(function (isoflop) {
  "use strict";
  const { Refusal, checkPositive, bracket, format } = isoflop.numbers;
  const laws = isoflop.laws;
  const costs = isoflop.cost;
  const repeated = isoflop.repeated;
  const [FREE_EPOCHS, LAST_EPOCHS] = [4, 40]; // nearly as good as fresh text; returns have vanished (Muennighoff et al. 2023)
  const WORTH_A_LARGER_MODEL = 1e-3; // share of the loss that a larger model must save once the text is read out
  const SMALLER_BY = 60; // of ln N: further below the largest affordable model than any size lies
  const FEWEST = 1e-4; // of the FLOPs of a run, below which no run of its loss is sought
  const ROUNDING = 1e-6; // a budget that is spent is spent up to this share

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

  function requireSurface(law, what) {
    if (law.form === "chinchilla") return;
    const lacks = laws.hasLoss(law) ? "is of another form" : "says nothing of the loss";
    const needs = `${what} needs a law with a loss surface E + A/N^alpha + B/D^beta, such as besiroglu2024`;
    throw new Refusal("no_loss", `${needs}; ${law.name} ${lacks}`);
  }

  // Tokens with which a model reaches the floor E plus `reducible`; infinity where none suffice.
  function tokensFor({ A, B, alpha, beta }, reducible, x) {
    const left = reducible - A * Math.exp(-alpha * x);
    return left > 0 ? (B / left) ** (1 / beta) : Infinity;
  }

  // Loss above E that C FLOPs buy at the training optimum, and N there.
  function trainingOptimum(law, C, cost) {
    const [N, D] = laws.optimum(law, C, cost);
    return { N, reducible: laws.loss(law, N, D) - law.constants.E };
  }

  // The least training and inference FLOPs for the loss that the training budget would buy at its optimum (Sardana et al.
  // 2024): the least cost(N) (D + T / 3) at equal loss.
  function inferenceDemand({ inference_tokens: T }) {
    checkPositive("inference tokens", T);
    function choose(law, C, cost) {
      requireSurface(law, "inference demand");
      const { A, alpha, beta } = law.constants;
      const { N, reducible } = trainingOptimum(law, C, cost);
      function tooSmall(x) {
        const byParams = A * Math.exp(-alpha * x);
        const byTokens = Math.max(reducible - byParams, 0);
        const demand = 1 + T / (3 * tokensFor(law.constants, reducible, x));
        return alpha * byParams > costs.inLogs(cost, x)[1] * beta * byTokens * demand;
      }
      const smallest = Math.log(A / reducible) / alpha;
      const x = bracket(tooSmall, smallest, Math.log(N), 1e-16)[1];
      return [Math.exp(x), tokensFor(law.constants, reducible, x)];
    }
    function tokensAt(law, C, cost, N) {
      requireSurface(law, "inference demand");
      const tokens = tokensFor(law.constants, trainingOptimum(law, C, cost).reducible, Math.log(N));
      if (Number.isFinite(tokens)) return tokens;
      const message = `no number of tokens brings ${format(N)} parameters to the loss that this budget buys at its optimum; `
        + "leave the inference out, or allow a larger model";
      throw new Refusal("too_small", message);
    }
    function notices(N, D, C, cost) {
      const spent = costs.trainingFlops(cost, N, D);
      const total = spent + costs.trainingFlops(cost, N, T) / 3;
      const message = `training takes ${format(spent / C)} times the budget of ${format(C)} FLOPs, for the same loss from a `
        + `smaller model; with inference the total is ${format(total)}`;
      return [{ code: "training_above_budget", message }];
    }
    return { ...FRESH, choose, tokensAt, notices };
  }

  // The smallest model within a thousandth of the loss of the largest that the budget trains on `tokens`.
  function smallestWorth(law, U, tokens, C, cost) {
    const largest = Math.log(costs.sizeAtCost(cost, C / tokens));
    const enough = repeated.loss(law, U, Math.exp(largest), tokens) * (1 + WORTH_A_LARGER_MODEL);
    const above = (x) => repeated.loss(law, U, Math.exp(x), tokens) > enough;
    return Math.exp(bracket(above, largest - SMALLER_BY, largest, 1e-16)[1]);
  }

  // The least loss from so much text, read again and again, up to forty times.
  function limitedData({ unique_tokens: U }) {
    checkPositive("unique tokens", U);
    const mostTokens = LAST_EPOCHS * U;
    function choose(law, C, cost) {
      requireSurface(law, "limited data");
      const [N, D] = repeated.optimum(law, U, C, cost);
      return D > mostTokens ? [smallestWorth(law, U, mostTokens, C, cost), mostTokens] : [N, D];
    }
    function loss(law, N, D) {
      requireSurface(law, "limited data");
      return repeated.loss(law, U, N, D);
    }
    function notices(N, D, C, cost) {
      const epochs = D / U;
      if (epochs <= 1) return [];
      const left = 1 - costs.trainingFlops(cost, N, D) / C;
      let verdict = epochs <= FREE_EPOCHS ? "nearly as good as fresh text" : "each epoch adds less";
      if (left > ROUNDING) {
        verdict = `more would add nothing, so ${format(100 * left)} % of the budget is not spent: find more text`;
      }
      const source = "decay constants of Muennighoff et al. 2023, fitted on C4";
      return [{ code: "repeated_tokens", message: `the text is read ${format(epochs)} times: ${verdict} (${source})` }];
    }
    const tokensAt = (law, C, cost, N) => Math.min(costs.tokens(cost, C, N), mostTokens);
    return { ...FRESH, repeats: true, mostTokens, choose, best: choose, loss, tokensAt, notices };
  }

  // The largest model allowed, trained as another objective would, where its own choice is larger.
  function sizeLimit(objective, params, shape = null) {
    const choose = (law, C, cost) => [params, objective.tokensAt(law, C, cost, params)];
    return { ...objective, kind: "size_limit", fixed: true, mostParams: params, shape, choose };
  }

  const OBJECTIVES = {
    training_only: trainingOnly,
    inference_demand: inferenceDemand,
    limited_data: limitedData,
    fixed_params: fixedParams,
    fixed_tokens: fixedTokens,
    fixed_ratio: fixedRatio,
  };

  // Share of `flops` that is not needed for `loss`: 1 less the least FLOPs that reach it, over `flops`.
  function wastedShare(objective, law, loss, flops, cost) {
    const tooLittle = (x) => objective.loss(law, ...objective.best(law, Math.exp(x), cost)) > loss;
    const least = bracket(tooLittle, Math.log(flops * FEWEST), Math.log(flops), 1e-14)[1];
    return Math.max(0, 1 - Math.exp(least) / flops);
  }

  // Returns the objective of {kind, ...numbers}.
  function objectiveOf(spec) {
    const make = OBJECTIVES[spec.kind];
    if (!make) throw new Refusal("input", `objective: expected one of ${Object.keys(OBJECTIVES).join(", ")}, got ${spec.kind}`);
    return { kind: spec.kind, ...make(spec) };
  }

  isoflop.objectives = { objectiveOf, sizeLimit, wastedShare };
})(globalThis.isoflop);

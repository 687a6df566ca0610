// What is minimised over N and D for a budget, and within which limits: a port of isoflop/plan/solver/.
(function (isoflop) {
  "use strict";
  const { Refusal, checkPositive, bracket, format, formatQuantity } = isoflop.numbers;
  const laws = isoflop.laws;
  const costs = isoflop.cost;
  const repeated = isoflop.repeated;
  const [FREE_EPOCHS, LAST_EPOCHS] = [4, 40]; // nearly as good as fresh text; returns have vanished (Muennighoff et al. 2023)
  const WORTH_A_LARGER_MODEL = 1e-3; // share of the loss that a larger model must save once the text is read out
  const SMALLER_BY = 60; // of ln N: further below the largest affordable model than any size lies
  const FEWEST = 1e-4; // of the FLOPs of a run, below which no run of its loss is sought
  const ROUNDING = 1e-6; // a budget that is spent is spent up to this share
  const SAME_LOSS = 1e-9; // share of a loss that is rounding
  const MOST_TOKENS = 1e100; // beyond which no number of tokens suffices

  // The number that each objective states, and its name in messages.
  const STATES = {
    training_only: [],
    inference_demand: [["inference_tokens", "inference tokens"]],
    limited_data: [["unique_tokens", "unique tokens"]],
    fixed_params: [["params", "params"]],
    fixed_tokens: [["tokens", "tokens"]],
    fixed_ratio: [["tokens_per_param", "tokens per parameter"]],
  };
  const FIXED = ["params", "tokens", "tokens_per_param"];

  // Returns the problem of {kind, ...numbers}, or of {kind: "combined", of: [...]}, whose statements hold at once.
  function problemOf(spec) {
    const numbers = {};
    for (const { kind, ...stated } of spec.kind === "combined" ? spec.of : [spec]) {
      if (!STATES[kind]) throw new Refusal("input", `objective: expected one of ${Object.keys(STATES).join(", ")}, got ${kind}`);
      for (const [field, words] of STATES[kind]) {
        checkPositive(words, stated[field]);
        if (field in numbers) throw new Refusal("input", `objective: ${words} are stated twice; state them once`);
        numbers[field] = stated[field];
      }
    }
    const fixed = FIXED.filter((field) => field in numbers);
    if (fixed.length > 1) throw new Refusal("input", `objective: ${fixed[0]} and ${fixed[1]} are both fixed; fix one of them`);
    checkReadings(numbers.tokens, numbers.unique_tokens ?? Infinity);
    return problem(spec.kind, numbers, null);
  }

  function checkReadings(tokens, U) {
    if (tokens === undefined || tokens <= LAST_EPOCHS * U) return;
    const message = `${formatQuantity(tokens)} tokens and ${formatQuantity(U)} different ones contradict each other: beyond `
      + `${LAST_EPOCHS} readings, ${formatQuantity(LAST_EPOCHS * U)} tokens, nothing is gained; fix fewer tokens, or find more text`;
    throw new Refusal("limits_contradict", message);
  }

  function problem(kind, numbers, limit) {
    const { inference_tokens: T = 0, unique_tokens: U = Infinity, params, tokens, tokens_per_param: ratio } = numbers;
    const isFixed = FIXED.some((field) => field in numbers);
    const self = {
      kind: limit === null ? kind : "size_limit",
      numbers,
      fixed: limit !== null || isFixed,
      repeats: U < Infinity,
      mostTokens: LAST_EPOCHS * U,
      mostParams: limit === null ? Infinity : limit.params,
      shape: limit === null ? null : limit.shape,
      forLife: T > 0 && !isFixed, // whether tokens served decide between N and D
      loss, best, choose, tokensAt, notices,
      // FLOPs of training, and of serving where that is asked for
      spend: (N, D, cost) => costs.trainingFlops(cost, N, D + T / 3),
      without: (field) => problem(kind, Object.fromEntries(Object.entries(numbers).filter(([name]) => name !== field)), limit),
      // the same with no model above so many parameters, which the best one is
      atMost: (most, shape) => problem(kind, numbers, { params: most, shape }),
    };

    function requireSurface(law) {
      if (law.form === "chinchilla") return;
      const lacks = laws.hasLoss(law) ? "is of another form" : "says nothing of the loss";
      const needs = `${self.repeats ? "limited data" : "inference demand"} needs a law with a loss surface E + A/N^alpha + `
        + "B/D^beta, such as besiroglu2024";
      throw new Refusal("no_loss", `${needs}; ${law.name} ${lacks}`);
    }

    function loss(law, N, D) {
      if (!self.repeats) return laws.loss(law, N, D);
      requireSurface(law);
      return repeated.loss(law, U, N, D);
    }

    const tokensFor = (law, reached, N) => (self.repeats ? repeated.tokensFor(law, U, reached, N) : laws.tokensFor(law, reached, N));
    const logGains = (law, x, y) => (self.repeats ? repeated.logGains(law, U, x, y) : laws.logGains(law, x, y));

    // [N, D] of the least loss that C training FLOPs reach with this text, nothing else limited.
    function best(law, C, cost) {
      if (!self.repeats) return laws.optimum(law, C, cost);
      requireSurface(law);
      const [N, D] = repeated.optimum(law, U, C, cost);
      return D > self.mostTokens ? [smallestWorth(law, U, self.mostTokens, C, cost), self.mostTokens] : [N, D];
    }

    // [N, D] of the plan for C training FLOPs.
    function choose(law, C, cost) {
      if (limit !== null || params !== undefined) {
        const N = limit === null ? params : limit.params;
        return [N, tokensAt(law, C, cost, N)];
      }
      if (tokens !== undefined) return [costs.sizeAtCost(cost, C / tokens), tokens];
      if (ratio !== undefined) {
        const N = Math.min(costs.sizeAtRatio(cost, C, ratio), self.mostTokens / ratio); // the text may end before the budget
        return [N, N * ratio];
      }
      const [N, D] = best(law, C, cost);
      return self.forLife ? forLife(law, C, N, D, cost) : [N, D];
    }

    // D that goes with N parameters, where N is not to be chosen.
    function tokensAt(law, C, cost, N) {
      if (tokens !== undefined) return tokens;
      if (ratio !== undefined) return Math.min(N * ratio, self.mostTokens);
      if (!self.forLife) return Math.min(costs.tokens(cost, C, N), self.mostTokens);
      requireSurface(law);
      const reached = loss(law, ...best(law, C, cost));
      const D = tokensFor(law, reached, N);
      if (D <= self.mostTokens && Number.isFinite(D)) return D;
      // the last readings add so little that rounding of the loss is epochs of them
      if (self.repeats && loss(law, N, self.mostTokens) <= reached * (1 + SAME_LOSS)) return self.mostTokens;
      const again = self.repeats ? ` with ${formatQuantity(U)} different tokens` : "";
      const message = `no number of tokens brings ${formatQuantity(N)} parameters to the loss that this budget buys at its optimum`
        + `${again}: what may be served and the inference demand contradict each other; leave the inference out, or allow a `
        + "larger model";
      throw new Refusal("too_small", message);
    }

    // [N, D] of the least training and serving FLOPs at the loss that C buys with the best [N, D] (Sardana et al. 2024): a
    // larger model pays while -dL/d ln N > k (1 + T / (3 D)) (-dL/d ln D), balance.py.
    function forLife(law, C, N, D, cost) {
      requireSurface(law);
      const { A, E, alpha } = law.constants;
      const reached = loss(law, N, D);
      function pays(x) {
        const enough = tokensFor(law, reached, Math.exp(x));
        if (enough > self.mostTokens || enough > MOST_TOKENS) return true;
        const y = Math.log(enough);
        const [byParams, byTokens] = logGains(law, x, y);
        return byParams - byTokens - Math.log(costs.inLogs(cost, x)[1]) - Math.log1p((T / 3) * Math.exp(-y)) > 0;
      }
      const smallest = Math.log(A / (reached - E)) / alpha;
      // where the text is read out, that N is not the one of least training: a larger one reads it less often
      const largest = self.mostTokens > D ? N : Math.max(N, costs.sizeAtCost(cost, C / U));
      const size = Math.exp(bracket(pays, smallest, Math.log(largest), 1e-16)[1]);
      return [size, Math.min(tokensFor(law, reached, size), self.mostTokens)];
    }

    function notices(N, D, C, cost) {
      const spent = costs.trainingFlops(cost, N, D);
      const found = [];
      if (self.forLife && spent > C * (1 - ROUNDING)) { // less where the text is read out
        const total = spent + costs.trainingFlops(cost, N, T) / 3;
        const message = `training takes ${format(spent / C)} times the ${format(C)} FLOPs that reach this loss at the best size `
          + `for training alone, since a smaller model costs less to serve; with inference the total is ${format(total)}`;
        found.push({ code: "training_above_budget", message });
      }
      const epochs = D / U;
      if (epochs > 1) {
        const left = self.mostTokens > D ? 0 : 1 - spent / C;
        let verdict = epochs <= FREE_EPOCHS ? "nearly as good as fresh text" : "each epoch adds less";
        if (left > ROUNDING) {
          verdict = `more would add nothing, so ${format(100 * left)} % of the budget is not spent: find more text`;
        }
        const source = "decay constants of Muennighoff et al. 2023, fitted on C4";
        found.push({ code: "repeated_tokens", message: `the text is read ${format(epochs)} times: ${verdict} (${source})` });
      }
      return found;
    }

    return self;
  }

  // The smallest model within a thousandth of the loss of the largest that the budget trains on `tokens`.
  function smallestWorth(law, U, tokens, C, cost) {
    const largest = Math.log(costs.sizeAtCost(cost, C / tokens));
    const enough = repeated.loss(law, U, Math.exp(largest), tokens) * (1 + WORTH_A_LARGER_MODEL);
    const above = (x) => repeated.loss(law, U, Math.exp(x), tokens) > enough;
    return Math.exp(bracket(above, largest - SMALLER_BY, largest, 1e-16)[1]);
  }

  // Share of `flops` that is not needed for `loss`: 1 less the least FLOPs that reach it, over `flops`.
  function wastedShare(asked, law, loss, flops, cost) {
    const tooLittle = (x) => asked.loss(law, ...asked.best(law, Math.exp(x), cost)) > loss;
    const least = bracket(tooLittle, Math.log(flops * FEWEST), Math.log(flops), 1e-14)[1];
    return Math.max(0, 1 - Math.exp(least) / flops);
  }

  isoflop.problem = { problemOf, wastedShare };
})(globalThis.isoflop);

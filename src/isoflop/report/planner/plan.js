// The plan of a budget, with the keys of isoflop's Plan.as_json that need no shape: isoflop.plan, isoflop.budgetOf.
(function (isoflop) {
  "use strict";
  const { Refusal, percentileInterval, mean } = isoflop.numbers;
  const { forBudget, expectedLoss, sourceNamed } = isoflop.source;
  const laws = isoflop.laws;
  const costs = isoflop.cost;
  const hardware = isoflop.hardware;

  // Returns what `question` returns, or {refused: {code, message}} for a question that cannot be answered.
  function answered(question) {
    try {
      return question();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return { refused: { code: error.code, message: error.message } };
    }
  }

  // Returns {N, D, flops, loss, interval, spread: {params, tokens, sizes}} of an objective's choice for C FLOPs.
  function allocate(source, at, objective, C, level) {
    const [N, D] = objective.choose(at.law, C, source.cost);
    const [loss, interval] = lossAt(source, at, objective, N, D, level);
    let spread = null;
    if (at.draws !== null && !objective.fixed) {
      const chosen = at.draws.map((draw) => objective.choose(draw, C, source.cost));
      const sizes = chosen.map(([size]) => size);
      spread = {
        sizes,
        params: percentileInterval(sizes, level),
        tokens: percentileInterval(chosen.map(([, tokens]) => tokens), level),
      };
    }
    return { N, D, flops: costs.trainingFlops(source.cost, N, D), loss, interval, spread };
  }

  // Returns [loss, interval] at (N, D), with repeated tokens discounted where text is limited.
  function lossAt(source, at, objective, N, D, level) {
    if (!laws.hasLoss(at.law)) return [null, null];
    if (!objective.repeats) return expectedLoss(source, at, N, D, level);
    if (source.forecaster !== null) {
      // A forecaster knows fresh text only: the law says by which factor repeating as many tokens raises the loss.
      const factor = objective.loss(at.law, N, D) / laws.loss(at.law, N, D);
      const [fresh, interval] = expectedLoss(source, at, N, D, level);
      return [fresh * factor, interval.map((end) => end * factor)];
    }
    const losses = at.draws === null ? null : at.draws.map((draw) => objective.loss(draw, N, D));
    const interval = losses === null ? null : isoflop.source.lossInterval(losses, level, source);
    return [objective.loss(at.law, N, D), interval];
  }

  // Share of the budget expected to be lost to not knowing N better: the mean over where the best N may lie.
  function expectedWaste(source, at, chosen) {
    if (chosen.spread === null || at.law.form !== "chinchilla") return null;
    const wasted = chosen.spread.sizes.map(function (size) {
      return laws.wastedBySize(at.law, Math.log(chosen.N) - Math.log(size), chosen.N, source.cost);
    });
    return mean(wasted);
  }

  // Share of the FLOPs that the law's best N would save at this loss, where N or D was fixed.
  function wastedShare(source, at, objective, chosen) {
    if (chosen.loss === null || !objective.fixed) return null;
    const loss = objective.loss(at.law, chosen.N, chosen.D);
    return isoflop.problem.wastedShare(objective, at.law, loss, chosen.flops, source.cost);
  }

  function checkedLevel(data, inputs) {
    const level = inputs.level ?? data.level;
    if (!(level > 0 && level < 1)) {
      throw new Refusal("input", `level: expected a probability between 0 and 1, got ${level}`);
    }
    return level;
  }

  // Returns the run on devices and its bill, or null for both. Refuses a budget of less than one batch.
  function onCluster(data, source, objective, cluster, chosen) {
    if (cluster === null) return { run: null, cost: null };
    const run = isoflop.clock.runOf(data, source, objective, cluster, chosen.N, chosen.flops);
    if (run.steps !== null && run.steps < 1) {
      throw new Refusal("input", `tokens: expected at least one batch of ${run.batch * run.shape.seq_len}; raise the budget`);
    }
    return { run, cost: hardware.estimateCost(cluster, run) };
  }

  function planned(given, inputs) {
    const stated = sourceNamed(given, inputs.law);
    const level = checkedLevel(given, inputs);
    const cluster = inputs.device ? hardware.clusterOf(given, inputs.device, inputs.budget) : null;
    const { flops: C, notices: left } = isoflop.budget.solved(given, inputs);
    const { sizes } = stated;
    isoflop.sizes.checkReach(stated, C);
    const asked = isoflop.problem.problemOf(inputs.objective ?? { kind: "training_only" });
    const { data, source } = isoflop.tables.withOwnTables(given, stated, asked, C);
    const at = forBudget(source, C);
    const [first] = asked.choose(at.law, C, source.cost);
    const [objective, limited] = isoflop.serving.limited(data, source, asked, first, inputs.memory_limit_bytes);
    const chosen = allocate(source, at, objective, C, level);
    const tables = isoflop.tables.mostlyTables(data, source, objective, chosen);
    const [loss, loss_interval] =
      tables === null || tables.alike === null
        ? [chosen.loss, chosen.interval]
        : lossAt(source, at, objective, tables.alike, tables.tokens, level);
    const { run, cost } = onCluster(data, source, objective, cluster, chosen);
    const domain = source.law.domain.flops;
    const warnings = [
      ...left,
      ...isoflop.intervals.domainNotices(source, { flops: C, params: chosen.N, tokens: chosen.D }),
      ...objective.notices(chosen.N, chosen.D, C, source.cost),
      ...isoflop.intervals.guessingNotices(source, chosen.loss),
      ...limited,
      ...(sizes === null ? [] : isoflop.sizes.notices(sizes, source.cost, C)),
      ...source.notices,
      ...(tables === null ? [] : [tables.notice]),
      ...(cost === null ? [] : [...run.notices, ...hardware.limitNotices(cluster, cost)]),
    ];
    return {
      law: source.name,
      objective: objective.kind,
      budget_flops: C,
      flops: chosen.flops,
      params: chosen.N,
      tokens: chosen.D,
      tokens_per_param: chosen.D / chosen.N,
      loss,
      loss_interval,
      params_interval: chosen.spread === null ? null : chosen.spread.params,
      tokens_interval: chosen.spread === null ? null : chosen.spread.tokens,
      level,
      expected_waste: expectedWaste(source, at, chosen),
      wasted_share: wastedShare(source, at, objective, chosen),
      limits: isoflop.limits.limitsOf(given, stated, asked, C, inputs.memory_limit_bytes),
      lifetime_flops: "inference_tokens" in asked.numbers ? objective.spend(chosen.N, chosen.D, source.cost) : null,
      extrapolation_factor: domain === undefined ? null : Math.max(1, C / domain[1]),
      hours: cost === null ? null : cost.hours,
      hours_range: cost === null ? null : cost.hours_range,
      price: cost === null ? null : cost.price,
      price_range: cost === null ? null : cost.price_range,
      energy_kwh: cost === null ? null : cost.energy_kwh,
      bill: cost,
      layout: run === null ? null : run.layout,
      warnings,
      grade: isoflop.intervals.gradeOf(data, warnings),
    };
  }

  isoflop.answered = answered;
  isoflop.plan = (data, inputs) => answered(() => planned(data, inputs));
})(globalThis.isoflop);

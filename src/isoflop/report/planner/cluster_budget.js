// The budget that devices pay for in their days or for their price: isoflop/plan/cluster_budget.py.
(function (isoflop) {
  "use strict";
  const { format } = isoflop.numbers;
  const { HOURS_PER_DAY, daysPaid, flopsIn, moneyText } = isoflop.hardware;
  const { runOf } = isoflop.clock;
  const LEAST_LEFT = 0.005; // share of the days or the money from which on a plan says that it leaves it
  const STRIDE = 1.02, MOST_STRIDES = 60, FINEST = 1e-13;

  // Returns the run planned for C training FLOPs; of a plan that spends less, the hours are those of its whole budget.
  function planned(given, inputs, lawSource, asked, cluster, C, kept) {
    const { data, source } = isoflop.tables.withOwnTables(given, lawSource, asked, C);
    const law = isoflop.source.lawAt(source, C);
    let [N, D] = asked.choose(law, C, source.cost);
    const [objective] = isoflop.serving.limited(data, source, asked, N, inputs.memory_limit_bytes);
    if (objective !== asked) [N, D] = objective.choose(law, C, source.cost);
    const spent = isoflop.cost.trainingFlops(source.cost, N, D);
    const run = runOf(data, source, objective, cluster, N, spent, kept);
    return { ...run, hours: run.hours * Math.max(1, C / spent) };
  }

  // Returns training FLOPs of [at most, more than] `limit` hours, sought from `start`.
  function around(hours, limit, start) {
    let low = 0, high = Infinity, flops = start;
    for (let i = 0; i < MOST_STRIDES && !(low > 0 && high < Infinity); i++) {
      const taken = hours(flops);
      if (taken <= limit) [low, flops] = [flops, ((flops * limit) / taken) * STRIDE];
      else [high, flops] = [flops, (flops * limit) / taken / STRIDE];
    }
    while (high / low > 1 + FINEST) {
      const middle = Math.sqrt(low * high);
      if (hours(middle) <= limit) low = middle;
      else high = middle;
    }
    return [low, high];
  }

  // What differs first in the run of a slightly larger budget, in words.
  function change(within, beyond) {
    if (JSON.stringify(within.shape) !== JSON.stringify(beyond.shape)) return "the next larger shape";
    if (within.layout === null || beyond.layout === null) return "the next larger batch, in another layout,";
    return within.layout.batch_sequences !== beyond.layout.batch_sequences ? "the next larger batch" : "one step more";
  }

  function left(cluster, limit, within, beyond) {
    const share = `${(100 * (1 - within.hours / limit)).toFixed(1)} %`;
    if (cluster.days !== null) {
      const [whole, longer] = [limit, beyond.hours].map((hours) => `${format(hours / HOURS_PER_DAY)} days`);
      return { code: "budget_left", message: `the plan leaves ${share} of the ${whole}: ${change(within, beyond)} takes ${longer}` };
    }
    const [whole, more] = [limit, beyond.hours].map((hours) => moneyText(cluster, hours));
    return { code: "budget_left", message: `the plan leaves ${share} of the ${whole}: ${change(within, beyond)} costs ${more}` };
  }

  // Returns {flops, notices}: the budget whose plan takes the days or the money of `inputs.budget`.
  function budgetOf(data, inputs, cluster) {
    const { kind, value } = inputs.budget;
    const days = kind === "days" ? value : daysPaid(cluster, value);
    const limit = days * HOURS_PER_DAY;
    const source = isoflop.source.sourceNamed(data, inputs.law);
    const objective = isoflop.problem.problemOf(inputs.objective ?? { kind: "training_only" });
    const kept = new Map();
    const run = (C) => planned(data, inputs, source, objective, cluster, C, kept);
    const [low, high] = around((C) => run(C).hours, limit, flopsIn(cluster, days));
    const [within, beyond] = [run(low), run(high)];
    return { flops: low, notices: within.hours < (1 - LEAST_LEFT) * limit ? [left(cluster, limit, within, beyond)] : [] };
  }

  isoflop.clusterBudget = { budgetOf };
})(globalThis.isoflop);

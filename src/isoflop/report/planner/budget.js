// Budgets in FLOPs, money, days of devices, and the loss that is wanted, each from any other.
(function (isoflop) {
  "use strict";
  const { Refusal, checkPositive, bracket, format, formatQuantity } = isoflop.numbers;
  const { lawAt, sourceNamed } = isoflop.source;
  const hardware = isoflop.hardware;

  // Between a handful of parameters on a handful of tokens, and a billion times all that was ever trained.
  const [LEAST_FLOPS, MOST_FLOPS] = [1e3, 1e36];

  // Returns the loss that a plan for C FLOPs expects.
  function plannedLoss(source, objective, C) {
    const law = lawAt(source, C);
    if (source.forecaster === null && objective.forLife) return objective.loss(law, ...objective.best(law, C, source.cost));
    try {
      return lossAt(source, law, objective, ...objective.choose(law, C, source.cost));
    } catch (error) {
      // below any that is wanted where the model allowed is too small to keep that of the optimum
      if (error instanceof Refusal && error.code === "too_small") return -Infinity;
      throw error;
    }
  }

  // Returns the loss of a plan at [N, D] under a law moved to its budget.
  function lossAt(source, law, objective, N, D) {
    if (source.forecaster === null) return objective.loss(law, N, D);
    const factor = objective.repeats ? objective.loss(law, N, D) / isoflop.laws.loss(law, N, D) : 1;
    return isoflop.source.pointLoss(source, law, N, D) * factor;
  }

  // Returns [least, most] FLOPs among which a loss is sought: of a fit as far as its forecasts reach.
  function soughtBudgets(source) {
    if (source.sizes === null) return [LEAST_FLOPS, MOST_FLOPS];
    return [source.sizes.log_flops[0], source.sizes.log_flops.at(-1)].map(Math.exp);
  }

  // Returns the least training FLOPs with which the objective's choice reaches `loss`: isoflop.plan.flops_for_loss.
  function leastFlops(source, loss, objective) {
    const above = (x) => plannedLoss(source, objective, Math.exp(x)) > loss;
    const [low, high] = soughtBudgets(source).map(Math.log);
    if (above(high)) {
      const least = format(plannedLoss(source, objective, Math.exp(high)), 5);
      const beside = limitsOf(objective).join(" and ");
      const message = `no compute reaches a loss of ${loss} under ${source.name}${beside && ` with ${beside}`}: it goes down to `
        + `${least}${beside && `: ${loss} and ${beside} contradict each other`}`;
      throw new Refusal("out_of_reach", message);
    }
    if (!above(low)) throw new Refusal("input", `loss: ${loss} takes no training under ${source.name}; expected a lower one`);
    return Math.exp(bracket(above, low, high, 1e-14)[1]);
  }

  // The limits that a loss may contradict, in words.
  function limitsOf({ mostParams, numbers }) {
    return [
      ...(Number.isFinite(mostParams) ? [`at most ${formatQuantity(mostParams)} parameters`] : []),
      ...("params" in numbers ? [`${formatQuantity(numbers.params)} parameters`] : []),
      ...("tokens" in numbers ? [`${formatQuantity(numbers.tokens)} tokens`] : []),
      ...("unique_tokens" in numbers ? [`${formatQuantity(numbers.unique_tokens)} different tokens`] : []),
    ];
  }

  // The same within a memory: where the objective chooses more than it holds, with the largest model that it holds.
  function flopsForLoss(data, source, loss, objective, bytes) {
    let C = leastFlops(source, loss, objective);
    const own = isoflop.tables.withOwnTables(data, source, objective, C);
    if (own.source !== source) C = leastFlops(own.source, loss, objective);
    const [N] = objective.choose(lawAt(own.source, C), C, own.source.cost);
    const [limited] = isoflop.serving.limited(own.data, own.source, objective, N, bytes);
    return limited === objective ? C : leastFlops(own.source, loss, limited);
  }

  // Returns {flops, notices} of inputs.budget = {kind, value}: training FLOPs in the law's convention, and what their
  // plan leaves of days or money.
  function solved(data, inputs) {
    const { kind, value } = inputs.budget;
    checkPositive(kind, value);
    if (kind === "flops") return { flops: value, notices: [] };
    if (kind === "days" || kind === "money") {
      if (!inputs.device) throw new Refusal("input", `${kind}: expected devices too`);
      return isoflop.clusterBudget.budgetOf(data, inputs, hardware.clusterOf(data, inputs.device, inputs.budget));
    }
    if (kind === "loss") {
      const objective = isoflop.problem.problemOf(inputs.objective ?? { kind: "training_only" });
      const flops = flopsForLoss(data, sourceNamed(data, inputs.law), value, objective, inputs.memory_limit_bytes);
      return { flops, notices: [] };
    }
    throw new Refusal("input", `budget: expected flops, money, days or loss, got ${kind}`);
  }

  isoflop.budget = { solved, flopsForLoss, lossAt };
  // Training FLOPs of inputs.budget, or {refused}.
  isoflop.budgetOf = (data, inputs) => isoflop.answered(() => solved(data, inputs).flops);
})(globalThis.isoflop);

// Budgets in FLOPs, money, days of devices, and the loss that is wanted, each from any other.
(function (isoflop) {
  "use strict";
  const { Refusal, checkPositive, bracket, format } = isoflop.numbers;
  const { lawAt, sourceNamed } = isoflop.source;
  const hardware = isoflop.hardware;

  // Between a handful of parameters on a handful of tokens, and a billion times all that was ever trained.
  const [LEAST_FLOPS, MOST_FLOPS] = [1e3, 1e36];

  // Returns the loss that a plan for C FLOPs expects.
  function plannedLoss(source, objective, C) {
    const law = lawAt(source, C);
    const [N, D] = objective.choose(law, C, source.cost);
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
      const limit = Number.isFinite(objective.mostParams) ? ` with at most ${format(objective.mostParams)} parameters` : "";
      const message = `no compute reaches a loss of ${loss} under ${source.name}${limit}: it goes down to ${least}`;
      throw new Refusal("out_of_reach", message);
    }
    if (!above(low)) throw new Refusal("input", `loss: ${loss} takes no training under ${source.name}; expected a lower one`);
    return Math.exp(bracket(above, low, high, 1e-14)[1]);
  }

  // The same within a memory: where the objective chooses more than it holds, with the largest model that it holds.
  function flopsForLoss(data, source, loss, inputs) {
    const objective = isoflop.objectives.objectiveOf(inputs.objective ?? { kind: "training_only" });
    const most = isoflop.serving.mostParams(data, source.law, inputs.memory_limit_bytes);
    const C = leastFlops(source, loss, objective);
    if (objective.fixed || objective.choose(lawAt(source, C), C, source.cost)[0] <= most) return C;
    return leastFlops(source, loss, isoflop.objectives.sizeLimit(objective, most));
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
    if (kind === "loss") return { flops: flopsForLoss(data, sourceNamed(data, inputs.law), value, inputs), notices: [] };
    throw new Refusal("input", `budget: expected flops, money, days or loss, got ${kind}`);
  }

  isoflop.budget = { solved };
  // Training FLOPs of inputs.budget, or {refused}.
  isoflop.budgetOf = (data, inputs) => isoflop.answered(() => solved(data, inputs).flops);
})(globalThis.isoflop);

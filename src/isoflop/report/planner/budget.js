// Budgets in FLOPs, money, days of devices, and the loss that is wanted, each from any other.
(function (isoflop) {
  "use strict";
  const { Refusal, checkPositive } = isoflop.numbers;
  const hardware = isoflop.hardware;

  const MOST_OVER = 1e4; // model FLOPs over the law's, or the reverse, at the most (budget.py)

  // Returns the most training FLOPs in the law's convention that so many model FLOPs, attention included, pay for: what
  // one is over the other depends on the shape that is built for the budget, so it is sought by bisection.
  function byLaw(data, inputs, done) {
    if (!data.shape) return done;
    const source = isoflop.source.sourceNamed(data, inputs.law);
    const objective = isoflop.objectives.objectiveOf(inputs.objective ?? { kind: "training_only" });
    const overLaw = (C) => isoflop.shape.flopsOverLaw(shapeFor(data, inputs, source, objective, C), source.law);
    let [low, high] = [done / MOST_OVER, done * MOST_OVER];
    while (high / low > 1 + 1e-12) {
      const middle = Math.sqrt(low * high);
      if (middle * overLaw(middle) <= done) low = middle;
      else high = middle;
    }
    return low;
  }

  // The shape that is planned for C FLOPs: within the memory, where that is limited.
  function shapeFor(data, inputs, source, objective, C) {
    const [N] = objective.choose(isoflop.source.lawAt(source, C), C, source.cost);
    const shape = isoflop.shape.nearestShape(N, source.law.params_convention, data.shape);
    const bytes = inputs.memory_limit_bytes;
    if (shape === null || bytes === undefined || bytes === null || isoflop.shape.serveBytes(shape) <= bytes) return shape;
    return isoflop.serving.largest(data, source.law, bytes);
  }

  // Returns training FLOPs of inputs.budget = {kind, value}, in the law's convention.
  function flopsOf(data, inputs) {
    const { kind, value } = inputs.budget;
    checkPositive(kind, value);
    if (kind === "flops") return value;
    if (kind === "days" || kind === "money") {
      if (!inputs.device) throw new Refusal("input", `${kind}: expected devices too`);
      const cluster = hardware.clusterOf(data, inputs.device, inputs.budget);
      return byLaw(data, inputs, hardware.flopsIn(cluster, kind === "days" ? value : hardware.daysPaid(cluster, value)));
    }
    throw new Refusal("input", `budget: expected flops, money, days or loss, got ${kind}`);
  }

  isoflop.budget = { flopsOf };
  // Training FLOPs of inputs.budget, or {refused}.
  isoflop.budgetOf = (data, inputs) => isoflop.answered(() => flopsOf(data, inputs));
})(globalThis.isoflop);

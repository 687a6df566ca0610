// Budgets in FLOPs, money, days of devices, and the loss that is wanted, each from any other.
(function (isoflop) {
  "use strict";
  const { Refusal, checkPositive } = isoflop.numbers;
  const hardware = isoflop.hardware;

  // Returns training FLOPs of inputs.budget = {kind, value}, in the law's convention. A utilization counts model FLOPs,
  // with attention; they are taken as the law's, since no shape is chosen here.
  function flopsOf(data, inputs) {
    const { kind, value } = inputs.budget;
    checkPositive(kind, value);
    if (kind === "flops") return value;
    if (kind === "days" || kind === "money") {
      if (!inputs.device) throw new Refusal("input", `${kind}: expected devices too`);
      const cluster = hardware.clusterOf(data, inputs.device, inputs.budget);
      return hardware.flopsIn(cluster, kind === "days" ? value : hardware.daysPaid(cluster, value));
    }
    throw new Refusal("input", `budget: expected flops, money, days or loss, got ${kind}`);
  }

  isoflop.budget = { flopsOf };
  // Training FLOPs of inputs.budget, or {refused}.
  isoflop.budgetOf = (data, inputs) => isoflop.answered(() => flopsOf(data, inputs));
})(globalThis.isoflop);

// The time of a run on devices: isoflop/plan/on_cluster.py.
(function (isoflop) {
  "use strict";
  const { Refusal } = isoflop.numbers;
  const { rounded } = isoflop.batch;
  const { hoursAt } = isoflop.hardware;
  const SECONDS_PER_HOUR = 3600;

  // Returns {layout, notices}: the fastest layout of a shape, or null and the reason that there is none.
  function laidOut(data, cluster, shape, tokens) {
    const batch = isoflop.batch.sequences(shape, tokens, data.shape.batch);
    try {
      return { layout: isoflop.layout.fastest(shape, cluster.device, cluster.count, batch), batch, notices: [] };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return { layout: null, batch, notices: [{ code: "no_placement", message: error.message }] };
    }
  }

  // Hours of so many steps of a layout: here alone the time of steps becomes that of a run.
  const hoursOfSteps = (layout, steps) => (steps / SECONDS_PER_HOUR) * layout.seconds;

  // Returns {hours, shape, layout, hours_source, model_flops, batch, steps, notices} of a run of `spent` training FLOPs,
  // in the law's convention, on the shape built for N parameters. `kept` has the layouts that were found before.
  function runOf(data, source, objective, cluster, N, spent, kept = new Map()) {
    const shape = data.shape ? objective.shape ?? isoflop.shape.nearestShape(N, source.law.params_convention, data.shape) : null;
    const model_flops = spent * isoflop.shape.flopsOverLaw(shape, source.law);
    const byShare = { hours: hoursAt(cluster, model_flops, cluster.expected), hours_source: "utilization", model_flops };
    if (shape === null) return { ...byShare, shape, layout: null, steps: null, notices: [] };
    const tokens = spent / isoflop.shape.lawFlops(shape, source.law);
    const batch = isoflop.batch.sequences(shape, tokens, data.shape.batch);
    const key = [shape.n_layers, shape.d_model, batch].join();
    if (!kept.has(key)) kept.set(key, laidOut(data, cluster, shape, tokens));
    const { layout, notices } = kept.get(key);
    const steps = rounded(tokens / ((layout === null ? batch : layout.batch_sequences) * shape.seq_len));
    const run = { ...byShare, shape, layout, batch, steps, notices };
    if (layout === null || cluster.utilization.source === "given") return run;
    return { ...run, hours: hoursOfSteps(layout, Math.max(1, steps)), hours_source: "layout" };
  }

  isoflop.clock = { runOf };
})(globalThis.isoflop);

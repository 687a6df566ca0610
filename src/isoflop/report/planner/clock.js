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

  // Returns {hours, hours_range} of so many steps of a layout: their time, times what whole published runs took beyond
  // it. Here alone the time of steps becomes that of a run.
  function durationOfSteps(layout, steps, { expected, low, high }) {
    const hours = (steps / SECONDS_PER_HOUR) * layout.seconds;
    return { hours: hours * expected, hours_range: [hours * low, hours * high] };
  }

  // Returns {hours, hours_range?, shape, layout, hours_source, model_flops, batch, steps, notices} of a run of `spent` training FLOPs,
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
    return { ...run, ...durationOfSteps(layout, Math.max(1, steps), data.run_over_steps), hours_source: "layout" };
  }

  isoflop.clock = { runOf };
})(globalThis.isoflop);

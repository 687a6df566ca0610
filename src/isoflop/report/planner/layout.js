// The layout in which so many devices train a shape fastest, of those that fit into their memory:
// isoflop/plan/layout_search.py, in the same order, so that the first of several equal ones is the same.
(function (isoflop) {
  "use strict";
  const { Refusal } = isoflop.numbers;
  const { rounded } = isoflop.batch;
  const MEMORY_SHARE = 0.9;
  const MOST_TENSOR = 16, MOST_SHARDED = 256, MOST_UNEVEN = 1.1;
  const INTERLEAVED = [1, 2, 4, 8];
  const RECOMPUTE = ["none", "selective", "full"];
  const BATCH_SLACK = 0.1; // of a recipe's batch (recipe.py)

  function divisors(number) {
    const low = [], high = [];
    for (let part = 1; part * part <= number; part++) {
      if (number % part) continue;
      low.push(part);
      if (part * part < number) high.unshift(number / part);
    }
    return low.concat(high);
  }

  function* layouts(shape, device, count) {
    const node = Math.min(device.node_devices || MOST_TENSOR, MOST_TENSOR);
    for (const tensor of divisors(count)) {
      if (tensor > node || shape.heads % tensor) continue;
      for (const pipeline of divisors(count / tensor)) {
        if (pipeline > shape.n_layers) continue;
        if (Math.ceil(shape.n_layers / pipeline) * pipeline > MOST_UNEVEN * shape.n_layers) continue;
        const rest = count / (tensor * pipeline);
        for (const sharded of divisors(rest)) {
          if (sharded > MOST_SHARDED) continue;
          for (const interleaved of INTERLEAVED) {
            if (interleaved > 1 && (pipeline === 1 || pipeline * interleaved > shape.n_layers + 2)) continue;
            yield { data: rest / sharded, sharded, tensor, pipeline, interleaved, expert: 1 };
          }
        }
      }
    }
  }

  // [sequences of a micro-batch, micro-batches of a step], the smallest first: the batch over `ways` groups.
  function microBatches(ways, batch) {
    const share = rounded(batch / ways);
    if (share < 1 || Math.abs((share * ways) / batch - 1) > BATCH_SLACK) return [];
    return divisors(share).map((micro) => [micro, share / micro]);
  }

  // Returns {layout, sequences, micro_batches, recompute, batch_sequences, seconds}. Refuses where nothing fits, or the
  // catalogue lacks what a step's time takes.
  function fastest(shape, device, count, batch) {
    const most = MEMORY_SHARE * device.memory_bytes;
    let best = null, shared = false;
    for (const layout of layouts(shape, device, count)) {
      const ways = layout.data * layout.sharded;
      for (const [micro, steps] of microBatches(ways, batch)) {
        shared = true;
        const recompute = RECOMPUTE.find((each) => isoflop.memory.trainBytes(shape, layout, micro, each) <= most);
        if (recompute === undefined) break; // larger micro-batches take more memory
        const seconds = isoflop.stepTime.seconds(shape, layout, micro, steps, recompute, device);
        const sequences = ways * micro * steps;
        const speed = (sequences * shape.seq_len) / seconds;
        if (best === null || speed > best.speed) {
          best = { layout, sequences: micro, micro_batches: steps, recompute, batch_sequences: sequences, seconds, speed };
        }
      }
    }
    if (best !== null) return best;
    if (!shared) {
      const message = `no layout of ${count} ${device.name} shares a batch of ${batch} sequences evenly; take another number of devices`;
      throw new Refusal("no_layout", message);
    }
    const parameters = shape.total.toLocaleString("en-US");
    const needs = `${parameters} parameters and one sequence of ${shape.seq_len} tokens do not fit into ${count} ${device.name}`;
    throw new Refusal("does_not_fit", needs);
  }

  isoflop.layout = { fastest };
})(globalThis.isoflop);

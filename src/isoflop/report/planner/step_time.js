// Seconds of one step of a shape of the family llama in a layout on a device: isoflop/arch/step_time.py, whose sources
// and comparison with published runs (docs/devices.md) hold here too.
(function (isoflop) {
  "use strict";
  const { Refusal } = isoflop.numbers;
  const { layerValues, paramsPerDevice, WEIGHTS, GRADIENTS, OPTIMIZER, ACTIVATIONS, LOGITS } = isoflop.memory;
  const LINK_SHARE = 370 / 450;
  const PASSES = 5, PASSES_AGAIN = 2;

  function requireKnown(value, device, what) {
    if (value === null) throw new Refusal("input", `${device.name}: ${what}, so its step time is unknown`);
    return value;
  }

  // Bytes a second that a collective over `ways` devices, `stride` ranks apart, moves through each of them.
  function bandwidth(device, ways, stride) {
    const node = requireKnown(device.node_devices, device, "its links are not in the catalogue");
    const fast = requireKnown(device.node_bandwidth, device, "its links are not in the catalogue");
    if (ways * stride <= node) return LINK_SHARE * fast;
    const network = requireKnown(device.network_bandwidth, device, "the network between its nodes is not in the catalogue");
    return LINK_SHARE * Math.min(fast, Math.max(1, Math.floor(node / stride)) * network);
  }

  // Seconds to gather or to scatter so many bytes.
  const ring = (device, ways, stride, amount) =>
    ways === 1 ? 0 : (amount * (ways - 1)) / ways / bandwidth(device, ways, stride);

  // Training FLOPs a token of one layer and of the head that the hardware does, recomputation included.
  function hardwareFlops(shape, recompute) {
    const head = 6 * shape.vocab * shape.d_model;
    const layer = (isoflop.shape.flopsPerToken(shape, "matmul") - head) / shape.n_layers;
    if (recompute === "full") return [(layer * 4) / 3, head];
    if (recompute === "none") return [layer, head];
    return [layer + 2 * shape.d_model * (shape.d_model + shape.d_model + shape.d_ff), head];
  }

  // Seconds of one micro-batch on the busiest stage: [computing, collectives of tensor parallelism].
  function stage(shape, layout, sequences, recompute, device, rate) {
    const tokens = sequences * shape.seq_len;
    const ways = layout.tensor;
    const [layerFlops, headFlops] = hardwareFlops(shape, recompute);
    const traffic = (PASSES + (recompute === "none" ? 0 : PASSES_AGAIN)) * ACTIVATIONS * layerValues(shape, ways, "none");
    const layer = tokens * (layerFlops / ways / rate + traffic / device.bandwidth);
    const head = tokens * (headFlops / ways / rate + (2 * LOGITS * shape.vocab) / ways / device.bandwidth);
    const sums = 2 * (recompute === "full" ? 3 : 2);
    const summing = sums * ring(device, ways, 1, 2 * tokens * shape.d_model * ACTIVATIONS);
    const most = Math.ceil(shape.n_layers / layout.pipeline);
    const last = Math.max(shape.n_layers - most * (layout.pipeline - 1), 0);
    if (last * (layer + summing) + head >= most * (layer + summing)) return [last * layer + head, last * summing];
    return [most * layer, most * summing];
  }

  // Seconds of sending one micro-batch's activations to the next stage and its gradients back.
  function sending(shape, layout, sequences, device) {
    if (layout.pipeline === 1) return 0;
    const share = (sequences * shape.seq_len * shape.d_model * ACTIVATIONS) / layout.tensor;
    return (2 * layout.interleaved * share) / bandwidth(device, 2, layout.tensor * layout.data * layout.sharded);
  }

  // Seconds of gathers and scatters of sharded state that computation does not hide.
  function sharding(layout, device, mine, microBatches, compute) {
    if (layout.sharded === 1) return 0;
    if (layout.pipeline > 1) {
      return Math.max(0, ring(device, layout.sharded, layout.tensor, mine * (ACTIVATIONS + GRADIENTS)) - compute);
    }
    const once = ring(device, layout.sharded, layout.tensor, mine * (2 * ACTIVATIONS + GRADIENTS));
    return microBatches * Math.max(0, once - compute);
  }

  // Returns the seconds of a step of so many micro-batches. Refuses a device of which the catalogue lacks what it takes.
  function seconds(shape, layout, sequences, microBatches, recompute, device) {
    const why = "no published runs say how fast its products are in training";
    const rate = device.peak_flops * requireKnown(device.product_share, device, why);
    const [compute, tensor] = stage(shape, layout, sequences, recompute, device, rate);
    const sent = sending(shape, layout, sequences, device);
    const mine = paramsPerDevice(shape, layout);
    const held = Math.ceil(mine / layout.sharded); // whole parameters, as memory.js counts them
    const parts = [
      microBatches * compute,
      microBatches * tensor,
      sharding(layout, device, mine, microBatches, compute),
      microBatches * sent + ((layout.pipeline - 1) / layout.interleaved) * (compute + tensor + sent),
      ring(device, layout.data, layout.sharded * layout.tensor, 2 * held * GRADIENTS),
      ((2 * (WEIGHTS + GRADIENTS + OPTIMIZER) + GRADIENTS) * held) / device.bandwidth,
    ];
    return parts.reduce((sum, part) => sum + part, 0);
  }

  isoflop.stepTime = { seconds };
})(globalThis.isoflop);

// Bytes on the fullest device in training a shape of the family llama: isoflop/arch/memory.py and activations.py, in
// mixed precision and with sequence parallelism.
(function (isoflop) {
  "use strict";
  // Bytes a parameter, an activation and a logit (layout.py, MIXED).
  const WEIGHTS = 2, GRADIENTS = 2, OPTIMIZER = 12, ACTIVATIONS = 2, LOGITS = 12;
  const GATHERED_LAYERS = 2; // the one that computes, and the one that is being fetched

  const keysEach = (shape, ways) => (shape.d_model / shape.heads) * Math.ceil(shape.heads / ways);

  // Parameters of one layer on each of `ways` tensor-parallel devices.
  function layerParams({ d_model: d, heads, d_ff: ff }, ways) {
    const headDim = d / heads;
    const attention = d * (Math.floor(d / ways) + 2 * headDim * Math.ceil(heads / ways)) + Math.ceil((d * d) / ways);
    return 2 * d + 2 * headDim + attention + Math.ceil((2 * ff * d) / ways) + Math.ceil((d * ff) / ways);
  }

  // Parameters before the layers and after them: the table, and the last norm and the head.
  function endParams({ d_model: d, vocab }, ways) {
    const table = Math.ceil((vocab * d) / ways);
    return [table, d + table];
  }

  // Parameters of the fullest stage on one of its tensor-parallel devices, before they are sharded.
  function paramsPerDevice(shape, layout) {
    const layers = Math.ceil(shape.n_layers / layout.pipeline) * layerParams(shape, layout.tensor);
    const [first, last] = endParams(shape, layout.tensor);
    return layers + (layout.pipeline === 1 ? first + last : Math.max(first, last));
  }

  // Values that one layer stores a token for its backward pass, on each of `ways` tensor-parallel devices.
  function layerValues(shape, ways, recompute) {
    const { d_model: d, d_ff: ff } = shape;
    if (recompute === "full") return d / ways;
    const keys = keysEach(shape, ways);
    if (recompute === "selective") return (2 * d) / ways + (2 * d + ff) / ways + keys;
    return (4 * d) / ways + (3 * ff) / ways + 3 * (d / ways + keys);
  }

  function activationBytes(shape, layout, sequences, recompute) {
    const tokens = sequences * shape.seq_len;
    const layers = Math.ceil(shape.n_layers / layout.pipeline);
    const ways = layout.tensor;
    const kept = ACTIVATIONS * layerValues(shape, ways, recompute);
    const again = recompute === "none" ? 0 : ACTIVATIONS * layerValues(shape, ways, "none");
    const peak = Math.max(again, (LOGITS * shape.vocab) / ways);
    const whole = ways > 1 ? 2 * shape.d_model * ACTIVATIONS : 0;
    if (layout.pipeline === 1) return Math.ceil(tokens * (layers * kept + peak + whole));
    // the first stage has as many micro-batches in flight as there are stages, the last one has the logits
    const { pipeline, interleaved } = layout;
    const inFlight = pipeline + ((pipeline - 1) / interleaved) * (interleaved > 1 ? 1 : 0);
    return Math.ceil(tokens * (Math.max(inFlight * layers * kept + again, layers * kept + peak) + whole));
  }

  // Returns all bytes of a micro-batch of so many sequences, with what the backward pass recomputes.
  function trainBytes(shape, layout, sequences, recompute) {
    const mine = paramsPerDevice(shape, layout);
    const held = Math.ceil(mine / layout.sharded);
    const staged = layout.pipeline > 1;
    let gathered = 0;
    if (layout.sharded > 1 && staged) gathered = mine;
    else if (layout.sharded > 1) {
      const [first, last] = endParams(shape, layout.tensor);
      gathered = Math.min(GATHERED_LAYERS * layerParams(shape, layout.tensor) + (first + last), mine);
    }
    return held * WEIGHTS + (staged ? mine : held) * GRADIENTS + held * OPTIMIZER + gathered * ACTIVATIONS
      + activationBytes(shape, layout, sequences, recompute);
  }

  isoflop.memory = { layerValues, paramsPerDevice, trainBytes, WEIGHTS, GRADIENTS, OPTIMIZER, ACTIVATIONS, LOGITS };
})(globalThis.isoflop);

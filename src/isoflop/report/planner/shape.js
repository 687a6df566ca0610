// The shape that is built for a size, its FLOPs and its bytes: isoflop/arch/shapes.py and flops.py for the family llama
// at the vocabulary and context of `data.shape`, which `isoflop plan` takes where nothing else is asked for.
(function (isoflop) {
  "use strict";
  // As in shapes.py, where their sources stand.
  const FF_STEP = 128, FF_RATIO = 8 / 3;
  const SMALLEST_WIDTH = 128, LARGEST_WIDTH = 2 ** 17;
  const ASPECT_COEFFICIENT = 6.2494, ASPECT_EXPONENT = 0.32983, ASPECT_SLACK = 1.4, ASPECT_WEIGHT = 0.1;
  const FURTHEST = Math.log(1.1);
  const BYTES_PER_VALUE = 2; // bfloat16 weights and cache
  const STEP = 1.01, SMALLEST_PARAMS = 1e2;

  // Returns {n_layers, d_model, heads, d_ff, vocab, seq_len, total, non_embedding, matmul} of a width and a depth.
  function shapeOf(width, layers, { vocab_size: vocab, seq_len: seqLen, counted_vocab: counted = null }) {
    const headDim = width <= 1024 ? 64 : 128;
    const ff = FF_STEP * Math.ceil((FF_RATIO * width) / FF_STEP);
    const matrices = layers * (4 * width * width + 3 * ff * width);
    const vectors = layers * (2 * width + 2 * headDim) + width;
    return {
      n_layers: layers, d_model: width, heads: width / headDim, d_ff: ff, vocab, seq_len: seqLen,
      total: matrices + vectors + 2 * vocab * width,
      non_embedding: matrices + vectors,
      matmul: matrices + vocab * width,
      counted_vocab: counted,
    };
  }

  // Returns N as the law counts it: where `counted_vocab` is set, with one table of so many in place of the shape's own.
  const countOf = (shape, convention) =>
    shape.counted_vocab === null ? shape[convention] : shape.non_embedding + shape.counted_vocab * shape.d_model;

  const widthAfter = (width) => width + (width < 1024 ? 64 : width < 4096 ? 128 : 1024);

  // Returns the shape nearest to `params` parameters of that convention, or null where none is within 10 %.
  function nearestShape(params, convention, recipe) {
    let best = null;
    for (let width = SMALLEST_WIDTH; width <= LARGEST_WIDTH; width = widthAfter(width)) {
      const [one, two] = [1, 2].map((layers) => countOf(shapeOf(width, layers, recipe), convention));
      if (one > 2 * params) break;
      const usual = width / (ASPECT_COEFFICIENT * width ** ASPECT_EXPONENT);
      const target = 1 + (params - one) / (two - one);
      for (const layers of new Set([Math.floor(target), Math.ceil(target), Math.floor(usual), Math.ceil(usual)])) {
        if (layers < 1 || layers < usual / ASPECT_SLACK || layers > usual * ASPECT_SLACK) continue;
        const error = Math.log((one + (layers - 1) * (two - one)) / params);
        const score = error ** 2 + (ASPECT_WEIGHT * Math.log(layers / usual)) ** 2;
        if (best === null || score < best.score) best = { score, error, width, layers };
      }
    }
    if (best === null || Math.abs(best.error) > FURTHEST) return null;
    return shapeOf(best.width, best.layers, recipe);
  }

  // Returns training FLOPs a token of a shape by convention (flops.py; attention at the whole context).
  function flopsPerToken(shape, convention) {
    const { n_layers: layers, d_model: width, heads, d_ff: ff, vocab, seq_len: context } = shape;
    const attention = 12 * layers * width * context;
    const appendix = layers * (6 * width * width + 4 * context * width + 3 * heads * context + 2 * width * width + 6 * width * ff);
    return {
      six_n: 6 * shape.total,
      six_n_non_embedding: 6 * shape.non_embedding,
      palm_mfu: 6 * shape.total + attention,
      matmul: 6 * shape.matmul + attention,
      megatron_hardware: 96 * layers * width * width * (1 + context / (6 * width) + vocab / (16 * layers * width)),
      chinchilla_appendix_f: 3 * (appendix + 4 * vocab * width),
      chinchilla_appendix_f_body: 3 * appendix,
    }[convention];
  }

  // Returns training FLOPs a token as the law counts them; with its own head alone where the law counts another table.
  const lawFlops = (shape, law) =>
    shape.counted_vocab !== null ? 6 * (shape.non_embedding + shape.vocab * shape.d_model)
    : law.flops_convention === "six_n" ? 6 * shape[law.params_convention] : flopsPerToken(shape, law.flops_convention);

  // Returns model FLOPs, attention included, over those that the law counts; 1 without a shape.
  const flopsOverLaw = (shape, law) => (shape === null ? 1 : flopsPerToken(shape, "palm_mfu") / lawFlops(shape, law));

  // Returns bytes of weights and key-value cache of one sequence.
  const serveBytes = (shape) =>
    shape.total * BYTES_PER_VALUE + 2 * shape.n_layers * shape.d_model * shape.seq_len * BYTES_PER_VALUE;

  // Returns the largest shape that so many bytes serve, to 1 % of its size; null where none is (serving.py).
  function largestServed(bytes, convention, recipe) {
    for (let size = (1.05 * bytes) / BYTES_PER_VALUE; size > SMALLEST_PARAMS; size /= STEP) {
      const shape = nearestShape(size, convention, recipe);
      if (shape !== null && serveBytes(shape) <= bytes) return shape;
    }
    return null;
  }

  isoflop.shape = { nearestShape, countOf, flopsPerToken, lawFlops, flopsOverLaw, serveBytes, largestServed };
})(globalThis.isoflop);

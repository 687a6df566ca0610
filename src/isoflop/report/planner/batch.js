// Tokens of a step: isoflop/large_recipe.py, by the law of batches that `data.shape.batch` names, and no more than
// published runs of about the size had (isoflop/laws/rates.py).
(function (isoflop) {
  "use strict";
  const LEADING_BITS = 3; // a batch keeps so many, so that many numbers of devices divide it
  const SAME_SIZE = 2; // sizes up to so many times larger or smaller count as one (practice.py)

  // Rounds half to even, as Python does.
  function rounded(value) {
    const low = Math.floor(value);
    if (value - low !== 0.5) return Math.round(value);
    return low % 2 ? low + 1 : low;
  }

  const valueAt = (power, at) =>
    power.factor * at.params ** power.params * at.tokens ** power.tokens * at.flops ** power.flops;

  // The value with each quantity held at the edge of the law's runs beyond which it would rise.
  function heldAt(law, at) {
    const held = { ...at };
    for (const [name, [low, high]] of Object.entries(law.domain)) {
      held[name] = law.batch_tokens[name] > 0 ? Math.min(held[name], high) : Math.max(held[name], low);
    }
    return valueAt(law.batch_tokens, held);
  }

  function hasSize(law, N) {
    const sizes = law.domain.params;
    return sizes !== undefined && sizes[0] / SAME_SIZE <= N && N <= sizes[1] * SAME_SIZE;
  }

  // Batches of published models within a factor of two in size, or of the nearest size.
  function publishedBatches(models, N) {
    const apart = models.map((model) => Math.abs(Math.log(model.params / N)));
    const furthest = Math.max(Math.log(SAME_SIZE), Math.min(...apart));
    return models.filter((model, i) => apart[i] <= furthest && model.batch_tokens !== null).map((model) => model.batch_tokens);
  }

  // Returns sequences of a step of a run of `shape` on so many tokens.
  function sequences(shape, tokens, { rule, laws, models }) {
    const at = (law) => {
      const params = shape[law.params_convention];
      return { params, tokens, flops: 6 * params * tokens };
    };
    const had = publishedBatches(models, shape.total);
    for (const law of laws) if (hasSize(law, at(law).params)) had.push(heldAt(law, at(law)));
    const ruling = laws.find((law) => law.name === rule);
    const most = had.length ? Math.max(...had) : Infinity;
    const target = Math.min(valueAt(ruling.batch_tokens, at(ruling)), most) / shape.seq_len;
    const step = 2 ** Math.max(0, Math.floor(Math.log2(Math.max(1, target))) - LEADING_BITS + 1);
    return step * Math.max(1, rounded(target / step));
  }

  isoflop.batch = { rounded, sequences };
})(globalThis.isoflop);

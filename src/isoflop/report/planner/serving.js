// The largest model that a memory serves, in place of a larger one that was chosen: a port of isoflop/plan/serving.py.
(function (isoflop) {
  "use strict";
  const { Refusal, checkPositive, format, formatQuantity } = isoflop.numbers;
  const { nearestShape, countOf, largestServed, serveBytes } = isoflop.shape;

  const bytesText = (bytes) => {
    const power = Math.min(Math.floor(Math.log2(bytes) / 10), 4);
    return `${format(bytes / 1024 ** power)} ${["B", "KiB", "MiB", "GiB", "TiB"][power]}`;
  };

  // Returns the largest shape within so many bytes; refuses where there is none.
  function largest(data, law, bytes) {
    checkPositive("memory", bytes);
    if (!data.shape) throw new Refusal("input", "memory: a limit of what is served needs the shape of a model");
    const shape = largestServed(bytes, law.params_convention, data.shape);
    if (shape !== null) return shape;
    const message = `no model can be served within ${bytesText(bytes)} of weights and cache; allow more memory`;
    throw new Refusal("no_model_served", message);
  }

  // Returns [objective, notices]: the objective, or in its place the largest model that fits into `bytes`.
  function limited(data, source, objective, N, bytes) {
    if (bytes === undefined || bytes === null) return [objective, []];
    checkPositive("memory", bytes);
    if (!data.shape) throw new Refusal("input", "memory: a limit of what is served needs the shape of a model");
    const convention = source.law.params_convention;
    const requested = nearestShape(N, convention, data.shape);
    if (requested !== null && serveBytes(requested) <= bytes) return [objective, []];
    const shape = largest(data, source.law, bytes);
    const most = countOf(shape, convention);
    if (requested === null && N <= most) return [objective, []];
    const limit = bytesText(bytes);
    if ("params" in objective.numbers) {
      const message = `a model of ${formatQuantity(N)} parameters takes more than the ${limit} that may be served, so that `
        + `the two contradict each other; the largest that fits has ${formatQuantity(most)}`;
      throw new Refusal("not_served", message);
    }
    const message = `the best size, ${formatQuantity(N)}, cannot be served within ${limit}; planned is the largest that `
      + `can: ${bytesText(serveBytes(shape))}`;
    return [objective.atMost(most, shape), [{ code: "size_limited", message }]];
  }

  isoflop.serving = { limited };
})(globalThis.isoflop);

// What limits a plan, and what each limit costs: the difference of two plans, with it and without it. A port of
// isoflop/plan/limits.py, for the limits that the page has.
(function (isoflop) {
  "use strict";
  const { Refusal } = isoflop.numbers;
  const SAME = 1e-9; // of N and D, within which two plans are one
  const SAME_LOSS = 1e-12; // of their loss: what a little repeated text costs is no rounding
  const WORDS = { params: "parameters", tokens: "tokens", tokens_per_param: "tokens per parameter" };

  // Returns {problem, N, D, spend, loss} of a problem for C training FLOPs within `bytes` where it is served.
  function answer(given, planned, asked, C, bytes) {
    const { data, source } = isoflop.tables.withOwnTables(given, planned, asked, C);
    const law = isoflop.source.lawAt(source, C);
    let [N, D] = asked.choose(law, C, source.cost);
    const [problem] = isoflop.serving.limited(data, source, asked, N, bytes);
    if (problem !== asked) [N, D] = problem.choose(law, C, source.cost);
    const flops = isoflop.cost.trainingFlops(source.cost, N, D);
    const loss = isoflop.laws.hasLoss(law) ? isoflop.budget.lossAt(source, law, problem, ...counted(data, source, problem, N, D, flops)) : null;
    return { problem, N, D, spend: problem.spend(N, D, source.cost), loss };
  }

  // Returns [N, D] of the run whose loss is that of a size that is fixed, and mostly tables.
  function counted(data, source, problem, N, D, flops) {
    const tables = "params" in problem.numbers ? isoflop.tables.mostlyTables(data, source, problem, { N, flops, loss: 0 }) : null;
    return tables === null || tables.alike === null ? [N, D] : [tables.alike, tables.tokens];
  }

  // FLOPs that reaching the loss of `planned` takes less without the limit; null where nothing reaches it there.
  function flopsSaved(data, source, planned, free, bytes) {
    try {
      const C = isoflop.budget.flopsForLoss(data, source, planned.loss, free, bytes);
      const saved = planned.spend - answer(data, source, free, C, bytes).spend;
      return Math.abs(saved) > SAME * planned.spend ? saved : 0;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return null;
    }
  }

  function priced(data, source, planned, C, { name, value, unit, free, bytes }) {
    const without = answer(data, source, free, C, bytes);
    const near = (one, other, same = SAME) => Math.abs(one - other) <= same * Math.max(Math.abs(one), Math.abs(other));
    const known = planned.loss !== null && without.loss !== null;
    const binding = !(near(planned.N, without.N) && near(planned.D, without.D) && (!known || near(planned.loss, without.loss, SAME_LOSS)));
    const price = { price_flops: known ? 0 : null, price_loss: known ? 0 : null };
    if (known && binding) {
      price.price_flops = flopsSaved(data, source, planned, free, bytes);
      price.price_loss = planned.loss - without.loss;
    }
    return { name, value, unit, binding, ...price };
  }

  // Returns [{name, value, unit, binding, price_flops, price_loss}] of every limit of a plan but its budget.
  function limitsOf(data, source, asked, C, bytes) {
    const { numbers } = asked;
    const relaxed = Object.keys(WORDS).filter((field) => field in numbers).map((field) =>
      ({ name: WORDS[field], value: numbers[field], unit: WORDS[field], free: asked.without(field), bytes }));
    if (asked.repeats) {
      const free = asked.without("unique_tokens");
      relaxed.push({ name: "unique tokens", value: numbers.unique_tokens, unit: "tokens", free, bytes });
    }
    if (bytes !== undefined && bytes !== null) {
      relaxed.push({ name: "serving memory", value: bytes, unit: "bytes", free: asked, bytes: null });
    }
    if (relaxed.length === 0) return [];
    const planned = answer(data, source, asked, C, bytes);
    return relaxed.map((each) => priced(data, source, planned, C, each));
  }

  isoflop.limits = { limitsOf };
})(globalThis.isoflop);

// Shapes that are mostly tables, whose N is not what the law calls N: isoflop/plan/table_share.py, where the sources are.
(function (isoflop) {
  "use strict";
  const { format } = isoflop.numbers;
  const { nearestShape, countOf, lawFlops } = isoflop.shape;
  const MOST_SHARE = 0.5, RUNS_VOCABULARY = 32000;
  const OF_THOSE_RUNS = ["hoffmann2022", "besiroglu2024"];

  const ofKnownRuns = (name) => OF_THOSE_RUNS.some((known) => name.startsWith(known));
  const shareOf = (shape) => 1 - shape.non_embedding / shape.total;
  const sources = new WeakMap(); // each source with the cost of its own tables, made once: its draws are kept by it

  // The source with tokens that cost what those of shapes with the page's tables do: own_tables.py.
  function withCost(source, cost) {
    if (isoflop.cost.isSixN(cost)) return source;
    if (!sources.has(source)) sources.set(source, { ...source, cost, runs_cost: source.cost });
    return sources.get(source);
  }

  // N beyond which no shape is mostly tables.
  const mostOfTables = (vocab) => 4 * vocab * (2 * vocab) ** 0.6;

  // Returns {data, source} for C training FLOPs: where the shape of the law's own N would be mostly tables, with N as the
  // law counts and the cost of the shape's own head; as given where N is fixed, or the tables of the runs are not known.
  function withOwnTables(data, source, asked, C) {
    const given = { data, source };
    const { params_convention: convention } = source.law;
    if (!data.shape || "params" in asked.numbers || !ofKnownRuns(source.name) || convention !== "total") return given;
    const law = isoflop.source.lawAt(source, C);
    if (!isoflop.laws.hasLoss(law)) return given;
    const [N] = asked.choose(law, C, source.cost);
    if (N > mostOfTables(data.shape.vocab_size)) return given;
    const counting = { ...data.shape, counted_vocab: RUNS_VOCABULARY };
    const shape = nearestShape(N, convention, data.shape) ?? nearestShape(N, convention, counting);
    if (shape === null || shareOf(shape) <= MOST_SHARE) return given;
    return { data: { ...data, shape: counting }, source: withCost(source, data.shape.own_cost) };
  }

  function solvedMessage(shape, limited) {
    const solved = limited ? "N was limited with" : "N was solved again with";
    return `${Math.round(100 * shareOf(shape))} % of the shape's parameters are the table of the embedding and the output head, `
      + `for a vocabulary of ${shape.vocab.toLocaleString("en-US")}, where the law's runs had one table of `
      + `${RUNS_VOCABULARY.toLocaleString("en-US")}: ${solved} the FLOPs of this shape's own head, and N and the loss are those `
      + `of the run with the same layers, which the law counts as ${format(countOf(shape, "total"))}`;
  }

  function message(share, vocab, alike) {
    const words =
      `${Math.round(100 * share)} % of the shape's parameters are the table of the embedding and the output head, for a ` +
      `vocabulary of ${vocab.toLocaleString("en-US")}: the law's runs had few of them there, so its N is not the best size ` +
      "for this vocabulary";
    const counted = alike === null ? "" : `, and the loss is that of the run with the same layers, which the law counts as ${format(alike)}`;
    return `${words}${counted}; plan with a smaller --vocab, --tied or a larger budget`;
  }

  // Returns {alike, tokens, notice} where the shape built for N is mostly tables that the law counts in N, else null,
  // and where N was solved with its tables:
  // N of the run of the law with the same layers, null where that is not known, and the tokens of the built shape.
  function mostlyTables(data, source, objective, { N, flops, loss }) {
    const convention = source.law.params_convention;
    if (!data.shape || convention !== "total") return null;
    const shape = objective.shape ?? nearestShape(N, convention, data.shape);
    if (shape === null) return null;
    const tokens = flops / lawFlops(shape, source.law);
    if (shape.counted_vocab !== null) {
      const notice = { code: "tables_solved", message: solvedMessage(shape, objective.shape !== null) };
      return { alike: countOf(shape, convention), tokens, notice };
    }
    const share = shareOf(shape);
    if (share <= MOST_SHARE) return null;
    const known = loss !== null && ofKnownRuns(source.name);
    const alike = known ? shape.non_embedding + RUNS_VOCABULARY * shape.d_model : null;
    const notice = { code: "mostly_tables", message: message(share, shape.vocab, alike) };
    return { alike, tokens, notice };
  }

  isoflop.tables = { withOwnTables, mostlyTables };
})(globalThis.isoflop);

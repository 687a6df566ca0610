// Shapes that are mostly tables, whose N is not what the law calls N: isoflop/plan/table_share.py, where the sources are.
(function (isoflop) {
  "use strict";
  const { format } = isoflop.numbers;
  const { nearestShape, lawFlops } = isoflop.shape;
  const MOST_SHARE = 0.5, RUNS_VOCABULARY = 32000;
  const OF_THOSE_RUNS = ["hoffmann2022", "besiroglu2024"];

  function message(share, vocab, alike) {
    const words =
      `${Math.round(100 * share)} % of the shape's parameters are the table of the embedding and the output head, for a ` +
      `vocabulary of ${vocab.toLocaleString("en-US")}: the law's runs had few of them there, so its N is not the best size ` +
      "for this vocabulary";
    const counted = alike === null ? "" : `, and the loss is that of the run with the same layers, which the law counts as ${format(alike)}`;
    return `${words}${counted}; plan with a smaller --vocab, --tied or a larger budget`;
  }

  // Returns {alike, tokens, notice} where the shape built for N is mostly tables that the law counts in N, else null:
  // N of the run of the law with the same layers, null where that is not known, and the tokens of the built shape.
  function mostlyTables(data, source, objective, { N, flops, loss }) {
    const convention = source.law.params_convention;
    if (!data.shape || convention !== "total") return null;
    const shape = objective.shape ?? nearestShape(N, convention, data.shape);
    const share = shape === null ? 0 : 1 - shape.non_embedding / shape.total;
    if (share <= MOST_SHARE) return null;
    const known = loss !== null && OF_THOSE_RUNS.some((name) => source.name.startsWith(name));
    const alike = known ? shape.non_embedding + RUNS_VOCABULARY * shape.d_model : null;
    const notice = { code: "mostly_tables", message: message(share, shape.vocab, alike) };
    return { alike, tokens: flops / lawFlops(shape, source.law), notice };
  }

  isoflop.tables = { mostlyTables };
})(globalThis.isoflop);

// Warnings about questions outside the data that a law was fitted to: a port of isoflop/plan/intervals.py; and the grade
// of an answer from its warnings, as isoflop/codes.py gives it.
(function (isoflop) {
  "use strict";
  const { format } = isoflop.numbers;
  const LARGEST_VOCABULARY = 262144; // Gemma 3's: the bound where the vocabulary of a loss is not known

  const BEYOND_EVIDENCE = 100; // times outside of a law's runs (intervals.py)

  // Returns the warning of a loss above that of a guess, where no law holds.
  function guessingNotices(source, loss) {
    const unit = source.law.loss_unit;
    const perByte = unit.endsWith("_per_byte");
    const choices = perByte ? 256 : LARGEST_VOCABULARY;
    const most = unit.startsWith("bits") ? Math.log2(choices) : Math.log(choices);
    if (loss === null || loss <= most || unit.endsWith("_per_character")) return [];
    const guess = `${format(most, 4)} of a guess among ${choices.toLocaleString("en")} ${perByte ? "bytes" : "tokens"}`;
    const message = `a loss of ${format(loss, 4)} ${unit.replaceAll("_", " ")} is above the ${guess}: no law holds there, `
      + "so neither size nor loss mean anything; give more compute, more text or a larger size";
    return [{ code: "loss_above_guessing", message }];
  }

  // Returns `extrapolation`, `beyond_evidence`, `caution`, `no_loss` and `no_draws` as they apply.
  function domainNotices(source, { flops, params, tokens }) {
    const notices = [];
    const outside = [];
    let furthest = 1;
    for (const [name, value] of Object.entries({ flops, params, tokens })) {
      const [low, high] = source.law.domain[name] ?? [value, value];
      if (value >= low && value <= high) continue;
      const [factor, side] = value > high ? [value / high, "above the largest"] : [low / value, "below the smallest"];
      furthest = Math.max(furthest, factor);
      // the page brings the formats of its own; the mathematics alone has the plain one
      const written = name !== "flops" && isoflop.text ? isoflop.text.formatQuantity(value) : format(value);
      outside.push(`${name} of ${written} are ${format(factor)} times ${side}`);
    }
    if (outside.length > 0) {
      const runs = source.law.name === "fitted" ? "the fitted runs" : `the runs behind ${source.name}`;
      notices.push({ code: "extrapolation", message: `outside ${runs}: ${outside.join("; ")}` });
      if (furthest > BEYOND_EVIDENCE) {
        const message = `${format(furthest)} times outside ${runs}: no forecast beyond ${BEYOND_EVIDENCE} times was ever held `
          + "against what came, so nothing says how far this one is off";
        notices.push({ code: "beyond_evidence", message });
      }
    }
    if (source.law.caution) notices.push({ code: "caution", message: `${source.name}: ${source.law.caution}` });
    if (!isoflop.laws.hasLoss(source)) {
      const message = `law ${source.name} says how N and D grow with compute, not what the loss is`;
      notices.push({ code: "no_loss", message });
    }
    if (source.draws === null) {
      const message = source.without
        ?? `law ${source.name} comes without draws of its constants: no intervals and no expected waste`;
      notices.push({ code: "no_draws", message });
    }
    return notices;
  }

  // Returns {word, codes, remedies}: how far an answer may be relied on, from the weights of its warnings.
  function gradeOf(data, notices) {
    const codes = [...new Set(notices.map((notice) => notice.code))];
    const weightOf = (code) => (data.codes[code] ? data.codes[code].weight : "care");
    for (const [weight, word] of [["unsound", "do not use"], ["care", "with care"]]) {
      const found = codes.filter((code) => weightOf(code) === weight);
      if (found.length === 0) continue;
      const remedies = found.filter((code) => data.codes[code]).map((code) => data.codes[code].remedy);
      return { word, codes: found, remedies };
    }
    return { word: "sound", codes: [], remedies: [] };
  }

  isoflop.intervals = { guessingNotices, domainNotices, gradeOf };
})(globalThis.isoflop);

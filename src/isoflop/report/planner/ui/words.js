// An answer in words: the sentence, the grade, the facts and the command that gives the same answer.
(function (isoflop) {
  "use strict";
  isoflop.words = {};
  const HOURS_PER_DAY = 24, SECONDS_PER_HOUR = 3600;
  const SIGNS = { USD: "$", EUR: "€", GBP: "£" };

  // Returns a sum: $1.09M, or 1.09M where the currency is not known.
  isoflop.words.formatMoney = (amount, currency) => {
    const text = isoflop.text.formatQuantity(amount);
    if (!currency) return text;
    return currency in SIGNS ? SIGNS[currency] + text : `${text} ${currency}`;
  };

  // Returns a time of a run: in days from two days on, in hours from two hours on.
  isoflop.words.formatHours = (hours) => {
    if (hours >= 2 * HOURS_PER_DAY) return `${isoflop.text.formatQuantity(hours / HOURS_PER_DAY)} days`;
    if (hours >= 2) return `${isoflop.text.trimmed(hours)} hours`;
    return isoflop.text.formatDuration(hours * SECONDS_PER_HOUR);
  };

  isoflop.words.range = (ends, format) => (ends ? `${format(ends[0])} to ${format(ends[1])}` : "");

  // Returns "Train 67B on 1.2T tokens: 30 days, $1.09M, loss 1.978 (1.93 to 2.02)."
  isoflop.words.sentence = (plan, currency) => {
    const parts = [];
    if (plan.hours != null) parts.push(isoflop.words.formatHours(plan.hours));
    if (plan.price != null) parts.push(isoflop.words.formatMoney(plan.price, currency));
    if (plan.loss == null) parts.push("no loss by this law");
    else {
      const between = plan.loss_interval ? ` (${isoflop.words.range(plan.loss_interval, (end) => end.toFixed(2))})` : "";
      parts.push(`loss ${plan.loss.toFixed(3)}${between}`);
    }
    if (plan.wasted_share != null) {
      const sum = plan.price == null ? "" : ` (${isoflop.words.formatMoney(plan.wasted_share * plan.price, currency)})`;
      parts.push(`wastes ${isoflop.text.formatShare(plan.wasted_share)} of the compute${sum}`);
    }
    const [size, tokens] = [plan.params, plan.tokens].map((count) => isoflop.text.formatQuantity(count));
    return `${unsure(plan)}rain ${size} on ${tokens} tokens: ${parts.join(", ")}.`;
  };

  // Where the runs do not identify the best size, the range comes first: a single number would be a guess.
  function unsure(plan) {
    const open = plan.params_interval && plan.warnings.some((warning) => warning.code === "size_not_identified");
    const range = open && isoflop.words.range(plan.params_interval, isoflop.text.formatQuantity);
    return open ? `The best size is somewhere in ${range}. At the middle, t` : "T";
  }

  // Returns the lines beside the star: the run, and what its size wastes, of the compute and of the money.
  isoflop.words.star = (plan, currency) => {
    const [size, tokens] = [plan.params, plan.tokens].map((count) => isoflop.text.formatQuantity(count));
    const lines = [`${size} on ${tokens} tokens`];
    if (plan.wasted_share == null) return plan.objective === "training_only" ? [...lines, "the best size by this law"] : lines;
    const money = plan.price == null ? "" : `: ${isoflop.words.formatMoney(plan.wasted_share * plan.price, currency)}`;
    return [...lines, `wastes ${isoflop.text.formatShare(plan.wasted_share)} of the compute${money}`];
  };

  // Returns [[label, value, note], ...] of everything that an answer says.
  isoflop.words.facts = (plan, currency) => {
    const level = `${isoflop.text.trimmed(plan.level * 100)} % interval`;
    const between = (ends, format) => (ends ? `${isoflop.words.range(ends, format)}, ${level}` : "");
    const money = (amount) => isoflop.words.formatMoney(amount, currency);
    const facts = [
      ["Parameters", isoflop.text.formatQuantity(plan.params), between(plan.params_interval, isoflop.text.formatQuantity)],
      ["Tokens", isoflop.text.formatQuantity(plan.tokens), between(plan.tokens_interval, isoflop.text.formatQuantity)],
      ["Tokens a parameter", isoflop.text.formatQuantity(plan.tokens_per_param), ""],
      ["Training FLOPs", isoflop.text.formatFlops(plan.flops), beyond(plan.extrapolation_factor)],
      ...(plan.lifetime_flops == null ? [] : [["With inference", `${isoflop.text.formatFlops(plan.lifetime_flops)} FLOPs`, ""]]),
      ...limitFacts(plan),
    ];
    if (plan.loss != null) {
      facts.splice(2, 0, ["Loss", plan.loss.toFixed(4), between(plan.loss_interval, (end) => end.toFixed(4))]);
    }
    const waste = plan.wasted_share ?? plan.expected_waste;
    if (waste != null) {
      const label = plan.wasted_share == null ? "Expected waste" : "Wasted";
      const why = plan.wasted_share == null ? "since the best size is not known better" : "by this size, against the best";
      const sum = plan.price == null ? "" : `${money(waste * plan.price)}, `;
      facts.push([label, `${isoflop.text.formatShare(waste)} of the compute`, sum + why]);
    }
    if (plan.hours != null) {
      const rate = plan.hours_range && plan.hours_range[0] < plan.hours_range[1];
      facts.push(["Time", isoflop.words.formatHours(plan.hours), rate ? isoflop.words.range(plan.hours_range, isoflop.words.formatHours) : ""]);
    }
    if (plan.bill && plan.bill.hours_source === "layout") facts.push(["Layout", isoflop.words.layout(plan.layout.layout), stepOf(plan.layout)]);
    if (plan.price != null) {
      const rate = plan.price_range && plan.price_range[0] < plan.price_range[1];
      facts.push(["Price", money(plan.price), rate ? isoflop.words.range(plan.price_range, money) : ""]);
    }
    if (plan.energy_kwh != null) {
      const ends = plan.bill.energy_range;
      const rate = ends && ends[0] < ends[1] ? `${isoflop.words.range(ends, isoflop.text.formatEnergy)}, ` : "";
      facts.push(["Energy", isoflop.text.formatEnergy(plan.energy_kwh), `${rate}of the devices alone`]);
    }
    return facts;
  };

  // A limit with its value: serving memory (74.5 GiB).
  function named({ name, value, unit }) {
    return `${name} (${unit === "bytes" ? isoflop.text.formatBytes(value) : isoflop.text.formatQuantity(value)})`;
  }

  // What limits the plan, each with its price, and what does not.
  function limitFacts(plan) {
    const facts = plan.limits.filter((limit) => limit.binding).map((limit) => {
      const costs = [];
      if (limit.price_flops > 0) {
        const share = isoflop.text.formatShare(limit.price_flops / (plan.lifetime_flops ?? plan.flops));
        costs.push(`${isoflop.text.formatFlops(limit.price_flops)} FLOPs at this loss, ${share} of them`);
      }
      if (limit.price_loss > 0) costs.push(`${isoflop.text.trimmed(limit.price_loss)} of loss at this budget`);
      return ["Limited by", named(limit), costs.length ? `costs ${costs.join(", or ")}` : ""];
    });
    const idle = plan.limits.filter((limit) => !limit.binding);
    if (idle.length) facts.push(["Not limited by", idle.map(named).join(", "), ""]);
    return facts;
  }

  // Returns a layout as the terminal writes it: 2 data x 256 sharded x 4 tensor.
  isoflop.words.layout = ({ data, sharded, tensor, pipeline, interleaved }) => {
    const ways = Object.entries({ data, sharded, tensor, pipeline, interleaved }).filter(([, count]) => count > 1);
    return ways.map(([name, count]) => `${count} ${name}`).join(" x ") || "one device";
  };

  const RECOMPUTED = {
    none: "no activation recomputation", selective: "recomputing every second product", full: "recomputing whole layers",
  };

  function stepOf({ seconds, batch_sequences: batch, recompute }) {
    const step = seconds < 999.5 ? `${isoflop.text.trimmed(seconds)} s` : isoflop.text.formatDuration(seconds);
    return `${step} for a step of ${batch.toLocaleString("en")} sequences, ${RECOMPUTED[recompute]}`;
  }

  function beyond(factor) {
    if (factor == null || factor <= 1) return factor == null ? "" : "within the compute of the law's runs";
    return `${isoflop.text.trimmed(factor)} times the largest compute that the law was fitted to`;
  }

  // Returns the command whose answer is the page's: `isoflop plan` by the law or the fit of `path`; `device`: the options
  // that state a device of the user.
  isoflop.words.commandOf = (request, path, device) => {
    const law = path ? `--fit ${quoted(path)}` : `--law ${quoted(request.law)}`;
    const rest = isoflop.request.OPTIONS.filter((option) => option !== "law" && request[option]);
    const stated = rest.map((option) => `--${option} ${quoted(request[option])}`);
    return ["isoflop plan", law, ...stated, ...(device ? [device] : [])].join(" ");
  };

  function quoted(text) {
    return /^[\w.,:/+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'"'"'`)}'`;
  }
})(globalThis.isoflop);

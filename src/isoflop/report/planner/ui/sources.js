// The foot of the page: how its numbers are counted, and where they come from.
(function (isoflop) {
  "use strict";
  const { element } = isoflop.drawing;
  const { formatMoney } = isoflop.words;
  const CONVENTIONS = {
    total: "all parameters", non_embedding: "all parameters but embedding and output head", six_n: "6 N D",
    six_n_non_embedding: "6 N D without embedding and output head", nats_per_token: "nats a token of the law's own text",
  };
  const worded = (convention) => CONVENTIONS[convention] ?? convention.replaceAll("_", " ");
  isoflop.sources = {};

  // Shows the conventions and sources of a plan.
  isoflop.sources.show = (data, plan, inputs, currency) => {
    const source = data.sources.find((each) => each.name === inputs.law);
    const { law } = source;
    const device = data.devices.find((each) => each.name === inputs.device.name);
    const lines = [
      ["Law", `${inputs.law}${law.paper ? `: ${law.paper}` : ""}${law.place ? `; ${law.place}` : ""}.`],
      ["Counting", `N is ${worded(law.params_convention)}, C is ${worded(law.flops_convention)}, loss is in ${worded(law.loss_unit)}.`],
      ["Intervals", intervals(source, plan)],
      ["Hours", hours(data, plan, device)],
      ["Price", plan.bill.price_per_hour == null
        ? "no price of this device is known: type one."
        : `${formatMoney(plan.bill.price_per_hour, currency)} a device-hour${from(plan.bill.price_source)}.`],
      ["Energy", device.watts == null ? "not known." : `${device.watts} W a device, its design power; hosts, network and cooling come on top.`],
      ["Systems", "parameters and tokens as their papers print them, compute as 6 N D."],
    ];
    document.getElementById("sources").replaceChildren(...lines.map(([label, text]) =>
      element("li", {}, element("strong", {}, `${label} `), text)));
  };

  // What the intervals are made of, and how far those of a fit may be from what `isoflop plan --fit` says.
  function intervals({ sizes, missing }, plan) {
    const level = `${isoflop.text.trimmed(plan.level * 100)} % nominal probability`;
    const percent = (share) => `${isoflop.numbers.format(100 * share, 1)} %`;
    if (missing) return "none: the resamples of a dropped fit lie in the .npz beside it. `isoflop planner --fit` makes a page that has them.";
    if (sizes) {
      return `${level}: the fit's resamples, forms and past forecasts. Sizes are read between tabulated forecasts, within `
        + `${percent(sizes.interpolation_error)} of isoflop plan --fit, ends of an interval within ${percent(sizes.interval_error)} of its width.`;
    }
    if (!plan.loss_interval) return "none: this law comes without resampled constants.";
    return `${level}: the law's resampled constants, and what public frontiers and other forms add beyond its runs.`;
  }

  // Where the hours come from.
  function hours(data, { bill, layout }, device) {
    const peak = `Peak: ${device.peak_flops / 1e12} TFLOP/s, ${device.training_format}, dense (${device.source}).`;
    const share = shares(bill.utilization);
    if (bill.hours_source === "utilization") {
      return `training FLOPs, attention included, over devices and ${share} of the peak${from(bill.utilization.source)}. ${peak}`;
    }
    const { expected, low, high } = data.run_over_steps;
    return `of the whole run: the steps at their predicted time in the layout ${isoflop.words.layout(layout.layout)}, times `
      + `${expected} (${low} to ${high}), as ${data.whole_runs} took beyond theirs with restarts, evaluation and input. `
      + `That is ${share} of the peak. ${peak}`;
  }

  const digits = (share) => isoflop.numbers.format(share);
  const shares = ({ low, high, expected }) => (low === high ? digits(low) : `${digits(expected)} (${digits(low)} to ${digits(high)})`);
  const from = (source) => (source === "given" ? ", as typed" : source ? ` (${source})` : "");
})(globalThis.isoflop);

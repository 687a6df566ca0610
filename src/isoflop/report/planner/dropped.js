// The law of a fit.json, as `isoflop fit FILE --out fit.json` writes it, read in the browser. Its resamples lie in a file
// beside it, so that a dropped fit has the law alone: no intervals, and neither the forecast of the size nor of the loss.
(function (isoflop) {
  "use strict";
  const { Refusal } = isoflop.numbers;
  const MISSING = ["params_interval", "tokens_interval", "loss_interval", "expected_waste", "size_forecast", "loss_forecast"];
  const LAWS = {
    parametric: { form: "chinchilla", names: ["E", "A", "B", "alpha", "beta"] },
    isoflop: { form: "frontier", names: ["params_coefficient", "a", "tokens_coefficient", "b"] },
    envelope: { form: "frontier", names: ["params_coefficient", "a", "tokens_coefficient", "b"] },
  };
  const BENDS = "frontier_bends";

  const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
  const isPair = (value) => Array.isArray(value) && value.length === 2 && value.every((end) => Number.isFinite(end));
  const textOf = (value) => (typeof value === "string" ? value : "");

  function expect(holds, what) {
    if (!holds) throw new Refusal("input", `expected a fit.json of isoflop fit --out: ${what}`);
  }

  // Returns {code, message} of the warnings of an approach.
  function noticesOf(fit) {
    const listed = isObject(fit) && Array.isArray(fit.warnings) ? fit.warnings.filter(isObject) : [];
    return listed.map(({ code, message }) => ({ code: textOf(code), message: textOf(message) }));
  }

  // Returns knots of the cost of a token; none for 6 N.
  function costOf(cost) {
    const { params, flops } = isObject(cost) ? cost : { params: [], flops: [] };
    const numbers = (each) => Array.isArray(each) && each.every((value) => Number.isFinite(value) && value > 0);
    expect(numbers(params) && numbers(flops) && params.length === flops.length && params.length !== 1, "cost is broken");
    return { params, flops };
  }

  // Returns the source of a law as they stand in the page's data, called `name`, with `missing`: what it cannot answer.
  // Refuses what is no fit, and a fit whose approaches were all refused.
  function sourceOfFit(fit, name) {
    expect(isObject(fit) && isObject(fit.parametric) && "schema" in fit, "it has no approaches");
    const approach = Object.keys(LAWS).find((each) => isObject(fit[each]) && fit[each].status === "ok");
    if (!approach) throw new Refusal("no_fit", `no approach could fit these runs: ${textOf(fit.parametric.reason)}`);
    const fitted = fit[approach];
    const { form, names } = LAWS[approach];
    expect(names.every((letter) => Number.isFinite(fitted[letter])), `constants of ${approach} are missing`);
    expect(isObject(fitted.provenance) && isObject(fitted.provenance.domain), "provenance is missing");
    expect(Object.values(fitted.provenance.domain).every(isPair), "domain is broken");
    const refused = approach === "parametric" ? [] : [{
      code: "parametric_refused",
      message: `planned with the ${approach} fit, as the parametric one was refused: ${textOf(fit.parametric.reason)}`,
    }];
    const bends = Object.keys(LAWS).filter((other) => other !== approach).flatMap((other) => noticesOf(fit[other]));
    return {
      name,
      law: { ...fitted.provenance, caution: textOf(fitted.provenance.caution), loss_unit: textOf(fitted.provenance.loss_unit) },
      form,
      constants: Object.fromEntries(names.map((letter) => [letter, fitted[letter]])),
      cost: costOf(fit.cost),
      scatter: 0,
      draws: null,
      bend: null,
      forms_around: null,
      forecaster: null,
      sizes: null,
      noise_points: [],
      notices: [...refused, ...noticesOf(fitted), ...bends.filter(({ code }) => code === BENDS)],
      missing: MISSING,
      without: `the law of ${name} alone: its resamples are in the .npz beside it, so that intervals and the forecasts of size `
        + "and loss are missing here; a page by `isoflop planner --fit` has them",
    };
  }

  // The source of a dropped fit; throws an Error with a message for people.
  isoflop.sourceOfFit = sourceOfFit;
})(globalThis.isoflop);

// The loss of a run by several forms of loss surface, mixed and widened by the errors of past forecasts: a port of
// isoflop/fit/forecast/{forecast,form_mixture}.py. The random numbers are those that Python draws, and come as data.
(function (isoflop) {
  "use strict";
  const { unpack, quantiles } = isoflop.numbers;
  const laws = isoflop.laws;
  const costs = isoflop.cost;
  const DISCREPANCY = 0.01; // sd of ln loss that a form may be off by however sure its resamples are
  const SHARED = 0.5; // of the forms' variance: they are fitted to the same losses
  const BIAS_FADES = 0.02; // a run this much above the least loss of its compute has half of the bias removed
  const unpackedForms = new WeakMap();

  // Returns [{name, law, draws, weight}] of a forecaster's data.
  function formsOf(forecaster) {
    if (!unpackedForms.has(forecaster)) {
      const centre = forecaster.centre;
      const withCentre = (law) => ({ form: law.form, constants: { ...law.constants, centre } });
      unpackedForms.set(forecaster, forecaster.forms.map((form) => ({
        law: withCentre({ form: form.form, constants: form.constants }),
        draws: laws.unpackDraws(form.form, form.draws).map(withCentre),
        rows: form.rows,
        trust: form.trust,
      })));
    }
    return unpackedForms.get(forecaster);
  }

  // ln of the loss over the least loss that its compute buys, by the Chinchilla form.
  function excess(forecaster, cost, N, D) {
    const { law } = formsOf(forecaster).find((form) => form.law.form === "chinchilla");
    const best = laws.loss(law, ...laws.optimum(law, costs.trainingFlops(cost, N, D), cost));
    return Math.max(Math.log(laws.loss(law, N, D) / best), 0);
  }

  // ln of how many times (N, D) lies beyond the rows, in compute, size or tokens, whichever is most; 0 inside.
  function distance(forecaster, cost, N, D) {
    const { params, tokens, flops } = forecaster.data_range;
    const C = costs.trainingFlops(cost, N, D);
    const outside = [
      0, Math.log(N / params[1]), Math.log(params[0] / N), Math.log(D / tokens[1]), Math.log(tokens[0] / D),
      Math.log(C / flops[1]),
    ];
    return forecaster.growth * Math.max(...outside);
  }

  // By what the bias grows: the distance to a power, ten times the compute counting as its ln.
  const biasDistance = (forecaster, away) =>
    away * (Math.min(away, Math.log(30)) / Math.log(10)) ** (forecaster.bias_power - 1);

  // Returns {centre, weights, offsets, deviations}: ln loss by several forms, weighted by trust over variance. How far the
  // forms differ counts only beyond what their own noise explains.
  function mixture(forecaster, cost, N, D) {
    const proximity = 1 / (1 + (excess(forecaster, cost, N, D) / BIAS_FADES) ** 2);
    const bias = forecaster.bias * biasDistance(forecaster, distance(forecaster, cost, N, D)) * proximity;
    const forms = formsOf(forecaster).map(function (form) {
      const drawn = form.draws.map((law) => Math.log(laws.loss(law, N, D)));
      const [low, middle, high] = quantiles(drawn, [0.16, 0.5, 0.84]);
      const variance = ((high - low) / 2) ** 2;
      return {
        predicted: Math.log(laws.loss(form.law, N, D)) - bias,
        deviations: drawn.map((value) => value - middle),
        variance,
        precision: form.trust / (variance + DISCREPANCY ** 2),
      };
    });
    const total = forms.reduce((sum, form) => sum + form.precision, 0);
    const weights = forms.map((form) => form.precision / total);
    const weighted = (value) => forms.reduce((sum, form, i) => sum + weights[i] * value(form), 0);
    const centre = weighted((form) => form.predicted);
    const between = weighted((form) => (form.predicted - centre) ** 2);
    const explained = (1 - SHARED) * weighted((form) => form.variance);
    const shrinkage = Math.sqrt(Math.max(between - explained, 0) / Math.max(between, 1e-300));
    return {
      centre,
      weights,
      offsets: forms.map((form) => shrinkage * (form.predicted - centre)),
      deviations: forms.map((form) => form.deviations),
    };
  }

  const point = (forecaster, cost, N, D) => Math.exp(mixture(forecaster, cost, N, D).centre);

  // Standard deviation of one run's ln loss, between knots of its excess.
  function noiseAt(noise, value) {
    const last = noise.excess.length - 1;
    if (value >= noise.excess[last]) return noise.sd[last];
    let cell = 0;
    while (noise.excess[cell + 1] <= value) cell++;
    const slope = (noise.sd[cell + 1] - noise.sd[cell]) / (noise.excess[cell + 1] - noise.excess[cell]);
    return slope * (value - noise.excess[cell]) + noise.sd[cell];
  }

  // Returns [low, high] between which the loss of one run lies with probability `level`.
  function interval(forecaster, cost, N, D, level) {
    const mixed = mixture(forecaster, cost, N, D);
    const away = distance(forecaster, cost, N, D);
    const noise = noiseAt(forecaster.noise, excess(forecaster, cost, N, D));
    const scales = [forecaster.bias_sd * biasDistance(forecaster, away), forecaster.form_error * away, noise];
    const errors = forecaster.errors.map(unpack);
    const rows = formsOf(forecaster).map((form) => unpack(form.rows));
    const edges = [];
    for (let i = 0, sum = 0; i < mixed.weights.length - 1; i++) edges.push((sum += mixed.weights[i]));
    const spread = unpack(forecaster.uniforms).map(function (uniform, i) {
      const form = edges.filter((edge) => uniform > edge).length;
      const own = mixed.offsets[form] + mixed.deviations[form][rows[form][i]];
      return own + scales[0] * errors[0][i] + scales[1] * errors[1][i] + scales[2] * errors[2][i];
    });
    return quantiles(spread, [(1 - level) / 2, (1 + level) / 2]).map((edge) => Math.exp(mixed.centre + edge));
  }

  isoflop.forecaster = { point, interval };
})(globalThis.isoflop);

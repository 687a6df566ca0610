// The law of a plan with what is known about its errors: its draws at a budget, and the loss of a run with an interval.
// A port of isoflop/plan/law_source.py.
(function (isoflop) {
  "use strict";
  const { Refusal, unpack, percentileInterval } = isoflop.numbers;
  const laws = isoflop.laws;
  const unpackedDraws = new WeakMap();
  const lastBudget = new WeakMap();

  function sourceNamed(data, name) {
    const found = data.sources.find((source) => source.name === name);
    if (!found) {
      const names = data.sources.map((source) => source.name).join(", ");
      throw new Refusal("unknown_law", `law: expected one of ${names}, got ${name}`);
    }
    return found;
  }

  // Cost of a token of the runs behind the law: where the tables of a shape change what it costs, not the plan's own.
  const runsCost = (source) => source.runs_cost ?? source.cost;

  function drawsOf(source) {
    if (source.draws === null) return null;
    if (!unpackedDraws.has(source)) unpackedDraws.set(source, laws.unpackDraws(source.form, source.draws));
    return unpackedDraws.get(source);
  }

  // Each draw moved by what frontiers of public sets do beyond a straight line: a bend b adds b ((t - m)^2 - S^2 / 12) to
  // ln N_opt at t = ln C, against the line through runs uniform in ln C over a width S around m; the error of form grows
  // with the distance beyond the runs.
  function withPublicBend(source, draws, C) {
    const [low, high] = source.law.domain.flops.map(Math.log);
    const beyondLine = (Math.log(C) - (low + high) / 2) ** 2 - (high - low) ** 2 / 12;
    const away = Math.max(0, Math.log(C) - high);
    const { mean, sd, form_error: formError } = source.bend;
    const [bends, forms] = [unpack(source.bend.bends), unpack(source.bend.forms)];
    return draws.map(function (draw, i) {
      const shift = (mean + sd * bends[i]) * beyondLine + formError * forms[i] * away;
      const [N] = laws.optimum(draw, C, runsCost(source));
      return laws.moved(draw, N * Math.exp(shift), C, runsCost(source));
    });
  }

  // Returns the law of a source for a budget, which is all that a search over budgets needs: that of a fit moved to the
  // size that is forecast.
  function lawAt(source, C) {
    const law = { name: source.name, form: source.form, constants: source.constants };
    if (source.sizes === null) return law;
    return laws.moved(law, Math.exp(isoflop.sizes.centreOf(source.sizes, source.cost, C)), C, source.cost);
  }

  function drawsAt(source, C) {
    const draws = drawsOf(source);
    if (draws === null) return null;
    if (source.bend !== null) return withPublicBend(source, draws, C);
    if (source.sizes === null) return draws;
    const samples = isoflop.sizes.samplesOf(source.sizes, source.cost, C);
    const ranks = unpack(source.sizes.ranks);
    return Array.from(ranks, (rank, i) => laws.moved(draws[i % draws.length], Math.exp(samples[rank]), C, source.cost));
  }

  // Returns {flops, law, draws} for a budget; the draws are moved when they are first asked for. The last budget is
  // remembered: a figure asks for it again and again.
  function forBudget(source, C) {
    const remembered = lastBudget.get(source);
    if (remembered && remembered.flops === C) return remembered;
    let draws;
    const found = {
      flops: C,
      law: lawAt(source, C),
      get draws() {
        if (draws === undefined) draws = drawsAt(source, C);
        return draws;
      },
    };
    lastBudget.set(source, found);
    return found;
  }

  // Returns the loss to expect of one run of fresh text: of a fit by its forecaster, else by the law.
  function pointLoss(source, law, N, D) {
    if (source.forecaster !== null) return isoflop.forecaster.point(source.forecaster, source.cost, N, D);
    return laws.loss(law, N, D);
  }

  // Returns [loss of one run, its interval or null].
  function expectedLoss(source, at, N, D, level) {
    const loss = pointLoss(source, at.law, N, D);
    if (source.forecaster !== null) {
      return [loss, isoflop.forecaster.interval(source.forecaster, source.cost, N, D, level)];
    }
    if (source.forms_around !== null) {
      // The published form is one of several that its points allow: the interval reaches from the forecast of all forms
      // to the same interval around the loss of the published constants.
      const [low, high] = isoflop.forecaster.interval(source.forms_around, runsCost(source), N, D, level);
      const ratio = loss / isoflop.forecaster.point(source.forms_around, runsCost(source), N, D);
      return [loss, [Math.min(low, low * ratio), Math.max(high, high * ratio)]];
    }
    if (at.draws === null) return [loss, null];
    return [loss, lossInterval(at.draws.map((draw) => laws.loss(draw, N, D)), level, source)];
  }

  // Where the loss of one run lies: the draws' losses, each with the scatter of single runs.
  function lossInterval(losses, level, source) {
    if (!(source.scatter > 0)) return percentileInterval(losses, level);
    const noise = source.noise_points.map((point) => Math.exp(source.scatter * point));
    const spread = new Float64Array(losses.length * noise.length);
    losses.forEach((loss, i) => noise.forEach((factor, j) => (spread[i * noise.length + j] = loss * factor)));
    return percentileInterval(spread, level);
  }

  isoflop.source = { sourceNamed, lawAt, forBudget, pointLoss, expectedLoss, lossInterval };
})(globalThis.isoflop);

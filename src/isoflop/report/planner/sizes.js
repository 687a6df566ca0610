// Where the best size of a budget lies, by the estimators of a fit: a port of isoflop/fit/size/forecast.py. Frontiers, curve
// and bend are closed forms; how sure each estimator is, and the samples of the size, come from tables over budgets.
(function (isoflop) {
  "use strict";
  const { Refusal, unpack, quantiles, format, formatQuantity } = isoflop.numbers;
  const laws = isoflop.laws;
  const costs = isoflop.cost;
  const SAMPLES = 2000;
  const WIDEST = 4; // highest over lowest N of a 90 % interval, from where a size is not identified
  const DISCREPANCY = 0.08; // sd of ln N that an estimator may be off by however sure its resamples are
  const LEAST = 0.05; // a weight below this is none
  const FURTHEST_BEND = 10; // factor beyond its rows up to which a frontier that bends may be used
  const LEAST_SHIFT = 0.1; // of ln N by the bend: a smaller one is within the rounding of shapes
  const RATIO = 20; // tokens a parameter, as of compute optima

  // The coordinate in which the frontiers of a table are straight (ComputeScale.place).
  function placeOf(sizes, cost, C) {
    if (costs.isSixN(cost)) return Math.log(C);
    if (sizes.scale === null) return 2 * Math.log(costs.sizeAtRatio(cost, C, RATIO));
    const law = { form: "chinchilla", constants: sizes.scale };
    const { alpha, beta } = sizes.scale;
    return Math.log(laws.optimum(law, C, cost)[0]) / (beta / (alpha + beta));
  }

  // What a bend of 1 adds to ln N beyond the straight line through the rows of an estimator.
  function beyondLine(design, place) {
    const t = place - design.centre;
    return t * t - design.level - design.slope * t;
  }

  // ln N by one estimator, with the bend.
  function meanOf(sizes, estimator, cost, C) {
    const place = placeOf(sizes, cost, C);
    if (estimator.curve !== null) {
      const t = place - estimator.curve.centre;
      const [level, slope, bend] = estimator.curve.means;
      return level + slope * t + bend * t * t;
    }
    const straight = Math.log(laws.optimum(estimator.law, C, cost)[0]);
    return straight + sizes.bend * beyondLine(estimator.design, place);
  }

  // Returns [row, share of the next row] of C in the tables.
  function rowOf(sizes, C) {
    const first = sizes.log_flops[0];
    const last = sizes.log_flops.length - 1;
    const place = ((Math.log(C) - first) / (sizes.log_flops[last] - first)) * last;
    if (!(place >= -1e-9 && place <= last + 1e-9)) {
      const [low, high] = [first, sizes.log_flops[last]].map((x) => format(Math.exp(x)));
      throw new Refusal("input", `this page holds forecasts of the size from ${low} to ${high} FLOPs; expected such a budget`);
    }
    const row = Math.min(Math.max(Math.floor(place), 0), last - 1);
    return [row, place - row];
  }

  const between = (left, right, share) => left + (right - left) * share;

  // Median of ln N: the estimators weighted by trust over variance, a weight below 5 % being none.
  function centreOf(sizes, cost, C) {
    const [row, share] = rowOf(sizes, C);
    const place = (row + share) * sizes.sd_steps;
    const precision = sizes.estimators.map(function (estimator) {
      const table = unpack(estimator.sd);
      const step = Math.min(Math.max(Math.floor(place), 0), table.length - 2);
      return estimator.trust / (between(table[step], table[step + 1], place - step) ** 2 + DISCREPANCY ** 2);
    });
    const total = precision.reduce((sum, each) => sum + each, 0);
    const kept = precision.map((each) => (each / total < LEAST ? 0 : each));
    const left = kept.reduce((sum, each) => sum + each, 0);
    return sizes.estimators.reduce((sum, estimator, i) => (
      kept[i] === 0 ? sum : sum + (kept[i] / left) * meanOf(sizes, estimator, cost, C)
    ), 0);
  }

  // Returns the sorted samples of ln N: between the quantiles of the tables, linearly in rank and in ln C.
  function samplesOf(sizes, cost, C) {
    const centre = centreOf(sizes, cost, C);
    const [row, share] = rowOf(sizes, C);
    const table = unpack(sizes.spread);
    const count = sizes.probabilities.length;
    const knots = sizes.probabilities.map((_, i) => between(table[row * count + i], table[(row + 1) * count + i], share));
    const samples = new Float64Array(SAMPLES);
    for (let i = 0, knot = 0; i < SAMPLES; i++) {
      const probability = i / (SAMPLES - 1);
      while (knot < count - 2 && sizes.probabilities[knot + 1] < probability) knot++;
      const width = sizes.probabilities[knot + 1] - sizes.probabilities[knot];
      samples[i] = centre + between(knots[knot], knots[knot + 1], (probability - sizes.probabilities[knot]) / width);
    }
    return samples;
  }

  // Shift of ln N by the bend at C, against a straight line through the rows.
  function bendShift(sizes, cost, C) {
    const place = placeOf(sizes, cost, C);
    return quantiles(sizes.estimators.map(({ design }) => beyondLine(design, place)), [0.5])[0] * sizes.bend;
  }

  // Refuses budgets beyond ten times the rows of a fit whose frontier bends, unless the bend moves next to nothing there.
  function checkReach(source, C) {
    const bend = source.notices.find(({ code }) => code === "frontier_bends");
    const rows = source.law.domain.flops;
    if (!bend || !rows || C <= FURTHEST_BEND * rows[1]) return;
    if (source.sizes !== null && Math.abs(bendShift(source.sizes, source.cost, C)) < LEAST_SHIFT) return;
    const message = `${format(C)} FLOPs lie ${format(C / rows[1])} times beyond the largest run, and the fit bends: `
      + `${bend.message}; stay within ${FURTHEST_BEND} times, or add larger budgets`;
    throw new Refusal("frontier_bends", message);
  }

  // Returns `size_not_identified` where the 90 % interval of the size is too wide, with the runs that would narrow it.
  function notices(sizes, cost, C) {
    const [low, high] = quantiles(samplesOf(sizes, cost, C), [0.05, 0.95]).map(Math.exp);
    if (high < WIDEST * low) return sizes.notices;
    const largest = sizes.largest_flops;
    const nearest = C < 5 * largest ? Math.min(C, largest) : Math.sqrt(C * largest);
    const following = Math.min(nearest, 4 * largest, C);
    const middle = Math.exp(centreOf(sizes, cost, following));
    const around = `${formatQuantity(middle / 4)} to ${formatQuantity(4 * middle)}`;
    const message = `these runs leave the best size open between ${formatQuantity(low)} and ${formatQuantity(high)}: before `
      + `the planned run, train five sizes or more from ${around} at ${format(following)} FLOPs each, `
      + `${format(5 * following)} in all`;
    return [...sizes.notices, { code: "size_not_identified", message }];
  }

  isoflop.sizes = { centreOf, samplesOf, checkReach, notices };
})(globalThis.isoflop);

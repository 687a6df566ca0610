// The cost of a token: training FLOPs a token against N, so that C = cost(N) D. Without knots exactly 6 N.
(function (isoflop) {
  "use strict";
  const { bisect } = isoflop.numbers;
  const USUAL_POWER = 0.5;
  const curves = new WeakMap();

  const isSixN = (cost) => cost.params.length === 0;

  // Slopes at the knots that keep the cubic monotone (Fritsch and Carlson 1980): weighted harmonic means, secants at the
  // two ends. Costs ascend from knot to knot, so that no slope of zero is needed.
  function monotoneSlopes(x, y) {
    const width = x.slice(1).map((value, i) => value - x[i]);
    const secant = width.map((value, i) => (y[i + 1] - y[i]) / value);
    return x.map(function (_, i) {
      if (i === 0) return secant[0];
      if (i === x.length - 1) return secant[i - 1];
      const before = 2 * width[i] + width[i - 1];
      const after = width[i] + 2 * width[i - 1];
      return (before + after) / (before / secant[i - 1] + after / secant[i]);
    });
  }

  function curveOf(cost) {
    if (!curves.has(cost)) {
      const knots = cost.params.map(Math.log);
      const values = cost.flops.map(Math.log);
      curves.set(cost, { knots, values, slopes: monotoneSlopes(knots, values) });
    }
    return curves.get(cost);
  }

  // Returns [ln of FLOPs a token, k of the local power law kappa N^k] at x = ln N.
  function inLogs(cost, x) {
    if (isSixN(cost)) return [Math.log(6) + x, 1];
    const { knots, values, slopes } = curveOf(cost);
    const last = knots.length - 1;
    const inside = Math.min(Math.max(x, knots[0]), knots[last]);
    let cell = 0;
    while (cell < last - 1 && knots[cell + 1] <= inside) cell++;
    const width = knots[cell + 1] - knots[cell];
    const t = (inside - knots[cell]) / width;
    const rise = values[cell + 1] - values[cell];
    const left = slopes[cell] * width;
    const right = slopes[cell + 1] * width;
    const cubic = left + right - 2 * rise;
    const square = 3 * rise - 2 * left - right;
    const value = values[cell] + t * (left + t * (square + t * cubic));
    const slope = (left + t * (2 * square + 3 * t * cubic)) / width;
    if (x <= knots[last]) return [value + slope * Math.min(x - knots[0], 0), slope];
    const [further, aboveSlope] = above(x - knots[last], values[last] - knots[last] - Math.log(6), slopes[last]);
    return [value + further, aboveSlope];
  }

  // Returns [rise of ln FLOPs a token, k] so far above the last knot in ln N: what attention and head cost beside 6 N
  // falls as a power of N, and k goes to 1 (cost.py, _above).
  function above(logTimes, logExcess, slope) {
    const excess = Math.expm1(logExcess);
    const power = excess ? ((1 - slope) * (1 + excess)) / excess : 0;
    if (power > 0) {
      const left = excess * Math.exp(-power * logTimes);
      return [logTimes + Math.log1p(left) - logExcess, 1 - (power * left) / (1 + left)];
    }
    const fading = Math.exp(-USUAL_POWER * logTimes);
    return [logTimes + ((slope - 1) * (1 - fading)) / USUAL_POWER, 1 + (slope - 1) * fading];
  }

  const flopsPerToken = (cost, N) => (isSixN(cost) ? 6 * N : Math.exp(inLogs(cost, Math.log(N))[0]));
  const exponent = (cost, N) => (isSixN(cost) ? 1 : inLogs(cost, Math.log(N))[1]);
  const trainingFlops = (cost, N, D) => flopsPerToken(cost, N) * D;
  const tokens = (cost, C, N) => C / flopsPerToken(cost, N);

  function sizeWhere(rising, value) {
    return Math.exp(bisect((x) => rising(x) < value, -40, 120, 2e-16));
  }

  // Returns N with cost(N) N r = C: the model that C FLOPs train on r tokens a parameter.
  function sizeAtRatio(cost, C, ratio) {
    const product = Math.log(C / ratio);
    if (isSixN(cost)) return Math.exp((product - Math.log(6)) / 2);
    return sizeWhere((x) => inLogs(cost, x)[0] + x, product);
  }

  // Returns N with cost(N) equal to so many training FLOPs a token.
  const sizeAtCost = (cost, each) => sizeWhere((x) => inLogs(cost, x)[0], Math.log(each));

  isoflop.cost = { isSixN, inLogs, flopsPerToken, exponent, trainingFlops, tokens, sizeAtRatio, sizeAtCost };
})(globalThis.isoflop);

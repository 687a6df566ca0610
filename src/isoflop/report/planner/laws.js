// The laws: loss of N parameters after D tokens, and the N and D of least loss for C FLOPs. See isoflop/laws/.
// A law is {form, constants}, a set of draws an array of laws.
(function (isoflop) {
  "use strict";
  const { Refusal, bisect } = isoflop.numbers;
  const costs = isoflop.cost;
  const BRACKET = 12; // of ln N around the optimum at 6 N, within which that of another cost lies

  // --- E + A / N^alpha + B / D^beta (Hoffmann et al. 2022, Eq. 2 and 4)

  const sizeExponent = ({ alpha, beta }) => beta / (alpha + beta);
  const frontierCoefficient = ({ A, B, alpha, beta }) => ((alpha * A) / (beta * B)) ** (1 / (alpha + beta));

  function chinchillaOptimum(constants, C, cost) {
    const { A, B, alpha, beta } = constants;
    if (!(A > 0 && B > 0 && alpha > 0 && beta > 0)) {
      const message = "the law has no compute optimum: expected A, B, alpha and beta above zero";
      throw new Refusal("no_optimum", message);
    }
    const N = frontierCoefficient(constants) * (C / 6) ** sizeExponent(constants);
    if (costs.isSixN(cost)) return [N, C / (6 * N)];
    const start = Math.log(N);
    const level = Math.log((alpha * A) / (beta * B)) + beta * Math.log(C);
    function tooSmall(x) {
      const [logCost, k] = costs.inLogs(cost, x);
      return level - alpha * x - Math.log(k) - beta * logCost > 0;
    }
    const size = Math.exp(bisect(tooSmall, start - BRACKET, start + BRACKET, 1e-13));
    return [size, costs.tokens(cost, C, size)];
  }

  const chinchilla = {
    hasLoss: true,
    loss: ({ E, A, B, alpha, beta }, N, D) => E + A * N ** -alpha + B * D ** -beta,
    optimum: chinchillaOptimum,
    // The surface moved along its budgets, so that N has the least loss at C FLOPs.
    moved(constants, N, C, cost) {
      const { A, B, alpha, beta } = constants;
      const tokenTerm = beta * Math.log(costs.tokens(cost, C, N));
      const ratio = Math.log((costs.exponent(cost, N) * beta) / alpha) + alpha * Math.log(N) - tokenTerm;
      const shift = (ratio - Math.log(A / B)) / (alpha + beta);
      return { ...constants, A: A * Math.exp(alpha * shift), B: B * Math.exp(-beta * shift) };
    },
  };

  // --- N = k C^a (approaches 1 and 2): no loss

  const frontier = {
    hasLoss: false,
    optimum(constants, C, cost) {
      const N = constants.params_coefficient * C ** constants.a;
      return [N, costs.tokens(cost, C, N)];
    },
    moved(constants, N, C) {
      const factor = N / (constants.params_coefficient * C ** constants.a);
      return { ...constants, params_coefficient: constants.params_coefficient * factor };
    },
  };

  // --- E + (A / N^alpha + B / D^beta)^gamma: the power moves no optimum

  const coupled = {
    hasLoss: true,
    loss: ({ E, A, B, alpha, beta, gamma }, N, D) => E + (A * N ** -alpha + B * D ** -beta) ** gamma,
    optimum: chinchillaOptimum,
  };

  // --- ln L as a quadratic in ln N and ln D; `centre` is among the constants

  const logquadratic = {
    hasLoss: true,
    loss(constants, N, D) {
      const x = Math.log(N) - constants.centre[0];
      const y = Math.log(D) - constants.centre[1];
      const { by_params_squared: xx, by_both: xy, by_tokens_squared: yy } = constants;
      const curved = xx * x * x + xy * x * y + yy * y * y;
      return Math.exp(Math.min(constants.level + constants.by_params * x + constants.by_tokens * y + curved, 700));
    },
    // The vertex of the parabola that ln L is along a budget of 6 N D; under another cost sought around it.
    optimum(constants, C, cost) {
      const { by_params_squared: xx, by_both: xy, by_tokens_squared: yy, by_params, by_tokens, centre } = constants;
      const square = xx - xy + yy;
      if (!(square > 0)) {
        throw new Refusal("no_optimum", "the log-quadratic law has no least loss along a budget");
      }
      const y0 = Math.log(C) - Math.log(6) - centre[0] - centre[1];
      const slope = by_params - by_tokens + y0 * (xy - 2 * yy);
      let logN = centre[0] - slope / (2 * square);
      if (!costs.isSixN(cost)) {
        const falling = (x) => {
          const [logCost, k] = costs.inLogs(cost, x);
          const [dx, dy] = [x - centre[0], Math.log(C) - logCost - centre[1]];
          return by_params + 2 * xx * dx + xy * dy < k * (by_tokens + xy * dx + 2 * yy * dy);
        };
        logN = bisect(falling, logN - BRACKET, logN + BRACKET, 1e-14);
      }
      const N = Math.exp(Math.min(Math.max(logN, -300), 300));
      return [N, costs.tokens(cost, C, N)];
    },
  };

  // ln of the gains of the Chinchilla form, -dL / d ln N and -dL / d ln D, at ln N and ln D.
  function logGains({ constants: { A, B, alpha, beta } }, x, y) {
    return [Math.log(alpha * A) - alpha * x, Math.log(beta * B) - beta * y];
  }

  // D with which N parameters reach a loss under the Chinchilla form; infinity where no number of tokens suffices.
  function tokensFor({ constants: { E, A, B, alpha, beta } }, reached, N) {
    const left = reached - E - A * N ** -alpha;
    return left > 0 ? (B / left) ** (1 / beta) : Infinity;
  }

  const FORMS = { chinchilla, frontier, coupled, logquadratic };

  function refuseLoss(law) {
    throw new Refusal("no_loss", `${law.name} says how N and D grow with C, not what the loss is; choose a law with a loss`);
  }

  const hasLoss = (law) => FORMS[law.form].hasLoss;
  const loss = (law, N, D) => (hasLoss(law) ? FORMS[law.form].loss(law.constants, N, D) : refuseLoss(law));
  const optimum = (law, C, cost) => FORMS[law.form].optimum(law.constants, C, cost);
  const moved = (law, N, C, cost) => ({ ...law, constants: FORMS[law.form].moved(law.constants, N, C, cost) });

  // Returns an array of laws from {constant: packed array}.
  function unpackDraws(form, arrays) {
    const names = Object.keys(arrays);
    const columns = names.map((name) => isoflop.numbers.unpack(arrays[name]));
    return Array.from(columns[0], function (_, i) {
      return { form, constants: Object.fromEntries(names.map((name, column) => [name, columns[column][i]])) };
    });
  }

  // Returns the share of C that a model wastes whose ln N lies `logRatio` above the optimum, near N parameters, under
  // E + A / N^alpha + B / D^beta: isoflop.laws.tradeoffs.wasted_by_size.
  function wastedBySize(law, logRatio, N, cost) {
    const k = costs.exponent(cost, N);
    const alpha = law.constants.alpha / k;
    const { beta } = law.constants;
    const small = Math.exp(-k * logRatio);
    const rise = (beta * small ** alpha + alpha * small ** -beta) / (alpha + beta);
    return 1 - rise ** (-(alpha + beta) / (alpha * beta));
  }

  isoflop.laws = { hasLoss, loss, optimum, moved, logGains, tokensFor, unpackDraws, wastedBySize, frontierCoefficient };
})(globalThis.isoflop);

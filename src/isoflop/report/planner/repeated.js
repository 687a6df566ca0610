// Loss when tokens repeat (Muennighoff et al. 2023), a port of isoflop/laws/repeated.py: a Chinchilla law in which repeated
// tokens, and parameters beyond what the text calls for, count less and less.
(function (isoflop) {
  "use strict";
  const { bracket, bisect } = isoflop.numbers;
  const laws = isoflop.laws;
  const costs = isoflop.cost;
  const R_TOKENS = 15.387756; // repetitions over which the value of a repeated token decays
  const R_PARAMS = 5.309743; // the same for parameters beyond what the unique tokens call for
  const WIDER = 12, MANY_MORE = 60; // of ln N and of ln D, within which sizes and tokens are sought: repeated.py

  // How much fresh data `used` is worth: U + U R* (1 - exp(-R / R*)) with R = used / U - 1, at least 0.
  function effective(unique, used, decay) {
    const repeats = Math.max(used / unique - 1, 0);
    return Math.min(unique, used) + unique * decay * -Math.expm1(-repeats / decay);
  }

  // N of least loss for `unique` tokens of fresh text at 6 N D.
  function enoughFor(law, unique) {
    const { alpha, beta } = law.constants;
    const G = laws.frontierCoefficient(law.constants);
    return (unique * G) ** (beta / alpha) * G;
  }

  function loss(law, U, N, D) {
    const unique = Math.min(U, D);
    const size = effective(Math.min(enoughFor(law, unique), N), N, R_PARAMS);
    return laws.loss(law, size, effective(unique, D, R_TOKENS));
  }

  // ln of -dL / d ln(used) of the term coefficient / effective(first, used)^exponent, beyond `first`.
  function logValue(exponent, coefficient, first, used, decay) {
    const repeats = Math.max(used / first - 1, 0);
    const worth = Math.log(effective(first, used, decay));
    return Math.log(exponent * coefficient) - (exponent + 1) * worth + Math.log(used) - repeats / decay;
  }

  // [ln of -dL / d ln N, ln of -dL / d ln D] at ln N and ln D.
  function logGains(law, U, x, y) {
    const { A, B, alpha, beta } = law.constants;
    const [N, D] = [Math.exp(x), Math.exp(y)];
    const unique = Math.min(U, D);
    const enough = enoughFor(law, unique);
    const byParams = logValue(alpha, A, enough, N, R_PARAMS);
    const byTokens = logValue(beta, B, unique, D, R_TOKENS);
    const surplus = Math.max(N / enough - 1, 0);
    if (!(D < U && surplus > 0)) return [byParams, byTokens];
    // in the first epoch further tokens call for further parameters too, and make those that are there count
    const left = Math.exp(-surplus / R_PARAMS);
    const counts = Math.log(enough * (1 + R_PARAMS * (1 - left) - (1 + surplus) * left));
    const worth = Math.log(effective(Math.min(enough, N), N, R_PARAMS));
    const through = Math.log(beta * A) - (alpha + 1) * worth + counts;
    const [less, more] = [byTokens, through].sort((a, b) => a - b);
    return [byParams, more + Math.log1p(Math.exp(less - more))];
  }

  // D with which N parameters reach `reached`; infinity where no number of repetitions suffices.
  function tokensFor(law, U, reached, N) {
    let D = laws.tokensFor(law, reached, effective(Math.min(enoughFor(law, U), N), N, R_PARAMS));
    if (D > U) {
      const repeats = (D / U - 1) / R_TOKENS;
      return repeats < 1 ? U * (1 - R_TOKENS * Math.log1p(-repeats)) : Infinity;
    }
    if (!(D < U && N > enoughFor(law, D))) return D;
    // so few tokens call for fewer parameters than there are: it takes more of them
    const low = Math.log(D);
    const above = (y) => loss(law, U, N, Math.exp(y)) > reached;
    return Math.exp(bracket(above, low, Math.min(Math.log(U), low + MANY_MORE), 1e-15)[1]);
  }

  function optimum(law, U, C, cost) {
    const [N, D] = laws.optimum(law, C, cost);
    if (D <= U && costs.isSixN(cost)) return [N, D];
    const least = Math.min(U, D);
    const low = Math.log(Math.min(enoughFor(law, least), N)) - WIDER;
    const high = Math.log(Math.max(N, (N * D) / least)) + WIDER;
    const pays = (x) => balanceOnBudget((a, b) => logGains(law, U, a, b), C, cost, x) > 0;
    const found = Math.exp(bisect(pays, low, high, 1e-15));
    return [found, costs.tokens(cost, C, found)];
  }

  // The condition of isoflop/laws/balance.py along C = cost(N) D: above zero where a larger model pays.
  function balanceOnBudget(gains, C, cost, x) {
    const [logCost, k] = costs.inLogs(cost, x);
    const [byParams, byTokens] = gains(x, Math.log(C) - logCost);
    return byParams - byTokens - Math.log(k);
  }

  isoflop.repeated = { loss, optimum, logGains, tokensFor };
})(globalThis.isoflop);

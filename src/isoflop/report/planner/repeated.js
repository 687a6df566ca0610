// Loss when tokens repeat (Muennighoff et al. 2023), a port of isoflop/laws/repeated.py: a Chinchilla law in which repeated
// tokens, and parameters beyond what the text calls for, count less and less.
(function (isoflop) {
  "use strict";
  const { bracket, minimise } = isoflop.numbers;
  const laws = isoflop.laws;
  const costs = isoflop.cost;
  const R_TOKENS = 15.387756; // repetitions over which the value of a repeated token decays
  const R_PARAMS = 5.309743; // the same for parameters beyond what the unique tokens call for

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

  // ln N of least loss where N D = product and one epoch is too little: both terms gain as much by another per cent.
  function balanced(law, U, product) {
    const { A, B, alpha, beta } = law.constants;
    const enough = enoughFor(law, U);
    function largerPays(x) {
      const N = Math.exp(x);
      return logValue(alpha, A, enough, N, R_PARAMS) > logValue(beta, B, U, product / N, R_TOKENS);
    }
    const most = Math.log(product / U);
    return bracket(largerPays, Math.min(Math.log(enough), most), most, 1e-16)[1];
  }

  function optimum(law, U, C, cost) {
    const [N, D] = laws.optimum(law, C, cost);
    if (D <= U && costs.isSixN(cost)) return [N, D];
    const lossAt = (x) => loss(law, U, Math.exp(x), costs.tokens(cost, C, Math.exp(x)));
    const found = Math.exp(
      costs.isSixN(cost) ? balanced(law, U, C / 6) : minimise(lossAt, Math.log(N) - 4, Math.log(N) + 8),
    );
    return [found, costs.tokens(cost, C, found)];
  }

  isoflop.repeated = { loss, optimum };
})(globalThis.isoflop);

// Numbers of the planner page: arrays out of base64, quantiles and means as NumPy computes them, roots, and numbers as text.
globalThis.isoflop = {};
(function (isoflop) {
  "use strict";

  // A question that is understood and cannot be answered, with the code of isoflop's own refusal.
  class Refusal extends Error {
    constructor(code, message) {
      super(message);
      this.code = code;
    }
  }

  const unpacked = new WeakMap();

  // Returns the numbers of {kind, base64}, little-endian; decoded once for each array of the data. Where there are {low,
  // high} too, the whole numbers are so many 65,535ths of the way from the one to the other (packed.py).
  function unpack(packed) {
    if (!unpacked.has(packed)) {
      const bytes = Uint8Array.from(atob(packed.base64), (letter) => letter.charCodeAt(0));
      const view = new DataView(bytes.buffer);
      const size = { float64: 8, float32: 4, uint16: 2 }[packed.kind];
      const numbers = new Float64Array(bytes.length / size);
      for (let i = 0; i < numbers.length; i++) {
        if (size === 8) numbers[i] = view.getFloat64(8 * i, true);
        else if (size === 4) numbers[i] = view.getFloat32(4 * i, true);
        else numbers[i] = view.getUint16(2 * i, true);
      }
      const { low, high } = packed;
      if (low !== undefined) numbers.forEach((step, i) => (numbers[i] = low + ((high - low) * step) / 65535));
      unpacked.set(packed, numbers);
    }
    return unpacked.get(packed);
  }

  // Returns the quantiles of finite numbers by linear interpolation, NumPy's default: place (n - 1) p among the sorted.
  function quantiles(values, probabilities) {
    const sorted = Float64Array.from(values).sort();
    return probabilities.map(function (probability) {
      const place = (sorted.length - 1) * probability;
      const below = Math.floor(place);
      const share = place - below;
      const low = sorted[below];
      const high = sorted[Math.min(below + 1, sorted.length - 1)];
      return share < 0.5 ? low + (high - low) * share : high - (high - low) * (1 - share);
    });
  }

  // Returns the central interval that holds `level` of the finite values.
  function percentileInterval(values, level) {
    return quantiles(Float64Array.from(values).filter(Number.isFinite), [(1 - level) / 2, (1 + level) / 2]);
  }

  function mean(values) {
    let sum = 0;
    for (const value of values) sum += value;
    return sum / values.length;
  }

  // Returns [low, high] around the last place where `before` holds, by as many halvings as isoflop.laws.bisection takes.
  function bracket(before, low, high, tolerance) {
    const halvings = Math.ceil(Math.log2(Math.max((high - low) / tolerance, 1)));
    for (let i = 0; i < halvings; i++) {
      const middle = 0.5 * (low + high);
      if (before(middle)) low = middle;
      else high = middle;
    }
    return [low, high];
  }

  function bisect(before, low, high, tolerance) {
    const [left, right] = bracket(before, low, high, tolerance);
    return 0.5 * (left + right);
  }

  // Returns a number in so many significant digits, 5.76e23 outside of 1e-4 to 1e6, without trailing zeros.
  function format(value, digits = 3) {
    if (value === 0 || !Number.isFinite(value)) return String(value);
    const [mantissa, exponent] = value.toExponential(digits - 1).split("e");
    if (Number(exponent) < -4 || Number(exponent) >= 6) return `${Number(mantissa)}e${Number(exponent)}`;
    return String(Number(value.toPrecision(digits)));
  }

  // Returns a count with the field's suffix: 98304 -> 98.3K, 7e10 -> 70B.
  function formatQuantity(value, digits = 3) {
    const rounded = Number(value.toPrecision(digits));
    if (Math.abs(rounded) >= 1e15 || Math.abs(rounded) < 1e-3) return format(value, digits);
    for (const [suffix, scale] of [["T", 1e12], ["B", 1e9], ["M", 1e6], ["K", 1e3]]) {
      if (Math.abs(rounded) >= scale) return Number((rounded / scale).toPrecision(digits)) + suffix;
    }
    return String(rounded);
  }

  // Refuses what is not a number above zero, as isoflop does with an InputError.
  function checkPositive(what, value) {
    if (!(Number.isFinite(value) && value > 0)) {
      throw new Refusal("input", `${what}: expected a positive number, got ${value}`);
    }
  }

  isoflop.numbers = {
    Refusal, unpack, quantiles, percentileInterval, mean, bracket, bisect, format, formatQuantity,
    checkPositive,
  };
})(globalThis.isoflop);

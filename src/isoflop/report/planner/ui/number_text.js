// Numbers as text, as isoflop/units.py writes them (a test compares the two).
(function (isoflop) {
  "use strict";
  isoflop.text = {};
  // Returns `value` rounded to `digits` significant ones, ties to the even digit as Python rounds; toPrecision does not.
  function significant(value, digits) {
    const [mantissa, exponent] = Math.abs(value).toExponential(60).split("e");
    const all = mantissa.replace(".", "");
    const kept = BigInt(all.slice(0, digits)), rest = BigInt(all.slice(digits)), half = 5n * 10n ** BigInt(60 - digits);
    const up = rest > half || (rest === half && kept % 2n === 1n);
    return Math.sign(value) * Number(`${kept + (up ? 1n : 0n)}e${Number(exponent) - digits + 1}`);
  }

  // Returns a number of `digits` significant ones, without trailing noughts and without an exponent.
  isoflop.text.trimmed = (value, digits = 3) => {
    const rounded = significant(value, digits);
    return Math.abs(rounded) >= 1e21 ? BigInt(rounded).toString() : plain(rounded);
  };

  function plain(value) {
    const text = String(value);
    return text.includes("e") ? value.toFixed(20).replace(/\.?0+$/, "") : text;
  }

  // Returns a count for people with the field's suffix: 98304 -> 98.3K, 7e10 -> 70B.
  isoflop.text.formatQuantity = (value, digits = 3) => {
    if (value === 0 || !Number.isFinite(value)) return String(value);
    const rounded = significant(value, digits);
    const size = Math.abs(rounded);
    if (size >= 1e15 || size < 1e-3) return isoflop.text.formatFlops(value, digits);
    for (const [suffix, scale] of [["T", 1e12], ["B", 1e9], ["M", 1e6], ["K", 1e3]]) {
      if (size >= scale) return isoflop.text.trimmed(rounded / scale, digits) + suffix;
    }
    return isoflop.text.trimmed(rounded, digits);
  };

  // Returns compute as the field writes it: 5.76e23.
  isoflop.text.formatFlops = (value, digits = 3) => {
    if (value === 0 || !Number.isFinite(value)) return String(value);
    const [mantissa, exponent] = significant(value, digits).toExponential().split("e");
    return `${mantissa}e${Number(exponent)}`;
  };

  // Returns energy in the largest unit of which there is one: 258 MWh.
  isoflop.text.formatEnergy = (kilowattHours) => {
    const [unit, scale] = [["GWh", 1e6], ["MWh", 1e3]].find(([, size]) => kilowattHours >= size) ?? ["kWh", 1];
    return `${isoflop.text.trimmed(kilowattHours / scale)} ${unit}`;
  };

  // Returns 48 s, 1 min 35 s, 2 h 5 min or 41 d 3 h.
  isoflop.text.formatDuration = (seconds) => {
    if (seconds < 1) return `${isoflop.text.trimmed(seconds, 2)} s`;
    for (const [big, small, size, part] of [["d", "h", 86400, 3600], ["h", "min", 3600, 60], ["min", "s", 60, 1]]) {
      const whole = part * roundHalfEven(seconds / part);
      if (whole >= size) {
        const rest = Math.floor((whole % size) / part);
        return `${Math.floor(whole / size)} ${big}` + (rest ? ` ${rest} ${small}` : "");
      }
    }
    return `${roundHalfEven(seconds)} s`;
  };

  function roundHalfEven(value) {
    const low = Math.floor(value);
    if (value - low !== 0.5) return Math.round(value);
    return low % 2 ? low + 1 : low;
  }

  // Returns bytes in binary units: 1.5 GiB.
  isoflop.text.formatBytes = (value) => {
    const units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let place = 0;
    for (; Math.abs(value) >= 1024 && place < units.length - 1; place++) value /= 1024;
    return `${isoflop.text.trimmed(value, value >= 1000 ? 4 : 3)} ${units[place]}`;
  };

  // Returns a share as a percentage of two significant digits: 0.0123 -> 1.2 %.
  isoflop.text.formatShare = (share) => `${share < 0.0005 ? "0.0" : isoflop.text.trimmed(share * 100, share < 0.1 ? 2 : 3)} %`;
})(globalThis.isoflop);

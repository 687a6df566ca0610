// Quantities as people write them <-> numbers: reads and writes what isoflop/units.py does (a test compares the two).
(function (isoflop) {
  "use strict";
  isoflop.quantities = {};

  // An input that cannot be read. The message says what was expected and what came.
  isoflop.quantities.InputError = class extends Error {};

  const SCALES = { "": 1, K: 1e3, M: 1e6, G: 1e9, B: 1e9, T: 1e12, P: 1e15, E: 1e18, Z: 1e21 };
  const WORDS = { thousand: "K", million: "M", billion: "B", trillion: "T" };
  // Commas only between groups of three digits: "1,5B" is one and a half to some and would be read as fifteen.
  const NUMBER =
    "[+-]?(?:[1-9]\\d{0,2}(?:,\\d{3})+(?:\\.\\d*)?|\\d[\\d_]*\\.?\\d*|\\.\\d+)(?:[eE][+-]?\\d+)?";
  const QUANTITY = new RegExp(
    `^(${NUMBER})\\s*([KkMGBbTtPEZ]?|${Object.keys(WORDS).join("|")})\\s*(?:FLOPs?|tokens?|params?|parameters?)?$`,
  );
  const POWER_OF_TEN = new RegExp(`^(?:(${NUMBER})\\s*[x*×·]\\s*)?10\\s*(?:\\^|\\*\\*)\\s*([+-]?\\d{1,3})`);
  const DURATION = new RegExp(`^(${NUMBER})\\s*([a-z]+)$`);
  const BYTES = new RegExp(`^(${NUMBER})\\s*([kKMGTP])(i?)B$`);
  const DEVICES = /^(\d+)(?:\s*[x*×]\s*|\s+)([A-Za-z][\w .-]*)$/;
  const MONEY =
    /^(?:(?<sign>[$€£])|(?<before>[A-Z]{3})\b)?\s*(?<amount>.*?)\s*(?:(?<afterSign>[$€£])|(?<after>USD|EUR|GBP))?$/;
  const CURRENCIES = { $: "USD", "€": "EUR", "£": "GBP" };
  const MINUTE = 60, HOUR = 3600, DAY = 86400;
  const SECONDS = {
    ms: 1e-3, s: 1, sec: 1, seconds: 1, m: MINUTE, min: MINUTE, minute: MINUTE, minutes: MINUTE, h: HOUR, hour: HOUR,
    hours: HOUR, d: DAY, day: DAY, days: DAY, w: 7 * DAY, week: 7 * DAY, weeks: 7 * DAY,
  };
  const MOST_CHARACTERS = 80, MOST_QUANTITY = 1e40, MOST_DEVICES = 1e7;

  function expected(what, wish, text) {
    return new isoflop.quantities.InputError(`${what}: expected ${wish}, got '${String(text).slice(0, MOST_CHARACTERS)}'`);
  }

  function matched(pattern, text) {
    const stripped = text.trim();
    return stripped.length <= MOST_CHARACTERS ? pattern.exec(stripped) : null;
  }

  function checked(value, what, text) {
    if (!Number.isFinite(value) || value <= 0) throw expected(what, "a positive finite number", text);
    if (value > MOST_QUANTITY || value < 1 / MOST_QUANTITY) throw expected(what, "a number from 1e-40 to 1e40", text);
    return value;
  }

  // Returns the number that `text` writes, in units of one: 70B, 5.76e23, 10^21, "2.8 billion". Throws InputError.
  isoflop.quantities.parseQuantity = (text, what = "quantity") => {
    const power = text.length <= MOST_CHARACTERS ? POWER_OF_TEN.exec(text.trim()) : null;
    const written = power ? `${power[1] ?? "1"}e${power[2]}${text.trim().slice(power[0].length)}` : text;
    const found = matched(QUANTITY, written);
    if (!found) throw expected(what, "a number such as 5.76e23, 70B or 1.4T", text);
    const suffix = WORDS[found[2]] ?? found[2];
    const scale = SCALES[suffix] ?? SCALES[suffix.toUpperCase()];
    return checked(Number(found[1].replace(/[_,]/g, "")) * scale, what, text);
  };

  // Returns seconds of a duration with its unit: 90s, 2h, 30d. Throws InputError.
  isoflop.quantities.parseDuration = (text, what = "duration") => {
    const found = matched(DURATION, text);
    if (!found || !Object.hasOwn(SECONDS, found[2])) {
      throw expected(what, "a duration with its unit such as 20ms, 90s, 15min, 2h or 30d", text);
    }
    return checked(Number(found[1].replace(/[_,]/g, "")) * SECONDS[found[2]], what, text);
  };

  // Returns days of a number of days, or of a duration with its unit. Throws InputError.
  isoflop.quantities.parseDays = (text, what = "days") => {
    const found = matched(DURATION, text);
    if (found && Object.hasOwn(SECONDS, found[2])) return isoflop.quantities.parseDuration(text, what) / DAY;
    return isoflop.quantities.parseQuantity(text, what);
  };

  // Returns {amount, currency} of a sum such as $2M or 500K EUR; the currency is null where none is written.
  isoflop.quantities.parseMoney = (text, what = "money") => {
    const found = matched(MONEY, text);
    if (!found) throw expected(what, "a sum such as $2M or 500K EUR", text);
    const { sign, afterSign, before, after, amount } = found.groups;
    const currency = CURRENCIES[sign ?? afterSign] ?? before ?? after ?? null;
    return { amount: isoflop.quantities.parseQuantity(amount, what), currency };
  };

  // Returns bytes of a memory with its unit: 80GB in powers of 1,000, 80GiB in powers of 1,024. Throws InputError.
  isoflop.quantities.parseBytes = (text, what = "memory") => {
    const found = matched(BYTES, text);
    if (!found) throw expected(what, "a memory with its unit such as 80GB or 24GiB", text);
    const power = " KMGTP".indexOf(found[2].toUpperCase());
    return checked(Number(found[1].replace(/[_,]/g, "")) * (found[3] ? 1024 : 1000) ** power, what, text);
  };

  // Returns {count, name} of devices such as 512xH100. Throws InputError.
  isoflop.quantities.parseDevices = (text, what = "devices") => {
    const found = matched(DEVICES, text);
    const count = found ? Number(found[1]) : 0;
    if (!count) throw expected(what, "a count and a device such as 512xH100", text);
    if (count > MOST_DEVICES) throw expected(what, "at most 10,000,000 devices", text);
    return { count, name: found[2] };
  };
})(globalThis.isoflop);

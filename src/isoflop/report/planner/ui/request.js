// What is asked: texts by the names of `isoflop plan`'s options. One object is the form, the link and the command.
(function (isoflop) {
  "use strict";
  isoflop.request = {};
  // Options of which exactly one states the budget, and of which at most one says what the model is for.
  isoflop.request.BUDGETS = ["price", "days", "flops", "loss"];
  isoflop.request.PURPOSES = ["inference-tokens", "params", "tokens", "tokens-per-param"];
  isoflop.request.OPTIONS = [
    "law", ...isoflop.request.BUDGETS, ...isoflop.request.PURPOSES, "unique-tokens", "max-memory", "gpus", "utilization", "price-per-hour", "level",
  ];
  const KINDS = { price: "money", days: "days", flops: "flops", loss: "loss" };
  const OBJECTIVES = {
    "inference-tokens": ["inference_demand", "inference_tokens"],
    "unique-tokens": ["limited_data", "unique_tokens"],
    params: ["fixed_params", "params"],
    tokens: ["fixed_tokens", "tokens"],
    "tokens-per-param": ["fixed_ratio", "tokens_per_param"],
  };

  // Returns the request in a link's hash; the text of an option that is not ours is left out.
  isoflop.request.ofLink = (hash) => {
    const given = new URLSearchParams(hash.replace(/^#/, ""));
    const request = {};
    for (const option of isoflop.request.OPTIONS) if (given.get(option)) request[option] = given.get(option);
    return request;
  };

  // Returns the hash of the link that restores a request.
  isoflop.request.toLink = (request) => {
    const pairs = isoflop.request.OPTIONS.filter((option) => request[option]).map((option) => [option, request[option]]);
    // what a person reads in a link stays as it was typed
    return "#" + new URLSearchParams(pairs).toString().replaceAll("%24", "$").replaceAll("%2C", ",");
  };

  isoflop.request.budgetOption = (request) => isoflop.request.BUDGETS.find((option) => request[option]);
  isoflop.request.purposeOption = (request) => isoflop.request.PURPOSES.find((option) => request[option]);

  // An input that cannot be read, with the option that it was typed for.
  function reading(option, read) {
    try {
      return read();
    } catch (error) {
      if (error instanceof isoflop.quantities.InputError) error.option ??= option;
      throw error;
    }
  }

  function refuse(option, message) {
    const error = new isoflop.quantities.InputError(message);
    error.option = option;
    throw error;
  }

  // Returns what is asked but for a fixed size.
  isoflop.request.freeObjective = (request) => objectiveOf({ ...request, params: undefined });

  // Returns the inputs of the planner's mathematics. Throws InputError, with `option`, for a text that is no quantity.
  isoflop.request.inputsOf = (request) => {
    const currency = currencyOf(request);
    return {
      law: request.law,
      budget: budgetOf(request, currency),
      device: deviceOf(request),
      objective: objectiveOf(request),
      level: levelOf(request.level),
      ...(request["max-memory"] ? {
        memory_limit_bytes: reading("max-memory", () => isoflop.quantities.parseBytes(request["max-memory"], "Memory")),
      } : {}),
    };
  };

  function budgetOf(request, currency) {
    const option = isoflop.request.budgetOption(request);
    if (!option) refuse("price", "state a budget: money, days on devices, FLOPs or a loss");
    const value = reading(option, () => {
      if (option === "days") return isoflop.quantities.parseDays(request.days, "Days");
      if (option !== "price") return isoflop.quantities.parseQuantity(request[option], option === "loss" ? "Loss" : "FLOPs");
      const money = isoflop.quantities.parseMoney(request.price, "Money");
      if (money.currency && currency && money.currency !== currency) {
        refuse("price", `Money is in ${money.currency}, the price of a device-hour in ${currency}; state both in one`);
      }
      return money.amount;
    });
    return { kind: KINDS[option], value };
  }

  function deviceOf(request) {
    const { count, name } = reading("gpus", () => isoflop.quantities.parseDevices(request.gpus ?? "", "Devices"));
    const device = { name, count };
    if (request.utilization) device.utilization = reading("utilization", () => utilizationOf(request.utilization));
    if (request["price-per-hour"]) {
      device.price_per_hour = reading("price-per-hour", () =>
        isoflop.quantities.parseMoney(request["price-per-hour"], "Price of a device-hour").amount);
    }
    return device;
  }

  function utilizationOf(text) {
    // a minus after an e belongs to the number: 4e-1
    const cut = text.search(/(?<![eE])-/);
    const ends = cut < 0 ? [text, text] : [text.slice(0, cut), text.slice(cut + 1)];
    const [low, high] = ends.map((end) => isoflop.quantities.parseQuantity(end, "Utilization"));
    if (low > high || high > 1) refuse("utilization", `Utilization: expected a share up to 1, such as 0.4 or 0.35-0.45, got '${text}'`);
    return { low, high };
  }

  function objectiveOf(request) {
    const stated = Object.keys(OBJECTIVES).filter((option) => request[option]).map((option) => {
      const [kind, key] = OBJECTIVES[option];
      return { kind, [key]: reading(option, () => isoflop.quantities.parseQuantity(request[option], "Quantity")) };
    });
    if (stated.length > 1) return { kind: "combined", of: stated };
    return stated[0] ?? { kind: "training_only" };
  }

  function levelOf(text) {
    const level = reading("level", () => isoflop.quantities.parseQuantity(text || "0.9", "Level"));
    if (level >= 1) refuse("level", `Level: expected a probability below 1, such as 0.9, got '${text}'`);
    return level;
  }

  // The currency of every price on the page: that of the price of a device-hour, US dollars where the catalogue's is used.
  function currencyOf(request) {
    if (!request["price-per-hour"]) return "USD";
    return reading("price-per-hour", () => isoflop.quantities.parseMoney(request["price-per-hour"], "Price of a device-hour").currency);
  }
  isoflop.request.currencyOf = currencyOf;

  // Returns the devices of a sum without any, {device, days} being what is assumed: the smallest power of two, eight or
  // more, that spends the sum within these days (stated_budget.py); undefined for a sum that cannot be read.
  isoflop.request.defaultDevices = (data, { device, days }, request) => {
    try {
      const rate = request["price-per-hour"]
        ? isoflop.quantities.parseMoney(request["price-per-hour"], "Price of a device-hour").amount
        : data.devices.find((each) => each.name === device).price_per_hour;
      const { amount } = isoflop.quantities.parseMoney(request.price, "Money");
      let count = 8;
      while (amount / (rate * count * 24) > days) count *= 2;
      return `${count}x${device}`;
    } catch (error) {
      if (error instanceof isoflop.quantities.InputError) return undefined;
      throw error;
    }
  };
})(globalThis.isoflop);

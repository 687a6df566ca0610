// Hours, price and energy of a run: isoflop/plan/cluster.py. Peaks and prices come with their sources from
// isoflop/hardware.toml.
(function (isoflop) {
  "use strict";
  const { Refusal, checkPositive, formatQuantity, format } = isoflop.numbers;
  const SECONDS_PER_HOUR = 3600;
  const HOURS_PER_DAY = 24;
  const SLACK = 1 + 1e-6; // a budget made from days takes exactly these, up to rounding

  // Returns {low, high, expected} of a share, a pair or an object with low and high.
  function utilizationOf(given, device) {
    if (given === undefined || given === null) return device.utilization;
    const [low, high] = typeof given === "number" ? [given, given] : Array.isArray(given) ? given : [given.low, given.high];
    if (!(low > 0 && low <= high && high <= 1)) {
      throw new Refusal("input", `utilization: expected a share of the peak above 0 and up to 1, got ${low} to ${high}`);
    }
    return { low, high, expected: (low + high) / 2, source: "given" };
  }

  // Returns the cluster of {name, count, utilization?, price_per_hour?}, with the days or the price that bound it.
  function clusterOf(data, given, budget) {
    const device = data.devices.find((each) => each.name === given.name);
    if (!device) {
      const names = data.devices.map((each) => each.name).join(", ");
      throw new Refusal("input", `device: expected one of ${names}, got ${given.name}`);
    }
    if (!(Number.isInteger(given.count) && given.count > 0)) {
      throw new Refusal("input", `devices: expected a whole number above zero, got ${given.count}`);
    }
    const priced = given.price_per_hour !== undefined && given.price_per_hour !== null;
    if (priced) checkPositive("price per hour", given.price_per_hour);
    const utilization = utilizationOf(given.utilization, device);
    return {
      device,
      count: given.count,
      name: `${given.count}x${device.name}`,
      utilization,
      expected: utilization.expected,
      price_per_hour: priced ? given.price_per_hour : device.price_per_hour,
      price_source: priced ? "given" : device.price_source,
      days: budget && budget.kind === "days" ? budget.value : null,
      max_price: budget && budget.kind === "money" ? budget.value : null,
    };
  }

  const priceRate = (cluster) => (cluster.price_per_hour === null ? null : cluster.price_per_hour * cluster.count);

  // The price of so many hours on all devices, in dollars where the catalogue's price is used.
  function moneyText(cluster, hours) {
    return (cluster.price_source === "given" ? "" : "$") + formatQuantity(priceRate(cluster) * hours);
  }

  function daysPaid(cluster, money) {
    const rate = priceRate(cluster);
    if (rate === null) {
      throw new Refusal("input", `no price of ${cluster.device.name} is known: give the price of an hour too`);
    }
    return money / rate / HOURS_PER_DAY;
  }

  // FLOPs that the devices do in so many days, at the expected utilization.
  function flopsIn(cluster, days) {
    return days * HOURS_PER_DAY * SECONDS_PER_HOUR * cluster.count * (cluster.device.peak_flops * cluster.expected);
  }

  function hoursAt(cluster, flops, share) {
    return flops / (cluster.count * (cluster.device.peak_flops * share)) / SECONDS_PER_HOUR;
  }

  // The utilization of a whole run that takes so long.
  function implied(cluster, run) {
    const at = (hours) => Math.min(1, hoursAt(cluster, run.model_flops, 1) / hours);
    const [fast, slow] = run.hours_range;
    return { low: at(slow), high: at(fast), expected: at(run.hours), source: "layout" };
  }

  // Returns {hours, hours_range, price, price_range, energy_kwh, ...} of a run of {hours, hours_range?, hours_source,
  // model_flops}.
  function estimateCost(cluster, run) {
    const { low, high } = cluster.utilization;
    const byLayout = run.hours_source === "layout";
    const { hours } = run;
    const [fast, slow] = byLayout ? run.hours_range : [high, low].map((share) => hoursAt(cluster, run.model_flops, share));
    const rate = priceRate(cluster);
    const kilowatts = cluster.device.watts === null ? null : (cluster.device.watts * cluster.count) / 1e3;
    const times = (each) => (each === null ? null : each * hours);
    const range = (each) => (each === null ? null : [each * fast, each * slow]);
    return {
      flops: run.model_flops,
      hours,
      hours_range: [fast, slow],
      hours_source: run.hours_source,
      device_hours: hours * cluster.count,
      price: times(rate),
      price_range: range(rate),
      price_per_hour: cluster.price_per_hour,
      price_source: cluster.price_source,
      energy_kwh: times(kilowatts),
      energy_range: range(kilowatts),
      utilization: byLayout ? implied(cluster, run) : cluster.utilization,
      utilization_hours: hours,
      utilization_hours_range: [fast, slow],
    };
  }

  // Returns [hours above the limit, under which condition], or null where the run keeps within it.
  function exceeding(cluster, cost, limit) {
    const most = limit * SLACK;
    if (cost.hours > most) return [cost.hours, ""];
    const slow = cost.hours_range[1];
    if (slow <= most) return null;
    if (cost.hours_source === "layout") return [slow, "as slow as one published run in twenty, "];
    return [slow, `at ${(100 * cluster.utilization.low).toFixed(1)} % of the peak `];
  }

  // Returns warnings of a run that takes longer than the days, or costs more than the price, that bound it.
  function limitNotices(cluster, cost) {
    const notices = [];
    const rate = priceRate(cluster);
    const late = cluster.days === null ? null : exceeding(cluster, cost, cluster.days * HOURS_PER_DAY);
    if (late) {
      const days = `${format(late[0] / HOURS_PER_DAY)} days on ${cluster.name}`;
      const message = `${late[1]}the plan takes ${days}, and ${format(cluster.days)} were given`;
      notices.push({ code: late[1] ? "may_miss_deadline" : "misses_deadline", message });
    }
    const bounded = cluster.max_price !== null && rate !== null;
    const dear = bounded ? exceeding(cluster, cost, cluster.max_price / rate) : null;
    if (dear) {
      const [price, given] = [dear[0], cluster.max_price / rate].map((hours) => moneyText(cluster, hours));
      const message = `${dear[1]}the plan costs ${price}, and ${given} were given`;
      notices.push({ code: dear[1] ? "may_be_above_price" : "above_price", message });
    }
    return notices;
  }

  isoflop.hardware = {
    clusterOf, priceRate, moneyText, daysPaid, flopsIn, hoursAt, estimateCost, limitNotices, HOURS_PER_DAY,
  };
})(globalThis.isoflop);

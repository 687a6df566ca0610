// Small drawings in SVG: elements, scales with their ticks, axes, and labels that do not cover each other.
(function (isoflop) {
  "use strict";
  isoflop.drawing = {};
  const SPACE = "http://www.w3.org/2000/svg";

  // Returns an SVG element with attributes and children (elements or text).
  isoflop.drawing.svg = (tag, attributes = {}, ...children) => {
    const made = document.createElementNS(SPACE, tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
    made.append(...children);
    return made;
  };

  // Returns an HTML element with attributes and children (elements or text).
  isoflop.drawing.element = (tag, attributes = {}, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
    made.append(...children);
    return made;
  };

  // Returns a scale from [low, high] to pixels [from, to], on which powers of ten are equally far apart.
  isoflop.drawing.logScale = (low, high, from, to) => {
    const [start, length] = [Math.log(low), Math.log(high / low)];
    const at = (value) => from + ((Math.log(value) - start) / length) * (to - from);
    const invert = (pixel) => Math.exp(start + ((pixel - from) / (to - from)) * length);
    return { at, invert, low, high, from, to, ticks: (most) => logTicks(low, high, most) };
  };

  // Returns a linear scale from [low, high] to pixels [from, to].
  isoflop.drawing.linearScale = (low, high, from, to) => {
    const at = (value) => from + ((value - low) / (high - low)) * (to - from);
    const invert = (pixel) => low + ((pixel - from) / (to - from)) * (high - low);
    return { at, invert, low, high, from, to, ticks: (most) => linearTicks(low, high, most) };
  };

  function logTicks(low, high, most) {
    const first = Math.floor(Math.log10(low)), last = Math.ceil(Math.log10(high));
    const decades = (digits, every) => {
      const found = [];
      for (let power = first; power <= last; power += every) {
        for (const digit of digits) found.push(Number(`${digit}e${power}`));
      }
      return found.filter((value) => value >= low * 0.999 && value <= high * 1.001);
    };
    for (const digits of [[1, 2, 5], [1, 3], [1]]) {
      const found = decades(digits, 1);
      if (found.length <= most) return found;
    }
    let every = 2;
    while (decades([1], every).length > most) every += 1;
    return decades([1], every);
  }

  function linearTicks(low, high, most) {
    const rough = (high - low) / most;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((digit) => digit * power).find((each) => each >= rough);
    const found = [];
    for (let place = Math.ceil(low / step); place * step <= high; place++) found.push(place * step);
    return found;
  }

  // Draws an axis below (`x`) or left of (`y`) the plot: ticks with `text(value)`, grid lines, and the title.
  isoflop.drawing.axis = (side, scale, across, ticks, text, title) => {
    const group = isoflop.drawing.svg("g", { class: "axis" });
    for (const value of ticks) {
      const at = scale.at(value).toFixed(1);
      const [line, label] = side === "x"
        ? [{ x1: at, x2: at, y1: across.from, y2: across.to }, { x: at, y: across.from + 18, "text-anchor": "middle" }]
        : [{ x1: across.from, x2: across.to, y1: at, y2: at }, { x: across.from - 7, y: Number(at) + 4, "text-anchor": "end" }];
      group.append(isoflop.drawing.svg("line", { class: "grid", ...line }), isoflop.drawing.svg("text", label, text(value)));
    }
    const place = side === "x"
      ? { x: (scale.from + scale.to) / 2, y: across.from + 38, "text-anchor": "middle" }
      : { x: across.from, y: scale.to - 10, "text-anchor": "start" };
    group.append(isoflop.drawing.svg("text", { class: "title", ...place }, title));
    return group;
  };

  // Returns the path of points [[x, y], ...] in pixels; points that are not finite break it.
  isoflop.drawing.path = (points) => {
    let pen = "M";
    return points.map(([x, y]) => {
      if (!Number.isFinite(x) || !Number.isFinite(y)) {
        pen = "M";
        return "";
      }
      const step = `${pen}${x.toFixed(2)} ${y.toFixed(2)}`;
      pen = "L";
      return step;
    }).join("");
  };

  // Returns the outline of a five-pointed star around (0, 0), from its centre to its tips `size` pixels.
  isoflop.drawing.starPath = (size) => {
    const tips = Array.from({ length: 10 }, (_, i) => {
      const [radius, angle] = [i % 2 ? size * 0.42 : size, (Math.PI * i) / 5 - Math.PI / 2];
      return `${(radius * Math.cos(angle)).toFixed(2)} ${(radius * Math.sin(angle)).toFixed(2)}`;
    });
    return `M${tips.join("L")}Z`;
  };

  // Draws names beside their points where they cover neither each other nor what is in `taken` (boxes in pixels).
  // A name without a free place is left out; its point has it as a tooltip.
  isoflop.drawing.placeLabels = (group, points, bounds, taken) => {
    for (const { x, y, text } of points) {
      const width = text.length * 7 + 4;
      const places = [[8, 4, "start"], [-8, 4, "end"], [0, -9, "middle"], [0, 18, "middle"]];
      for (const [dx, dy, anchor] of places) {
        const left = x + dx - { start: 0, middle: width / 2, end: width }[anchor];
        const box = { left, right: left + width, top: y + dy - 11, bottom: y + dy + 3 };
        const outside = box.left < bounds.left || box.right > bounds.right || box.top < bounds.top || box.bottom > bounds.bottom;
        if (outside || taken.some((other) => overlap(box, other))) continue;
        taken.push(box);
        group.append(isoflop.drawing.svg("text", { class: "name", x: x + dx, y: y + dy, "text-anchor": anchor }, text));
        break;
      }
    }
  };

  function overlap(a, b) {
    return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
  }
})(globalThis.isoflop);

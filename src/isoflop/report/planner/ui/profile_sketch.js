// The isoFLOP profile of the budget: loss against size, and a star that is dragged, or moved by the arrow keys.
(function (isoflop) {
  "use strict";
  isoflop.profileSketch = {};
  const SPAN = 12, SIZES = 97, HEIGHT = 360;
  const STEPS = { ArrowRight: 1.02, ArrowUp: 1.02, ArrowLeft: 1 / 1.02, ArrowDown: 1 / 1.02, PageUp: 1.25, PageDown: 1 / 1.25 };

  // Returns the sizes at which a profile around `middle` is drawn.
  isoflop.profileSketch.sizes = (middle) =>
    Array.from({ length: SIZES }, (_, i) => middle * SPAN ** ((2 * i) / (SIZES - 1) - 1));

  // Draws a profile in `place`. `shown`: {profile, best: {params}, plan, wastedShare, describe(params)}; `move(params)`
  // is called where the star is moved, `release()` where it is to go back to the best size.
  isoflop.profileSketch.draw = (place, shown, { move, release }) => {
    const width = Math.max(place.clientWidth, 280), narrow = width < 560;
    const edge = { left: narrow ? 46 : 58, right: 14, top: 30, bottom: 66 };
    const { profile, plan, best } = shown;
    const x = isoflop.drawing.logScale(best.params / SPAN, best.params * SPAN, edge.left, width - edge.right);
    const losses = profile.loss.filter(Number.isFinite);
    const least = Math.min(...losses, plan.loss), most = Math.max(...losses);
    const room = (most - least) * 0.08 || 0.01;
    const y = isoflop.drawing.linearScale(least - 1.6 * room, most + room, HEIGHT - edge.bottom, edge.top);
    const root = isoflop.drawing.svg("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT });
    root.append(
      ...bandOf(plan.params_interval ?? best.params_interval, x, y),
      isoflop.drawing.axis("x", x, y, x.ticks(narrow ? 5 : 9), isoflop.text.formatQuantity, "Parameters"),
      isoflop.drawing.axis("y", y, x, y.ticks(5), (loss) => isoflop.text.trimmed(loss, 4), "Loss"),
      tokensAxis(profile, x, narrow),
      isoflop.drawing.svg("path", { class: "profile", d: isoflop.drawing.path(profile.params.map((size, i) => [x.at(size), y.at(profile.loss[i])])) }),
      starOf(root, x, y, shown, move, release),
    );
    const held = place.contains(document.activeElement);
    place.replaceChildren(root);
    if (held) root.querySelector(".star").focus();
  };

  // The range in which the best size lies.
  function bandOf(interval, x, y) {
    if (!interval) return [];
    const [low, high] = interval.map((size) => Math.min(Math.max(size, x.low), x.high));
    const band = isoflop.drawing.svg("rect", {
      class: "band", x: x.at(low), width: Math.max(x.at(high) - x.at(low), 1), y: y.to, height: y.from - y.to,
    });
    return [band];
  }

  // The tokens that the budget pays for at the sizes of the ticks, in a second line below them.
  function tokensAxis(profile, x, narrow) {
    const group = isoflop.drawing.svg("g", { class: "axis second" });
    for (const size of x.ticks(narrow ? 5 : 9)) {
      const after = profile.params.findIndex((each) => each >= size);
      if (after <= 0) continue;
      const [low, high] = [after - 1, after];
      const share = Math.log(size / profile.params[low]) / Math.log(profile.params[high] / profile.params[low]);
      const tokens = profile.tokens[low] * (profile.tokens[high] / profile.tokens[low]) ** share;
      group.append(isoflop.drawing.svg("text", { x: x.at(size), y: HEIGHT - 10, "text-anchor": "middle" }, isoflop.text.formatQuantity(tokens, 2)));
    }
    group.append(isoflop.drawing.svg("text", { x: 2, y: HEIGHT - 10 }, narrow ? "D" : "Tokens"));
    return group;
  }

  function starOf(root, x, y, shown, move, release) {
    const { plan } = shown;
    const size = Math.min(Math.max(plan.params, x.low), x.high);
    const [left, top] = [x.at(size), y.at(Math.min(Math.max(plan.loss, y.low), y.high))];
    // above the star, and on the side where the curve falls
    const off = left - x.at(shown.best.params);
    const anchor = off < -12 ? "start" : off > 12 ? "end" : "middle";
    const star = isoflop.drawing.svg("g", {
      class: "star", transform: `translate(${left.toFixed(2)} ${top.toFixed(2)})`, tabindex: 0, role: "slider",
      "aria-label": "Size of the model", "aria-orientation": "horizontal", "aria-valuemin": x.low.toPrecision(3),
      "aria-valuemax": x.high.toPrecision(3), "aria-valuenow": plan.params.toPrecision(3),
      "aria-valuetext": shown.describe.join(", "),
    });
    star.append(
      isoflop.drawing.svg("circle", { class: "reach", r: 24 }),
      isoflop.drawing.svg("path", { d: isoflop.drawing.starPath(12) }),
      ...shown.describe.map((line, i) => isoflop.drawing.svg("text", {
        x: { start: -8, middle: 0, end: 8 }[anchor], y: -16 * (shown.describe.length - i) - 8, "text-anchor": anchor,
      }, line)),
    );
    star.addEventListener("keydown", (event) => {
      if (event.key === "Escape") release();
      else if (event.key in STEPS) move(plan.params * STEPS[event.key]);
      else return;
      event.preventDefault();
    });
    star.addEventListener("pointerdown", (event) => drag(event, root, x, move));
    return star;
  }

  // The star is drawn anew while it is dragged, so its window is listened to, and not the star.
  function drag(event, root, x, move) {
    const place = root.parentElement;
    const pull = (moved) => {
      const box = place.getBoundingClientRect();
      move(Math.min(Math.max(x.invert(moved.clientX - box.left), x.low), x.high));
    };
    const stop = () => {
      window.removeEventListener("pointermove", pull);
      window.removeEventListener("pointerup", stop);
      window.removeEventListener("pointercancel", stop);
    };
    event.preventDefault();
    window.addEventListener("pointermove", pull);
    window.addEventListener("pointerup", stop);
    window.addEventListener("pointercancel", stop);
  }
})(globalThis.isoflop);

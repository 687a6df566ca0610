/* Zoom: drag a rectangle with a mouse, or the buttons and keys; a double click shows everything again. */
const STEP = 1.5; // factor of a button's zoom
const SHIFT = 0.15; // of the drawn range, of an arrow key

/** [low, high] of an axis after a zoom about its middle by `factor` and a move by `share` of its length. */
function moved(range, factor, share) {
  const [low, high] = range.map(Number);
  const middle = (low + high) / 2 + share * (high - low);
  const half = (high - low) / 2 / factor;
  return [middle - half, middle + half];
}

function zoom(element, factor, right = 0, up = 0) {
  const change = {};
  for (const [name, share] of [["xaxis", right], ["yaxis", up]]) {
    const axis = element.layout[name];
    if (!axis.fixedrange) change[`${name}.range`] = moved(axis.range, factor, share);
  }
  Plotly.relayout(element, change);
}

/** Shows everything again. */
function reset(element) {
  const { layout } = figureOf(drawings[element.dataset.drawing], element.clientWidth, false);
  const change = {};
  for (const name of ["xaxis", "yaxis"]) {
    if (layout[name].range) change[`${name}.range`] = layout[name].range;
    else change[`${name}.autorange`] = layout[name].autorange ?? true;
  }
  Plotly.relayout(element, change);
}

/** Round places in [low, high] of a log axis: decades, thinned, or steps within where decades are too few. */
function logTicks(low, high, most = 7) {
  const first = Math.floor(Math.log10(low)), last = Math.ceil(Math.log10(high));
  const decades = [];
  for (let e = first; e <= last; e++) decades.push(e);
  const inside = (steps) => decades.flatMap((e) => steps.map((step) => Number(`${step}e${e}`)))
    .filter((tick) => low <= tick && tick <= high);
  const fine = Array.from({ length: 90 }, (_, i) => (i + 10) / 10);
  for (const steps of [fine, fine.filter((step) => (step * 10) % 5 === 0), [1, 1.5, 2, 3, 4, 5, 6, 8], [1, 2, 5], [1, 3], [1]]) {
    const ticks = inside(steps);
    if (ticks.length <= most && ticks.length > 1) return ticks;
  }
  const every = [2, 3, 4, 5, 10, 20].find((step) => decades.length / step <= most) ?? 20;
  return inside([1]).filter((tick) => Math.round(Math.log10(tick)) % every === 0);
}

/** The ticks of log axes, which are written out, follow the zoom. */
function followZoom(element, changed) {
  const names = ["xaxis", "yaxis"].filter((name) =>
    Object.keys(changed).some((key) => key.startsWith(`${name}.range`) || key === `${name}.autorange`));
  const { layout } = figureOf(drawings[element.dataset.drawing], element.clientWidth, false);
  const change = {};
  const zoomed = { ...zooms.get(element) };
  for (const name of names) {
    const axis = element.layout[name], own = layout[name];
    const range = axis.range.map(Number);
    const whole = own.range ? own.range.every((end, i) => Math.abs(end - range[i]) < 1e-9) : axis.autorange !== false;
    if (whole) delete zoomed[name];
    else zoomed[name] = range;
    if (axis.type !== "log" || !own.tickvals) continue;
    const ticks = whole ? own.tickvals : logTicks(10 ** range[0], 10 ** range[1]);
    const flops = own.ticktext.some((text) => /e\d/.test(text));
    const times = own.ticktext.some((text) => text.startsWith("×")) ? "×" : "";
    const text = (tick) => times + (flops ? isoflop.text.formatFlops(tick) : isoflop.text.formatQuantity(tick));
    change[`${name}.tickvals`] = ticks;
    change[`${name}.ticktext`] = whole ? own.ticktext : ticks.map(text);
  }
  zooms.set(element, zoomed);
  if (Object.keys(change).length) Plotly.relayout(element, change);
}

const KEYS = {
  "+": [STEP, 0, 0], "=": [STEP, 0, 0], "-": [1 / STEP, 0, 0],
  ArrowLeft: [1, -SHIFT, 0], ArrowRight: [1, SHIFT, 0], ArrowUp: [1, 0, SHIFT], ArrowDown: [1, 0, -SHIFT],
};

function startZoom(element) {
  element.on("plotly_relayout", (changed) => followZoom(element, changed));
  element.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "0" || event.key === "Escape") reset(element);
    else if (event.key in KEYS) zoom(element, ...KEYS[event.key]);
    else return;
    event.preventDefault();
  });
  // A finger on a figure scrolls the page: plotly.js never sees it. After a tap it is told again where that was, since
  // the press hides what the move before it had shown.
  let touched = false;
  element.addEventListener("touchstart", (event) => event.stopPropagation(), { capture: true, passive: true });
  element.addEventListener("pointerdown", (event) => (touched = event.pointerType === "touch"), { capture: true });
  element.addEventListener("click", ({ target, clientX, clientY }) => {
    if (!touched) return;
    const again = () => target.dispatchEvent(new MouseEvent("mousemove", { clientX, clientY, bubbles: true }));
    window.setTimeout(again, 60);
  });
}

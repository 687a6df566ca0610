/* Starts the page: draws its figures, makes their buttons work, and hands them to widgets. */
const TOOLS = { in: (element) => zoom(element, STEP), out: (element) => zoom(element, 1 / STEP), reset, svg: saveSvg, csv: saveCsv };

let waiting = 0;
window.addEventListener("resize", () => {
  window.clearTimeout(waiting);
  waiting = window.setTimeout(drawAll, 120);
});
drawAll();
allFigures().forEach(startZoom);
window.isoflopTheme.follow(() => drawAll());
document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-tool]");
  if (button) TOOLS[button.dataset.tool](document.getElementById(button.getAttribute("aria-controls")));
});

window.isoflopPage = {
  /** Starts the widget `name`: `start(root, data, page)` with its section, its data and the figures of the page. */
  widget: (name, start) => start(document.getElementById(name), read(`${name}-data`), { drawings, redraw }),
};

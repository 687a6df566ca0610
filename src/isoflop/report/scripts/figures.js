/* Draws the page's figures, each as wide as its place and in the colours of the scheme. */
const read = (id) => JSON.parse(document.getElementById(id).textContent);
const drawings = read("drawings");
const darkColours = read("dark-colours");
const NARROW = 560; // pixels of the figure itself: three in a row are narrow on a wide window too
const config = {
  displayModeBar: false, responsive: false, showTips: false, doubleClick: "reset", doubleClickDelay: 450,
  showAxisDragHandles: false, showAxisRangeEntryBoxes: false,
};
const drawn = new Map(); // element: what it was last drawn for
const zooms = new Map(); // element: {axis: range} where the reader zoomed; it outlasts a change of width or colours

/** A copy of a trace or a layout in the colours of a dark page. */
function darkened(part, key = "") {
  if (Array.isArray(part)) return part.map((one) => darkened(one, key));
  if (part !== null && typeof part === "object") {
    return Object.fromEntries(Object.entries(part).map(([name, inside]) => [name, darkened(inside, name)]));
  }
  return (key.includes("color") && darkColours[part]) || part;
}

/** {data, layout} of a drawing at a width in pixels, copies that may be changed. */
function figureOf(drawing, width, dark) {
  const narrow = width < NARROW;
  const copy = dark ? darkened : structuredClone;
  const layout = copy({ ...drawing.layout, ...(narrow ? drawing.narrow : {}) });
  layout.width = width;
  layout.height = narrow ? drawing.narrow_height : drawing.height;
  layout.dragmode = "zoom";
  layout.hoverlabel = { ...layout.hoverlabel, bgcolor: dark ? "#2b333a" : "#ffffff" };
  layout.hoverlabel.font = { ...layout.hoverlabel.font, color: layout.font.color };
  for (const axis of [layout.xaxis, layout.yaxis]) axis.fixedrange = axis.type === "category";
  if (narrow) {
    layout.font.size = 11;
    layout.margin = { l: 50, r: 10, t: 10, b: 46 };
    for (const axis of [layout.xaxis, layout.yaxis]) {
      axis.nticks = 6;
      axis.title.standoff = 6;
    }
  }
  return { data: copy(drawing.data), layout };
}

function draw(element, dark = window.isoflopTheme.isDark()) {
  const width = element.clientWidth;
  const state = `${width} ${dark}`;
  const again = drawn.has(element);
  if (drawn.get(element) === state) return;
  drawn.set(element, state);
  const { data, layout } = figureOf(drawings[element.dataset.drawing], width, dark);
  for (const [name, range] of Object.entries(zooms.get(element) ?? {})) Object.assign(layout[name], { range, autorange: false });
  Plotly.react(element, data, layout, config);
  if (again) followZoom(element, { "xaxis.range": true, "yaxis.range": true });
}

const allFigures = () => document.querySelectorAll(".drawing[data-drawing]");

function drawAll(dark) {
  allFigures().forEach((element) => draw(element, dark));
}

/** Draws the figure `name` again after its drawing was changed. */
function redraw(name) {
  const element = document.getElementById(name);
  drawn.delete(element);
  draw(element);
}

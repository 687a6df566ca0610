/* Downloads of a figure: SVG with its legend, on white, and a table (CSV) of what it shows. */
const SVG = "http://www.w3.org/2000/svg";

function save(name, type, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  window.setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

const fileName = (element, ending) =>
  `${document.title.replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "").slice(0, 60)}-${element.id}.${ending}`;

/** The legend of a figure, or the one that it shares with its neighbours. */
const legendOf = (element) =>
  element.closest("figure").querySelector(".legend") ?? element.closest("section")?.querySelector(":scope > .legend");

/** Sets the legend's entries in lines from (0, 0) within `width` pixels; returns [its element, its height]. */
function legendGroup(legend, width, font) {
  const group = document.createElementNS(SVG, "g");
  let x = 10, y = 8;
  for (const entry of legend.querySelectorAll("li")) {
    const words = [...entry.querySelectorAll("span")], sizes = [...entry.children].map((part) => part.getBoundingClientRect().width);
    const length = sizes.reduce((sum, size) => sum + size + 7, 0);
    if (x > 10 && x + length > width) [x, y] = [10, y + 22];
    [...entry.children].forEach((part, i) => {
      let set;
      if (words.includes(part)) {
        set = document.createElementNS(SVG, "text");
        set.textContent = part.textContent;
        set.setAttribute("y", y + 11);
        set.setAttribute("style", `font: 12.5px ${font}; fill: #1f2933`);
      } else {
        set = part.cloneNode(true);
        set.removeAttribute("class");
        set.setAttribute("style", `color: ${part.dataset.colour}`);
        set.setAttribute("y", y);
      }
      set.setAttribute("x", x);
      group.append(set);
      x += sizes[i] + 7;
    });
    x += 12;
  }
  return [group, y + 26];
}

async function saveSvg(element) {
  const { data, layout } = figureOf(drawings[element.dataset.drawing], element.clientWidth, false);
  for (const name of ["xaxis", "yaxis"]) {
    layout[name].range = element.layout[name].range; // as it is zoomed
    for (const key of ["tickvals", "ticktext"]) if (element.layout[name][key]) layout[name][key] = element.layout[name][key];
  }
  const { width, height } = layout;
  const uri = await Plotly.toImage({ data, layout }, { format: "svg", width, height });
  const inner = new DOMParser().parseFromString(decodeURIComponent(uri.slice(uri.indexOf(",") + 1)), "image/svg+xml").documentElement;
  const whole = document.createElementNS(SVG, "svg"), paper = document.createElementNS(SVG, "rect");
  const title = document.createElementNS(SVG, "title");
  title.textContent = element.getAttribute("aria-label");
  const legend = legendOf(element);
  const [group, top] = legend ? legendGroup(legend, width, layout.font.family.replaceAll('"', "'")) : [null, 0];
  whole.setAttribute("viewBox", `0 0 ${width} ${height + top}`);
  whole.setAttribute("width", width);
  whole.setAttribute("height", height + top);
  for (const [key, value] of [["width", "100%"], ["height", "100%"], ["fill", "#ffffff"]]) paper.setAttribute(key, value);
  inner.setAttribute("y", top);
  whole.append(title, paper, inner);
  if (group) whole.append(group);
  save(fileName(element, "svg"), "image/svg+xml", new XMLSerializer().serializeToString(whole));
}

const quoted = (value) => {
  const text = value === null || value === undefined ? "" : String(value);
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};

const plainText = (html) => String(html ?? "").replaceAll("<br>", "; ").replace(/<[^>]*>/g, "");

/** A row a drawn point: [series, x, y, low and high of x, of y, z, words]. A band's rows have y's limits alone. */
function rowsOf(trace) {
  const { x, y } = trace;
  const series = trace.name ?? "";
  if (trace.type === "contour") {
    return trace.z.flatMap((row, i) => row.map((z, j) => [series, x[j], y[i], "", "", "", "", z, ""]));
  }
  if (trace.fill === "toself" && x.length % 2 === 0) {
    const half = x.length / 2;
    return x.slice(0, half).map((at, i) => [series, at, "", "", "", y[x.length - 1 - i], y[i], "", ""]);
  }
  const limits = (bars, values, i) => {
    if (!bars?.array) return ["", ""];
    const below = (bars.arrayminus ?? bars.array)[i], above = bars.array[i];
    return below || above ? [values[i] - below, values[i] + above] : ["", ""];
  };
  return x.map((at, i) => [
    series, at, y[i], ...limits(trace.error_x, x, i), ...limits(trace.error_y, y, i), "",
    plainText(Array.isArray(trace.text) ? trace.text[i] : trace.text),
  ]);
}

/** What a drawing shows as CSV: full precision, the axes' titles in the head. */
function csvOf(drawing) {
  const title = (axis) => plainText(axis.title.text) || "value";
  const x = title(drawing.layout.xaxis), y = title(drawing.layout.yaxis);
  const head = ["series", x, y, `${x}, low`, `${x}, high`, `${y}, low`, `${y}, high`, "fitted loss", "label"];
  const rows = drawing.data.flatMap(rowsOf);
  const used = head.map((_, i) => i < 3 || rows.some((row) => row[i] !== ""));
  return [head, ...rows].map((row) => row.filter((_, i) => used[i]).map(quoted).join(",")).join("\r\n") + "\r\n";
}

const saveCsv = (element) =>
  save(fileName(element, "csv"), "text/csv;charset=utf-8", csvOf(drawings[element.dataset.drawing]));

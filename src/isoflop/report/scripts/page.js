/* Draws the page's figures, each as wide as its place, and hands them to widgets. */
(function () {
  "use strict";
  const drawings = JSON.parse(document.getElementById("drawings").textContent);
  const NARROW = 560; // pixels of the figure itself: three in a row are narrow on a wide window too
  const config = { displayModeBar: false, responsive: false, showTips: false };
  const drawn = new Map();

  function draw(element) {
    const drawing = drawings[element.dataset.drawing];
    const width = element.clientWidth;
    const narrow = width < NARROW;
    if (drawn.get(element) === width) return;
    drawn.set(element, width);
    const layout = Object.assign({}, JSON.parse(JSON.stringify(drawing.layout)), narrow ? drawing.narrow : {});
    layout.width = width;
    layout.height = narrow ? drawing.narrow_height : drawing.height;
    if (narrow) {
      layout.font.size = 11;
      layout.margin = { l: 50, r: 10, t: 10, b: 46 };
      for (const axis of [layout.xaxis, layout.yaxis]) {
        axis.nticks = 6;
        axis.title.standoff = 6;
      }
    }
    Plotly.react(element, drawing.data, layout, config);
  }

  function drawAll() {
    document.querySelectorAll(".drawing").forEach(draw);
  }

  function redraw(name) {
    const element = document.getElementById(name);
    drawn.delete(element);
    draw(element);
  }

  /** Starts the widget `name`: `start(root, data, page)` with its section, its data and the figures of the page. */
  function widget(name, start) {
    const data = JSON.parse(document.getElementById(name + "-data").textContent);
    start(document.getElementById(name), data, { drawings: drawings, redraw: redraw });
  }

  let waiting = 0;
  window.addEventListener("resize", function () {
    window.clearTimeout(waiting);
    waiting = window.setTimeout(drawAll, 120);
  });
  drawAll();
  window.isoflopPage = { widget: widget };
})();

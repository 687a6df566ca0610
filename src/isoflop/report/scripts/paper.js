/* On paper: everything is unfolded, figures are as wide as the page in light colours, and tables fit its width. */
const folded = [];
const LEAST_TYPE = 5; // pixels

/** Makes the type of a table smaller until it fits its place. */
function fitTable(box) {
  const table = box.querySelector("table");
  for (let tries = 0; tries < 12 && box.scrollWidth > box.clientWidth + 1; tries++) {
    const size = parseFloat(getComputedStyle(table).fontSize);
    if (size <= LEAST_TYPE) return;
    table.style.fontSize = `${size * Math.max(0.8, Math.min(0.97, box.clientWidth / box.scrollWidth))}px`;
  }
}

window.addEventListener("beforeprint", () => {
  for (const part of document.querySelectorAll("details:not([open])")) {
    part.open = true;
    folded.push(part);
  }
  document.documentElement.classList.add("printing");
  drawAll(false);
  document.querySelectorAll(".scroll").forEach(fitTable);
});

window.addEventListener("afterprint", () => {
  for (const part of folded.splice(0)) part.open = false;
  document.documentElement.classList.remove("printing");
  for (const table of document.querySelectorAll(".scroll table")) table.style.fontSize = "";
  drawAll();
});

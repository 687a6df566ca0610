"""JavaScript that tests run inside a page, as expressions of its `page` and `window`."""

SAVED = """(async () => {
  const saved = {};
  window.Blob = class { constructor(parts) { this.text = parts[0]; } };
  window.URL.createObjectURL = (blob) => { saved.text = blob.text; return "#"; };
  window.HTMLAnchorElement.prototype.click = function () { saved[this.download] = saved.text; };
  for (const tool of ["csv", "svg"]) {
    page.querySelector(`[data-tool=${tool}][aria-controls="%(figure)s"]`).click();
    for (let i = 0; i < 100 && !Object.keys(saved).some((name) => name.endsWith(tool)); i++)
      await new Promise((done) => setTimeout(done, 30));
  }
  delete saved.text;
  return saved;
})()"""
"""{name: text} of both downloads of a figure."""

ZOOMED = """(async () => {
  const element = page.getElementById("%(figure)s"), button = (tool) =>
    page.querySelector(`[data-tool=${tool}][aria-controls="%(figure)s"]`).click();
  const key = (key) => element.dispatchEvent(new window.KeyboardEvent("keydown", { key, bubbles: true }));
  const seen = async () => {
    await new Promise((done) => setTimeout(done, 60));
    return {
    x: [...element.layout.xaxis.range], y: [...element.layout.yaxis.range],
    ticks: [...element.querySelectorAll(".xtick text")].map((text) => text.textContent),
    };
  };
  const all = { first: await seen() };
  for (let i = 0; i < 4; i++) button("in");
  all.zoomed = await seen();
  page.querySelector(".theme").click();
  all.recoloured = await seen();
  page.querySelector(".theme").click();
  key("ArrowRight");
  all.moved = await seen();
  button("reset");
  all.reset = await seen();
  key("-");
  all.out = await seen();
  key("0");
  all.again = await seen();
  const area = element.querySelector(".nsewdrag"), box = area.getBoundingClientRect();
  const mouse = (type, right, down, buttons) => (page.querySelector(".dragcover") ?? area).dispatchEvent(
    new window.MouseEvent(type, { bubbles: true, cancelable: true, view: window, button: 0, buttons,
      clientX: box.left + right * box.width, clientY: box.top + down * box.height }));
  mouse("mousedown", 0.3, 0.2, 1);
  mouse("mousemove", 0.6, 0.7, 1);
  mouse("mouseup", 0.6, 0.7, 0);
  all.dragged = await seen();
  for (const time of [1, 2]) for (const type of ["mousedown", "mouseup"]) mouse(type, 0.5, 0.5, 1);
  await new Promise((done) => setTimeout(done, 500));
  all.clicked_twice = await seen();
  const touch = new window.TouchEvent("touchstart", { bubbles: true, cancelable: true,
    touches: [new window.Touch({ identifier: 1, target: element, clientX: 50, clientY: 50 })] });
  element.querySelector(".nsewdrag").dispatchEvent(touch);
  all.touch_taken = touch.defaultPrevented;
  return all;
})()"""
"""Ranges and ticks of a figure before and after each way to zoom; whether it takes touches from the page."""

CONTRAST = """(() => {
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => {
    const [R, G, B] = [r, g, b].map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * R + 0.7152 * G + 0.0722 * B;
  };
  const paper = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const found = numbers(window.getComputedStyle(at).backgroundColor);
      if (found.length === 3 || found[3] === 1) return found;
    }
    return [255, 255, 255];
  };
  const poor = () => [...page.body.querySelectorAll("*")].flatMap((element) => {
    if (!element.checkVisibility() || element.closest("script, style, noscript")) return [];
    if (![...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim())) return [];
    const style = window.getComputedStyle(element);
    const ink = numbers(element instanceof window.SVGElement ? style.fill : style.color);
    const [low, high] = [luminance(ink), luminance(paper(element))].sort((a, b) => a - b);
    const ratio = (high + 0.05) / (low + 0.05);
    return ratio >= 4.5 ? [] : [`${ratio.toFixed(2)} ${element.textContent.trim().slice(0, 40)}`];
  });
  const button = page.querySelector(".theme");
  const state = () => ({ paper: window.getComputedStyle(page.body).backgroundColor, poor: poor(),
    word: button.textContent, stored: window.localStorage.getItem("isoflop-theme") });
  window.localStorage.removeItem("isoflop-theme");
  const before = state();
  button.click();
  const after = state();
  button.click();
  window.localStorage.removeItem("isoflop-theme");
  return [before, after];
})()"""
"""Of both colour schemes: the background, and every text whose contrast with its background is below 4.5."""

PRINTED = """(() => {
  const state = () => ({
    folded: page.querySelectorAll("details:not([open])").length,
    widest: Math.max(...[...page.querySelectorAll(".drawing svg.main-svg, table")]
      .map((e) => e.getBoundingClientRect().width)),
    beyond: [...page.querySelectorAll(".scroll, .drawing")].filter((e) => e.scrollWidth > e.clientWidth + 1)
      .map((e) => e.id || e.textContent.slice(0, 60)),
    cut: [...page.querySelectorAll(".scroll")].filter((e) => e.scrollHeight > e.clientHeight + 3).length,
    paper: window.getComputedStyle(page.body).backgroundColor,
  });
  page.documentElement.dataset.theme = "dark";
  const before = state();
  window.dispatchEvent(new window.Event("beforeprint"));
  const printed = state();
  window.dispatchEvent(new window.Event("afterprint"));
  const after = state();
  delete page.documentElement.dataset.theme;
  return { before, printed, after };
})()"""
"""What of the page would be hidden before, during and after printing, in dark colours."""

HEADINGS = """({
  levels: [...page.querySelectorAll("h1, h2, h3, h4")].map((e) => Number(e.tagName[1])),
  bare_figures: [...page.querySelectorAll("figure")].filter((e) => !e.querySelector("figcaption")).length,
  bare_heads: [...page.querySelectorAll("th")].filter((e) => !e.scope).length,
  nameless_tables: [...page.querySelectorAll("table")]
    .filter((e) => !e.caption && !e.closest("[aria-label]")?.getAttribute("aria-label")).length,
  nameless_buttons: [...page.querySelectorAll("button")].filter((e) => !(e.ariaLabel || e.textContent.trim())).length,
  doubled_ids: [...page.querySelectorAll("[id]")].map((e) => e.id).filter((id, i, all) => all.indexOf(id) !== i),
  broken: [...page.querySelectorAll("td.number")].filter((e) => {
    const range = page.createRange();
    range.selectNodeContents(e);
    const lines = new Set([...range.getClientRects()].map((box) => Math.round(box.top))).size;
    const parts = /, | \\(/.test(e.textContent); // what an interval or a remark follows on a line of its own
    return lines > (parts && (window.innerWidth < 560 || e.textContent.includes(", ")) ? 2 : 1);
  }).map((e) => e.textContent),
})"""
"""The order of headings, what has no name, and numbers of tables that are broken over lines."""

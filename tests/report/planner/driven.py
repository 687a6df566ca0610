"""Drives the planner page in a real browser: frames of several widths, and actions as a person would do them."""

from __future__ import annotations

import html
import json
import re
import subprocess
from pathlib import Path
from typing import Any

from report.test_browser import browser

# `run` is a body of a function of (page, act); what it returns is what the frame saw. Frames give true widths.
WRAPPER = """<!doctype html><meta charset="utf-8"><body>
<pre id="seen"></pre>
<script>
const asked = %(asked)s;
const pause = () => new Promise((done) => setTimeout(done, 50));
function actions(frame) {
  const view = frame.contentWindow, page = view.document;
  const text = (id) => page.getElementById(id).textContent;
  return {
    view, page, text, pause,
    value: (option) => page.getElementById("in-" + option).value,
    budgets: () => Object.fromEntries(
      ["price", "days", "flops", "loss"].map((option) => [option, page.getElementById("in-" + option).value])),
    type(option, typed) {
      const field = page.getElementById(option === "purpose" ? option : "in-" + option);
      field.focus();
      field.value = typed;
      field.dispatchEvent(new view.Event("input", { bubbles: true }));
      field.dispatchEvent(new view.Event("change", { bubbles: true }));
      field.blur();
    },
    press(key) {
      const star = page.querySelector(".star");
      star.focus();
      star.dispatchEvent(new view.KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
    },
    drag(pixels) {
      const star = page.querySelector(".star"), box = star.querySelector(".reach").getBoundingClientRect();
      const at = { clientX: box.x + box.width / 2, clientY: box.y + box.height / 2, bubbles: true, cancelable: true };
      star.dispatchEvent(new view.PointerEvent("pointerdown", at));
      view.dispatchEvent(new view.PointerEvent("pointermove", { ...at, clientX: at.clientX + pixels }));
      view.dispatchEvent(new view.PointerEvent("pointerup", at));
    },
  };
}
async function opened(one) {
  const frame = document.createElement("iframe");
  frame.style = `width:${one.width}px;height:900px;border:0;display:block`;
  frame.src = one.url;
  document.body.append(frame);
  await new Promise((done) => frame.addEventListener("load", done));
  await pause();
  const seen = await new Function("act", `return (async () => { ${one.run} })()`)(actions(frame));
  const requests = frame.contentWindow.performance.getEntriesByType("resource").map((entry) => entry.name);
  return { seen, requests };
}
window.addEventListener("load", async () => {
  const all = [];
  for (const one of asked) all.push(await opened(one));
  document.getElementById("seen").textContent = JSON.stringify(all);
});
</script>"""


def seen_in(page: Path, asked: list[tuple[str, str]], folder: Path, *, width: int = 1400) -> list[Any]:
    """What each (hash of the link, JavaScript to run) saw; fails on an error in the console or a request."""
    return seen_at(page, [(width, link, run) for link, run in asked], folder)


def seen_at(page: Path, asked: list[tuple[int, str, str]], folder: Path) -> list[Any]:
    """The same for (width in pixels, hash of the link, JavaScript to run)."""
    wrapper = folder / "wrapper.html"
    frames = [{"width": width, "url": page.as_uri() + link, "run": run} for width, link, run in asked]
    wrapper.write_text(WRAPPER % {"asked": json.dumps(frames)}, encoding="utf-8")
    options = (
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage",
        "--disable-background-networking", "--disable-component-update", "--disable-sync", "--enable-logging=stderr",
        "--allow-file-access-from-files", "--host-resolver-rules=MAP * ~NOTFOUND", "--virtual-time-budget=120000",
        "--window-size=1500,1900", f"--user-data-dir={folder / 'profile'}", "--dump-dom",
    )  # fmt: skip
    ended = subprocess.run([browser(), *options, wrapper.as_uri()], capture_output=True, text=True, check=True)
    assert [line for line in ended.stderr.splitlines() if "CONSOLE" in line] == []
    found = re.search(r'<pre id="seen">(.*?)</pre>', ended.stdout, re.S)
    assert found, ended.stderr[-2000:]
    assert found[1], ended.stderr[-2000:]
    frames_seen = json.loads(html.unescape(found[1]))
    assert [frame["requests"] for frame in frames_seen] == [[] for _ in asked]
    return [frame["seen"] for frame in frames_seen]

// Buttons and files: copying what the page says, and reading a fit that is dropped on it.
(function (isoflop) {
  "use strict";
  const at = (id) => document.getElementById(id);
  const MOST_BYTES = 64 * 2 ** 20;
  isoflop.controls = {};

  // Lets buttons with `data-copies` copy the text of that element; with `link`, the address of the page as it stands.
  isoflop.controls.onCopying = () => {
    for (const button of document.querySelectorAll("[data-copies]")) {
      const label = button.textContent;
      button.addEventListener("click", async () => {
        const text = button.dataset.copies === "link" ? location.href : at(button.dataset.copies).textContent;
        button.textContent = (await copied(text)) ? "Copied" : "Press Ctrl+C";
        setTimeout(() => { button.textContent = label; }, 2000);
      });
    }
  };

  async function copied(text) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // without the right to write the clipboard: select the text, and let the reader copy it
      const shown = [...document.querySelectorAll("code")].find((each) => each.textContent === text);
      if (shown) getSelection().selectAllChildren(shown);
      return false;
    }
  }

  // Calls `use(source, name of its file)` with the law of a fit.json that is chosen or dropped on the page, else `refuse(message)`.
  isoflop.controls.onFitFile = (use, refuse) => {
    const read = async (file) => {
      if (!file) return;
      try {
        if (file.size > MOST_BYTES) throw new Error("expected a fit.json of at most 64 MB");
        use(isoflop.sourceOfFit(JSON.parse(await file.text()), file.name), file.name);
      } catch (error) {
        refuse(`${file.name}: ${error instanceof SyntaxError ? "expected a fit.json from `isoflop fit FILE --out fit.json`" : error.message}`);
      }
    };
    at("fit-file").addEventListener("change", (event) => read(event.target.files[0]));
    document.addEventListener("dragover", (event) => {
      event.preventDefault();
      document.body.classList.add("dropping");
    });
    document.addEventListener("dragleave", (event) => {
      if (!event.relatedTarget) document.body.classList.remove("dropping");
    });
    document.addEventListener("drop", (event) => {
      event.preventDefault();
      document.body.classList.remove("dropping");
      read(event.dataTransfer.files[0]);
    });
  };
})(globalThis.isoflop);

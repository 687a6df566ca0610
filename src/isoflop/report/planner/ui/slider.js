// A slider of the budget: training FLOPs on a logarithmic scale.
(function (isoflop) {
  "use strict";
  const STEPS_A_DECADE = 50;
  const PUBLISHED = [1e18, 1e27]; // from the smallest runs behind a published law to beyond the largest system
  const TIMES_THE_RUNS = 1000; // as far beyond a fit's runs as anybody asks
  isoflop.slider = {};

  // Sets the ends of a slider: those of published systems, or of a fit from its runs' least compute to far beyond them.
  isoflop.slider.setEnds = (slider, source, flops) => {
    const runs = source.law.domain.flops;
    const [least, most] = source.law.name === "fitted" ? [runs[0], runs[1] * TIMES_THE_RUNS] : PUBLISHED;
    slider.step = 1 / STEPS_A_DECADE;
    slider.min = Math.floor(Math.log10(Math.min(least, flops)) * STEPS_A_DECADE) / STEPS_A_DECADE;
    slider.max = Math.ceil(Math.log10(Math.max(most, flops)) * STEPS_A_DECADE) / STEPS_A_DECADE;
  };

  // Shows a budget, unless the slider is being moved.
  isoflop.slider.show = (slider, flops) => {
    if (slider !== document.activeElement) slider.value = Math.log10(flops);
    slider.setAttribute("aria-valuetext", `${isoflop.text.formatFlops(flops)} FLOPs`);
  };

  // Calls `change(flops)` while the slider is moved.
  isoflop.slider.onSliding = (slider, change) =>
    slider.addEventListener("input", () => change(10 ** Number(slider.value)));
})(globalThis.isoflop);

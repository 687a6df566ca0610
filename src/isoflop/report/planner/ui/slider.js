// The slider of the budget: training FLOPs on a logarithmic scale.
(function (isoflop) {
  "use strict";
  const at = () => document.getElementById("budget-slider");
  const STEPS_A_DECADE = 50;
  const PUBLISHED = [1e18, 1e27]; // from the smallest runs behind a published law to beyond the largest system
  isoflop.slider = {};

  // Shows a budget: on a scale of published systems, or of a fit from its runs' least compute to a thousandfold the most.
  isoflop.slider.show = (source, flops) => {
    const [least, most] = source.law.name === "fitted" ? source.law.domain.flops : [PUBLISHED[0], PUBLISHED[1] / 1000];
    const slider = at();
    slider.min = Math.floor(Math.log10(Math.min(least, flops)) * STEPS_A_DECADE) / STEPS_A_DECADE;
    slider.max = Math.ceil(Math.log10(Math.max(most * 1000, flops)) * STEPS_A_DECADE) / STEPS_A_DECADE;
    slider.step = 1 / STEPS_A_DECADE;
    if (slider !== document.activeElement) slider.value = Math.log10(flops);
    slider.setAttribute("aria-valuetext", `${isoflop.text.formatFlops(flops)} FLOPs`);
  };

  // Calls `change(flops)` while it is slid.
  isoflop.slider.onSliding = (change) => at().addEventListener("input", (event) => change(10 ** Number(event.target.value)));
})(globalThis.isoflop);

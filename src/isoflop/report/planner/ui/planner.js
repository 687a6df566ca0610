// The page: a request, its answer, and the two kept in step with the form and the link.
(function (isoflop) {
  "use strict";
  const data = JSON.parse(document.getElementById("planner-data").textContent);
  const page = JSON.parse(document.getElementById("planner-page").textContent);
  const at = (id) => document.getElementById(id);
  let request = restored();
  let released = {}; // what the model was for before the star was moved

  // The request of the link; what it does not state is as the page was made.
  function restored() {
    const linked = isoflop.request.ofLink(location.hash);
    const request = { ...page.defaults, ...linked };
    if (isoflop.request.budgetOption(linked)) {
      for (const option of isoflop.request.BUDGETS) if (!linked[option]) delete request[option];
    }
    // money alone is spent on the devices that `isoflop plan` takes for it
    if (linked.price && !linked.gpus) request.gpus = isoflop.request.defaultDevices(data, page.default_devices, linked) ?? request.gpus;
    return request;
  }

  // The options that state the device of the request, where it is one of the user's.
  const ownDevice = () => page.own_devices[(request.gpus ?? "").replace(/^\d+\s*[x*×]?\s*/, "")];

  const sourceOf = (name) => data.sources.find((source) => source.name === name);

  function change(changes) {
    request = Object.fromEntries(Object.entries({ ...request, ...changes }).filter(([, text]) => text));
    update();
  }

  function update() {
    history.replaceState(null, "", isoflop.request.toLink(request));
    isoflop.form.show(request);
    try {
      isoflop.form.showFieldError(null);
      show(isoflop.request.inputsOf(request));
    } catch (error) {
      if (!(error instanceof isoflop.quantities.InputError)) throw error;
      isoflop.form.showFieldError(error);
      refuse(error.message, "");
    }
  }

  // What was drawn last stays, dimmed.
  function refuse(message, code) {
    isoflop.answer.refuse(message, code);
    for (const id of ["command", "command-toml"]) at(id).textContent = "";
    document.body.classList.add("unanswered");
  }

  function show(inputs) {
    if (!sourceOf(request.law)) {
      return refuse(`this link was made with ${request.law}, which is not on this page: drop its file, or choose a law`, "");
    }
    const plan = isoflop.plan(data, inputs);
    if (plan.refused) return refuse(plan.refused.message, plan.refused.code);
    document.body.classList.remove("unanswered");
    // a price of the user's own device is in a currency that nobody stated
    const own = !request["price-per-hour"] && plan.bill?.price_source === "given";
    const currency = own ? null : isoflop.request.currencyOf(request);
    isoflop.form.showBudgets(request, plan, currency);
    isoflop.slider.setEnds(at("budget-slider"), sourceOf(request.law), plan.budget_flops);
    isoflop.slider.show(at("budget-slider"), plan.budget_flops);
    isoflop.form.showCatalogue(plan.bill, currency);
    at("sentence").textContent = isoflop.words.sentence(plan, currency);
    isoflop.answer.show(plan, data.codes, isoflop.words.facts(plan, currency));
    isoflop.figures.show(data, { plan, inputs, request, currency }, { move, release, choose: (law) => change({ law }) });
    isoflop.sources.show(data, plan, inputs, currency);
    showCommands();
    return undefined;
  }

  // The law of a dropped file stands alone: the command knows more of its fit than the page does.
  function showCommands() {
    const alone = Boolean(sourceOf(request.law).missing?.length);
    at("law-alone").hidden = !alone;
    at("command-lead").textContent = alone
      ? "With intervals and the forecasts of the whole fit, which the dropped file does not hold:"
      : "The same answer at the command line:";
    at("command").textContent = isoflop.words.commandOf(request, page.fits[request.law], ownDevice());
    at("command-toml").textContent = `${at("command").textContent} --out plan.toml`;
  }

  // The star was moved: the size is fixed there, in three digits, so that link and command say what the page does.
  function move(params) {
    const purpose = isoflop.request.purposeOption(request);
    if (purpose !== "params") released = purpose ? { [purpose]: request[purpose] } : {};
    change({ ...without(isoflop.request.PURPOSES), params: isoflop.text.formatQuantity(params) });
  }

  const release = () => change({ ...without(isoflop.request.PURPOSES), ...released });
  const without = (options) => Object.fromEntries(options.map((option) => [option, undefined]));

  isoflop.form.onTyping(change);
  isoflop.slider.onSliding(at("budget-slider"), (flops) =>
    change({ ...without(isoflop.request.BUDGETS), flops: isoflop.text.formatFlops(flops) }));
  isoflop.controls.onCopying();
  isoflop.controls.onFitFile((source, path) => {
    page.fits[source.name] = path;
    data.sources = [...data.sources.filter((other) => other.name !== source.name), source];
    isoflop.form.listLaws(data.sources);
    change({ law: source.name });
  }, (message) => refuse(message, ""));
  at("inputs").addEventListener("submit", (event) => event.preventDefault());
  at("release").addEventListener("click", release);
  window.addEventListener("hashchange", () => {
    request = restored();
    update();
  });
  let width = at("profile").clientWidth;
  new ResizeObserver(() => {
    if (at("profile").clientWidth === width) return;
    width = at("profile").clientWidth;
    update();
  }).observe(at("profile"));
  isoflop.form.listLaws(data.sources);
  update();
})(globalThis.isoflop);

// The form: its fields show a request, and typing in one of them changes it.
(function (isoflop) {
  "use strict";
  isoflop.form = {};
  const field = (option) => document.getElementById(`in-${option}`);

  // Shows `request` in the fields. Of the budgets, those that do not state it show what the plan makes of them.
  isoflop.form.show = (request) => {
    for (const option of isoflop.request.OPTIONS) {
      const input = field(option);
      if (input && input !== document.activeElement) input.value = request[option] ?? "";
    }
    const purpose = isoflop.request.purposeOption(request) ?? "";
    document.getElementById("purpose").value = purpose;
    for (const option of isoflop.request.PURPOSES) field(option).closest("label").hidden = option !== purpose;
    const ruling = isoflop.request.budgetOption(request);
    for (const option of isoflop.request.BUDGETS) field(option).closest("label").classList.toggle("ruling", option === ruling);
  };

  // Shows what the other budgets come to.
  isoflop.form.showBudgets = (request, plan, currency) => {
    const texts = {
      price: plan.price == null ? "" : isoflop.words.formatMoney(plan.price, currency),
      days: plan.hours == null ? "" : `${isoflop.text.formatQuantity(plan.hours / 24)}d`,
      flops: isoflop.text.formatFlops(plan.budget_flops),
      loss: plan.loss == null ? "" : plan.loss.toFixed(4),
    };
    for (const option of isoflop.request.BUDGETS) {
      if (!request[option] && field(option) !== document.activeElement) field(option).value = texts[option];
    }
  };

  // Shows in empty fields what is used where nothing is typed.
  isoflop.form.showCatalogue = (bill, currency) => {
    const share = isoflop.numbers.format(bill.utilization.expected);
    field("utilization").placeholder = bill.hours_source === "layout" ? "by the layout" : share;
    field("price-per-hour").placeholder = bill.price_per_hour == null ? "not known" : isoflop.words.formatMoney(bill.price_per_hour, currency);
  };

  // Lists the laws to choose from.
  isoflop.form.listLaws = (sources) => {
    const option = (source) => isoflop.drawing.element("option", { value: source.name }, source.label ?? source.name);
    field("law").replaceChildren(...sources.map(option));
  };

  // Shows an error at the field that it is of; none where `error` is null.
  isoflop.form.showFieldError = (error) => {
    for (const option of isoflop.request.OPTIONS) field(option)?.removeAttribute("aria-invalid");
    if (error?.option) field(error.option)?.setAttribute("aria-invalid", "true");
  };

  // Calls `change(changes)` with what was typed: texts by option, undefined for an option that is no longer set.
  isoflop.form.onTyping = (change) => {
    const none = (options) => Object.fromEntries(options.map((option) => [option, undefined]));
    for (const option of isoflop.request.OPTIONS) {
      field(option)?.addEventListener("input", (event) => {
        const text = event.target.value.trim();
        const others = isoflop.request.BUDGETS.includes(option) ? none(isoflop.request.BUDGETS) : {};
        change({ ...others, [option]: text || undefined });
      });
    }
    document.getElementById("purpose").addEventListener("change", (event) => {
      const purpose = event.target.value;
      const example = purpose ? { [purpose]: field(purpose).placeholder } : {};
      change({ ...none(isoflop.request.PURPOSES), ...example });
    });
  };
})(globalThis.isoflop);

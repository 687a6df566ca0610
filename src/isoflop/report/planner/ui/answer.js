// The answer below its sentence: grade, what to bear in mind, and every number with its interval.
(function (isoflop) {
  "use strict";
  const { element } = isoflop.drawing;
  const at = (id) => document.getElementById(id);
  isoflop.answer = {};

  // Shows the grade, the warnings and the facts ([label, value, note], ...) of a plan.
  isoflop.answer.show = (plan, codes, facts) => {
    const { grade } = plan;
    at("grade").className = grade.word.replaceAll(" ", "-");
    at("grade").replaceChildren(
      element("strong", {}, grade.word.charAt(0).toUpperCase() + grade.word.slice(1)),
      ...(grade.remedies.length ? [element("span", {}, ` What would raise it: ${plainText(grade.remedies[0])}`)] : []),
    );
    const limits = (warning) => ["unsound", "care", "note"].indexOf(codes[warning.code]?.weight ?? "care");
    const ordered = [...plan.warnings].sort((a, b) => limits(a) - limits(b));
    at("warnings").replaceChildren(...ordered.map((warning) =>
      element("li", {}, `${sentence(warning.message)} `, element("code", {}, warning.code))));
    at("facts").replaceChildren(...facts.map(([label, value, note]) => {
      const said = element("dd", {}, value);
      if (note) said.append(element("span", { class: "note" }, note));
      return element("div", {}, element("dt", {}, label), said);
    }));
  };

  // A remedy without the marks of Markdown.
  function plainText(text) {
    return text.replace(/\[([^\]]+)\]\([^)]+\)/g, "$1").replaceAll("`", "");
  }

  // A message as a sentence: with a capital letter and a full stop.
  function sentence(message) {
    return `${message.charAt(0).toUpperCase()}${message.slice(1)}${/[.!?]$/.test(message) ? "" : "."}`;
  }

  // Says why there is no answer.
  isoflop.answer.refuse = (message, code) => {
    at("sentence").textContent = sentence(message);
    at("grade").className = "refused";
    at("grade").replaceChildren(element("strong", {}, "No answer"), ...(code ? [" ", element("code", {}, code)] : []));
    at("warnings").replaceChildren();
  };
})(globalThis.isoflop);

/* Light or dark: as the reader chose on this page before, else as the system has it. Runs before anything is shown. */
(function () {
  "use strict";
  const KEY = "isoflop-theme";
  const root = document.documentElement;
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const followers = [];

  const stored = () => {
    try {
      return window.localStorage.getItem(KEY);
    } catch {
      return null; // storage is closed to this page: the choice lasts until it is left
    }
  };

  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);

  function show() {
    for (const button of document.querySelectorAll(".theme")) {
      button.hidden = false;
      button.textContent = isDark() ? "Light colours" : "Dark colours";
    }
    for (const follower of followers) follower(isDark());
  }

  function toggle() {
    root.dataset.theme = isDark() ? "light" : "dark";
    try {
      window.localStorage.setItem(KEY, root.dataset.theme);
    } catch {
      // as above
    }
    show();
  }

  if (["light", "dark"].includes(stored())) root.dataset.theme = stored();
  system.addEventListener("change", show);
  document.addEventListener("DOMContentLoaded", () => {
    for (const button of document.querySelectorAll(".theme")) button.addEventListener("click", toggle);
    show();
  });
  /** `isDark()`, and `follow(f)`: calls f(dark) whenever that changes. */
  window.isoflopTheme = { isDark, follow: (follower) => followers.push(follower) };
})();

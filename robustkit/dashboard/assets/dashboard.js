"use strict";
// The dashboard's own part: light and dark, the width of the window, drawings fitted to both.
(() => {
  const root = document.documentElement;
  const darkWanted = matchMedia("(prefers-color-scheme: dark)");
  let byHand = "";

  function theme() { return byHand || (darkWanted.matches ? "dark" : "light"); }
  function state() { return { theme: theme(), width: root.clientWidth }; }
  root.dataset.theme = theme();

  let told = "";
  function tell() {
    root.dataset.theme = theme();
    const said = JSON.stringify(state());
    if (said === told || !window.dash_clientside || !window.dash_clientside.set_props) return;
    told = said;
    window.dash_clientside.set_props("theme", { data: state() });
    const button = document.getElementById("theme-button");
    button.textContent = theme() === "dark" ? "Light" : "Dark";
    button.setAttribute("aria-label", "Switch to " + (theme() === "dark" ? "light" : "dark") + " colours");
  }

  // Dash's menus hold a hidden input that the keyboard would stop at: the menu's own button is enough
  new MutationObserver(() => {
    document.querySelectorAll(".dash-dropdown-focus-target[tabindex='0']").forEach((input) => { input.tabIndex = -1; });
  }).observe(document.documentElement, { childList: true, subtree: true });

  function begin() {
    const button = document.getElementById("theme-button");
    if (!button) { setTimeout(begin, 50); return; }
    button.addEventListener("click", () => { byHand = theme() === "dark" ? "light" : "dark"; tell(); });
    darkWanted.addEventListener("change", tell);
    let waiting = 0;
    addEventListener("resize", () => { clearTimeout(waiting); waiting = setTimeout(tell, 150); });
    tell();
  }
  addEventListener("DOMContentLoaded", begin);

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    robustkit: {
      fitted: (drawing, state) => {
        if (!drawing || !state) return { data: [], layout: {} };
        const narrow = root.clientWidth < 640 ? 32 : 48;
        return robustkitFigures.prepared(drawing, robustkitFigures.screen(Math.min(1072, root.clientWidth - narrow)));
      },
      operating: (data) => {
        const place = document.getElementById("operating-point");
        if (place && data) robustkitOperating.mount(place, data);
        return window.dash_clientside.no_update;
      },
      seen: (pathname) => {
        document.querySelectorAll("nav a").forEach((a) => {
          if (new URL(a.href).pathname === pathname) a.setAttribute("aria-current", "page"); else a.removeAttribute("aria-current");
        });
        return window.dash_clientside.no_update;
      },
    },
  });
})();

"use strict";
// What every script of the page shares: packed data, downloads, light and dark, what is in sight.
const robustkit = (() => {
  const root = document.documentElement;
  const darkWanted = matchMedia("(prefers-color-scheme: dark)");
  const toggle = document.getElementById("theme");
  const onTheme = [];
  let isChosenByHand = false;

  function setTheme(theme) {
    root.dataset.theme = theme;
    toggle.textContent = theme === "dark" ? "Light" : "Dark";
    toggle.setAttribute("aria-label", "Switch to " + (theme === "dark" ? "light" : "dark") + " colours");
    onTheme.forEach((react) => react());
  }

  async function unpack(id) {
    const bytes = Uint8Array.from(atob(document.getElementById(id).textContent), (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).text();
  }

  function save(content, name, type) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([content], { type }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 2000);
  }

  // Calls back once, when the element comes near the window: a page of forty figures opens as fast as one of four.
  function whenNear(element, act) {
    const observer = new IntersectionObserver((entries) => {
      if (entries.some((e) => e.isIntersecting)) { observer.disconnect(); act(); }
    }, { rootMargin: "500px" });
    observer.observe(element);
  }

  let plotlyAsked = null;
  function plotly() {
    plotlyAsked ??= unpack("data-plotly").then((source) => {
      const script = document.createElement("script");
      script.textContent = source;
      document.head.append(script);
      return window.Plotly;
    });
    return plotlyAsked;
  }

  setTheme(darkWanted.matches ? "dark" : "light");
  toggle.addEventListener("click", () => { isChosenByHand = true; setTheme(root.dataset.theme === "dark" ? "light" : "dark"); });
  darkWanted.addEventListener("change", () => { if (!isChosenByHand) setTheme(darkWanted.matches ? "dark" : "light"); });

  // A table lies here by columns: cells parted by one control character, columns by another.
  async function table(name) {
    const columns = (await unpack("data-table-" + name)).split("\x1e").map((c) => c.split("\x1f"));
    return { head: columns.map((c) => c[0]), columns: columns.map((c) => c.slice(1)) };
  }

  async function csv(name) {
    const { head, columns } = await table(name);
    const quoted = (cell) => (/[",\r\n]/.test(cell) ? '"' + cell.replaceAll('"', '""') + '"' : cell);
    const lines = [head.map(quoted).join(",")];
    for (let i = 0; i < (columns[0] || []).length; i += 1) lines.push(columns.map((c) => quoted(c[i])).join(","));
    return "\ufeff" + lines.join("\r\n") + "\r\n";
  }

  const canUnpack = typeof DecompressionStream !== "undefined";
  if (!canUnpack) document.getElementById("too-old").hidden = false;
  document.querySelectorAll("button[data-table]").forEach((button) => button.addEventListener("click", async () => {
    save(await csv(button.dataset.table), button.dataset.table + ".csv", "text/csv;charset=utf-8");
  }));

  return { root, unpack, save, setTheme, onTheme, whenNear, plotly, canUnpack,
    data: async (name) => JSON.parse(await unpack("data-" + name)) };
})();

"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const root = document.documentElement;
  const wide = matchMedia("(prefers-color-scheme: dark)");
  root.dataset.theme = wide.matches ? "dark" : "light";

  const separator = "\u001f";
  const chosen = {};

  function colours() {
    const style = getComputedStyle(root);
    return { ink: style.getPropertyValue("--ink").trim(), line: style.getPropertyValue("--line").trim() };
  }

  function themed(spec) {
    const { ink, line } = colours();
    const layout = JSON.parse(JSON.stringify(spec.layout));
    layout.font = Object.assign({}, layout.font, { color: ink });
    for (const axis of ["xaxis", "yaxis"]) {
      layout[axis] = Object.assign({}, layout[axis], { gridcolor: line, linecolor: line, zerolinecolor: line });
    }
    if (root.clientWidth < 640) {
      layout.margin = Object.assign({}, layout.margin, { l: 48, r: 8 });
      layout.annotations = (layout.annotations || []).map((a) => Object.assign({}, a, a.yshift ? { font: Object.assign({}, a.font, { size: 8 }) } : {}));
    }
    return layout;
  }

  function draw(name) {
    const set = data.figures[name];
    const target = document.getElementById("figure-" + name);
    const spec = set.specs[chosen[name].join(separator)];
    if (!spec || !target) return;
    const config = { responsive: true, displaylogo: false, modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
      toImageButtonOptions: { format: "svg", filename: "robustkit-" + name } };
    Plotly.react(target, spec.data, themed(spec), config);
  }

  function fill(name) {
    const set = data.figures[name];
    set.menus.forEach((_, i) => {
      const select = document.querySelector('select[data-figure="' + name + '"][data-menu="' + i + '"]');
      const allowed = set.choices.filter((c) => chosen[name].slice(0, i).every((v, k) => c[k] === v));
      const options = [...new Set(allowed.map((c) => c[i]))];
      if (!options.includes(chosen[name][i])) chosen[name][i] = options[0];
      select.replaceChildren(...options.map((text) => {
        const option = document.createElement("option");
        option.value = text;
        option.textContent = text.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");
        option.selected = text === chosen[name][i];
        return option;
      }));
      select.disabled = options.length < 2;
    });
    draw(name);
  }

  for (const name of Object.keys(data.figures)) {
    if (!data.figures[name].choices.length) continue;
    chosen[name] = [...data.figures[name].choices[0]];
    document.querySelectorAll('select[data-figure="' + name + '"]').forEach((select) => {
      select.addEventListener("change", () => { chosen[name][Number(select.dataset.menu)] = select.value; fill(name); });
    });
    fill(name);
  }

  function redraw() { Object.keys(chosen).forEach(draw); }
  document.getElementById("theme").addEventListener("click", () => {
    root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
    redraw();
  });

  document.querySelectorAll("button[data-table]").forEach((button) => {
    button.addEventListener("click", () => {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([data.tables[button.dataset.table]], { type: "text/csv" }));
      link.download = button.dataset.table + ".csv";
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    });
  });
})();

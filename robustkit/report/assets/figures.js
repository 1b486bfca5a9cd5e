// Figures: drawn when they come near the window, one drawing for each choice of their menus.
(async () => {
  const { root } = robustkit;
  const ON_DARK = { "#0072B2": "#4DA9E8", "#D55E00": "#F2854B", "#009E73": "#35C79E", "#CC79A7": "#E39AC3", "#E69F00": "#F5BB45",
    "#56B4E9": "#9AD6F7", "#8A6F00": "#CDB04A", "#6B7782": "#98A4B0",
    "#45505B": "#C3CDD7" };
  const NARROW_PX = 640;
  const TOP_PX = 108;
  const LEGEND_PX = 68;
  const EXPORT_PX = 1000;
  const PRINT_PX = 680;
  const chosen = {};
  const shown = {};
  const figures = {};

  function rgb(hex) {
    return [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16)).join(",");
  }

  function recoloured(value) {
    let text = JSON.stringify(value);
    for (const [light, dark] of Object.entries(ON_DARK)) {
      text = text.replaceAll(light, dark).replaceAll("rgba(" + rgb(light) + ",", "rgba(" + rgb(dark) + ",");
    }
    return JSON.parse(text);
  }

  function wrapped(text, width) {
    const lines = [""];
    for (const word of text.split(" ")) {
      const line = lines[lines.length - 1];
      if (line && (line + " " + word).length > width) lines.push(word);
      else lines[lines.length - 1] = line ? line + " " + word : word;
    }
    return lines.join("<br>");
  }

  function legendRows(data, width) {
    let rows = 1;
    let used = 0;
    for (const trace of data.filter((t) => t.name && t.showlegend !== false)) {
      const wide = 48 + 7.4 * trace.name.length;
      if (used && used + wide > width - 30) { rows += 1; used = 0; }
      used += wide;
    }
    return rows;
  }

  function labelsAbove(data, layout) {
    const axis = layout.yaxis;
    layout.height += 20 * axis.ticktext.length;
    const lower = (y) => Math.round(y) + 0.17 + 0.64 * (y - Math.round(y));
    for (const trace of data) {
      trace.y = trace.y.map(lower);
      if (trace.width) trace.width *= 0.64;
    }
    layout.annotations.forEach((a) => { if (a.yref !== "paper") a.y += 0.17; });
    axis.ticktext.forEach((label, i) => layout.annotations.push({ x: 0, xref: "paper", xanchor: "left", y: i - 0.33, text: label,
      showarrow: false, font: { size: 12 } }));
    axis.showticklabels = false;
    axis.showgrid = false;
    layout.margin.l = 8;
  }

  function prepared(drawing, options) {
    let { data, layout } = JSON.parse(JSON.stringify({ data: drawing.data, layout: drawing.layout }));
    if (options.isDark) ({ data, layout } = recoloured({ data, layout }));
    layout.font.color = options.ink;
    for (const axis of [layout.xaxis, layout.yaxis]) Object.assign(axis, { gridcolor: options.line, linecolor: options.line, tickcolor: options.line });
    layout.hoverlabel = Object.assign({}, layout.hoverlabel, { bgcolor: options.paper, bordercolor: options.line, font: { color: options.ink, size: 13 } });
    layout.width = options.width;
    const more = 22 * (legendRows(data, options.width) - 1);
    const before = layout.height;
    if (options.width < NARROW_PX) {
      layout.margin.r = 12;
      layout.margin.l = 52;
      const title = wrapped(layout.title.text, 36);
      const subtitle = wrapped(layout.title.subtitle.text, 46);
      const extra = 20 * (title.split("<br>").length - 1) + 17 * (subtitle.split("<br>").length - 1);
      layout.title.text = title;
      layout.title.subtitle.text = subtitle;
      layout.title.font.size = 15;
      layout.margin.t += extra;
      layout.height += extra;
      layout.xaxis.title.text = wrapped(layout.xaxis.title.text, 44);
      const below = 16 * (layout.xaxis.title.text.split("<br>").length - 1) + (layout.barmode === "group" ? 16 : 0);
      layout.margin.b += below;
      layout.height += below;
      layout.yaxis.title.text = wrapped(layout.yaxis.title.text, 34);
      layout.xaxis.nticks = 5;
      layout.annotations.forEach((a) => { if (a.name === "disclaimer") { a.font.size = 8.5; a.yshift -= below; } });
      if (layout.barmode === "group") {
        data.forEach((t) => { t.x = t.x.map((v) => wrapped(v, 7)); t.textposition = "none"; });
        layout.xaxis.tickangle = 0;
      }
      if (layout.yaxis.ticktext) labelsAbove(data, layout);
    }
    layout.margin.t += more;
    layout.height += more;
    if (layout.height !== before || more) layout.legend.y = 1 - (LEGEND_PX + layout.margin.t - more - TOP_PX) / layout.height;
    return { data, layout };
  }

  function screen(width) {
    const style = getComputedStyle(root);
    const get = (name) => style.getPropertyValue(name).trim();
    return { isDark: root.dataset.theme === "dark", ink: get("--ink"), line: get("--line"), paper: get("--paper"), width };
  }

  function current(name) {
    return figures[name].drawings.find((d) => d.choice.every((v, i) => v === chosen[name][i]));
  }

  function draw(name, width) {
    const drawing = current(name);
    const target = document.getElementById("canvas-" + name);
    const { data, layout } = prepared(drawing, screen(width || target.clientWidth));
    Plotly.react(target, data, layout, { displayModeBar: false, displaylogo: false, scrollZoom: false, doubleClick: "reset" });
    const title = drawing.layout.title;
    target.setAttribute("aria-label", title.text + ", " + title.subtitle.text + "; its numbers follow as a table");
    numbers(name, drawing);
  }

  function numbers(name, drawing) {
    const table = document.createElement("table");
    const head = table.createTHead().insertRow();
    for (const text of drawing.head) {
      const cell = document.createElement("th");
      cell.scope = "col";
      cell.textContent = text;
      head.append(cell);
    }
    const body = table.createTBody();
    for (const row of drawing.rows) {
      const line = body.insertRow();
      for (const text of row) { const cell = line.insertCell(); cell.textContent = text; cell.dir = "auto"; cell.className = "number"; }
    }
    document.querySelector('[data-numbers="' + name + '"]').replaceChildren(table);
  }

  function spelled(text) {
    return text.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");
  }

  function fill(name) {
    const set = figures[name];
    set.menus.forEach((_, i) => {
      const select = document.querySelector('select[data-figure="' + name + '"][data-menu="' + i + '"]');
      const allowed = set.drawings.map((d) => d.choice).filter((c) => chosen[name].slice(0, i).every((v, k) => c[k] === v));
      const options = [...new Set(allowed.map((c) => c[i]))];
      if (!options.includes(chosen[name][i])) chosen[name][i] = options[0];
      select.replaceChildren(...options.map((value) => {
        const option = document.createElement("option");
        option.value = value;
        option.textContent = spelled(value);
        option.selected = value === chosen[name][i];
        return option;
      }));
      select.disabled = options.length < 2;
    });
    draw(name);
  }

  function redraw(width) { Object.keys(figures).forEach((name) => draw(name, width)); }

  function exportFigure(name, format) {
    const paper = "#ffffff";
    const { data, layout } = prepared(current(name), { isDark: false, ink: "#16202a", line: "#dbe1e7", paper, width: EXPORT_PX });
    layout.paper_bgcolor = paper;
    layout.plot_bgcolor = paper;
    const size = { format, width: EXPORT_PX, height: layout.height, scale: format === "png" ? 2 : 1 };
    return Plotly.downloadImage({ data, layout }, Object.assign({ filename: ["robustkit", name, ...chosen[name]].join("-").replace(/[^\w-]+/g, "_") }, size));
  }

  function show(name) {
    shown[name] ??= open(name);
    return shown[name];
  }

  async function open(name) {
    const [set] = await Promise.all([robustkit.data("figure-" + name), robustkit.plotly()]);
    figures[name] = set;
    chosen[name] = [...set.drawings[0].choice];
    document.querySelectorAll('select[data-figure="' + name + '"]').forEach((select) => {
      select.addEventListener("change", () => { chosen[name][Number(select.dataset.menu)] = select.value; fill(name); });
    });
    document.querySelectorAll('button[data-figure="' + name + '"]').forEach((button) => {
      button.addEventListener("click", () => exportFigure(name, button.dataset.export));
    });
    fill(name);
    document.getElementById(name).dataset.drawn = "yes";
  }

  if (!robustkit.canUnpack) return;
  const blocks = [...document.querySelectorAll("figure.plot")];
  blocks.forEach((block) => robustkit.whenNear(block, () => show(block.id)));
  robustkit.onTheme.push(() => redraw());

  let width = root.clientWidth;
  let waiting = 0;
  addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => { if (root.clientWidth !== width) { width = root.clientWidth; redraw(); } }, 120);
  });
  let before = "light";
  addEventListener("beforeprint", () => { before = root.dataset.theme; robustkit.setTheme("light"); redraw(PRINT_PX); });
  addEventListener("afterprint", () => { robustkit.setTheme(before); redraw(); });
  // what is printed must be drawn before: the rest follows, one by one, while nobody asks for anything
  const whenIdle = (act) => (window.requestIdleCallback || setTimeout)(act);
  robustkit.drawAll = async () => { for (const block of blocks) await show(block.id); };
  const drawNext = (i) => { if (i < blocks.length) whenIdle(() => show(blocks[i].id).then(() => drawNext(i + 1))); };
  whenIdle(() => { root.dataset.ready = "yes"; setTimeout(() => drawNext(0), 800); });
})();

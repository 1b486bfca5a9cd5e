// Figures: drawn when they come near the window, one drawing for each choice of their menus.
(async () => {
  const { root } = robustkit;
  const { prepared, screen } = robustkitFigures;
  const EXPORT_PX = 1000;
  const PRINT_PX = 680;
  const chosen = {};
  const shown = {};
  const figures = {};

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

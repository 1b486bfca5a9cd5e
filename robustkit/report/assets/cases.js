// All cases: a table of which only the rows in sight are drawn, sorted and filtered here; a row opens its case.
(() => {
  const place = document.getElementById("case-table");
  if (!place || !robustkit.canUnpack) return;
  const SVG = new DOMParser().parseFromString("<svg></svg>", "text/html").body.firstChild.namespaceURI;
  const ROW_PX = 36;
  const AROUND = 8;
  const STRIP_PX = 320;

  const make = (tag, given = {}, ...children) => {
    const e = document.createElement(tag);
    for (const [k, v] of Object.entries(given)) if (k in e) e[k] = v; else e.setAttribute(k, v);
    e.append(...children);
    return e;
  };
  const draw = (tag, given, ...children) => {
    const e = document.createElementNS(SVG, tag);
    for (const [k, v] of Object.entries(given)) e.setAttribute(k, v);
    e.append(...children);
    return e;
  };
  const number = (v) => (v === null || v === undefined ? "" : v.toFixed(3));
  const percent = (v) => (v === null || v === undefined ? "" : robustkitFigures.percent(v));

  function mount(data, pictures) {
    const n = data.case.length;
    const models = data.models.map((m) => m.name);
    let chosen = 0;
    let preset = "";
    let sort = { key: "case", down: false };
    let order = [];
    let opened = null;

    const above = (m, i) => (m.above[i] === null ? null : Boolean(m.above[i]));
    function decision(i) {
      const a = above(data.models[chosen], i);
      if (a === null) return "not answered";
      return a === Boolean(data.positive[i]) ? "right" : a ? "false alarm" : "missed";
    }
    const disagree = (i) => { const all = data.models.map((m) => above(m, i)).filter((a) => a !== null); return all.some((a) => a !== all[0]); };
    const below = (i) => data.models[chosen].threshold - data.models[chosen].nominal[i];

    // ready filters: name, which cases, and the order in which they begin
    const presets = [
      ["", "all cases", () => true, { key: "case", down: false }],
      ["unstable", "least stable", () => true, { key: "flip_rate", down: true }],
      ["missed", "missed with high certainty", (i) => decision(i) === "missed" && !data.models[chosen].flip_rate[i], { key: "below", down: true }],
      ["alarm", "false alarms", (i) => decision(i) === "false alarm", { key: "nominal", down: true }],
      ...(models.length > 1 ? [["split", "models disagree", disagree, { key: "case", down: false }]] : []),
    ];

    const columns = [
      { key: "case", title: "Case", value: (i) => data.case[i], text: (i) => data.case[i] },
      ...data.facts.map(([name, values]) => ({ key: "fact-" + name, title: name[0].toUpperCase() + name.slice(1), value: (i) => values[i], text: (i) => values[i] })),
      { key: "nominal", title: "Score", value: (i) => data.models[chosen].nominal[i], text: (i) => number(data.models[chosen].nominal[i]), isNumber: true },
      { key: "decision", title: "Decision", value: decision, text: decision },
      ...(data.redrawn ? [
        { key: "flip_rate", title: "Changed", value: (i) => data.models[chosen].flip_rate[i], text: (i) => percent(data.models[chosen].flip_rate[i]), isNumber: true },
        { key: "sd", title: "Spread", value: (i) => data.models[chosen].sd[i], text: (i) => number(data.models[chosen].sd[i]), isNumber: true },
      ] : []),
    ];
    const keys = Object.fromEntries(columns.map((c) => [c.key, c.value]));
    keys.below = below;

    const model = make("select", { id: "case-model", disabled: models.length < 2 }, ...models.map((m, i) => make("option", { value: String(i), textContent: m })));
    const filter = make("input", { id: "case-filter", type: "search", placeholder: "words of name or facts" });
    const buttons = make("div", { className: "points", role: "group", "aria-label": "Ready filters" },
      ...presets.map(([name, title]) => make("button", { type: "button", textContent: title, "data-preset": name })));
    const count = make("p", { className: "caption", role: "status", id: "case-count" });
    const head = make("tr");
    const body = make("tbody");
    const table = make("table", { id: "case-rows" }, make("thead", {}, head), body);
    const scroll = make("div", { className: "case-scroll", tabIndex: 0, role: "region", "aria-label": "All cases" }, table);
    const panel = make("div", { className: "case-panel", id: "case-panel" });
    place.replaceChildren(
      make("div", { className: "case-controls" }, make("label", { htmlFor: "case-model" }, "Model", model), make("label", { htmlFor: "case-filter" }, "Find", filter)),
      buttons, count, scroll, panel);

    columns.forEach((c) => {
      const button = make("button", { type: "button", textContent: c.title });
      button.addEventListener("click", () => {
        sort = { key: c.key, down: sort.key === c.key ? !sort.down : Boolean(c.isNumber) };
        arrange();
      });
      head.append(make("th", { scope: "col", "data-key": c.key }, button));
    });

    const words = data.case.map((name, i) => [name, ...data.facts.map(([, v]) => v[i])].join(" ").toLowerCase());
    function arrange() {
      const [, , keep] = presets.find(([name]) => name === preset);
      const wanted = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
      order = [];
      for (let i = 0; i < n; i += 1) if (keep(i) && wanted.every((w) => words[i].includes(w))) order.push(i);
      const value = keys[sort.key];
      const sign = sort.down ? -1 : 1;
      const cached = new Map(order.map((i) => [i, value(i)]));
      order.sort((a, b) => {
        const [x, y] = [cached.get(a), cached.get(b)];
        if (x === y) return a - b;
        // what is not known stands last, whichever way
        if (x === null || x === "" || x === undefined) return 1;
        if (y === null || y === "" || y === undefined) return -1;
        return sign * (typeof x === "string" ? x.localeCompare(y, undefined, { numeric: true }) : x - y) || a - b;
      });
      count.textContent = order.length === n ? `${n} cases` : `${order.length} of ${n} cases`;
      table.setAttribute("aria-rowcount", String(order.length + 1));
      for (const th of head.children) {
        const isKey = th.dataset.key === sort.key;
        th.setAttribute("aria-sort", isKey ? (sort.down ? "descending" : "ascending") : "none");
      }
      for (const b of buttons.children) b.setAttribute("aria-pressed", String(b.dataset.preset === preset));
      scroll.scrollTop = 0;
      show(true);
    }

    let first = -1;
    function show(isNew) {
      const top = Math.max(0, Math.floor(scroll.scrollTop / ROW_PX) - AROUND);
      const some = Math.ceil((scroll.clientHeight || 500) / ROW_PX) + 2 * AROUND;
      if (!isNew && top === first) return;
      first = top;
      const shown = order.slice(top, top + some);
      const space = (rows) => { const tr = make("tr", { "aria-hidden": "true", className: "space" }, make("td", { colSpan: columns.length })); tr.firstChild.style.height = rows * ROW_PX + "px"; return tr; };
      const held = document.activeElement && document.activeElement.dataset ? document.activeElement.dataset.case : undefined;
      const rows = shown.map((i, at) => row(i, top + at));
      const rest = order.length - top - shown.length;
      body.replaceChildren(...(top ? [space(top)] : []), ...rows, ...(rest > 0 ? [space(rest)] : []));
      if (held !== undefined) { const again = body.querySelector(`button[data-case="${held}"]`); if (again) again.focus({ preventScroll: true }); }
    }

    function row(i, at) {
      const cells = columns.map((c, k) => {
        if (k) return make("td", { className: c.isNumber ? "number" : "", dir: "auto", textContent: c.text(i), title: c.isNumber ? "" : c.text(i) });
        const button = make("button", { type: "button", "data-case": String(i), "aria-expanded": String(opened === i), "aria-controls": "case-panel" }, make("bdi", { textContent: c.text(i) }));
        button.addEventListener("click", () => { opened = opened === i ? null : i; open(); show(true); });
        return make("td", {}, button);
      });
      return make("tr", { "aria-rowindex": String(at + 2), className: opened === i ? "opened" : "" }, ...cells);
    }

    function open() {
      if (opened === null) { panel.replaceChildren(); return; }
      const i = opened;
      const facts = data.facts.map(([name, v]) => (v[i] ? `${name}: ${v[i]}` : "")).filter(Boolean).join("; ");
      const strips = data.models.map((m, k) => make("div", { className: "case-model" }, ...(models.length > 1 ? [make("h5", {}, make("bdi", { textContent: m.name }))] : []), strip(m, i), said(m, i)));
      const close = make("button", { type: "button", textContent: "Close" });
      close.addEventListener("click", () => { opened = null; open(); show(true); });
      panel.replaceChildren(make("article", { className: "case wide", "aria-label": data.case[i] },
        make("div", { className: "case-head" }, make("h4", {}, make("bdi", { textContent: data.case[i] })), close),
        make("p", { dir: "auto", textContent: facts }),
        make("div", { className: "case-body" }, film(i), make("div", {}, ...strips, make("div", { "data-slot": "heatmap", "data-of": data.case[i] })))));
      // other sections may add to what a row shows: a heatmap, say
      document.dispatchEvent(new CustomEvent("robustkit:case", { detail: { case: data.case[i], panel } }));
      panel.scrollIntoView({ block: "nearest" });
    }

    const path = ([x0, y0, x1, y1]) => `M${x0} ${y0}H${x1}V${y1}H${x0}Z`;
    function film(i) {
      if (!pictures || !pictures.webp[i]) return make("p", { className: "nofilm", textContent: "No picture: films are left out, or this one was not kept." });
      const [given, ...moved] = pictures.boxes[i] || [];
      const side = pictures.size;
      const svg = draw("svg", { viewBox: `0 0 ${side} ${side}`, "aria-hidden": "true" },
        ...(moved.length ? [draw("path", { class: "same", d: moved.map(path).join("") })] : []),
        ...(given ? [draw("path", { class: "halo", d: path(given) }), draw("path", { class: "nominal", d: path(given) })] : []));
      const alt = `Film around the box of ${data.case[i]}; white: the box as given${moved.length ? `, blue: ${moved.length} of the redrawn boxes` : ""}`;
      return make("div", { className: "film" }, make("img", { src: "data:image/webp;base64," + pictures.webp[i], alt, width: side, height: side }), svg);
    }

    const at = (score) => 8 + (STRIP_PX - 16) * Math.min(Math.max(score, 0), 1);
    function strip(m, i) {
      const q = m.scores.length ? m.scores[i] : m.low[i] === null ? null : [m.low[i], m.high[i]];
      const svg = draw("svg", { class: "strip", viewBox: `0 0 ${STRIP_PX} 54`, role: "img", "aria-label": `Scores of redrawn boxes of ${data.case[i]}` },
        draw("path", { class: "scale", d: `M8 38H${STRIP_PX - 8}` }), draw("text", { x: 8, y: 52 }, "0"),
        draw("text", { x: STRIP_PX / 2, y: 52, "text-anchor": "middle" }, "score"), draw("text", { x: STRIP_PX - 8, y: 52, "text-anchor": "end" }, "1"));
      if (q) {
        // from the outside in: all, nine of ten, half of the redrawn boxes
        const bars = q.length > 2 ? [[0, 10, 0.22], [1, 9, 0.35], [3, 7, 0.6]] : [[0, 1, 0.3]];
        bars.forEach(([a, b, o], k) => svg.append(draw("path", { class: "spread", d: `M${at(q[a])} 20H${at(q[b])}`, "stroke-opacity": o, "stroke-width": 6 + 5 * k })));
      }
      if (m.threshold !== null) svg.append(draw("path", { class: "cut", d: `M${at(m.threshold)} 2V38` }));
      if (m.nominal[i] !== null) { const x = at(m.nominal[i]); svg.append(draw("path", { class: "given", d: `M${x} 13L${x + 6} 20L${x} 27L${x - 6} 20Z` })); }
      return svg;
    }

    function said(m, i) {
      if (m.nominal[i] === null) return make("p", { textContent: "Not answered by this model." });
      const side = m.threshold === null ? "" : m.above[i] ? `, at or above the threshold ${number(m.threshold)}` : `, below the threshold ${number(m.threshold)}`;
      const spread = m.low[i] === null || !data.redrawn ? "" : ` Redrawn (${data.redrawn}) ${number(m.low[i])} to ${number(m.high[i])}; the decision changes in ${percent(m.flip_rate[i])} of ${m.repeats[i]}.`;
      return make("p", { textContent: `Score ${number(m.nominal[i])}${side}.${spread}` });
    }

    model.addEventListener("change", () => { chosen = Number(model.value); arrange(); });
    filter.addEventListener("input", arrange);
    buttons.addEventListener("click", (event) => {
      const b = event.target.closest("button");
      if (!b) return;
      preset = b.dataset.preset;
      sort = { ...presets.find(([name]) => name === preset)[3] };
      arrange();
    });
    let asked = false;
    scroll.addEventListener("scroll", () => { if (!asked) { asked = true; requestAnimationFrame(() => { asked = false; show(false); }); } });
    arrange();
    place.dataset.ready = "yes";
  }

  let asked = null;
  function open() {
    const withPictures = document.getElementById("data-pictures") ? robustkit.data("pictures") : null;
    asked ??= Promise.all([robustkit.data("cases"), withPictures]).then(([data, pictures]) => mount(data, pictures));
  }
  robustkit.whenNear(place, open);
})();

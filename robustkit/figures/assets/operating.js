"use strict";
// The slider over the threshold: what would be found, missed and changed there. Counts come from sweep.csv; intervals stand
// at the carried threshold alone, because any other one is chosen with the judged cases in sight.
const robustkitOperating = (() => {
  // the parser knows the namespace of drawings: no address stands on the page
  const SVG = new DOMParser().parseFromString("<svg></svg>", "text/html").body.firstChild.namespaceURI;
  const CARRIED = "(judged at)";
  const [H, LEFT, RIGHT, TOP, FOOT] = [260, 46, 12, 10, 36];
  const [NARROW, WIDE] = [320, 1072];

  function make(tag, given = {}, ...children) {
    const e = document.createElement(tag);
    for (const [k, v] of Object.entries(given)) if (k in e && k !== "list") e[k] = v; else e.setAttribute(k, v);
    e.append(...children);
    return e;
  }

  function draw(tag, given, ...children) {
    const e = document.createElementNS(SVG, tag);
    for (const [k, v] of Object.entries(given)) e.setAttribute(k, v);
    e.append(...children);
    return e;
  }

  const share = (k, n) => (n ? k / n : NaN);
  // 0.1234 as 12.3%: as the tables beside it
  const percent = (v) => (Number.isFinite(v) ? robustkitFigures.percent(v) : "not estimable");
  const isCarried = (name) => name.endsWith(CARRIED);
  const spoken = (name) => (isCarried(name) ? "carried: " + name.replace(CARRIED, "").trim() : name);

  function mount(root, data) {
    const id = root.id || "operating";
    const models = [...new Set(data.views.map((v) => v.model))];
    const cohorts = [...new Set(data.views.map((v) => v.cohort))];
    const variables = [...new Set(data.views.flatMap((v) => Object.keys(v.strata)))];
    const state = { model: models[0], cohort: cohorts[0], by: variables[0], at: 0, prevalence: null };

    function select(name, title, options) {
      const s = make("select", { id: `${id}-${name}`, disabled: options.length < 2 }, ...options.map((o) => make("option", { value: o, textContent: o })));
      s.addEventListener("change", () => { state[name] = s.value; if (name !== "by") begin(); show(); });
      return make("label", { htmlFor: s.id }, title, s);
    }
    const prevalence = make("input", { type: "number", id: `${id}-prevalence`, min: 0.1, max: 99.9, step: "any" });
    prevalence.addEventListener("input", () => {
      const v = Number(prevalence.value);
      state.prevalence = prevalence.value !== "" && v > 0 && v < 100 ? v / 100 : null;
      show();
    });
    const slider = make("input", { type: "range", id: `${id}-slider`, min: 0, step: 1 });
    slider.addEventListener("input", () => { state.at = Number(slider.value); show(); });
    const output = make("output", { htmlFor: slider.id });
    const points = make("div", { className: "points", role: "group", "aria-label": "Operating points" });
    const note = make("p", { className: "state", role: "status" });
    const tiles = make("dl", { className: "tiles" });
    let W = WIDE;
    const picture = draw("svg", { role: "img", "aria-label": "Sensitivity, specificity and changed decisions over the threshold" });
    const rows = make("tbody");
    const head = make("tr", {}, ...["Stratum", "Missed", "False alarms"].map((t) => make("th", { scope: "col", textContent: t })));
    const table = make("div", { className: "scroll", tabIndex: 0 }, make("table", { id: `${id}-strata` }, make("thead", {}, head), rows));
    const controls = make("div", { className: "controls" }, select("model", "Model", models), select("cohort", "Cohort", cohorts),
      make("label", { htmlFor: prevalence.id }, "Share of positives for PPV, NPV (%)", prevalence));
    const slide = make("div", { className: "slide" }, make("label", { htmlFor: slider.id, textContent: "Threshold" }), slider, output);
    root.classList.add("operating");
    root.replaceChildren(controls, points, slide, note, tiles, picture, legend(), ...(variables.length
      ? [make("div", { className: "controls" }, select("by", "Errors by", variables)), table] : []));

    const view = () => data.views.find((v) => v.model === state.model && v.cohort === state.cohort);

    function begin() {
      const v = view();
      if (!v) return;
      slider.max = v.thresholds.length - 1;
      const carried = v.points.find(([, name]) => isCarried(name));
      state.at = carried ? carried[0] : Math.floor(v.thresholds.length / 2);
      state.prevalence = null;
      prevalence.value = (100 * share(v.n.positive, v.n.positive + v.n.negative)).toFixed(1);
      points.replaceChildren(...v.points.filter(([i, name]) => isCarried(name) || !carried || i !== carried[0]).map(([i, name]) => {
        const b = make("button", { type: "button", textContent: spoken(name) });
        b.dataset.at = i;
        b.addEventListener("click", () => { state.at = i; show(); });
        return b;
      }));
      curves(v);
    }

    function show() {
      const v = view();
      if (!v) { note.textContent = "Nothing to show for this model and cohort."; return; }
      const i = state.at;
      slider.value = i;
      const cut = v.thresholds[i];
      output.textContent = cut.toFixed(3);
      slider.setAttribute("aria-valuetext", cut.toFixed(3));
      const here = v.points.filter(([at]) => at === i).map(([, name]) => name);
      const atCarried = here.some(isCarried);
      note.className = "state" + (atCarried ? "" : " away");
      note.textContent = atCarried ? "The carried threshold: every decision of this page is judged at it."
        : here.length ? "Fixed on development cases, but not the threshold that decisions are judged at: no intervals."
          : "Exploratory: chosen on the test cases; no intervals.";
      for (const b of points.children) b.setAttribute("aria-pressed", String(Number(b.dataset.at) === i));
      const found = v.called.positive[i], false_ = v.called.negative[i];
      const [se, sp] = [share(found, v.n.positive), 1 - share(false_, v.n.negative)];
      const p = state.prevalence ?? share(v.n.positive, v.n.positive + v.n.negative);
      const ppv = se * p / (se * p + (1 - sp) * (1 - p)), npv = sp * (1 - p) / (sp * (1 - p) + (1 - se) * p);
      const interval = (name, value) => (atCarried && v.intervals[name] ? v.intervals[name] : percent(value));
      const missed = (k) => `${v.n[k] - v.called[k][i]} of ${v.n[k]}`;
      const at = `at ${(100 * p).toFixed(1)}% positives`;
      tiles.replaceChildren(
        tile("sensitivity", "Sensitivity", interval("sensitivity", se), `${found} of ${v.n.positive} found`),
        tile("specificity", "Specificity", interval("specificity", sp), `${v.n.negative - false_} of ${v.n.negative} left alone`),
        tile("ppv", "PPV", percent(ppv), at),
        tile("npv", "NPV", percent(npv), at),
        ...(v.n.malignant ? [tile("malignant", "Missed, malignant", missed("malignant"), "")] : []),
        ...(v.n.intermediate ? [tile("intermediate", "Missed, intermediate", missed("intermediate"), "")] : []),
        ...(v.answers && data.redrawn ? [tile("flips", "Decisions that change", interval("flip_rate", v.flips[i]), `of ${v.answers} redrawn boxes, ${data.redrawn}`)] : []),
      );
      position(v, cut);
      if (variables.length) strata(v, i, atCarried);
    }

    function tile(name, title, value, small) {
      // "81.2% (74.0% to 86.6%)": the interval stands under its value
      const [first, rest] = value.split(" (");
      const lines = [rest ? "(" + rest : "", small].filter(Boolean).map((t) => make("small", { textContent: t }));
      const dd = make("dd", {}, first, ...lines);
      dd.dataset.value = name;
      return make("div", {}, make("dt", { textContent: title }), dd);
    }

    function strata(v, i, atCarried) {
      const own = (v.strata[state.by] || []).map(([name, n, called, m, wrong]) => {
        const said = (atCarried && v.errors[state.by] && v.errors[state.by][name]) || {};
        return make("tr", {}, make("td", {}, make("bdi", { textContent: name })),
          cell(n - called[i], n, said.missed, ""), cell(wrong[i], m, said.false_alarm, "false"));
      });
      rows.replaceChildren(...own);
    }

    function cell(k, n, said, kind) {
      const td = make("td", { className: "number" });
      if (!n) { td.append(make("small", { className: "none", textContent: "none in this stratum" })); return td; }
      const bar = make("span", { className: "share " + kind });
      bar.style.width = 70 * k / n + "px";
      if (k) td.append(bar);
      td.append(make("b", { textContent: `${k} of ${n}` }), make("small", { textContent: said || percent(k / n) }));
      return td;
    }

    let across = (cut) => cut;
    function curves(v) {
      // letters keep their size: the drawing is as wide as its place
      W = Math.min(WIDE, Math.max(NARROW, root.clientWidth || WIDE));
      const x = v.thresholds, [lo, hi] = [x[0], x[x.length - 1]];
      const px = (t) => LEFT + (W - LEFT - RIGHT) * (hi > lo ? (t - lo) / (hi - lo) : 0.5);
      const py = (s) => TOP + (H - TOP - FOOT) * (1 - s);
      across = px;
      picture.setAttribute("viewBox", `0 0 ${W} ${H}`);
      const line = (kind, values) => draw("path", { class: kind, d: values.map((s, i) => (Number.isFinite(s) ? `${i ? "L" : "M"}${px(x[i]).toFixed(1)} ${py(s).toFixed(1)}` : "")).join("") });
      const marks = [0, 0.5, 1].flatMap((s) => [
        draw("path", { class: "frame", d: `M${LEFT} ${py(s)}H${W - RIGHT}` }),
        draw("text", { x: LEFT - 6, y: py(s) + 4, "text-anchor": "end" }, `${100 * s}%`)]);
      const ends = [0, 0.25, 0.5, 0.75, 1].map((s) => draw("text", { x: px(lo + s * (hi - lo)), y: H - FOOT + 16, "text-anchor": s === 0 ? "start" : s === 1 ? "end" : "middle" }, (lo + s * (hi - lo)).toFixed(2)));
      const title = draw("text", { x: LEFT + (W - LEFT - RIGHT) / 2, y: H - 4, "text-anchor": "middle" }, "threshold (score at or above it: positive)");
      const carried = v.points.filter(([, name]) => isCarried(name)).map(([i]) => draw("path", { class: "carried", d: `M${px(x[i])} ${TOP}V${H - FOOT}` }));
      picture.replaceChildren(...marks, ...ends, title, ...carried,
        ...(v.n.positive ? [line("sensitivity", v.called.positive.map((k) => k / v.n.positive))] : []),
        ...(v.n.negative ? [line("specificity", v.called.negative.map((k) => 1 - k / v.n.negative))] : []),
        ...(v.answers ? [line("flips", v.flips)] : []), draw("path", { class: "cut", d: "" }));
    }

    function position(v, cut) {
      picture.lastChild.setAttribute("d", `M${across(cut)} ${TOP}V${H - FOOT}`);
    }

    function legend() {
      const entry = (kind, text) => make("span", {}, draw("svg", { viewBox: "0 0 30 10", "aria-hidden": "true" }, draw("path", { class: kind, d: "M0 5H30" })), text);
      return make("p", { className: "legend" }, entry("sensitivity", "sensitivity"), entry("specificity", "specificity"),
        ...(data.redrawn ? [entry("flips", `decisions that change, ${data.redrawn}`)] : []), entry("carried", "carried threshold"));
    }

    let width = root.clientWidth;
    addEventListener("resize", () => {
      if (!root.isConnected || root.clientWidth === width) return;
      width = root.clientWidth;
      if (view()) { curves(view()); show(); }
    });
    begin();
    show();
  }

  return { mount };
})();

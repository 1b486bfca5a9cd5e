"use strict";
// The lesion page's part in the browser: the box follows hand and keyboard without asking the server.
window.dash_clientside = window.dash_clientside || {};
(() => {
  const GONE = 20;
  let gone = 0;
  const skip = () => window.dash_clientside.no_update;
  const round = (v) => Math.round(v * 10) / 10;
  const plot = () => document.querySelector("#lesion-film .js-plotly-plot");
  const same = (a, b) => a && b && a.every((v, i) => Math.abs(v - b[i]) < 0.051);

  const ordered = ([x0, y0, x1, y1]) => [Math.min(x0, x1), Math.min(y0, y1), Math.max(x0, x1), Math.max(y0, y1)].map(round);

  // Plotly tells of a moved shape by its parts, of a drawn one by the whole list.
  function moved(relayout, box) {
    if (!relayout) return null;
    if (Array.isArray(relayout.shapes)) {
      const last = relayout.shapes[relayout.shapes.length - 1];
      return last && last.type === "rect" ? ordered([last.x0, last.y0, last.x1, last.y1]) : null;
    }
    const names = ["x0", "y0", "x1", "y1"];
    if (!names.some((n) => `shapes[0].${n}` in relayout)) return null;
    return ordered(names.map((n, i) => relayout[`shapes[0].${n}`] ?? box[i]));
  }

  function rect(box) {
    const [x0, y0, x1, y1] = box;
    return { type: "rect", x0, y0, x1, y1, line: { color: "#ffb547", width: 2.5 }, fillcolor: "rgba(255,181,71,0.01)" };
  }

  function show(box) {
    const gd = plot();
    if (!gd || !gd.layout || !window.Plotly) return;
    const shapes = gd.layout.shapes || [];
    const s = shapes[0];
    const drawn = gd.layout.dragmode === "drawrect";
    if (shapes.length === 1 && same([s.x0, s.y0, s.x1, s.y1], box) && !drawn) return;
    window.Plotly.relayout(gd, { shapes: [rect(box)], dragmode: "pan" });
  }

  function zoom(box, film, share) {
    const gd = plot();
    if (!gd) return;
    const [w, h] = film;
    if (!box) { window.Plotly.relayout(gd, { "xaxis.range": [0, w], "yaxis.range": [h, 0] }); return; }
    const side = share * Math.max(box[2] - box[0], box[3] - box[1]) / 2;
    const [x, y] = [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2];
    window.Plotly.relayout(gd, { "xaxis.range": [x - side, x + side], "yaxis.range": [y + side, y - side] });
  }

  // What Dash's own parts lack for screen readers: inputs without a name.
  const NAMES = [
    ["#lesion-upload input[type=file]", "Film from this computer"],
    ["#lesion-window .dash-range-slider-min-input", "Darkest grey level shown"],
    ["#lesion-window .dash-range-slider-max-input", "Brightest grey level shown"],
  ];

  function name() {
    for (const [where, text] of NAMES) {
      for (const e of document.querySelectorAll(where)) if (!e.hasAttribute("aria-label")) e.setAttribute("aria-label", text);
    }
  }

  new MutationObserver(name).observe(document, { childList: true, subtree: true });

  window.dash_clientside.lesion = {
    visitor(_, known) {
      if (known) return skip();
      const bytes = window.crypto.getRandomValues(new Uint8Array(16));
      return [...bytes].map((b) => b.toString(16).padStart(2, "0")).join("");
    },

    box(start, relayout, x0, y0, x1, y1, _reset, current) {
      const none = [skip(), skip(), skip(), skip(), skip()];
      const by = window.dash_clientside.callback_context.triggered.map((t) => t.prop_id);
      if (!start || !start.film) return none;
      let box = null;
      const isOld = !current || current.film !== start.film;
      if (isOld || by.some((p) => p.startsWith("lesion-start.") || p.startsWith("lesion-reset."))) {
        box = start.box;  // to the last digit: the run's own answer is for this box
      } else if (by.includes("lesion-film.relayoutData")) {
        box = moved(relayout, current.box);
      } else if (by.length) {
        const typed = [x0, y0, x1, y1];
        if (typed.every((v) => typeof v === "number" && isFinite(v)) && x1 > x0 && y1 > y0) box = typed.map(round);
      }
      if (!box) return none;
      if (!isOld) show(box);
      if (!isOld && same(box, current.box) && !by.some((p) => p.startsWith("lesion-start."))) {
        // what was typed may have more digits than are kept
        return [skip(), ...box.map((v, i) => ([x0, y0, x1, y1][i] === v ? skip() : v))];
      }
      return [{ film: start.film, box }, ...box.map(round)];
    },

    // The newest of two answers. A wish that is gone was dropped for a newer one, whose answer is on its way; where
    // none comes, the server has forgotten it, and nobody need ask any more.
    answer(first, more, shown) {
      const none = window.dash_clientside.callback_context.outputs_list.map(skip);
      const [best] = [first, more].filter((d) => d && d.parts.length)
        .sort((a, b) => b.ticket.ticket - a.ticket.ticket || b.ticket.version - a.ticket.version);
      if (best && (!shown || best.ticket.ticket > shown.ticket)) gone = 0;
      if (shown && more && !more.parts.length && more.ticket.ticket === shown.ticket) gone += 1;
      if (gone > GONE) return [skip(), true, ...none.slice(2)];
      const isOld = shown && best && (best.ticket.ticket < shown.ticket
        || (best.ticket.ticket === shown.ticket && best.ticket.version < shown.version));
      if (!best || isOld) return none;
      return [best.ticket, best.is_over, ...best.parts.map((p) => (p === null ? skip() : p))];
    },

    upload(contents, name, limit) {
      if (!contents) return [skip(), skip(), skip()];
      if (contents.length > limit * 4 / 3 + 200) {
        return [skip(), `${name}: the file has more than ${Math.round(limit / 1048576)} MB. Export it smaller.`, null];
      }
      return [{ contents, name }, "", null];
    },

    strength(value) {
      return { "--lesion-heat": String((value ?? 60) / 100) };
    },

    window(range) {
      const [low, high] = range || [0, 255];
      const [a, b] = [low / 255, Math.max(high, low + 1) / 255];
      // (v - a) / (b - a), in the words of CSS: brightness first, then contrast about the middle
      const contrast = 1 + 2 * a / (b - a);
      const bright = 1 / ((b - a) * contrast);
      return { "--lesion-bright": bright.toFixed(4), "--lesion-contrast": contrast.toFixed(4) };
    },

    tools(_draw, _box, _whole, current, start) {
      const by = window.dash_clientside.callback_context.triggered.map((t) => t.prop_id.split(".")[0]);
      const gd = plot();
      if (!gd || !start || !start.film) return skip();
      if (by.includes("lesion-draw")) window.Plotly.relayout(gd, { dragmode: gd.layout.dragmode === "drawrect" ? "pan" : "drawrect" });
      if (by.includes("lesion-zoom")) zoom(current ? current.box : start.box, start.size, 3);
      if (by.includes("lesion-whole")) zoom(null, start.size);
      return skip();
    },
  };
})();

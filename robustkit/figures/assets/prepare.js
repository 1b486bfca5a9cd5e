"use strict";
// Fits a drawing of a figure to where it is shown: colours of a dark page, room on a phone. Pages and dashboard share it.
const robustkitFigures = (() => {
  const ON_DARK = { "#0072B2": "#4DA9E8", "#D55E00": "#F2854B", "#009E73": "#35C79E", "#CC79A7": "#E39AC3", "#E69F00": "#F5BB45",
    "#56B4E9": "#9AD6F7", "#8A6F00": "#CDB04A", "#6B7782": "#98A4B0",
    "#45505B": "#C3CDD7" };
  const NARROW_PX = 640;
  const TOP_PX = 108;
  const LEGEND_PX = 68;

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
    layout.shapes.filter((s) => s.type === "rect").forEach((s) => { s.y0 = lower(s.y0); s.y1 = lower(s.y1); });
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
    const style = getComputedStyle(document.documentElement);
    const get = (name) => style.getPropertyValue(name).trim();
    return { isDark: document.documentElement.dataset.theme === "dark", ink: get("--ink"), line: get("--line"), paper: get("--paper"), width };
  }

  // 0.0625 is 6.2%, as in the tables: a tie goes to the even digit, which toFixed does not do
  function percent(v) {
    const tenths = 1000 * v;
    const isTie = Math.abs(100 * v * 10 - Math.trunc(tenths)) === 0.5;
    return (isTie ? (2 * Math.round(tenths / 2)) / 10 : 100 * v).toFixed(1) + "%";
  }

  return { prepared, screen, percent };
})();

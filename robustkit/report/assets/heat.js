// Heatmaps: over the picture of a case, and beside it. Cells are bytes on one scale for each model.
(() => {
  const section = document.getElementById("heatmaps");
  if (!section || !document.getElementById("data-heatmaps") || !robustkit.canUnpack) return;
  const INFERNO = [[0, 0, 4], [27, 12, 65], [74, 12, 107], [120, 28, 109], [165, 44, 96], [207, 68, 70], [237, 105, 37], [251, 155, 6], [247, 209, 61], [252, 255, 164]];
  const FINE = 96;
  const TOP = 0.8;

  const make = (tag, given = {}, ...children) => {
    const e = document.createElement(tag);
    for (const [k, v] of Object.entries(given)) if (k in e) e[k] = v; else e.setAttribute(k, v);
    e.append(...children);
    return e;
  };

  function colour(share) {
    const at = Math.min(Math.max(share, 0), 1) * (INFERNO.length - 1);
    const low = Math.min(Math.floor(at), INFERNO.length - 2);
    return INFERNO[low].map((v, k) => Math.round(v + (at - low) * (INFERNO[low + 1][k] - v)));
  }

  // bilinear between the middles of cells, as in the pictures that the command writes
  function fine([height, width, cells]) {
    const bytes = Uint8Array.from(atob(cells), (c) => c.charCodeAt(0));
    const out = new Float64Array(FINE * FINE);
    const place = (i, n) => { const at = Math.min(Math.max(((i + 0.5) * n) / FINE - 0.5, 0), n - 1); const low = Math.min(Math.floor(at), Math.max(n - 2, 0)); return [low, Math.min(low + 1, n - 1), at - low]; };
    for (let y = 0; y < FINE; y += 1) {
      const [y0, y1, v] = place(y, height);
      for (let x = 0; x < FINE; x += 1) {
        const [x0, x1, u] = place(x, width);
        const top = bytes[y0 * width + x0] * (1 - u) + bytes[y0 * width + x1] * u;
        const bottom = bytes[y1 * width + x0] * (1 - u) + bytes[y1 * width + x1] * u;
        out[y * FINE + x] = (top * (1 - v) + bottom * v) / 255;
      }
    }
    return out;
  }

  function paint(map, kind) {
    const canvas = make("canvas", { width: FINE, height: FINE, className: "heat-" + kind });
    const image = new ImageData(FINE, FINE);
    const values = fine(map);
    const cut = Float64Array.from(values).sort()[Math.floor(TOP * values.length)];
    const isTop = (x, y) => x >= 0 && y >= 0 && x < FINE && y < FINE && values[y * FINE + x] > cut;
    for (let y = 0; y < FINE; y += 1) for (let x = 0; x < FINE; x += 1) {
      const v = values[y * FINE + x];
      const at = 4 * (y * FINE + x);
      const isEdge = isTop(x, y) && !(isTop(x - 1, y) && isTop(x + 1, y) && isTop(x, y - 1) && isTop(x, y + 1));
      if (kind === "contour") image.data.set(isEdge ? [255, 255, 255, 255] : [0, 0, 0, 0], at);
      else image.data.set([...colour(v), kind === "alone" ? 255 : Math.round(255 * Math.sqrt(v))], at);
    }
    canvas.getContext("2d").putImageData(image, 0, 0);
    return canvas;
  }

  const percent = (v) => (100 * v).toFixed(0) + " %";
  function words(map) {
    const [, , , , reason, inside, uniform, why, drawn] = map;
    const where = drawn === "mask" ? "lesion" : "box";
    if (reason) return "No heatmap: " + reason + ".";
    if (inside === null || inside === undefined) return why ? "Share in the " + where + ": not defined, " + why + "." : "";
    return percent(inside) + " of it in the " + where + ", which is " + percent(uniform) + " of the crop.";
  }

  // film with the overlay, the map beside it
  function pair(map, src, box, what) {
    const said = words(map);
    const film = make("div", { className: "heat-film" }, make("img", { src, alt: "" }));
    if (box) film.append(lay(make("div", { className: "heat-box" }), box));
    if (map[4]) return make("div", {}, make("div", { className: "heat-pair" }, film), make("p", { textContent: said }));
    const over = lay(paint(map, "over"), map[3]);
    const contour = lay(paint(map, "contour"), map[3]);
    film.append(over, contour);
    const [x0, y0, x1, y1] = map[3];
    const alone = make("div", { className: "heat-film dark" }, lay(paint(map, "alone"), [x0, y0, x1, y1]));
    if (box) alone.append(lay(make("div", { className: "heat-box" }), box));
    const both = make("div", { className: "heat-pair", role: "img", "aria-label": `${what}: film with the box, and its heatmap. ${said}` }, film, alone);
    return make("div", {}, both, make("p", { textContent: said }));
  }
  function lay(e, [x0, y0, x1, y1]) {
    Object.assign(e.style, { left: 100 * x0 + "%", top: 100 * y0 + "%", width: 100 * (x1 - x0) + "%", height: 100 * (y1 - y0) + "%" });
    return e;
  }

  function controls(root, id) {
    const slider = make("input", { type: "range", id, min: "0", max: "100", value: "0", step: "5" });
    const contour = make("input", { type: "checkbox", id: id + "-contour" });
    const told = make("output", { htmlFor: id, textContent: "off" });
    const set = () => {
      root.style.setProperty("--heat", String(slider.value / 100));
      root.style.setProperty("--contour", contour.checked ? "1" : "0");
      told.textContent = slider.value === "0" ? "off" : slider.value + " %";
    };
    slider.addEventListener("input", set);
    contour.addEventListener("change", set);
    set();
    return make("div", { className: "heat-controls" }, make("label", { htmlFor: id }, "Heatmap over the film ", slider, " ", told), make("label", { htmlFor: id + "-contour" }, contour, " outline of the strongest fifth"));
  }

  let held = null;
  const maps = () => (held ??= robustkit.data("heatmaps"));

  document.addEventListener("robustkit:case", async ({ detail }) => {
    const slot = detail.panel.querySelector("[data-slot=heatmap]");
    const film = detail.panel.querySelector(".film img");
    if (!slot || !film) return;
    const data = await maps();
    if (slot.dataset.of !== detail.case || slot.childElementCount) return;
    const own = data.models.filter((m) => data.maps[m][detail.case]);
    if (!own.length) return;
    const side = film.width;
    const nominal = detail.panel.querySelector(".film path.nominal");
    const numbers = nominal ? nominal.getAttribute("d").match(/-?[\d.]+/g).map(Number) : null;
    const box = numbers ? [numbers[0] / side, numbers[1] / side, numbers[2] / side, numbers[3] / side] : null;
    slot.replaceChildren(make("h5", { textContent: data.method }), controls(slot, "heat-case"),
      ...own.flatMap((m) => [...(data.models.length > 1 ? [make("h5", {}, make("bdi", { textContent: m }))] : []), pair(data.maps[m][detail.case], film.src, box, m)]));
  });

  const place = document.getElementById("heatmap-gallery");
  if (!place) return;
  robustkit.whenNear(place, async () => {
    const [data, cards] = await Promise.all([maps(), robustkit.data("heatmap-gallery")]);
    const models = [...new Set(cards.map((c) => c.model))];
    const choice = make("select", { id: "heat-model" }, ...models.map((m) => make("option", { value: m, textContent: m })));
    const shown = make("div");
    const show = () => {
      const groups = [...new Set(cards.filter((c) => c.model === choice.value).map((c) => c.group))];
      shown.replaceChildren(...groups.map((g) => make("div", {}, make("h4", { textContent: g[0].toUpperCase() + g.slice(1) }),
        make("div", { className: "heat-cards" }, ...cards.filter((c) => c.model === choice.value && c.group === g).map((c) =>
          make("div", { className: "heat-card" }, pair(data.maps[c.model][c.case], "data:image/webp;base64," + c.webp, c.box, c.case), make("p", {}, make("bdi", { textContent: c.case }), c.label ? ", " : "", make("bdi", { textContent: c.label }))))))));
    };
    choice.addEventListener("change", show);
    place.replaceChildren(...(models.length > 1 ? [make("label", { htmlFor: "heat-model" }, "Model ", choice)] : []), controls(place, "heat-gallery"), shown);
    show();
    place.dataset.ready = "yes";
  });
})();

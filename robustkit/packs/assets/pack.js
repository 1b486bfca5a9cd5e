// A reading: one case at a time, film with zoom, pan and window, a rating and a decision; kept in the browser until saved.
(() => {
  const pack = JSON.parse(document.getElementById("data-pack").textContent);
  const main = document.getElementById("main");
  const KEY = ["robustkit-reading", pack.study, pack.reader, pack.session, pack.arm].join("/");
  const COLUMNS = ["study", "reader_id", "session", "arm", "position", "code", "practice", "score", "decision", "read_at", "seconds", "changes"];
  const INFERNO = [[0, 0, 4], [27, 12, 65], [74, 12, 107], [120, 28, 109], [165, 44, 96], [207, 68, 70], [237, 105, 37], [251, 155, 6], [247, 209, 61], [252, 255, 164]];
  const [least, most] = pack.scale.split("-").map(Number);
  const isFine = most > 10;

  const make = (tag, given = {}, ...children) => {
    const e = document.createElement(tag);
    for (const [k, v] of Object.entries(given)) if (k in e) e[k] = v; else e.setAttribute(k, v);
    e.append(...children);
    return e;
  };

  // ---- what is kept -----------------------------------------------------------------------------------------------
  let keeps = true;
  let state = { begun: false, readings: [], open: null };
  try {
    const held = JSON.parse(localStorage.getItem(KEY) || "null");
    if (held && Array.isArray(held.readings)) state = held;
    localStorage.setItem(KEY, JSON.stringify(state));
  } catch { keeps = false; }
  function keep() {
    if (!keeps) return;
    try { localStorage.setItem(KEY, JSON.stringify(state)); } catch { keeps = false; }
  }

  const position = () => state.readings.length;
  const current = () => pack.cases[position()];

  // ---- time: only while the page is in sight ------------------------------------------------------------------------
  let since = null;
  const running = () => (since === null ? 0 : (performance.now() - since) / 1000);
  function pause() { if (state.open) state.open.seconds += running(); since = null; keep(); }
  function resume() { if (state.open && !document.hidden) since = performance.now(); }
  document.addEventListener("visibilitychange", () => (document.hidden ? pause() : resume()));
  addEventListener("pagehide", pause);

  // ---- results ------------------------------------------------------------------------------------------------------
  const rows = () => state.readings.map((r, i) => ({ study: pack.study, reader_id: pack.reader, session: pack.session, arm: pack.arm, position: i + 1, ...r }));
  const cell = (v) => (/[",\r\n]/.test(String(v)) ? '"' + String(v).replaceAll('"', '""') + '"' : String(v));
  const csv = () => [COLUMNS.join(","), ...rows().map((r) => COLUMNS.map((c) => cell(r[c])).join(","))].join("\r\n") + "\r\n";
  function save(kind) {
    const content = kind === "csv" ? csv() : JSON.stringify({ readings: rows() }, null, 1) + "\n";
    const link = make("a", { href: URL.createObjectURL(new Blob([content], { type: kind === "csv" ? "text/csv" : "application/json" })), download: `readings-${pack.reader}-session-${pack.session}-${pack.arm}.${kind}` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }
  const saving = () => make("div", { className: "row" }, ...["csv", "json"].map((kind) => {
    const b = make("button", { type: "button", textContent: `Save results (${kind.toUpperCase()})`, "data-save": kind });
    b.addEventListener("click", () => save(kind));
    return b;
  }));

  function tell() {
    const practice = pack.cases.filter((c) => c.practice).length;
    const n = position();
    const said = n < practice ? `practice ${n + 1} of ${practice}` : n < pack.cases.length ? `case ${n + 1 - practice} of ${pack.cases.length - practice}` : "finished";
    document.getElementById("progress").textContent = state.begun ? said : `${pack.cases.length - practice} cases, ${practice} for practice`;
  }

  // ---- the film -------------------------------------------------------------------------------------------------------
  function viewer(c) {
    const [width, height] = c.size;
    const img = make("img", { src: "data:image/webp;base64," + document.getElementById("film-" + c.code).textContent, width, height, alt: "Film with the box of the lesion", draggable: false });
    const film = make("div", { className: "film" }, img);
    const lay = (e, [x0, y0, x1, y1]) => { Object.assign(e.style, { left: x0 * width + "px", top: y0 * height + "px", width: (x1 - x0) * width + "px", height: (y1 - y0) * height + "px" }); return e; };
    const heat = c.aid && c.aid.heatmap ? lay(paint(c.aid.heatmap), c.aid.heatmap[3]) : null;
    if (heat) { heat.style.opacity = "0"; film.append(heat); }
    const box = lay(make("div", { className: "box" }), c.box);
    film.append(box);
    const view = make("div", { className: "view", tabIndex: 0, role: "application", "aria-label": "Film: arrow keys move it, plus and minus zoom" }, film);
    const at = { zoom: 1, x: 0, y: 0, level: 50, width: 100 };
    const show = () => {
      film.style.transform = `translate(${at.x}px, ${at.y}px) scale(${at.zoom})`;
      film.style.setProperty("--zoom", at.zoom);
      img.style.filter = `brightness(${at.level / 50}) contrast(${100 / at.width})`;
      view.dataset.zoom = at.zoom.toFixed(3);
      view.dataset.window = `${at.level} ${at.width}`;
    };
    const fit = () => {
      at.zoom = Math.min(view.clientWidth / width, view.clientHeight / height) || 1;
      at.x = (view.clientWidth - width * at.zoom) / 2;
      at.y = (view.clientHeight - height * at.zoom) / 2;
      Object.assign(at, { level: 50, width: 100 });
      show();
    };
    const zoomAt = (factor, x = view.clientWidth / 2, y = view.clientHeight / 2) => {
      const next = Math.min(Math.max(at.zoom * factor, 0.05), 20);
      at.x = x - ((x - at.x) * next) / at.zoom;
      at.y = y - ((y - at.y) * next) / at.zoom;
      at.zoom = next;
      show();
    };
    const move = (dx, dy) => { at.x += dx; at.y += dy; show(); };
    const window_ = (dl, dw) => { at.level = Math.min(Math.max(at.level + dl, 5), 250); at.width = Math.min(Math.max(at.width + dw, 10), 300); show(); };
    view.addEventListener("wheel", (e) => { e.preventDefault(); const r = view.getBoundingClientRect(); zoomAt(e.deltaY < 0 ? 1.15 : 1 / 1.15, e.clientX - r.left, e.clientY - r.top); }, { passive: false });
    view.addEventListener("contextmenu", (e) => e.preventDefault());
    view.addEventListener("pointerdown", (e) => {
      view.setPointerCapture(e.pointerId);
      const isWindow = e.button === 2 || e.shiftKey;
      const drag = (m) => (isWindow ? window_(-m.movementY / 4, m.movementX / 2) : move(m.movementX, m.movementY));
      const stop = () => { view.removeEventListener("pointermove", drag); view.removeEventListener("pointerup", stop); view.removeEventListener("pointercancel", stop); };
      view.addEventListener("pointermove", drag);
      view.addEventListener("pointerup", stop);
      view.addEventListener("pointercancel", stop);
    });
    const toggle = () => { if (heat) heat.style.opacity = heat.style.opacity === "0" ? "0.6" : "0"; return heat && heat.style.opacity !== "0"; };
    const toggleBox = () => { box.hidden = !box.hidden; };
    return { view, fit, zoomAt, move, window: window_, toggle, toggleBox, hasHeat: Boolean(heat) };
  }

  function paint([height, width, cells]) {
    const bytes = Uint8Array.from(atob(cells), (ch) => ch.charCodeAt(0));
    const small = make("canvas", { width, height });
    const image = new ImageData(width, height);
    bytes.forEach((v, i) => {
      const at = (v / 255) * (INFERNO.length - 1);
      const low = Math.min(Math.floor(at), INFERNO.length - 2);
      image.data.set([...INFERNO[low].map((w, k) => Math.round(w + (at - low) * (INFERNO[low + 1][k] - w))), Math.round(255 * Math.sqrt(v / 255))], 4 * i);
    });
    small.getContext("2d").putImageData(image, 0, 0);
    const fine = make("canvas", { width: 128, height: 128, "aria-hidden": "true" });
    const pen = fine.getContext("2d");
    pen.imageSmoothingQuality = "high";
    pen.drawImage(small, 0, 0, 128, 128);
    return fine;
  }

  // ---- pages --------------------------------------------------------------------------------------------------------
  let press = () => {};
  addEventListener("keydown", (e) => { if (!e.ctrlKey && !e.metaKey && !e.altKey) press(e); });

  function welcome() {
    press = () => {};
    tell();
    const isAided = pack.arm === "aided";
    const begin = make("button", { type: "button", className: "next", id: "begin", textContent: position() ? "Go on" : "Begin" });
    begin.addEventListener("click", () => { state.begun = true; keep(); read(); });
    main.replaceChildren(make("div", { className: "note" },
      make("p", { textContent: `One case after another: look at the film, rate the lesion in the box, choose what you would do, go on. ${isAided ? "Beside each film stands what the model says; its heatmap can be laid over the film." : "Please read without any model."}` }),
      make("p", { textContent: "The first cases are for practice and are not counted. The time of each case is taken while this page is in sight. A case that was left cannot be changed." }),
      make("p", { className: keeps ? "" : "warning", textContent: keeps ? "What you did is kept in this browser if you close the page. At the end, save the results and send the file back." : "This browser keeps nothing of this page: save the results before you close it." }),
      begin));
    begin.focus();
  }

  function read() {
    const c = current();
    if (!c) { done(); return; }
    if (!state.open || state.open.code !== c.code) state.open = { code: c.code, score: null, decision: null, seconds: 0, changes: 0 };
    const open = state.open;
    tell();
    const film = viewer(c);
    const facts = make("dl", {}, ...c.facts.flatMap(([k, v]) => [make("dt", { textContent: k }), make("dd", { dir: "auto", textContent: v })]));
    const told = make("output", { id: "score" });
    const next = make("button", { type: "button", className: "next", id: "next", textContent: "Next case (Enter)" });
    const choices = isFine
      ? [make("input", { type: "range", id: "rating", min: String(least), max: String(most), step: "1", "aria-label": pack.question })]
      : Array.from({ length: most - least + 1 }, (_, k) => make("button", { type: "button", textContent: String(least + k), "data-score": String(least + k) }));
    const decisions = pack.decisions.map(([key, name, words]) => make("button", { type: "button", "data-decision": name, title: words, textContent: `${name} (${key.toUpperCase()})` }));
    const refresh = () => {
      told.textContent = open.score === null ? "not rated" : String(open.score);
      if (isFine) choices[0].value = String(open.score ?? Math.round((least + most) / 2));
      else for (const b of choices) b.setAttribute("aria-pressed", String(Number(b.dataset.score) === open.score));
      for (const b of decisions) b.setAttribute("aria-pressed", String(b.dataset.decision === open.decision));
      next.disabled = open.score === null || open.decision === null;
      keep();
    };
    const rate = (v) => { const value = Math.min(Math.max(Math.round(v), least), most); if (open.score !== null && value !== open.score) open.changes += 1; open.score = value; refresh(); };
    const decide = (name) => { if (open.decision !== null && open.decision !== name) open.changes += 1; open.decision = name; refresh(); };
    if (isFine) choices[0].addEventListener("input", () => { typed = ""; rate(Number(choices[0].value)); });
    else for (const b of choices) b.addEventListener("click", () => rate(Number(b.dataset.score)));
    for (const b of decisions) b.addEventListener("click", () => decide(b.dataset.decision));
    const leave = () => {
      if (next.disabled) return;
      pause();
      state.readings.push({ code: c.code, practice: Boolean(c.practice), score: open.score, decision: open.decision, read_at: new Date().toISOString(), seconds: Number(open.seconds.toFixed(1)), changes: open.changes });
      state.open = null;
      keep();
      read();
    };
    next.addEventListener("click", leave);

    const aid = c.aid ? [make("section", { id: "aid" }, make("h2", { textContent: "The model" }),
      make("p", {}, "Its score is ", make("b", { textContent: c.aid.above ? "at or above" : "below" }), " the threshold, and higher than ", make("b", { textContent: `${c.aid.rank} %` }), ` of its scores on ${pack.reference}.`),
      ...(film.hasHeat ? [heatButton(film)] : [make("p", { className: "keys", textContent: "No heatmap of this case." })]))] : [];
    main.replaceChildren(make("div", { className: "reading" }, film.view, make("div", { className: "side" },
      make("section", {}, make("h2", { textContent: c.practice ? "Practice case" : "Case", className: c.practice ? "practice" : "" }), facts),
      ...aid,
      make("section", {}, make("h2", { textContent: pack.question }), make("div", { className: isFine ? "" : "row" }, ...choices), make("div", { className: "ends" }, make("span", { textContent: `${least}: ${pack.ends[0]}` }), make("span", { textContent: `${most}: ${pack.ends[1]}` })), make("p", {}, "Rating: ", told)),
      make("section", {}, make("h2", { textContent: "What would you do?" }), make("div", { className: "row", role: "group", "aria-label": "What would you do?" }, ...decisions)),
      next,
      make("section", {}, make("p", { className: "keys" }, `Rating: ${isFine ? "type a number, or , and ." : "its number"}. Film: wheel or + and \u2212 zoom, drag or arrows move, right button or [ ] and { } window, B box${film.hasHeat ? ", H heatmap" : ""}, Z as at first.`), saving()))));
    film.fit();
    refresh();
    film.view.focus();
    resume();

    let typed = "";
    let typedAt = 0;
    press = (e) => {
      const key = e.key.toLowerCase();
      const isFilm = e.target === film.view || e.target === document.body;
      if (/^[0-9]$/.test(key)) {
        if (!isFine) { if (Number(key) >= least && Number(key) <= most) rate(Number(key)); return; }
        typed = performance.now() - typedAt < 1200 && Number(typed + key) <= most ? typed + key : key;
        typedAt = performance.now();
        rate(Number(typed));
      } else if (key === "," || key === ".") rate((open.score ?? Math.round((least + most) / 2)) + (key === "." ? 1 : -1));
      else if (pack.decisions.some(([k]) => k === key)) decide(pack.decisions.find(([k]) => k === key)[1]);
      else if (key === "enter" && e.target.tagName !== "BUTTON") leave();
      else if (key === "h" && film.hasHeat) document.getElementById("heat").click();
      else if (key === "b") film.toggleBox();
      else if (key === "z") film.fit();
      else if (key === "+" || key === "=") film.zoomAt(1.2);
      else if (key === "-") film.zoomAt(1 / 1.2);
      else if (key === "[" || key === "]") film.window(key === "]" ? 5 : -5, 0);
      else if (key === "{" || key === "}") film.window(0, key === "}" ? 10 : -10);
      else if (isFilm && key.startsWith("arrow")) { e.preventDefault(); film.move({ arrowleft: 40, arrowright: -40 }[key] || 0, { arrowup: 40, arrowdown: -40 }[key] || 0); }
    };
  }

  function heatButton(film) {
    const b = make("button", { type: "button", id: "heat", textContent: "Heatmap over the film (H)", "aria-pressed": "false" });
    b.addEventListener("click", () => b.setAttribute("aria-pressed", String(Boolean(film.toggle()))));
    return b;
  }

  function done() {
    press = () => {};
    tell();
    main.replaceChildren(make("div", { className: "note", id: "done" }, make("h2", { textContent: "All cases are read" }),
      make("p", { textContent: "Save the results and send the file back to whoever gave you this page. Keep this page until they have it." }), saving()));
  }

  if (state.begun) read(); else welcome();
})();

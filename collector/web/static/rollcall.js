// What pages gain where scripts run. Everything can be read without it.
"use strict";
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const make = (tag, text, name) => {
    const e = document.createElement(tag);
    if (text) e.textContent = text;
    if (name) e.className = name;
    return e;
  };
  const kept = (name, fallback) => { try { return JSON.parse(localStorage.getItem(name)) ?? fallback; } catch { return fallback; } };
  const keep = (name, value) => { try { localStorage.setItem(name, JSON.stringify(value)); return true; } catch { return false; } };

  // Times. The server writes UTC; here they become those of the reader, and ages grow. The
  // server's clock counts, unless the page came out of a cache.
  const loaded = performance.getEntriesByType("navigation")[0];
  const fresh = loaded && loaded.type !== "back_forward" && loaded.deliveryType !== "cache";
  let ahead = fresh ? Date.parse(document.body.dataset.now) - Date.now() : 0;
  if (Math.abs(ahead) < 90e3) ahead = 0;
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
  let local = kept("rollcall.times", "local") === "local";
  const parts = (t, z) => {
    const f = new Intl.DateTimeFormat("en-CA", { timeZone: z, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit", timeZoneName: "short" });
    return Object.fromEntries(f.formatToParts(t).map(p => [p.type, p.value]));
  };
  const written = (t, z) => { const p = parts(t, z); return `${p.year}-${p.month}-${p.day} ${p.hour}:${p.minute}:${p.second} ${p.timeZoneName}`; };
  const age = ms => {
    const m = Math.floor(ms / 60e3), h = Math.floor(m / 60), d = Math.floor(h / 24);
    if (ms < -60e3) return "in the future";
    if (m < 1) return "just now";
    if (h < 1) return m + " min ago";
    if (h < 48) return h + " h ago";
    return d < 60 ? d + " days ago" : "";
  };
  const say = (e, text) => { if (e.textContent !== text) e.textContent = text; };
  function times() {
    const now = Date.now() + ahead;
    for (const e of all("time[datetime]")) {
      const t = Date.parse(e.dateTime);
      if (!(t > 0)) continue;
      const here = written(t, local ? zone : "UTC");
      if (e.classList.contains("at")) say(e, here);
      else { const a = age(now - t); if (a) say(e, a); }
      const both = local && zone !== "UTC" ? here + " (" + written(t, "UTC") + ")" : here;
      if (e.title !== both) e.title = both;
    }
  }
  function zones() {
    const note = document.getElementById("zone");
    if (!note || zone === "UTC") return;
    const b = make("button", "", "plainly");
    b.type = "button";
    const show = () => {
      note.textContent = local ? "Times are those of " + zone.replaceAll("_", " ") + ". " : "Times are UTC. ";
      b.textContent = local ? "Show UTC" : "Show local times";
      note.append(b);
      times();
    };
    b.addEventListener("click", () => { local = !local; keep("rollcall.times", local ? "local" : "utc"); show(); b.focus(); });
    show();
  }

  // Live: what is shown is asked for again while somebody looks, unless paused or a form is in use.
  const period = 20e3;
  let paused = kept("rollcall.paused", false), lost = false, last = Date.now();
  const status = make("span", "", "live"), button = make("button", "", "plainly");
  const main = () => document.getElementById("main");
  const busy = () => document.activeElement?.closest("#main form, #main dialog") || String(getSelection()).length > 0;
  function tell() {
    say(status, paused ? "Updates are paused. " : lost ? "The collector does not answer; shown is what it said at " + written(last, local ? zone : "UTC") + ". " : "Updates by itself. ");
    status.classList.toggle("lost", lost && !paused);
    button.textContent = paused ? "Go on" : "Pause";
  }
  function ask() {
    if (paused || document.hidden || busy() || Date.now() - last < period / 2 && !lost) return;
    main()?.dispatchEvent(new CustomEvent("rollcall:live"));
  }
  function live() {
    const place = document.getElementById("live");
    if (!place || !main()?.dataset.hxGet || !window.htmx) return;
    button.type = "button";
    place.append(status, button);
    button.addEventListener("click", () => { paused = !paused; keep("rollcall.paused", paused); tell(); });
    const heard = ok => { lost = !ok; if (ok) last = Date.now(); tell(); };
    document.addEventListener("htmx:after:request", e => {
      const r = e.detail.ctx.response;
      if (r?.headers?.get("Date")) { const d = Date.parse(r.headers.get("Date")) - Date.now(); ahead = Math.abs(d) < 90e3 ? 0 : d; }
      heard(r && r.status < 400);
    });
    document.addEventListener("htmx:before:response", e => {
      const r = e.detail.ctx.response.raw;
      if (r.redirected || r.status === 401) { // the session is over: the login page comes, and then this one
        e.preventDefault();
        location.reload();
      } else if (r.status >= 400 && r.status !== 404 && r.status !== 410) { // what is shown stays
        e.preventDefault();
        heard(false);
      }
    });
    document.addEventListener("htmx:error", () => heard(false));
    document.addEventListener("htmx:after:swap", () => { times(); charts(); views(); });
    document.addEventListener("visibilitychange", ask);
    setInterval(ask, period);
    tell();
  }

  // Charts are drawn from the table that stands behind each of them.
  const colour = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  function read(table) {
    const heads = all("thead th", table).map(e => e.textContent.trim());
    const columns = heads.map(() => []);
    for (const row of all("tbody tr", table)) [...row.cells].forEach((c, i) => columns[i].push(c.dataset.v === "" ? null : +c.dataset.v));
    return { heads, columns };
  }
  function draw(figure) {
    const box = figure.querySelector(".plot"), table = figure.querySelector("details table");
    const { heads, columns } = read(table);
    const key = JSON.stringify(columns) + box.clientWidth + matchMedia("(prefers-color-scheme: dark)").matches;
    box.hidden = false;
    if (box.drawn === key || columns[0].length < 2) return;
    box.drawn = key;
    const axis = { stroke: colour("--soft"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line"), width: 1 }, font: "12px system-ui, sans-serif" };
    const number = v => v == null ? "" : v.toLocaleString("en");
    const day = v => v == null ? "" : new Date(v * 1e3).toISOString().slice(0, 10);
    const hues = ["--c0", "--c1", "--c2", "--c3"], dashes = [[], [6, 3], [2, 3], [8, 3, 2, 3]];
    box.replaceChildren();
    new uPlot({
      width: Math.max(box.clientWidth, 200), height: 190, tzDate: t => uPlot.tzDate(new Date(t * 1e3), "UTC"),
      scales: { y: { range: (u, low, high) => uPlot.rangeNum(0, Math.max(high, 1), .1, true) } },
      axes: [{ ...axis, values: (u, at) => at.map(v => v % 86400 ? "" : new Date(v * 1e3).toLocaleDateString("en", { day: "numeric", month: "short", timeZone: "UTC" })) },
        { ...axis, size: 60, values: (u, at) => at.map(v => v % 1 ? "" : number(v)) }],
      series: [{ label: heads[0], value: (u, v) => day(v) }, ...heads.slice(1).map((label, i) => ({ label, stroke: colour(hues[i % 4]), dash: dashes[i % 4], width: 2, value: (u, v) => number(v), points: { size: 5 } }))],
    }, columns, box);
  }
  function charts() { if (window.uPlot) all("figure.chart").forEach(draw); }

  // Views that the reader named stay in this browser.
  function views() {
    for (const box of all(".views")) {
      let own = box.querySelector(".own");
      const list = kept("rollcall.views", []).filter(v => typeof v?.name === "string" && typeof v.to === "string");
      const here = location.pathname + location.search;
      if (!own) {
        own = make("div", "", "own");
        own.setAttribute("hx-morph-skip", "");
        box.append(own);
      }
      own.replaceChildren();
      const ul = make("ul");
      for (const v of list.filter(v => v.to.split("?")[0] === box.dataset.of)) { // which no address elsewhere is
        const li = make("li"), a = make("a", v.name), x = make("button", "×", "plainly");
        a.href = v.to;
        if (v.to === here) a.setAttribute("aria-current", "true");
        x.type = "button";
        x.setAttribute("aria-label", "Forget the view " + v.name);
        x.addEventListener("click", () => { keep("rollcall.views", list.filter(o => o !== v)); views(); box.querySelector("a, summary")?.focus(); });
        li.append(a, x);
        ul.append(li);
      }
      if (ul.children.length) own.append(ul);
      if (!location.search || list.some(v => v.to === here)) continue;
      const form = make("form"), label = make("label", "Keep this view as "), name = make("input"), save = make("button", "Keep");
      name.type = "text"; name.maxLength = 60; name.required = true; name.name = "name"; name.autocomplete = "off";
      label.append(name);
      form.append(label, save);
      form.addEventListener("submit", e => {
        e.preventDefault();
        const to = new URLSearchParams(location.search);
        to.delete("cursor");
        keep("rollcall.views", [...list.slice(-49), { name: name.value.trim() || "unnamed", to: location.pathname + "?" + to }]);
        views();
      });
      own.append(form);
    }
  }

  // Evidence and the line of the transcript that it quotes point at each other.
  function join() {
    const mark = (e, on) => {
      const a = e.target.closest?.(".proof a[href^='#x']");
      if (a) document.getElementById(a.hash.slice(1))?.classList.toggle("meant", on);
    };
    for (const [kind, on] of [["mouseover", true], ["mouseout", false], ["focusin", true], ["focusout", false]]) document.addEventListener(kind, e => mark(e, on));
  }

  times(); zones(); charts(); views(); join(); live();
  setInterval(times, 30e3);
  let soon;
  addEventListener("resize", () => { clearTimeout(soon); soon = setTimeout(charts, 150); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", charts);
  all("[data-print]").forEach(b => { b.hidden = false; b.addEventListener("click", () => print()); });
})();

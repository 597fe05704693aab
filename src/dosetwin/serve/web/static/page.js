// What every page does: focus goes to what went wrong, and the page listens to the service for news.
"use strict";
(() => {
  const wrong = document.getElementById("problems") || document.querySelector("[aria-invalid='true']");
  if (wrong) wrong.focus();
})();

const words = JSON.parse(document.getElementById("words")?.textContent || "{}");

window.dosetwin = {
  // A sentence in the page's language, by its English words; {places} are filled with values.
  say: (text, values = {}) => (words[text] || text).replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all),
  root: document.body.dataset.root,
  // Hours of a record on the ward's clock. `offsets`: [from hour, minutes east of UTC, letters], as the service says; none: hours.
  clock(origin, offsets) {
    const zero = Date.parse(origin);
    const at = (hour) => offsets.findLast((o) => o[0] <= hour + 1e-9) || offsets[0];
    const local = (hour) => new Date(zero + Math.round(hour * 60) * 60000 + at(hour)[1] * 60000);
    const twice = (hour) => offsets.some((o, k) => k > 0 && o[1] < offsets[k - 1][1] && Math.abs(hour - o[0] + 1e-9) < (offsets[k - 1][1] - o[1]) / 60);
    const two = (n) => String(n).padStart(2, "0");
    const day = (d) => `${d.getUTCDate()} ${d.toLocaleString(document.documentElement.lang, { month: "short", timeZone: "UTC" })}`;
    const text = (hour) => { const d = local(hour); return `${day(d)} ${two(d.getUTCHours())}:${two(d.getUTCMinutes())}${twice(hour) ? ` ${at(hour)[2]}` : ""}`; };
    // midnights, or whole hours, of the ward's calendar between two hours of the record: every zone is whole quarters of an hour from UTC
    const ticks = (from, to, most) => {
      const step = [1, 3, 6, 12, 24, 48, 96, 168].find((s) => (to - from) / s <= most) || 336, found = [];
      for (let ms = Math.ceil((zero + from * 3600000) / 900000) * 900000; ms <= zero + to * 3600000; ms += 900000) {
        const hour = (ms - zero) / 3600000, d = new Date(ms + at(hour)[1] * 60000), h = d.getUTCHours();
        if (d.getUTCMinutes() || (step > 24 ? h || Math.floor(d / 86400000) % (step / 24) : h % step)) continue;
        found.push([hour, step < 24 ? `${day(d)}<br>${two(h)}:00` : day(d)]);
      }
      return found;
    };
    // as a field for day and time has it, and back: of two hours of one name the earlier
    const typed = (hour) => local(hour).toISOString().slice(0, 16);
    const hour = (words) => {
      const found = offsets.map((o) => (Date.parse(`${words}Z`) - o[1] * 60000 - zero) / 3600000);
      return found.find((h, k) => at(h) === offsets[k]) ?? found[0];
    };
    return { text, ticks, typed, hour };
  },
  // Listens for news while the page is in view: one stream, and asking every second where that breaks. `told(ids)` is called with the
  // patients that changed; `about`: the patient this page shows; `ended(status)`: the session or the record is out of reach.
  listen(told, about = "", ended = () => {}) {
    let cursor = "", failed = 0, timer = 0, stream = null, waiting = 0, over = false;
    const line = (on) => {
      for (const mark of document.querySelectorAll("[data-live]")) {
        mark.dataset.on = on ? "yes" : "no";
        const text = this.say(on ? "live" : "not connected");
        if (mark.textContent !== text) mark.textContent = text;
      }
    };
    const how = (name) => { document.body.dataset.news = name; };
    const ask = async () => {
      clearTimeout(timer);
      if (stream || over) return;
      if (document.visibilityState === "visible") {
        how("asking");
        try {
          const answer = await fetch(`${this.root}/news?since=${cursor}`, { headers: { accept: "application/json" } });
          if (answer.status === 401) { over = true; line(false); how("ended"); ended(401); return; }
          if (!answer.ok) throw new Error(String(answer.status));
          const found = await answer.json();
          const first = cursor === "";
          failed = 0; cursor = found.cursor; line(true);
          if (!first && found.patients.length) await told(found.patients);
        } catch { failed += 1; line(false); }
      }
      timer = setTimeout(ask, Math.min(1000 * 2 ** Math.min(failed, 4), 20000));
    };
    const close = () => { clearTimeout(waiting); if (stream) stream.close(); stream = null; };
    // asking goes on meanwhile; the stream is tried again after a while
    const broken = () => { close(); ask(); waiting = setTimeout(open, 30000); };
    const open = () => {
      close();
      if (over || document.visibilityState !== "visible") return;
      if (!window.EventSource) { ask(); return; }
      stream = new EventSource(`${this.root}/news/stream?${new URLSearchParams({ since: cursor, about })}`);
      stream.addEventListener("news", (event) => {
        clearTimeout(timer); clearTimeout(waiting); how("stream");
        failed = 0; cursor = event.lastEventId; line(true);
        const { patients } = JSON.parse(event.data);
        if (patients.length) told(patients);
      });
      stream.addEventListener("end", (event) => { over = true; close(); line(false); how("ended"); ended(JSON.parse(event.data).status); });
      // ended by the service after its time: the browser connects again by itself, if it can
      stream.addEventListener("error", () => {
        if (!stream || stream.readyState === EventSource.CLOSED) broken();
        else { clearTimeout(waiting); waiting = setTimeout(broken, 4000); }
      });
    };
    document.addEventListener("visibilitychange", () => { if (document.visibilityState === "visible") open(); else close(); });
    addEventListener("pagehide", close);
    addEventListener("pageshow", (event) => { if (event.persisted) open(); });
    open();
  },
};

// Folds stay as the reader left them, on this browser; an address or a button that names one opens it.
(() => {
  const kept = (name, value) => {
    try { if (value === undefined) return localStorage.getItem(`fold:${name}`); localStorage.setItem(`fold:${name}`, value); } catch { /* a browser that keeps nothing */ }
    return null;
  };
  const folds = [...document.querySelectorAll("details[data-fold]")];
  for (const fold of folds) {
    const name = fold.dataset.fold, was = kept(name);
    if (!("forced" in fold.dataset)) {
      if (was) fold.open = was === "open";
      else if (innerWidth < 640) fold.open = false;
    }
    // only what a hand does is kept; at the click the fold still stands as it did before
    fold.querySelector(":scope > summary").addEventListener("click", () => kept(name, fold.open ? "closed" : "open"));
  }
  const open = (id, focus) => {
    const place = id && document.getElementById(id);
    if (!place) return;
    for (let fold = place.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    place.scrollIntoView({ block: "nearest" });
    if (focus) (place.querySelector("input:not([type=hidden], [type=range]), select, textarea") || place).focus();
  };
  for (const link of document.querySelectorAll("[data-open]")) link.addEventListener("click", (event) => { event.preventDefault(); open(link.dataset.open, true); });
  addEventListener("hashchange", () => open(location.hash.slice(1)));
  if (location.hash) open(location.hash.slice(1));
})();

// A patient's page: what-if by moving sliders, units that fit what is entered, and word of new facts.
"use strict";
(() => {
  const { root, say } = window.dosetwin;
  const id = document.body.dataset.id;
  const form = document.getElementById("whatif");

  function whatif() {
    const start = JSON.parse(form.dataset.start), says = document.getElementById("says");
    const legend = document.querySelector("[data-legend='whatif']");
    const field = (name) => form.querySelector(`#w-${name}`);
    const names = ["amount", "loading", "interval", "delay", "sample"];
    const clock = start.origin ? window.dosetwin.clock(start.origin, start.offsets) : null;
    const order = document.getElementById("order"), limits = start.allowed.interval;
    const away = (hours) => (hours < 0 ? say("past") : `${hours < 10 ? hours.toFixed(1) : Math.round(hours)} h`);
    const typed = { delay: field("first"), sample: field("at") };
    for (const range of form.querySelectorAll("input[type=range]")) {
      const number = form.querySelector(`#${range.dataset.for}`);
      range.hidden = false; range.removeAttribute("aria-hidden"); range.removeAttribute("tabindex");
      range.addEventListener("input", () => { number.value = range.value; if (clock) write(); changed(); });
      number.addEventListener("input", () => { range.value = number.value; changed(); });
    }
    // clock times and hours say the same: whoever moves one moves the other
    function write() {
      const first = start.now + Number(field("delay").value);
      typed.delay.value = clock.typed(first); typed.sample.value = clock.typed(first + Number(field("sample").value));
    }
    function read() {
      const first = clock.hour(typed.delay.value), level = clock.hour(typed.sample.value);
      if (Number.isFinite(first)) field("delay").value = Math.max(first - start.now, 0).toFixed(2);
      if (Number.isFinite(level) && Number.isFinite(first)) field("sample").value = Math.max(level - first, 0).toFixed(2);
      for (const n of ["delay", "sample"]) form.querySelector(`[data-for=w-${n}]`).value = field(n).value;
    }
    if (clock) {
      typed.delay.addEventListener("input", () => { const kept = field("sample").value; const first = clock.hour(typed.delay.value); if (Number.isFinite(first)) typed.sample.value = clock.typed(first + Number(kept)); read(); changed(); });
      typed.sample.addEventListener("input", () => { read(); changed(); });
    }
    form.querySelector("button[type=submit]").hidden = true;
    form.addEventListener("submit", (event) => { event.preventDefault(); ask(); });
    form.addEventListener("reset", () => setTimeout(() => {
      for (const name of ["delay", "sample"]) if (clock) field(name).value = field(name).defaultValue;
      for (const range of form.querySelectorAll("input[type=range]")) range.value = form.querySelector(`#${range.dataset.for}`).value;
      if (order) order.hidden = true;
      show(); if (asked) asked.abort(); clearTimeout(timer);
      says.innerHTML = "<p class='soft small'>Change a value to see the curve and the chances.</p>";
      legend.hidden = true; window.dosetwin.overlay?.("level", null);
    }));
    let timer = 0, asked = null;
    const show = () => {
      const [amount, , interval, delay, sample] = names.map((n) => Number(field(n).value));
      form.querySelector("[data-out='per-kg']").textContent = amount > 0 && start.weight ? `${(amount / start.weight).toFixed(1)} ${start.unit}/kg` : "";
      form.querySelector("[data-out='first']").textContent = say("in {time}", { time: away(delay) });
      form.querySelector("[data-out='at']").textContent = say("{time} after it", { time: away(sample) });
      // limits answer at once, before the twin does
      const low = limits[0] !== null && interval < limits[0], high = limits[1] !== null && interval > limits[1];
      form.querySelector("[data-out='interval']").textContent = low || high ? say("outside {low} to {high} h", { low: limits[0] ?? "…", high: limits[1] ?? "…" }) : "";
      form.querySelector("[data-out='interval']").classList.toggle("wrong", low || high);
    };
    const changed = () => { show(); clearTimeout(timer); timer = setTimeout(ask, 90); };
    async function ask() {
      if (asked) asked.abort();
      asked = new AbortController();
      const query = new URLSearchParams(names.map((n) => [n, field(n).value]));
      if (clock) { query.set("first", typed.delay.value); query.set("at", typed.sample.value); }
      if (field("told")) query.set(field("told").name, field("told").value);
      if (field("therapy")) query.set("therapy", field("therapy").value);
      const began = performance.now();
      try {
        const answer = await fetch(`${root}/patient/${id}/whatif?${query}`, { signal: asked.signal, headers: { accept: "application/json" } });
        if (answer.status === 409) return;  // asked again meanwhile, on another screen of this user
        const found = await answer.json();
        says.innerHTML = found.html;
        if (order) {
          order.hidden = !found.order;
          for (const [name, value] of Object.entries(found.order || {})) if (order.elements[name]) order.elements[name].value = value;
          document.getElementById("x-text").textContent = found.order?.text || "";
        }
        for (const n of names) field(n).toggleAttribute("aria-invalid", (found.wrong || []).includes(n));
        legend.hidden = !found.overlay;
        await window.dosetwin.overlay?.("level", found.overlay);
        form.dataset.ms = String(Math.round(performance.now() - began));
      } catch (error) {
        if (error.name !== "AbortError") says.innerHTML = "<p class='wrong'>The service does not answer. Your values are kept; change one to try again.</p>";
      }
    }
    show();
  }
  if (form) whatif();

  // only the units of the quantity chosen
  const kind = document.getElementById("e-kind"), unit = document.getElementById("e-unit");
  if (kind) {
    const every = [...unit.options];
    const fit = () => {
      const kept = unit.value;
      unit.replaceChildren(...every.filter((o) => o.dataset.kind === kind.value));
      for (const part of document.querySelectorAll("[data-only]")) part.hidden = part.dataset.only !== kind.selectedOptions[0]?.dataset.group;
      if ([...unit.options].some((o) => o.value === kept)) unit.value = kept; else unit.selectedIndex = 0;
    };
    kind.addEventListener("change", fit);
    fit();
  }

  const news = document.getElementById("news");
  if (!news) return;
  // logged out, or the record has left this reader's reach: the page says so and shows nothing new
  const busy = () => document.querySelector("[data-touched]") || form?.dataset.ms || document.activeElement?.closest("form, details");
  const ended = (status) => {
    if (!busy()) { location.reload(); return; }
    document.getElementById("news-text").textContent = say(status === 401 ? "The session has ended: what is shown is no longer kept current." : "This record is no longer within your reach.");
    news.querySelector("strong").textContent = say("Not current.");
    news.hidden = false;
    document.getElementById("told").textContent = document.getElementById("news-text").textContent;
  };
  window.dosetwin.listen(async (patients) => {
    if (!patients.includes(id)) return;
    const answer = await fetch(`${root}/patient/${id}/state?therapy=${document.body.dataset.therapy || ""}`, { headers: { accept: "application/json" } });
    if (answer.status === 401 || answer.status === 403) ended(answer.status);
    if (!answer.ok) return;
    const found = await answer.json();
    if (found.state === document.body.dataset.state || found.behind) return;
    // a page that somebody is working in must not change under the hand: it says so, and the reader decides
    if (!busy()) { location.reload(); return; }
    document.getElementById("news-text").textContent = found.text;
    news.hidden = false;
    document.getElementById("told").textContent = `${say("New facts have arrived.")} ${found.text}`;
  }, id, ended);
  for (const input of document.querySelectorAll("#enter input, #plan input, #decide input, #decide textarea")) input.addEventListener("input", () => { input.dataset.touched = "yes"; }, { once: true });
})();

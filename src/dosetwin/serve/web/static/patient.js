// A patient's page: what-if by moving sliders, units that fit what is entered, and word of new facts.
"use strict";
(() => {
  const { root } = window.dosetwin;
  const id = document.body.dataset.id;
  const form = document.getElementById("whatif");

  function whatif() {
    const start = JSON.parse(form.dataset.start), says = document.getElementById("says");
    const legend = document.querySelector("[data-legend='whatif']");
    const field = (name) => form.querySelector(`#w-${name}`);
    const names = ["amount", "loading", "interval", "delay", "sample"];
    const clock = start.origin ? window.dosetwin.clock(start.origin, start.offsets) : null;
    const moment = (hour) => (clock ? clock.text(hour) : `${hour.toFixed(1)} h`);
    for (const range of form.querySelectorAll("input[type=range]")) {
      const number = form.querySelector(`#${range.dataset.for}`);
      range.hidden = false; range.removeAttribute("aria-hidden"); range.removeAttribute("tabindex");
      range.addEventListener("input", () => { number.value = range.value; changed(); });
      number.addEventListener("input", () => { range.value = number.value; changed(); });
    }
    form.querySelector("button[type=submit]").hidden = true;
    form.addEventListener("submit", (event) => { event.preventDefault(); ask(); });
    form.addEventListener("reset", () => setTimeout(() => {
      for (const range of form.querySelectorAll("input[type=range]")) range.value = form.querySelector(`#${range.dataset.for}`).value;
      show(); if (asked) asked.abort(); clearTimeout(timer);
      says.innerHTML = "<p class='soft small'>Change a value to see the curve and the chances.</p>";
      legend.hidden = true; window.dosetwin.overlay?.("level", null);
    }));
    let timer = 0, asked = null;
    const show = () => {
      const [amount, , , delay, sample] = names.map((n) => Number(field(n).value));
      form.querySelector("[data-out='per-kg']").textContent = amount > 0 && start.weight ? `${(amount / start.weight).toFixed(1)} ${start.unit}/kg` : "";
      form.querySelector("[data-out='first-at']").textContent = moment(start.now + delay);
      form.querySelector("[data-out='sample-at']").textContent = moment(start.now + delay + sample);
    };
    const changed = () => { show(); clearTimeout(timer); timer = setTimeout(ask, 90); };
    async function ask() {
      if (asked) asked.abort();
      asked = new AbortController();
      const query = new URLSearchParams(names.map((n) => [n, field(n).value]));
      if (field("told")) query.set(field("told").name, field("told").value);
      if (field("therapy")) query.set("therapy", field("therapy").value);
      const began = performance.now();
      try {
        const answer = await fetch(`${root}/patient/${id}/whatif?${query}`, { signal: asked.signal, headers: { accept: "application/json" } });
        const found = await answer.json();
        says.innerHTML = found.html;
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
    document.getElementById("news-text").textContent = status === 401 ? "The session has ended: what is shown is no longer kept current." : "This record is no longer within your reach.";
    news.querySelector("strong").textContent = "Not current.";
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
    document.getElementById("told").textContent = `New facts have arrived. ${found.text}`;
  }, id, ended);
  for (const input of document.querySelectorAll("#enter input, #decide input, #decide textarea")) input.addEventListener("input", () => { input.dataset.touched = "yes"; }, { once: true });
})();

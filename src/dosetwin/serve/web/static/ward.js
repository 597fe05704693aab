// The ward list: rows change as facts arrive, are found while typing, and are walked with the arrow keys; without script the links do it.
"use strict";
(() => {
  const { root } = window.dosetwin;
  const rows = document.getElementById("rows"), find = document.getElementById("find"), told = document.getElementById("told");
  const count = document.getElementById("count");

  const narrow = () => {
    const words = find.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows.rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((w) => text.includes(w));
      shown += row.hidden ? 0 : 1;
    }
    count.textContent = window.dosetwin.say("{shown} of {n} twins shown", { shown, n: rows.rows.length });
  };
  if (find) find.addEventListener("input", narrow);

  rows.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const row = event.target.closest("tr");
    if (!step || !row) return;
    const shown = [...rows.rows].filter((r) => !r.hidden);
    const next = shown[shown.indexOf(row) + step];
    if (next) { event.preventDefault(); next.querySelector("a").focus(); }
  });

  let busy = false, again = false;
  async function refresh() {
    if (busy) { again = true; return; }
    busy = true;
    try {
      const answer = await fetch(`${root}/ward-rows${location.search}`, { headers: { accept: "application/json" } });
      if (!answer.ok) return;
      const found = await answer.json();
      const focused = document.activeElement?.closest("tr")?.id;
      const old = new Map([...rows.rows].map((r) => [r.id, r.outerHTML.replace(/ (hidden|changed)(="")?/g, "")]));
      rows.innerHTML = found.rows;
      const changed = [];
      for (const row of rows.rows) if (old.get(row.id) !== row.outerHTML) { row.classList.add("changed"); changed.push(row.querySelector("a").textContent); }
      for (const tab of document.querySelectorAll("[data-show]")) {
        tab.querySelector("b").textContent = found.counts[tab.dataset.show];
        if (tab.dataset.tone) tab.classList.toggle(tab.dataset.tone, found.counts[tab.dataset.show] > 0);
      }
      if (focused) document.getElementById(focused)?.querySelector("a").focus();
      if (find) narrow();
      if (changed.length && changed.length <= 5) told.textContent = window.dosetwin.say("Updated: {names}", { names: changed.join(", ") });
    } finally {
      busy = false;
      if (again) { again = false; setTimeout(refresh, 400); }
    }
  }
  // a long list is fetched less often: it is read from the top, and nobody can follow hundreds of changes
  let next = 0;
  window.dosetwin.listen(async () => {
    if (performance.now() < next) { again = true; return; }
    next = performance.now() + (rows.rows.length > 200 ? 10000 : 0);
    await refresh();
  }, "", () => location.reload());
  setInterval(() => { if (again && !busy && performance.now() >= next) { again = false; refresh(); } }, 2000);
})();

// What every page does: focus goes to what went wrong, and the page asks the service for news.
"use strict";
(() => {
  const wrong = document.getElementById("problems") || document.querySelector("[aria-invalid='true']");
  if (wrong) wrong.focus();
})();

window.dosetwin = {
  root: document.body.dataset.root,
  // Asks for news every second while the page is in view. `told(ids)` is called with the patients that changed.
  listen(told) {
    let cursor = "", failed = 0, timer = 0;
    const line = (on) => {
      for (const mark of document.querySelectorAll("[data-live]")) {
        mark.dataset.on = on ? "yes" : "no";
        const text = on ? "live" : "not connected";
        if (mark.textContent !== text) mark.textContent = text;
      }
    };
    const ask = async () => {
      clearTimeout(timer);
      if (document.visibilityState === "visible") {
        try {
          const answer = await fetch(`${this.root}/news?since=${cursor}`, { headers: { accept: "application/json" } });
          if (!answer.ok) throw new Error(String(answer.status));
          const found = await answer.json();
          const first = cursor === "";
          failed = 0; cursor = found.cursor; line(true);
          if (!first && found.patients.length) await told(found.patients);
        } catch { failed += 1; line(false); }
      }
      timer = setTimeout(ask, Math.min(1000 * 2 ** Math.min(failed, 4), 20000));
    };
    document.addEventListener("visibilitychange", () => { if (document.visibilityState === "visible") ask(); });
    ask();
  },
};

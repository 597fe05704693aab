// Charts drawn by Plotly from the data block of the page; the still pictures of the server stay for print and without script.
"use strict";
(() => {
  const block = document.getElementById("charts");
  if (!block || !window.Plotly) return;
  const charts = JSON.parse(block.textContent);
  const extra = {};
  // the axis is hours that passed, labelled with the ward's clock: a change of the clocks neither folds nor tears a curve
  for (const chart of Object.values(charts)) chart.clock = chart.origin ? window.dosetwin.clock(chart.origin, chart.offsets) : null;
  const said = (chart, times) => times.map((t) => (chart.clock ? chart.clock.text(t) : `${t.toFixed(1)} h`));
  const labels = (chart, from, to) => {
    if (!chart.clock) return {};
    const found = chart.clock.ticks(from, to, innerWidth < 640 ? 4 : 9);
    return { tickvals: found.map((f) => f[0]), ticktext: found.map((f) => f[1]) };
  };
  const look = () => {
    const css = getComputedStyle(document.documentElement);
    const get = (name) => css.getPropertyValue(name).trim();
    return { ink: get("--ink"), soft: get("--soft"), card: get("--card"), grid: get("--c-grid"), updated: get("--c-updated"), prior: get("--c-prior"),
             whatif: get("--c-whatif"), forecast: get("--c-forecast"), zone: get("--c-zone"), limit: get("--c-limit"), point: get("--c-point"), bad: get("--bad") };
  };
  const clear = (colour, alpha) => {
    const n = parseInt(colour.slice(1).length === 3 ? colour.slice(1).replace(/./g, "$&$&") : colour.slice(1), 16);
    return `rgba(${(n >> 16) & 255},${(n >> 8) & 255},${n & 255},${alpha})`;
  };
  const shade = { prior90: ["prior", 0.15], updated90: ["updated", 0.2], updated50: ["updated", 0.3], forecast90: ["forecast", 0.2], whatif90: ["whatif", 0.2] };
  const dash = { prior: "6px,4px", updated: "solid", forecast: "2px,3px", whatif: "solid" };

  function traces(chart, c) {
    const out = [];
    const x = (times) => times;
    const all = chart.time;
    const more = extra[chart.code];
    for (const band of [...chart.bands, ...(more ? more.bands : [])]) {
      const times = band.time.length ? x(band.time) : all;
      const [name, alpha] = shade[band.role];
      out.push({ x: times, y: band.low, mode: "lines", line: { width: 0 }, hoverinfo: "skip", showlegend: false });
      out.push({ x: times, y: band.high, mode: "lines", line: { width: 0 }, fill: "tonexty", fillcolor: clear(c[name], alpha), hoverinfo: "skip", showlegend: false, name: band.name });
    }
    for (const line of [...chart.lines, ...(more ? more.lines : [])]) {
      const times = line.time.length ? line.time : all;
      out.push({ x: times, y: line.value, mode: "lines", name: line.name, text: said(chart, times), line: { color: c[line.role], width: line.role === "prior" ? 1.5 : 2.25, dash: dash[line.role] },
                 hovertemplate: `%{y:.3~g} ${chart.unit}, %{text}<extra>${line.name}</extra>` });
    }
    const doses = [...chart.doses, ...(more ? more.doses : [])];
    for (const planned of [false, true]) {
      const some = doses.filter((d) => d.planned === planned);
      if (some.length) out.push({ x: x(some.map((d) => d.time)), y: some.map(() => -0.035 * chart.top), mode: "markers", name: window.dosetwin.say(planned ? "dose recommended" : "dose given"), text: some.map((d) => d.text),
                                  hovertemplate: "%{text}<extra></extra>", marker: { symbol: planned ? "triangle-up-open" : "triangle-up", size: 11, color: c.ink, line: { width: 1.3, color: c.ink } } });
    }
    for (const role of ["measured", "below", "contradicts"]) {
      const some = chart.points.filter((p) => p.role === role);
      if (some.length) out.push({ x: x(some.map((p) => p.time)), y: some.map((p) => p.value), mode: "markers", name: role, text: some.map((p) => p.text), hovertemplate: "%{text}<extra></extra>",
                                  marker: { symbol: role === "below" ? "triangle-down-open" : role === "contradicts" ? "x-open" : "circle", size: role === "contradicts" ? 12 : 10,
                                            color: role === "contradicts" ? c.bad : c.point, line: { color: role === "contradicts" ? c.bad : c.ink, width: role === "contradicts" ? 3 : 1.4 } } });
    }
    return out;
  }

  function layout(chart, c) {
    const more = extra[chart.code];
    const shapes = [], notes = [];
    for (const zone of chart.zones) {
      if (zone.low !== null && zone.high !== null) {
        shapes.push({ type: "rect", xref: "paper", x0: 0, x1: 1, y0: zone.low, y1: zone.high, fillcolor: clear(c.zone, 0.14), line: { width: 0 }, layer: "below" });
      } else {
        const edge = zone.low === null ? zone.high : zone.low;
        shapes.push({ type: "line", xref: "paper", x0: 0, x1: 1, y0: edge, y1: edge, line: { color: c.limit, width: 1.3, dash: "6px,4px" }, layer: "below" });
      }
    }
    const now = chart.now;
    shapes.push({ type: "line", yref: "paper", x0: now, x1: now, y0: 0, y1: 1, line: { color: c.ink, width: 1, dash: "2px,3px" } });
    notes.push({ x: now, y: 1, yref: "paper", text: window.dosetwin.say("now"), showarrow: false, xanchor: "left", yanchor: "top", xshift: 3, font: { color: c.soft, size: 11 } });
    if (more && more.sample !== null) {
      const at = more.sample;
      shapes.push({ type: "line", yref: "paper", x0: at, x1: at, y0: 0, y1: 1, line: { color: c.whatif, width: 1.2, dash: "4px,3px" } });
      notes.push({ x: at, y: 1, yref: "paper", text: "level", showarrow: false, xanchor: "left", yanchor: "top", xshift: 3, font: { color: c.whatif, size: 11 } });
    }
    const top = more ? Math.max(chart.top, more.top) : chart.top;
    const end = more ? Math.max(chart.end, more.end) : chart.end;
    const from = chart.start - 0.012 * (end - chart.start);
    const axis = { gridcolor: c.grid, linecolor: c.grid, zerolinecolor: c.grid, tickfont: { color: c.soft, size: 11.5 }, fixedrange: matchMedia("(pointer: coarse)").matches };
    return {
      margin: { l: 46, r: 10, t: 8, b: 44 }, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", showlegend: false, hovermode: "closest", uirevision: "kept",
      font: { family: getComputedStyle(document.body).fontFamily, color: c.ink, size: 12 }, hoverlabel: { bgcolor: c.card, bordercolor: c.grid, font: { color: c.ink } },
      xaxis: { ...axis, type: "linear", range: [from, end], ...labels(chart, from, end), nticks: innerWidth < 640 ? 5 : 9, title: { text: "" } },
      yaxis: { ...axis, range: [-0.075 * top, top], title: { text: "" }, nticks: 7 }, shapes, annotations: notes,
    };
  }

  const watch = new ResizeObserver((found) => {
    for (const { target } of found) {
      const wide = target.clientWidth, high = target.clientHeight;
      if (target.layout && wide > 0 && (target.layout.width !== wide || target.layout.height !== high)) window.Plotly.relayout(target, { width: wide, height: high });
    }
  });
  const config = { displayModeBar: false, doubleClick: "reset", showTips: false };
  const draw = (code) => {
    const holder = document.querySelector(`[data-chart="${code}"]`);
    if (!holder || !charts[code]) return Promise.resolve();
    const c = look(), place = holder.querySelector(".drawn");
    const held = holder.querySelector(".still")?.contains(document.activeElement);
    holder.classList.add("shown");
    place.hidden = false;
    // whoever was on the still picture is now on the one in its place
    if (held) { place.tabIndex = -1; place.focus({ preventScroll: true }); }
    const shape = { ...layout(charts[code], c), width: place.clientWidth, height: place.clientHeight };
    watch.observe(place);
    return window.Plotly.react(place, traces(charts[code], c), shape, config).then(() => {
      if (place.dataset.zooms || !charts[code].clock) return;
      place.dataset.zooms = "yes";
      place.on("plotly_relayout", (change) => {
        if (!Object.keys(change).some((k) => k.startsWith("xaxis.range") || k === "xaxis.autorange")) return;
        const found = labels(charts[code], ...place.layout.xaxis.range);
        window.Plotly.relayout(place, { "xaxis.tickvals": found.tickvals, "xaxis.ticktext": found.ticktext });
      });
    });
  };
  const all = () => Promise.all(Object.keys(charts).map(draw));
  // a chart below the fold is drawn when it comes near: the first screen is not kept waiting
  const seen = new IntersectionObserver((found) => {
    for (const entry of found) if (entry.isIntersecting) { seen.unobserve(entry.target); draw(entry.target.dataset.chart); }
  }, { rootMargin: "400px" });
  for (const holder of document.querySelectorAll("[data-chart]")) seen.observe(holder);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", all);
  window.dosetwin.overlay = (code, found) => { extra[code] = found; return draw(code); };
  window.dosetwin.charts = charts;
})();

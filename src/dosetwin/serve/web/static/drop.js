// Import: a file may be dropped; without script the field does the same.
"use strict";
(() => {
  const place = document.getElementById("drop"), field = document.getElementById("file");
  if (!place || !field) return;
  const stop = (event) => { event.preventDefault(); event.stopPropagation(); };
  for (const name of ["dragenter", "dragover"]) place.addEventListener(name, (event) => { stop(event); place.classList.add("over"); });
  for (const name of ["dragleave", "drop"]) place.addEventListener(name, (event) => { stop(event); place.classList.remove("over"); });
  place.addEventListener("drop", (event) => {
    if (event.dataTransfer.files.length !== 1) { document.getElementById("drop-said").textContent = window.dosetwin.say("One file at a time, please."); return; }
    field.files = event.dataTransfer.files;
    field.form.requestSubmit();
  });
  field.addEventListener("change", () => { if (field.files.length) document.getElementById("drop-said").textContent = field.files[0].name; });
})();

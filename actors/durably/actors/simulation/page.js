"use strict";
const what = document.getElementById("what");
let pinned = null;

function show(element) {
  for (const other of document.querySelectorAll(".near")) other.classList.remove("near");
  if (!element) { what.textContent = "Point at a step, a mark or an arrow."; return; }
  what.textContent = element.dataset.what;
  const steps = [element.dataset.step, element.dataset.sent, element.dataset.handled].filter(Boolean);
  for (const step of steps)
    for (const near of document.querySelectorAll(`[data-step="${step}"]`)) near.classList.add("near");
  if (element.dataset.step !== undefined)
    for (const arrow of document.querySelectorAll(
      `[data-sent="${element.dataset.step}"], [data-handled="${element.dataset.step}"]`)) arrow.classList.add("near");
}

const said = event => event.target.closest ? event.target.closest("[data-what]") : null;
document.addEventListener("pointerover", event => { const over = said(event); if (over && !pinned) show(over); });
document.addEventListener("click", event => { pinned = said(event) === pinned ? null : said(event); show(pinned); });
document.addEventListener("keydown", event => { if (event.key === "Escape") { pinned = null; show(null); } });

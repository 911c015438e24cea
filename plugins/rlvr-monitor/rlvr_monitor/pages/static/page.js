"use strict";
// Pages are whole without this script. It adds keys, labels, and keeps a running run up to date.

const body = document.body;

// ---- live: what is marked data-live is replaced once the run has changed ----

let seen = null;

async function look() {
  try {
    const versions = await (await fetch("/version")).json();
    const now = body.dataset.run ? String(versions[body.dataset.run]) : JSON.stringify(versions);
    const before = seen ?? (body.dataset.run ? body.dataset.changes : now);
    seen = now;
    if (now !== before) await renew();
  } catch { /* the server is gone for now: the page stays as it is */ }
}

async function renew() {
  const fresh = document.querySelector(".fresh");
  if (fresh) {
    fresh.hidden = false;
    return;
  }
  const parts = document.querySelectorAll("[data-live]");
  if (!parts.length) return;
  const text = await (await fetch(location.href)).text();
  const page = new DOMParser().parseFromString(text, "text/html");
  const open = new Set([...document.querySelectorAll("details[open][id]")].map((one) => one.id));
  if (page.querySelectorAll("[data-live]").length !== parts.length) return location.reload();
  for (const part of parts) {
    const other = page.getElementById(part.id);
    if (other && other.innerHTML !== part.innerHTML) part.replaceWith(other);
  }
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
}

setInterval(() => { if (!document.hidden) look(); }, 2000);

// ---- rows: a click anywhere opens; keys move ----

const rows = () => [...document.querySelectorAll(".row")];
let at = -1;

function mark(place) {
  const all = rows();
  if (!all.length) return;
  all[at]?.classList.remove("at");
  at = Math.max(0, Math.min(all.length - 1, place));
  all[at].classList.add("at");
  all[at].scrollIntoView({ block: "nearest" });
}

document.addEventListener("click", (event) => {
  const row = event.target.closest("tr.row");
  if (!row || event.target.closest("a, button") || String(getSelection())) return;
  row.querySelector("a.open").click();
});

const follow = (selector) => document.querySelector(selector)?.click();

async function setLabel(name) {
  const answer = document.querySelector("[data-rollout]");
  if (!answer) return;
  const sent = await fetch(`${answer.dataset.rollout}/label`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ label: name, note: answer.querySelector("[name=note]").value }),
  });
  if (!sent.ok) return;
  for (const button of answer.querySelectorAll("[data-label]")) {
    button.setAttribute("aria-pressed", String(name !== "" && button.dataset.label === name));
  }
  const here = answer.querySelector(".here-label");
  here.textContent = "";
  if (name) {
    const sign = document.createElement("span");
    sign.className = `label ${name}`;
    sign.textContent = answer.querySelector(`[data-label=${name}]`).textContent.slice(2);
    here.append(sign);
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-label]");
  if (button) setLabel(button.dataset.label);
  if (event.target.closest(".keys")) document.getElementById("keys").showModal();
});

for (const form of document.querySelectorAll("form.filters")) {
  form.addEventListener("change", () => form.requestSubmit());
  form.addEventListener("formdata", (event) => {
    for (const [name, value] of [...event.formData]) if (value === "") event.formData.delete(name);
  });
}

const KEYS = {
  j: () => (rows().length ? mark(at + 1) : follow("[rel=next]")),
  k: () => (rows().length ? mark(at - 1) : follow("[rel=prev]")),
  n: () => follow("[rel=next]"),
  p: () => follow("[rel=prev]"),
  Enter: () => rows()[at]?.querySelector("a.open").click(),
  g: () => {
    const group = (rows()[at] ?? document.querySelector("[data-group]"))?.dataset.group;
    if (group) location.assign(group);
  },
  u: () => follow(".up"),
  "/": () => document.querySelector("[name=q]")?.focus(),
  "?": () => document.getElementById("keys").showModal(),
  1: () => setLabel("good"), 2: () => setLabel("hack"), 3: () => setLabel("bug"), 0: () => setLabel(""),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, select, textarea, dialog[open]")) return;
  if (event.key === "Enter" && event.target.closest("a, button, summary")) return;
  const action = KEYS[event.key];
  if (!action) return;
  event.preventDefault();
  action();
});

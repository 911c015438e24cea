"use strict";
// Everything a model wrote reaches the page through textContent, so it is only ever text.

const PAGE = 25;
const SIGNS = { right: "✓", wrong: "✗", none: "?" };
const WORDS = { right: "right", wrong: "wrong", none: "no verdict" };
const ORDERS = {
  order: null,
  newest: (a, b) => (b.step ?? 0) - (a.step ?? 0),
  low: (a, b) => (a.value ?? Infinity) - (b.value ?? Infinity),
  high: (a, b) => (b.value ?? -Infinity) - (a.value ?? -Infinity),
  long: (a, b) => (b.tokens ?? 0) - (a.tokens ?? 0),
};

const read = (id) => JSON.parse(document.getElementById(id).textContent);

function make(name, className, ...children) {
  const element = document.createElement(name);
  if (className) element.className = className;
  element.append(...children.filter((child) => child !== null).map(asNode));
  return element;
}

function asNode(child) {
  return child instanceof Node ? child : document.createTextNode(String(child));
}

function short(value) {
  if (typeof value !== "number") return "–";
  if (value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e6)) return value.toPrecision(2);
  return value.toLocaleString("en", { maximumSignificantDigits: Math.abs(value) >= 100 ? 5 : 3 });
}

const count = (number) => number.toLocaleString("en");

// ---- curves: the value under the pointer, or at the arrow keys ----

function watchCurves() {
  const curves = read("curves");
  for (const figure of document.querySelectorAll("figure[data-curve]")) {
    watchCurve(figure, curves[figure.dataset.curve]);
  }
}

function watchCurve(figure, points) {
  const svg = figure.querySelector("svg");
  const readout = figure.querySelector("output");
  const rest = readout.textContent;
  const cursor = document.createElementNS("http://www.w3.org/2000/svg", "circle");
  cursor.setAttribute("r", "4");
  cursor.setAttribute("class", "cursor");
  let place = points.steps.length;

  function show(wanted) {
    place = Math.max(0, Math.min(points.steps.length - 1, wanted));
    const [x, y] = points.at[place];
    cursor.setAttribute("cx", x);
    cursor.setAttribute("cy", y);
    svg.append(cursor);
    readout.textContent = `step ${points.steps[place]}: ${short(points.values[place])}`;
  }
  function leave() {
    cursor.remove();
    readout.textContent = rest;
    place = points.steps.length;
  }
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * svg.viewBox.baseVal.width;
    show(nearest(points.at, x));
  });
  svg.addEventListener("pointerleave", leave);
  svg.addEventListener("blur", leave);
  svg.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
    if (move === undefined) return;
    event.preventDefault();
    show(place + move);
  });
}

function nearest(at, x) {
  let low = 0;
  let high = at.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (at[middle][0] < x) low = middle;
    else high = middle;
  }
  return x - at[low][0] <= at[high][0] - x ? low : high;
}

// ---- answers ----

function watchAnswers(section) {
  const form = section.querySelector("form");
  const list = section.querySelector(".list");
  const chip = section.querySelector(".chip");
  const state = { data: null, found: [], page: 0, task: null };
  const stages = new Map();

  function load() {
    const id = form.elements.stage.value;
    if (!stages.has(id)) stages.set(id, prepare(read(id)));
    state.data = stages.get(id);
    state.task = null;
    fit(section, form, state.data);
    filter();
  }
  function filter() {
    const wanted = Object.fromEntries(new FormData(form));
    state.found = state.data.rows.filter((row) => fits(row, wanted, state.task));
    const order = ORDERS[wanted.sort];
    if (order) state.found.sort(order);
    state.page = 0;
    show();
  }
  function show() {
    const first = state.page * PAGE;
    const rows = state.found.slice(first, first + PAGE);
    list.replaceChildren(...rows.map((row) => card(row, state.data, only)));
    const right = state.found.filter((row) => row.label === "right").length;
    section.querySelector(".found").textContent = state.found.length
      ? `${first + 1}–${first + rows.length} of ${count(state.found.length)} answers, ${count(right)} of them right`
      : "No answer fits these filters.";
    chip.hidden = state.task === null;
    if (state.task !== null) {
      chip.firstElementChild.textContent = `Answers to ${state.data.tasks[state.task].id}`;
    }
    turnable(section, state);
  }
  function only(task) {
    state.task = task;
    filter();
    chip.querySelector("button").focus();
  }
  let waiting = 0;
  form.addEventListener("input", (event) => {
    clearTimeout(waiting);
    if (event.target.name === "stage") load();
    else waiting = setTimeout(filter, event.target.type === "search" ? 120 : 0);
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => {
    const stage = form.elements.stage.value;
    setTimeout(() => {
      form.elements.stage.value = stage;
      load();
    });
  });
  chip.querySelector("button").addEventListener("click", () => only(null));
  section.querySelector(".pages").addEventListener("click", (event) => {
    const go = Number(event.target.dataset?.go);
    if (event.target.className === "open") toggle(list);
    if (!go) return;
    state.page += go;
    show();
    section.querySelector(".found").scrollIntoView({ block: "start" });
  });
  load();
}

function prepare(data) {
  for (const row of data.rows) {
    const task = data.tasks[row.task];
    row.searched = [task.id, task.prompt, row.completion, row.extracted, row.reason]
      .filter(Boolean).join("\n").toLowerCase();
  }
  return data;
}

function fits(row, wanted, task) {
  if (task !== null && row.task !== task) return false;
  if (wanted.model && row.model !== wanted.model) return false;
  if (wanted.label && row.label !== wanted.label) return false;
  if (wanted.status && row.status !== wanted.status) return false;
  if (wanted.from && row.step < Number(wanted.from)) return false;
  if (wanted.to && row.step > Number(wanted.to)) return false;
  return !wanted.search || row.searched.includes(wanted.search.toLowerCase());
}

// Shows the filters that the stage has values for, and fills them.
function fit(section, form, data) {
  const statuses = [...new Set(data.rows.map((row) => row.status))].sort();
  options(form.elements.model, data.models);
  options(form.elements.status, statuses);
  section.querySelector("[data-for=models]").hidden = data.models.length < 2;
  const steps = data.rows.map((row) => row.step).filter((step) => step !== null);
  section.querySelector("[data-for=steps]").hidden = steps.length === 0;
  for (const name of ["from", "to"]) form.elements[name].value = "";
  if (steps.length) {
    form.elements.from.placeholder = steps.reduce((a, b) => Math.min(a, b));
    form.elements.to.placeholder = steps.reduce((a, b) => Math.max(a, b));
  }
  const left = data.total - data.rows.length;
  section.querySelector(".kept").textContent = `Right means ${data.judged_by}. ` + (left
    ? `${count(left)} of this stage's ${count(data.total)} answers are `
      + "not on this page. The prompts kept are spread evenly over the stage, right, wrong and mixed "
      + "ones in equal number where there are enough: shares here are not accuracies."
    : "All of this stage's answers are on this page.");
}

function options(select, values) {
  const any = new Option("any", "");
  select.replaceChildren(any, ...values.map((value) => new Option(value, value)));
}

function card(row, data, only) {
  const task = data.tasks[row.task];
  const details = make("details", `card ${row.label}`);
  const head = make("summary", "",
    make("span", "sign", SIGNS[row.label], make("span", "hidden", ` ${WORDS[row.label]} `)),
    make("span", "where", row.step === null ? row.model : `step ${row.step}`),
    make("span", "asked", task.prompt ?? ""),
    make("span", "answered", row.completion ?? ""),
    make("span", "said", row.extracted ?? "–"),
    make("span", "gold", task.gold ?? "–"),
    make("span", "value", row.status === "ok" ? short(row.value) : row.status));
  details.append(head);
  details.addEventListener("toggle", () => {
    if (details.open && details.childElementCount === 1) {
      details.append(inside(row, task, only));
    }
  });
  return details;
}

function inside(row, task, only) {
  const button = make("button", "", "All answers to this prompt");
  button.type = "button";
  button.addEventListener("click", () => only(row.task));
  const facts = make("dl", "facts",
    ...[
      ["Task", task.id], ["Model", row.model], ["Step", row.step], ["Answer", row.index],
      ["Reward", short(row.value)], ["Status", row.status], ["Tokens", row.tokens],
      ["Ended by", row.finish], ["Judged in", row.seconds === null ? null : `${short(row.seconds * 1000)} ms`],
      ["Judged by", row.ref],
    ].filter(([, value]) => value !== null && value !== "" && value !== undefined)
      .map(([name, value]) => make("div", "", make("dt", "", name), make("dd", "", value))));
  return make("div", "inside",
    text("Prompt", task.prompt), text("Answer", row.completion),
    make("div", "pair", text("Extracted", row.extracted), text("Gold", task.gold)),
    text("Reason", row.reason || null), components(row.components), text("Info", row.info),
    facts, button);
}

function text(name, value) {
  if (value === null || value === undefined) return null;
  const box = make("pre", "", value === "" ? "(empty)" : value);
  box.tabIndex = 0;
  return make("div", "text", make("h3", "", name), box);
}

function components(parts) {
  if (!parts.length) return null;
  const row = (cell, values) => make("tr", "", ...values.map((value) => make(cell, "", value)));
  return make("div", "wide", make("table", "",
    make("thead", "", row("th", ["Component", "Value", "Weight", "Adds"])),
    make("tbody", "", ...parts.map(([name, ...numbers]) => row("td", [name, ...numbers.map(short)])))));
}

function turnable(section, state) {
  const pages = Math.max(1, Math.ceil(state.found.length / PAGE));
  const nav = section.querySelector(".pages");
  nav.querySelector("span").textContent = `Page ${state.page + 1} of ${pages}`;
  nav.querySelector("[data-go='-1']").disabled = state.page === 0;
  nav.querySelector("[data-go='1']").disabled = state.page + 1 >= pages;
}

function toggle(list) {
  const cards = [...list.children];
  const open = cards.some((one) => !one.open);
  for (const one of cards) one.open = open;
}

watchCurves();
const answers = document.getElementById("answers");
if (answers) watchAnswers(answers);

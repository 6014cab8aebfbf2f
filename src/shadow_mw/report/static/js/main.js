// Puts the page together, keeps it up to date, and listens to keys.

const DATA = JSON.parse(at("data").textContent);
const source = DATA.live ? new ServiceSource() : new FileSource(DATA);
const pairs = new Pairs(source);
const labelling = new Labelling(source, pairs);

const SECTIONS = [
  ["verdict", verdictBanner], ["gates", gatesSection, "Gates"], ["table", metricsSection, "Models"], ["fields", fieldsSection, "Fields"],
  ["segments", segmentsSection, "Segments"], ["days", trendsSection, "Days"], ["latency", latencySection, "Latency"], ["cost", costSection, "Cost"],
  ["coverage", coverageSection, "Coverage"], ["judges", judgesSection, "Judges"], ["checks", checksSection, "Checks"],
  ["divergence", divergenceSection, "Differences"], ["noise", noiseSection, "Noise"], ["sensitivity", sensitivitySection, "Sensitivity"],
];

// Which figures a section is made of, so that only what changed is drawn anew.
const drawn = new Map();

function drawFigures() {
  const data = { report: {}, ...source.figures, live: source.live };
  for (const [id, make] of SECTIONS) {
    const before = at(id), made = make(data) || h("div", { id, hidden: true });
    const said = made.outerHTML;
    if (before && drawn.get(id) === said) {
      forgetCharts(made);
      continue;
    }
    drawn.set(id, said);
    if (!before) {
      at("main").insertBefore(made, at("pairs"));
      continue;
    }
    const open = [...before.querySelectorAll("details[open]")].map(box => box.dataset.key);
    for (const box of made.querySelectorAll("details")) if (open.includes(box.dataset.key)) box.open = true;
    forgetCharts(before);
    before.replaceWith(made);
  }
  const there = [...SECTIONS.filter(([id, , title]) => title && !at(id).hidden), ["pairs", null, "Pairs"]];
  at("contents").replaceChildren(...there.map(([id, , title]) => h("a", { href: `#${id}`, "data-goto": id }, title)));
  at("foot").replaceChildren(...foot(data));
}

// The reader's place: what has the focus, or is at the top of the window, is there again after it.
function inPlace(change) {
  const within = box => box.bottom > 0 && box.top < innerHeight;
  const focused = document.activeElement?.closest("ol.pairs > li, main > section");
  const places = [...document.querySelectorAll("main > section, ol.pairs > li")];
  const mark = focused && within(focused.getBoundingClientRect()) ? focused
    : places.findLast(one => one.getBoundingClientRect().top <= 60) ?? places[0];
  const before = mark.getBoundingClientRect().top;
  change();
  const after = mark.isConnected ? mark : at(mark.id);
  if (after && window.scrollY) window.scrollBy(0, after.getBoundingClientRect().top - before);
}

function sayState() {
  const { made, fault } = source.figures, time = made ? new Date(1000 * made).toLocaleTimeString() : "";
  at("live").textContent = [time && `as of ${time}`, fault && `no newer figures: ${fault}`].filter(Boolean).join("; ");
}

const SOON = 1000, OFTEN = 3000, SELDOM = 15000;
let failed = 0;

// Asks for newer figures; how long to wait until the next time.
async function look() {
  if (document.hidden) return OFTEN;
  const first = !source.figures;
  try {
    if (await source.refresh()) inPlace(() => {
      drawFigures();
      if (first) pairs.fill();
      else pairs.news();
    });
    failed = 0;
    if (!source.figures) return SOON;
    sayState();
    document.documentElement.dataset.ready = "";
    return source.figures.verdict?.coverage?.complete ? SELDOM : OFTEN;
  } catch (error) {
    at("live").textContent = `not reached: ${error.message}`;
    return Math.min(OFTEN * 2 ** failed++, SELDOM);
  }
}

async function follow() {
  setTimeout(follow, await look());
}

const THEMES = [["", "Colours: system"], ["light", "Colours: light"], ["dark", "Colours: dark"]];

function theme(value) {
  document.documentElement.dataset.theme = value;
  at("theme").textContent = THEMES.find(([name]) => name === value)?.[1] ?? THEMES[0][1];
}

function nextTheme() {
  const here = THEMES.findIndex(([name]) => name === (document.documentElement.dataset.theme ?? ""));
  const [value] = THEMES[(here + 1) % THEMES.length];
  stored("theme", value);
  theme(value);
}

const KEYS = [["j", "next pair"], ["k", "previous pair"], ["o", "open or close it"], ["/", "filter by text"], ["Esc", "leave the filter, close this"], ["?", "these keys"]];
const LIVE_KEYS = [["l", "label pairs of this page, blind"], ["1 … 4", "while labelling: first, second, as good, both bad; s skips, u takes back"]];

function help() {
  const box = at("help");
  box.replaceChildren(h("h2", { id: "help-title" }, "Keys"),
    h("dl", { class: "keys" }, [...KEYS, ...(source.live ? LIVE_KEYS : [])].map(([key, what]) => h("div", null, h("dt", null, h("kbd", null, key)), h("dd", null, what)))),
    h("button", { type: "button", onclick: () => box.close() }, "Close"));
  box.showModal();
}

const ACTIONS = {
  j: () => pairs.step(1), k: () => pairs.step(-1), o: () => { const head = pairs.current(); if (head) pairs.toggle(head); },
  "/": () => { at("filter").focus(); at("filter").select(); }, "?": help, l: () => source.live && labelling.start(pairs.ids()),
};

document.addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (labelling.open) {
    if (!event.repeat && labelling.press(event.key)) event.preventDefault();
    return;
  }
  if (at("help").open) return;
  if (event.target.closest("input, select, textarea")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  const action = ACTIONS[event.key];
  if (!action) return;
  event.preventDefault();
  action();
});

document.addEventListener("click", event => {
  const link = event.target.closest("[data-goto]");
  if (!link) return;
  // The address keeps the filters: it is no place for a section's name.
  event.preventDefault();
  at(link.dataset.goto).scrollIntoView();
  at(link.dataset.goto).focus({ preventScroll: true });
});

window.addEventListener("hashchange", () => pairs.moved());

const shut = [];
window.addEventListener("beforeprint", () => {
  drawAll();
  for (const head of pairs.heads()) if (head.getAttribute("aria-expanded") === "false") {
    shut.push(head);
    pairs.reveal(head);
  }
  for (const box of document.querySelectorAll("details:not([open])")) {
    shut.push(box);
    box.open = true;
  }
});
window.addEventListener("afterprint", () => {
  for (const one of shut.splice(0)) {
    if (one.tagName === "DETAILS") one.open = false;
    else pairs.toggle(one);
  }
});

// The list does not wait for figures, which a large store takes its time for.
async function start() {
  at("main").replaceChildren(pairs.section());
  drawFigures();
  await Promise.all([pairs.show(), source.live && follow()]);
  if (!source.live) document.documentElement.dataset.ready = "";
}

theme(stored("theme"));
at("theme").addEventListener("click", nextTheme);
at("help-button").addEventListener("click", help);
start();

// The verdict with its one reason, and the gates that make it.

const WORDS = { GO: ["pass", "✓"], "NO-GO": ["fail", "✕"], INSUFFICIENT: ["unproven", "?"] };
const WORST_FIRST = { fail: 0, unproven: 1, pass: 2 };

function verdictBanner({ verdict, report, live, lacking }) {
  if (!verdict) return h("section", { id: "verdict", class: "banner unproven", tabindex: "-1" },
    h("h1", null, "No verdict yet"), h("p", { class: "reason" },
      !Object.keys(report).length ? "The figures are being worked out." : lacking ? `It needs ${lacking.map(visible).join(" and ")}: pip install 'shadow-mw[eval]'.` : "Nothing to decide about is in the store yet."),
    report.funnel && note("What was captured, and why it is not here: ", h("code", null, "shadow-mw status"), "; every link of the way: ", h("code", null, "shadow-mw doctor"), "."),
    otherSeries(report, live));
  const [kind, icon] = WORDS[verdict.verdict] ?? ["unproven", "?"];
  const legs = report.legs ?? {};
  const models = `${visible(legs.candidate?.model ?? verdict.candidate ?? "candidate")} in place of ${visible(legs.primary?.model ?? "primary")}`;
  const plan = verdict.plan ?? {};
  const facts = [
    ["Experiment", visible(verdict.experiment ?? report.experiment ?? NOTHING)],
    ["Pairs", count(report.funnel?.paired)],
    ["Window", verdict.coverage?.start ? `${moment(verdict.coverage.start)} to ${moment(verdict.coverage.end)}, ${verdict.coverage.complete ? "complete" : "still open"}` : NOTHING],
    ["Look", verdict.look ?? NOTHING],
    ["Plan", [visible(plan.name ?? NOTHING), " ", h("code", { title: plan.hash }, (plan.hash ?? "").slice(0, 12)),
      ": ", visible(plan.note || (plan.registered ? "registered" : "not registered"))]],
  ];
  return h("section", { id: "verdict", class: `banner ${kind}`, tabindex: "-1" },
    h("p", { class: "models" }, models),
    h("h1", null, h("span", { class: "icon", "aria-hidden": "true" }, icon), verdict.verdict),
    h("p", { class: "reason" }, capital(visible(verdict.reason))),
    h("dl", { class: "facts" }, facts.map(([name, value]) => h("div", null, h("dt", null, name), h("dd", null, value)))),
    live && verdict.coverage && !verdict.coverage.complete
      && note("The window still runs. These figures may be looked at every day: the intervals allow for it."),
    otherSeries(report, live));
}

// What else the store has; in the live page each is a link.
function otherSeries(report, live) {
  const others = report?.others ?? [];
  const name = one => `${visible(one.experiment)}, ${visible(one.candidate || "(no candidate)")}`;
  return others.length > 0 && note("Also in this store: ", others.map((one, i) => [i ? "; " : "",
    live ? h("a", { href: `?${new URLSearchParams({ experiment: one.experiment, candidate: one.candidate })}` }, name(one)) : name(one)]), ".");
}

function gatesSection({ verdict }) {
  if (!verdict?.gates?.length) return null;
  const gates = [...verdict.gates].sort((a, b) => (WORST_FIRST[a.state] ?? 3) - (WORST_FIRST[b.state] ?? 3));
  const states = ["fail", "unproven", "pass"].map(state => [state, gates.filter(gate => gate.state === state).length]);
  const columns = [
    ["State", gateState],
    ["Gate", gate => [h("strong", null, capital(visible(gate.title || gate.name)).replace(/^Json\b/, "JSON")), h("span", { class: "why" }, visible(gate.reason))], { scope: "row", class: "wide" }],
    ["Primary", gate => ownOf(gate, gate.primary), { class: "number" }],
    ["Candidate", gate => ownOf(gate, gate.candidate), { class: "number" }],
    ["Difference, interval", gate => [gate.interval || gate.delta != null ? differenceOf(gate, estimateOf(gate)) : NOTHING,
      gate.interval && h("span", { class: "why", title: gate.method }, intervalOf(gate))], { class: "number" }],
    ["Against the margin", gate => (drawable(gate) ? intervalChart(gate) : NOTHING), { class: "drawn" }],
    ["Needed", gate => visible(gate.needed), { class: "needed" }],
    ["n", gate => count(gate.n), { class: "number" }],
  ];
  return section("gates", "Gates",
    h("p", null, states.filter(([, n]) => n).map(([state, n]) => [stateTag(state, `${n} ${state}`), " "])),
    table("Gates: what was measured, and what is needed", columns, gates, { class: "stack gates" }),
    note("A gate passes when the whole interval is on the clear side of the dashed margin, and fails when the whole of it is on the shaded side. ",
      "What is drawn is what decides."),
    signatures(verdict));
}

function gateState(gate) {
  return [stateTag(gate.state), gate.waived_by && h("span", { class: "why" }, `waived by ${visible(gate.waived_by)}`)];
}

function signatures(verdict) {
  const signed = Object.entries(verdict.signoffs ?? {});
  return signed.length > 0 && h("ul", { class: "plain" }, signed.map(([gate, who]) =>
    h("li", null, h("strong", null, `${gate} signed off`), ` by ${visible(who)}`)));
}

function sensitivitySection({ verdict }) {
  const rows = verdict?.sensitivity ?? [];
  if (!rows.length) return null;
  return section("sensitivity", "If the data had been cut otherwise",
    table("Sensitivity", [
      ["Gate", row => visible(row.gate), { scope: "row" }], ["Variation", row => visible(row.variation)], ["Comes out as", row => visible(row.outcome)],
    ], rows, { class: "narrow" }));
}

// The table of both models, fields, segments and cost.

const METRICS = {
  field_accuracy: ["Field accuracy", percent, points],
  hallucination_rate: ["Hallucination rate, of null fields", percent, points],
  latency_p50_ms: ["Latency p50", milliseconds], latency_p95_ms: ["Latency p95", milliseconds],
  latency_p99_ms: ["Latency p99", milliseconds], ttft_p50_ms: ["First token p50", milliseconds],
  cost_per_1k_usd: ["Cost per 1,000 calls", dollars],
  error_rate: ["Error rate", percent, points], exact_match: ["Exact match", percent, points],
  json_valid: ["Valid JSON", percent, points],
};

// A failed call is infinitely slow: so is a percentile that falls on one.
function percentile(report, name, leg) {
  const found = report.metrics?.[name];
  return found?.n > 0 && found[leg] == null && report.legs?.[leg]?.failed > 0 ? "∞" : milliseconds(found?.[leg]);
}

function metricsSection({ report }) {
  const rows = Object.entries(report.metrics ?? {}).filter(([, metric]) => metric.n);
  if (!rows.length) return null;
  const shown = ([name, metric], leg) => (name.startsWith("latency_") ? percentile(report, name, leg) : (METRICS[name]?.[1] ?? decimals)(metric[leg]));
  const delta = ([name, metric]) =>
    METRICS[name]?.[2] ? METRICS[name][2](metric.delta) : change(metric.primary, metric.candidate);
  const notes = [];
  for (const leg of ["primary", "candidate"])
    if (report.legs?.[leg]?.failed) notes.push(`${leg} ${count(report.legs[leg].failed)}`);
  return section("table", "Both models",
    table("Both models side by side", [
      ["", ([name]) => METRICS[name]?.[0] ?? words(name), { scope: "row" }],
      [`Primary ${visible(report.legs?.primary?.model ?? "")}`, row => shown(row, "primary"), { class: "number" }],
      [`Candidate ${visible(report.legs?.candidate?.model ?? "")}`, row => shown(row, "candidate"), { class: "number" }],
      ["Difference", delta, { class: "number" }], ["n", ([, metric]) => count(metric.n), { class: "number" }],
    ], rows.map(row => Object.assign(row, { props: row[0] === "hallucination_rate" ? { class: "key" } : null })), { class: "narrow" }),
    notes.length > 0 && note(`Failed calls count as infinitely slow: ${notes.join(", ")}.`),
    report.backfilled > 0 && note(`${count(report.backfilled)} pairs were asked later, from the store: their latency is in no figure.`),
    funnelLine(report.funnel));
}

function funnelLine(funnel) {
  if (!funnel) return null;
  const reasons = Object.entries(funnel.reasons ?? {}).sort((a, b) => b[1] - a[1]);
  return note(`Captured ${count(funnel.captured)}, mirrored ${count(funnel.mirrored)}, paired ${count(funnel.paired)}, scored ${count(funnel.scored)}.`,
    reasons.length > 0 && ` The rest: ${reasons.map(([why, n]) => `${visible(words(why))} ${count(n)}`).join(", ")}.`);
}

const OUTCOMES = ["hallucinated", "wrong_value", "missed", "invalid_output", "null_like", "correct", "correct_null"];

function fieldsSection({ report }) {
  const paths = Object.entries(report.fields ?? {}).filter(([, legs]) => OUTCOMES.some(name => legs.primary[name]));
  if (!paths.length) return null;
  const harm = ([, { candidate }]) => [candidate.hallucinated, candidate.wrong_value + candidate.missed];
  paths.sort((a, b) => harm(b)[0] - harm(a)[0] || harm(b)[1] - harm(a)[1] || a[0].localeCompare(b[0]));
  const cell = name => ([, legs]) => {
    const more = legs.candidate[name] > legs.primary[name] && !name.startsWith("correct");
    return h("span", { class: more ? "pair worse" : "pair" }, `${count(legs.primary[name])} → ${count(legs.candidate[name])}`);
  };
  return section("fields", "Fields",
    table("Outcomes of every labelled field, primary to candidate", [
      ["Field", ([path]) => h("code", null, visible(path)), { scope: "row" }],
      ...OUTCOMES.map(name => [words(name), cell(name), { class: name === "hallucinated" ? "number key" : "number" }]),
    ], paths),
    note("Primary → candidate. What the candidate does more often than the primary, and should not, is bold."),
    transitions(report), documents(report.documents));
}

function transitions(report) {
  const nulls = Object.entries(report.transitions?.correct_null ?? {}).filter(([, n]) => n);
  const total = nulls.reduce((sum, [, n]) => sum + n, 0);
  if (!total) return null;
  nulls.sort((a, b) => b[1] - a[1]);
  return h("p", null, `Of the primary's ${count(total)} correct nulls the candidate made: `,
    nulls.map(([name, n], i) => [i ? ", " : "", h(name === "hallucinated" ? "strong" : "span", null, `${count(n)} ${words(name)} (${percent(n / total)})`)]), ".");
}

function documents(found) {
  return found?.n > 0 && note(`Of ${count(found.n)} documents with labels, all fields are right by the primary in ${count(found.perfect.primary)},`,
    ` by the candidate in ${count(found.perfect.candidate)}; with a hallucination: ${count(found.hallucinated.primary)} and ${count(found.hallucinated.candidate)}.`);
}

const MEASURE_BETTER = { accuracy: "higher" };

function segmentsSection({ report, verdict }) {
  const judged = verdict?.segments ?? [], known = report.segments ?? {};
  if (!judged.length && !Object.keys(known).filter(Boolean).length) return null;
  const rank = { regressed: 0, insufficient: 1, ok: 2 };
  const rows = judged.length ? [...judged].sort((a, b) => (rank[a.state] ?? 3) - (rank[b.state] ?? 3))
    : Object.entries(known).map(([name, part]) => ({ name, pairs: part.pairs }));
  const both = (row, name, shown) => {
    const part = known[row.name];
    return part ? `${shown(part.primary[name])} → ${shown(part.candidate[name])}` : NOTHING;
  };
  const columns = [
    ["Segment", row => visible(row.name || "(none)"), { scope: "row" }],
    judged.length && ["State", row => stateTag(row.state)],
    judged.length && ["Share of calls", row => percent(row.share), { class: "number" }],
    ["Pairs", row => count(row.pairs), { class: "number" }],
    ["Accuracy", row => both(row, "field_accuracy", percent), { class: "number" }],
    ["Hallucination", row => both(row, "hallucination_rate", percent), { class: "number" }],
    ["Errors", row => both(row, "error_rate", percent), { class: "number" }],
    judged.length && ["Decided by", row => [words(row.measure ?? ""), row.interval && h("span", { class: "why" }, `${points(row.delta)}; ${interval(row.interval, points)}`)]],
    judged.some(row => row.interval) && ["Difference", segmentBar, { class: "drawn" }],
  ].filter(Boolean);
  return section("segments", "Segments", table("Segments of the traffic", columns, rows, { class: "stack" }),
    note("Primary → candidate. A segment that is too small to say is insufficient, never fine."));
}

function segmentBar(row) {
  if (!row.interval) return NOTHING;
  const state = { ok: "ok", regressed: "fail" }[row.state] ?? "unproven";
  return intervalChart({ name: row.measure, title: `${row.name}, ${row.measure}`, unit: "points", delta: row.delta,
    candidate: row.candidate, interval: row.interval, margin: null, better: MEASURE_BETTER[row.measure] ?? "lower", state });
}

function dearer({ primary, candidate }) {
  const percents = Math.round(100 * (candidate - primary) / primary);
  return percents ? `${count(Math.abs(percents))} % ${percents < 0 ? "less" : "more"}` : "as much";
}

function costSection({ report, verdict }) {
  const metric = report.metrics?.cost_per_1k_usd, legs = report.legs;
  if (!legs || !["primary", "candidate"].some(leg => legs[leg].calls_with_usage || legs[leg].unpriced)) return null;
  const per = (leg, name) => (leg.calls_with_usage ? count(Math.round(leg[name] / leg.calls_with_usage)) : NOTHING);
  const judges = (report.judges ?? []).filter(card => card.usd != null);
  return section("cost", "Cost",
    table("Cost of both models", [
      ["", row => row[0], { scope: "row" }], ["Primary", row => row[1](legs.primary, "primary"), { class: "number" }],
      ["Candidate", row => row[1](legs.candidate, "candidate"), { class: "number" }],
    ], [
      ["Per 1,000 calls", (_, leg) => dollars(metric?.[leg])],
      ["Calls without a known price or usage", leg => count(leg.unpriced)],
      ["Input tokens a call", leg => per(leg, "input_tokens")], ["Output tokens a call", leg => per(leg, "output_tokens")],
    ], { class: "narrow" }),
    metric?.delta != null && metric.primary > 0 && h("p", null, `The candidate costs ${dearer(metric)} a call, over ${plural(metric.n, "pair")} with a price for both.`),
    judges.length > 0 && note(`Judging cost ${judges.map(card => `${dollars(card.usd)} (${visible(card.judge)})`).join(", ")}.`),
    verdict?.signoffs?.cost && note(`Signed off by ${visible(verdict.signoffs.cost)}.`));
}

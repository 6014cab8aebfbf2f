// Judges, checks, where outputs differ, the noise floor, and what the report rests on.

function judgesSection({ report, verdict }) {
  const cards = (report.judges ?? []).filter(card => card.newest !== false);
  if (!cards.length) return null;
  const margin = verdict?.gates?.find(gate => gate.name === "win_rate")?.margin ?? 0.5;
  return section("judges", "Judges", cards.map(card => judgeCard(card, margin)), panelLine(report.panel));
}

function judgeCard(card, margin) {
  const state = card.gates ? "pass" : card.calibration && !card.qualified ? "fail" : "unproven";
  const worth = card.gates ? "qualified: it may gate" : !card.calibration ? "not calibrated: gates nothing"
    : card.qualified ? "qualified, but drifted: gates nothing" : "not qualified: gates nothing";
  const share = found => (found ? `${percent(found.value)} (${interval(found.ci, percent)})` : NOTHING);
  const rate = (title, value, ci, counts, bounds = ci) => value != null && ci && h("div", { class: "rate" }, h("span", null, title), h("span", null, `${percent(value)} (${interval(ci, percent)})`),
    intervalChart({ name: "win_rate", title, unit: "share", delta: null, candidate: value, interval: ci, margin, better: "higher",
      state: !counts ? "not decided by" : bounds[0] > margin ? "pass" : bounds[1] < margin ? "fail" : "unproven" }));
  const facts = [
    ["Pairs judged", count(card.pairs)], ["Order decides", share(card.inconsistent)], ["First slot wins", share(card.first_slot)],
    ["Longer wins", share(card.longer_wins)], ["Ties", share(card.ties)], ["Without a verdict", share(card.invalid)],
    ["Fingerprint", h("code", null, String(card.fingerprint ?? NOTHING).slice(0, 16))], ["Calls", count(card.calls)], ["Cost", dollars(card.usd)],
  ];
  return h("article", { class: "card" },
    h("h3", null, visible(card.judge), card.model && card.model !== card.judge ? ` (${visible(card.model)})` : "", " ", stateTag(state, worth)),
    card.reasons?.length > 0 && note(card.reasons.map(visible).join("; ")),
    rate("Candidate wins, as the judge says", card.win_rate?.naive, card.win_rate?.naive_ci),
    rate("Candidate wins, corrected by people's labels", card.win_rate?.corrected, card.win_rate?.corrected_ci, card.gates, card.win_rate?.corrected_bounds ?? undefined),
    unjudgedLine(card),
    h("dl", { class: "facts" }, facts.map(([name, value]) => h("div", null, h("dt", null, name), h("dd", null, value)))),
    card.drift && note(`Anchors, round ${card.drift.round}: ${count(card.drift.changed)} of ${count(card.drift.compared)} verdicts changed`, card.drift.alarm ? `. Drift: ${card.drift.reasons.map(visible).join("; ")}` : "; no alarm."));
}

function unjudgedLine({ unjudged, win_rate }) {
  const bounds = win_rate?.corrected_bounds ?? win_rate?.naive_bounds;
  const why = Object.entries(unjudged?.pairs ?? {}).map(([kind, n]) => `${visible(kind)} ${count(n)}`).join(", ");
  return unjudged?.share > 0 && note(`${percent(unjudged.share)} of the pairs have no verdict (${why})`, bounds ? `: with them the win rate is ${interval(bounds, percent)}, whatever they are.` : ".");
}

function panelLine(panel) {
  return panel && h("p", null, `Panel of ${panel.judges.map(visible).join(", ")} over ${count(panel.pairs)} pairs: candidate wins ${percent(panel.win_rate?.value)}`,
    panel.win_rate?.ci ? ` (${interval(panel.win_rate.ci, percent)})` : "", `; unanimous ${percent(panel.unanimous?.value)}.`);
}

function checksSection({ report }) {
  const rows = Object.entries(report.checks ?? {}).filter(([, found]) => found.n || found.not_run || found.errors);
  if (!rows.length) return null;
  const value = x => (x == null ? "" : x >= 0 && x <= 1 ? percent(x) : decimals(x));
  const labels = found => Object.entries(found.labels ?? {}).slice(0, 5).map(([label, n]) => `${visible(words(label))} ${count(n)}`).join(", ");
  const faults = found => [found.not_run && `not run on ${count(found.not_run)}`, found.errors && `failed on ${count(found.errors)}`,
    (found.not_run || found.errors) && (found.reasons ?? []).map(visible).join("; ")].filter(Boolean).join(": ");
  return section("checks", "Checks", table("Checks of every pair", [
    ["Check", ([name]) => visible(words(name)), { scope: "row" }],
    ["Primary", ([, found]) => value(found.primary), { class: "number" }],
    ["Candidate", ([, found]) => (found.primary == null && found.spread ? `${decimals(found.spread.p50)} (${decimals(found.spread.p5)} to ${decimals(found.spread.p95)})` : value(found.candidate)), { class: "number" }],
    ["Candidate alone", ([, found]) => (found.primary == null ? "" : count(found.higher)), { class: "number" }],
    ["Primary alone", ([, found]) => (found.primary == null ? "" : count(found.lower)), { class: "number" }],
    ["n", ([, found]) => count(found.n), { class: "number" }],
    ["Labels", ([, found]) => [labels(found), faults(found) && h("span", { class: "why" }, faults(found))], { class: "wide" }],
  ], rows), note("What compares the two outputs has one value: the median, with 5 % and 95 % around it."));
}

function divergenceSection({ report }) {
  const found = report.divergence;
  if (!found?.pairs) return null;
  const rows = Object.entries(found.fields ?? {}).filter(([, field]) => field.candidate_only.n + field.primary_only.n + field.different.n);
  return section("divergence", "Where the outputs differ, without a truth",
    h("p", null, `${count(found.divergent)} of ${count(found.pairs)} pairs with two JSON objects differ in a field.`),
    rows.length > 0 && table("Fields whose outputs differ", [
      ["Field", ([path]) => h("code", null, visible(path)), { scope: "row" }],
      ["Candidate only", ([, field]) => count(field.candidate_only.n), { class: "number" }],
      ["of these, not in the request", ([, field]) => count(field.candidate_only.ungrounded), { class: "number" }],
      ["Primary only", ([, field]) => count(field.primary_only.n), { class: "number" }],
      ["Differ", ([, field]) => count(field.different.n), { class: "number" }],
      ["of these, not in the request", ([, field]) => count(field.different.ungrounded), { class: "number" }],
      ["Leaves", ([, field]) => count(field.leaves), { class: "number" }],
    ], rows));
}

function noiseSection({ report }) {
  const noise = report.noise_floor, similar = Object.entries(report.similarity ?? {});
  if (!noise && !similar.length) return null;
  const parts = [];
  if (noise) parts.push(
    h("p", null, `${count(noise.pairs)} calls were asked of the primary again: what differs between two of its own answers is noise.`),
    table("Likeness against the primary, beside the primary against itself", [
      ["Measure", ([name]) => visible(words(name)), { scope: "row" }],
      ["Candidate", ([, row]) => decimals(row.candidate), { class: "number" }], ["n", ([, row]) => count(row.candidate_n), { class: "number" }],
      ["Primary again", ([, row]) => decimals(row.primary), { class: "number" }], ["n", ([, row]) => count(row.primary_n), { class: "number" }],
      ["Difference", ([, row]) => (row.difference == null ? NOTHING : signed(row.difference.toFixed(3))), { class: "number" }],
    ], Object.entries(noise.rows ?? {})));
  if (similar.length) parts.push(table("Cosine of embeddings", [
    ["Embedding model", ([name]) => visible(name), { scope: "row" }], ["n", ([, row]) => count(row.n), { class: "number" }],
    ["Mean", ([, row]) => decimals(row.mean), { class: "number" }], ["p50", ([, row]) => decimals(row.p50), { class: "number" }], ["p5", ([, row]) => decimals(row.p5), { class: "number" }],
    ["Alike, but facts differ", ([, row]) => percent(row.facts_differ_share), { class: "number" }],
  ], similar));
  return section("noise", "Noise floor", parts);
}

function foot({ verdict, report }) {
  if (!verdict) return [];
  return [h("p", null, "Plan ", h("code", null, verdict.plan?.hash ?? NOTHING)), h("p", null, "Data ", h("code", null, verdict.data_hash ?? NOTHING)),
    h("p", null, `shadow-mw ${verdict.version ?? ""}; the same plan and data give the same verdict.`)];
}

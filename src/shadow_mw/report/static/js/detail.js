// One pair: truth, primary and candidate side by side, and what the two were asked.

const BAD = new Set(["hallucinated", "wrong_value", "missed", "invalid_output", "null_like"]);
const DIFFED = 20000;
// What is longer scrolls within its cell.
const LONG_VALUE = 400;

// Values are JSON text: a null that was given is "null", one that was not is null.
function valueCell(text, before) {
  if (text == null) return h("span", { class: "absent" }, "absent");
  const long = Math.max(text.length, before?.length ?? 0) > LONG_VALUE ? " long" : "", kind = `value${text === "null" ? " null" : ""}${long}`;
  if (before == null || text === before || text.length + before.length > DIFFED) return longText("bdi", text, { class: kind });
  // Of a null no letter is kept: it is another kind of value.
  if (text === "null" || before === "null")
    return h("bdi", { class: `value${long}` }, h("del", null, visible(before)), " ", h("ins", null, visible(text)));
  return h("bdi", { class: `value${long}` }, diffNodes(before, text));
}

function outcomeTag(outcome) {
  return outcome && h("span", { class: `outcome ${BAD.has(outcome) ? "bad" : "good"}` }, words(outcome));
}

function fieldDiff(fields) {
  const labelled = fields.some(field => field.truth != null);
  const rows = fields.map(field => ({ ...field, props: { class: BAD.has(field.candidate_outcome) || (!labelled && field.differs) ? "bad" : null } }));
  return table("Fields of this pair: truth, primary, candidate", [
    ["Field", field => h("code", null, visible(field.path)), { scope: "row" }],
    labelled && ["Truth", field => (field.truth == null ? h("span", { class: "absent" }, "not labelled") : valueCell(field.truth))],
    ["Primary", field => [valueCell(field.primary, field.truth), " ", outcomeTag(field.primary_outcome)]],
    ["Candidate", field => [valueCell(field.candidate, field.truth ?? field.primary), " ", outcomeTag(field.candidate_outcome)]],
  ].filter(Boolean), rows, { class: "stack fielddiff" });
}

function leftOut(n) {
  return n > 0 && note(`${count(n)} more characters are not in this report.`);
}

function legFacts(leg) {
  const tokens = leg.output_tokens != null && `${count(leg.input_tokens)} tokens in, ${count(leg.output_tokens)} out`;
  const facts = [leg.model && visible(leg.model), leg.latency_ms != null && milliseconds(leg.latency_ms), tokens,
    leg.cost_usd != null && dollars(leg.cost_usd), leg.finish_reason && `finish ${visible(leg.finish_reason)}`].filter(Boolean);
  return [facts.join(" · "), leg.error && h("span", { class: "error" }, ` failed: ${visible(leg.error)}`)];
}

function outputs({ primary, candidate }) {
  const [ours, theirs] = [primary.output ?? "", candidate.output ?? ""];
  const together = ours && theirs && ours !== theirs && ours.length + theirs.length < DIFFED;
  const one = (title, text, leg) => h("div", null, h("h4", null, title), longText("pre", text || "(no output)"), leftOut(leg.output_left_out));
  return h("div", { class: "outputs" }, one("Primary", ours, primary), one("Candidate", theirs, candidate),
    together && h("div", { class: "both" }, h("h4", null, "From primary to candidate"), h("pre", null, diffNodes(ours, theirs, true))));
}

function checkTable(checks) {
  const shown = value => (value == null ? "" : decimals(value).replace(/\.?0+$/, ""));
  return table("Checks of this pair", [
    ["Check", check => visible(words(check.name)), { scope: "row" }], ["Says", check => visible(check.label ?? "")],
    ["Primary", check => shown(check.primary), { class: "number" }], ["Candidate", check => shown(check.candidate), { class: "number" }],
    ["Detail", check => visible(check.detail ?? ""), { class: "wide" }],
  ], checks);
}

function judgeLines(judges) {
  return judges.map(said => [
    h("p", null, h("strong", null, visible(said.judge)), `: primary first ${said.primary_first ?? "not asked"}, candidate first ${said.candidate_first ?? "not asked"}`),
    said.analysis && longText("pre", said.analysis)]);
}

// What takes long to lay out is only made when it is opened.
function lazyFold(key, title, make) {
  const box = fold(key, title);
  box.addEventListener("toggle", () => {
    if (box.open && box.children.length === 1) box.append(...[make()].flat(3).filter(Boolean));
  });
  return box;
}

function pairDetail(detail) {
  if (!detail) return [note("What was said is not in this file.")];
  const fields = detail.fields ?? [], checks = detail.checks ?? [], judges = detail.judges ?? [];
  const whole = lazyFold("outputs", "Whole outputs", () => outputs(detail));
  whole.open = !fields.length;
  return [
    detail.excluded && note(`Not compared: ${visible(words(detail.excluded))}`),
    h("dl", { class: "legs" }, ["primary", "candidate"].map(leg => h("div", null, h("dt", null, leg), h("dd", null, legFacts(detail[leg]))))),
    fields.length > 0 && fieldDiff(fields),
    detail.fields_left_out > 0 && note(`${count(detail.fields_left_out)} more fields are not in this report.`),
    whole,
    detail.input && lazyFold("input", "Input", () => [longText("pre", detail.input), leftOut(detail.input_left_out)]),
    checks.length > 0 && lazyFold("checks", `Checks (${count(checks.length)})`, () => checkTable(checks)),
    judges.length > 0 && lazyFold("judges", `Judges (${count(judges.length)})`, () => judgeLines(judges)),
    h("p", { class: "ids" }, "pair ", h("code", null, visible(detail.pair_id)), detail.key && [" key ", h("code", null, visible(detail.key))],
      detail.trace_id && [" trace ", h("code", null, visible(detail.trace_id))],
      detail.labelled > 0 && ` labelled by ${count(detail.labelled)}`),
  ].filter(Boolean);
}

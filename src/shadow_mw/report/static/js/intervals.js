// One interval against its margin: a bar that is wholly on the white side has passed.

// Where two answers would be the same: of a difference, of a ratio, of a win rate.
function sameAt(gate) {
  if (gate.unit === "ratio") return 1;
  if (gate.name === "win_rate") return 0.5;
  return gate.delta == null ? null : 0;
}

// Some gates are about the candidate alone; of the others a difference that is not known is nothing.
function estimateOf(gate) {
  if (gate.delta != null) return gate.delta;
  const alone = gate.unit !== "ratio" && (gate.interval || gate.name.startsWith("coverage."));
  return alone ? gate.candidate : null;
}

function domain(values) {
  const known = values.filter(value => value != null && Number.isFinite(value));
  const low = Math.min(...known), high = Math.max(...known);
  const room = (high - low || Math.abs(high) || 1) * 0.14;
  return [low - room, high + room];
}

function drawable(gate) {
  return gate.interval != null || (gate.margin != null && estimateOf(gate) != null);
}

function intervalChart(gate, height = 42) {
  const shown = unitOf(gate).delta, bounds = gate.interval;
  const estimate = estimateOf(gate);
  const found = differenceOf(gate, estimate);
  const words = [`${gate.title}: ${found === NOTHING ? "no estimate" : found}`];
  if (bounds) words.push(`interval ${intervalOf(gate)}`);
  if (gate.margin != null) words.push(`margin ${shown(gate.margin)}`);
  words.push(gate.state);
  return chart(words.join(", "), height, width => intervalOption(gate, width, height), "interval");
}

function intervalOption(gate, width, height) {
  const [low, high] = gate.interval ?? [];
  const same = sameAt(gate), estimate = estimateOf(gate);
  const [from, to] = domain([low, high, estimate, gate.margin, same]);
  const shown = unitOf(gate).delta;
  return {
    grid: { left: 2, right: 2, top: 0, bottom: 0 },
    xAxis: { type: "value", min: from, max: to, show: false },
    yAxis: { type: "value", min: 0, max: 1, show: false },
    tooltip: hover(() => [`${gate.title}: ${differenceOf(gate, estimate)}`,
      gate.interval && `from ${intervalOf(gate)}`,
      gate.margin != null && `margin ${shown(gate.margin)}`].filter(Boolean)),
    series: [{
      type: "custom", data: [[0, 0]], clip: false,
      renderItem: (_, api) => {
        const x = value => api.coord([value, 0])[0];
        const marks = { gate, estimate, same, shown, edge: [x(from), x(to)], x, height };
        return { type: "group", children: [...zone(marks), ...bar(marks, low, high), ...captions(marks)] };
      },
    }],
  };
}

// How long the bar of an interval is that begins beyond all that is drawn.
const BEYOND = 14;

const stroke = (x1, y1, x2, y2, color, width, dash) =>
  ({ type: "line", shape: { x1, y1, x2, y2 }, style: { stroke: color, lineWidth: width, lineDash: dash } });

function zone({ gate, same, edge, x, height }) {
  const foot = height - 14, marks = [stroke(edge[0], foot, edge[1], foot, INK.line, 1)];
  if (gate.margin != null) {
    const at = x(gate.margin), [left, right] = gate.better === "lower" ? [at, edge[1]] : [edge[0], at];
    marks.unshift({ type: "rect", shape: { x: left, y: 0, width: right - left, height: foot }, style: { fill: "var(--bad-zone)" } });
    marks.push(stroke(at, 0, at, foot + 3, INK.text, 1.5, [4, 3]));
  }
  if (same != null) marks.push(stroke(x(same), 3, x(same), foot + 3, INK.muted, 1));
  return marks;
}

function bar({ gate, estimate, edge, x, height }, low, high) {
  const middle = (height - 14) / 2, color = INK[gate.state] ?? INK.text, marks = [];
  if (gate.interval) {
    const to = high == null ? edge[1] : x(high), endless = gate.unit === "ratio" ? edge[1] - BEYOND : edge[0];
    const from = low == null ? endless : x(low);
    marks.push(stroke(from, middle, to, middle, color, 5));
    for (const [end, at] of [[low, from], [high, to]])
      if (end != null) marks.push(stroke(at, middle - 6, at, middle + 6, color, 2));
  }
  if (estimate != null)
    marks.push({ type: "circle", shape: { cx: x(estimate), cy: middle, r: 4 },
      style: { fill: "var(--page)", stroke: color, lineWidth: 2.5 } });
  return marks;
}

function captions({ gate, same, shown, edge, x, height }) {
  // Half of a text's width, as good as.
  const half = text => text.length * 3;
  const place = (text, at) => Math.min(Math.max(at, edge[0] + 4 + half(text)), edge[1] - 4 - half(text));
  const label = (text, at) => ({
    type: "text", style: { text, x: place(text, at),
      y: height - 10, align: "center", fill: INK.muted, fontSize: 10, fontFamily: "system-ui, sans-serif" } });
  const margin = gate.margin == null ? null : `margin ${shown(gate.margin)}`;
  const even = gate.unit === "ratio" ? "same" : gate.name === "win_rate" ? "even" : "no change";
  const apart = margin == null || same == null
    || Math.abs(place(even, x(same)) - place(margin, x(gate.margin))) > half(even) + half(margin) + 6;
  return [margin != null && label(margin, x(gate.margin)), same != null && apart && label(even, x(same))].filter(Boolean);
}

// Numbers as people read them; what is unknown is a dash, never a zero.

const NOTHING = "–";

const count = n => (n == null ? NOTHING : n.toLocaleString("en-US"));
const signed = text => (text.startsWith("-") ? text.replace("-", "−") : `+${text}`);

// As many digits as keep a share apart from none and from all.
function percent(share, least = 1) {
  if (share == null) return NOTHING;
  const value = 100 * share;
  if (value === 0 || value === 100) return `${value} %`;
  for (let digits = least; digits <= 3; digits++) {
    const text = value.toFixed(digits);
    if (![0, 100].includes(Number(text))) return `${text} %`;
  }
  return value < 1 ? "< 0.001 %" : "> 99.999 %";
}

function points(share) {
  if (share == null) return NOTHING;
  const value = 100 * share;
  return `${signed(value.toFixed(Math.abs(value) >= 0.005 || value === 0 ? 2 : 3))} pp`;
}

function milliseconds(value) {
  if (value == null) return NOTHING;
  const rounded = value >= 10 ? Math.round(value) : Number(value.toFixed(2));
  return `${rounded.toLocaleString("en-US")} ms`;
}

function dollars(value) {
  if (value == null) return NOTHING;
  if (value !== 0 && Math.abs(value) < 0.001) return `$${value.toPrecision(3)}`;
  const digits = Math.abs(value) >= 1 || value === 0 ? 2 : 4;
  return `$${value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits })}`;
}

const ratio = value => (value == null ? NOTHING : `${value.toFixed(2)}×`);
const decimals = value => (value == null ? NOTHING : value.toFixed(3));

function change(primary, candidate) {
  if (primary == null || candidate == null || !primary) return NOTHING;
  return `${signed((100 * (candidate - primary) / primary).toFixed(0))} %`;
}

// How a gate's own values and its difference are written.
const UNITS = {
  points: { value: percent, delta: points },
  share: { value: percent, delta: percent },
  ratio: { value: ratio, delta: ratio },
  usd: { value: dollars, delta: dollars },
  count: { value: count, delta: count },
};

function unitOf(gate) {
  // A likeness is no share of anything: its difference is not in points.
  if (gate.name === "likeness") return { value: decimals, delta: value => (value == null ? NOTHING : signed(value.toFixed(4))) };
  if (gate.delta == null && gate.unit === "points") return UNITS.share;
  const unit = UNITS[gate.unit] ?? { value: decimals, delta: decimals };
  if (gate.unit !== "ratio") return unit;
  const value = gate.name.startsWith("latency") ? milliseconds : gate.name === "cost" ? dollars : ratio;
  return { value, delta: unit.delta };
}

const ENDLESS = "∞";

// A latency that is not known, of calls that there are, is one of a failed call: those have no end.
const isEndless = (gate, value) => value == null && gate.name.startsWith("latency") && gate.n > 0;

// Primary's or candidate's own figure.
function ownOf(gate, value) {
  return isEndless(gate, value) ? ENDLESS : unitOf(gate).value(value);
}

function differenceOf(gate, value) {
  return value == null && gate.primary != null && isEndless(gate, gate.candidate) ? ENDLESS : unitOf(gate).delta(value);
}

// A ratio is never below 0: where its lower end is infinite, all of it is.
function intervalOf(gate) {
  return interval(gate.interval, unitOf(gate).delta, gate.unit === "ratio" ? ENDLESS : undefined);
}

function interval(bounds, shown, least = `−${ENDLESS}`) {
  if (!bounds) return NOTHING;
  const [low, high] = bounds;
  return `${low == null ? least : shown(low)} to ${high == null ? ENDLESS : shown(high)}`;
}

const plural = (n, noun) => `${count(n)} ${noun}${n === 1 ? "" : "s"}`;
const capital = text => text.charAt(0).toUpperCase() + text.slice(1);
const words = name => name.replaceAll("_", " ");
const moment = iso => (iso ? iso.replace("T", " ").replace(/(\.\d+)?(Z|\+00:00)$/, " UTC") : NOTHING);

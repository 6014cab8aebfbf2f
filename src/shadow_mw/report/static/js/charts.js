// Every chart goes through here. Colours are CSS variables, so that a change of theme, or paper,
// recolours what is drawn; a chart is drawn when it comes near to the window.

const CHARTS = new Map();
const PLAIN = { animation: false, textStyle: { fontFamily: "system-ui, sans-serif", fontSize: 11 } };
const INK = { muted: "var(--muted)", line: "var(--line)", text: "var(--text)", primary: "var(--primary)",
  candidate: "var(--candidate)", fail: "var(--fail)", pass: "var(--pass)", unproven: "var(--unproven)" };

function draw(host) {
  const known = CHARTS.get(host);
  if (!known || known.drawn || !host.isConnected) return;
  const made = echarts.init(host, null, { renderer: "svg" });
  made.on("rendered", () => {
    const svg = host.querySelector("svg");
    // On paper it is scaled to what the page leaves.
    svg?.setAttribute("viewBox", `0 0 ${made.getWidth()} ${made.getHeight()}`);
    svg?.setAttribute("aria-hidden", "true");
  });
  made.setOption({ ...PLAIN, ...known.option(host.clientWidth) });
  known.drawn = made;
  SIZES.observe(host);
}

const NEAR = new IntersectionObserver(
  found => found.filter(one => one.isIntersecting).forEach(one => {
    NEAR.unobserve(one.target);
    draw(one.target);
  }), { rootMargin: "800px" });

const SIZES = new ResizeObserver(found => found.forEach(({ target }) => {
  const known = CHARTS.get(target);
  if (!known?.drawn || !target.clientWidth || target.clientWidth === known.drawn.getWidth()) return;
  known.drawn.resize();
  known.drawn.setOption(known.option(target.clientWidth), { replaceMerge: ["series"] });
}));

// option(width) gives what ECharts draws; label says the same in words.
function chart(label, height, option, kind = "") {
  const host = h("div", { class: `chart ${kind}`, role: "img", "aria-label": label });
  host.style.height = `${height}px`;
  CHARTS.set(host, { option, drawn: null });
  NEAR.observe(host);
  return host;
}

function drawAll() {
  for (const host of CHARTS.keys()) draw(host);
}

// Of charts whose section was drawn anew.
function forgetCharts(root) {
  for (const host of root.querySelectorAll(".chart")) {
    CHARTS.get(host)?.drawn?.dispose();
    NEAR.unobserve(host);
    SIZES.unobserve(host);
    CHARTS.delete(host);
  }
}

// lines: arrays of strings; a tooltip is an element, so that no name in it becomes markup.
function hover(lines) {
  return {
    confine: true, transitionDuration: 0, className: "tip", borderWidth: 1, padding: [4, 8],
    backgroundColor: "var(--raised)", borderColor: "var(--line)", textStyle: { color: INK.text, fontSize: 12 },
    formatter: found => h("div", null, lines(found).map(line => h("div", null, line))),
  };
}

function axis(more) {
  return {
    axisLine: { lineStyle: { color: INK.line } }, axisTick: { lineStyle: { color: INK.line } },
    axisLabel: { color: INK.muted, fontSize: 11, hideOverlap: true }, nameTextStyle: { color: INK.muted, fontSize: 11 },
    splitLine: { lineStyle: { color: INK.line, opacity: 0.5 } }, ...more,
  };
}

// What colours and dashes mean, as text beside the chart.
function legend(...entries) {
  return h("p", { class: "legend" }, entries.map(([kind, text]) =>
    h("span", null, h("span", { class: `swatch ${kind}`, "aria-hidden": "true" }), text)));
}

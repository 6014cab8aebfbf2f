// Confidence sequences over days, latency, and the calendar of the window.

const TRENDS = { hallucination: ["Hallucination rate", "lower"], accuracy: ["Field accuracy", "higher"], errors: ["Error rate", "lower"] };

function trendsSection({ verdict }) {
  const trends = Object.entries(verdict?.trends ?? {}).filter(([, points]) => points.length);
  if (!trends.length) return null;
  return section("days", "Over the days",
    legend(["candidate", "candidate minus primary, all pairs until that day"], ["band", "confidence sequence"], ["margin", "margin"]),
    h("div", { class: "charts" }, trends.map(([measure, found]) => trend(measure, found, verdict))),
    note("The band holds at all days at once: looking every day costs nothing."));
}

function trend(measure, found, verdict) {
  const margin = verdict.gates?.find(gate => gate.name === measure)?.margin;
  const title = TRENDS[measure]?.[0] ?? words(measure), last = found.at(-1);
  const label = `${title}: after ${plural(found.length, "day")} ${points(last.estimate)}, between ${points(last.low)} and ${points(last.high)}`;
  const pp = value => Number((100 * value).toFixed(4));
  const line = (data, more) => ({ type: "line", data, symbol: "none", emphasis: { disabled: true }, lineStyle: { width: 0 }, ...more });
  // An early day's band is as wide as the measure itself: the axis shows what later days say.
  const later = found.slice(Math.floor(found.length / 3));
  const [from, to] = domain([...later.flatMap(one => [one.low, one.high]), margin, 0].map(value => value == null ? null : 100 * value));
  const option = () => ({
    grid: { left: 4, right: 12, top: 8, bottom: 4, containLabel: true },
    tooltip: { trigger: "axis", ...hover(rows => {
      const one = found[rows[0].dataIndex];
      return [one.day, points(one.estimate), `between ${points(one.low)} and ${points(one.high)}`, `n ${count(one.n)}`];
    }) },
    xAxis: axis({ type: "category", data: found.map(one => one.day.slice(5)), boundaryGap: false, splitLine: { show: false } }),
    yAxis: axis({ type: "value", min: from, max: to, axisLabel: { color: INK.muted, formatter: value => `${Number(value.toFixed(2))} pp`, showMinLabel: false, showMaxLabel: false } }),
    series: [
      line(found.map(one => Math.max(pp(one.low), from)), { stack: "band", stackStrategy: "all", silent: true }),
      line(found.map(one => Math.min(pp(one.high), to) - Math.max(pp(one.low), from)), { stack: "band", stackStrategy: "all", silent: true, areaStyle: { color: INK.candidate, opacity: 0.22 } }),
      line(found.map(one => pp(one.estimate)), { symbol: "circle", symbolSize: 5, itemStyle: { color: INK.candidate }, lineStyle: { width: 2, color: INK.candidate },
        markLine: { silent: true, symbol: "none", animation: false, label: { show: false },
          data: [{ yAxis: 0, lineStyle: { color: INK.muted, type: "solid", width: 1 } },
            ...(margin == null ? [] : [{ yAxis: pp(margin), lineStyle: { color: INK.text, type: [4, 3], width: 1.5 } }])] } }),
      // One day alone has no band.
      ...(found.length > 1 ? [] : [{ type: "custom", silent: true, data: [[0, Math.max(pp(last.low), from), Math.min(pp(last.high), to)]], renderItem: oneDay }]),
    ],
  });
  return h("figure", null, h("figcaption", null, title, h("span", { class: "why" }, `${points(last.estimate)}, between ${points(last.low)} and ${points(last.high)}`)),
    chart(label, 210, option));
}

function oneDay(_, api) {
  const [x, low] = api.coord([api.value(0), api.value(1)]), [, high] = api.coord([api.value(0), api.value(2)]);
  return { type: "rect", shape: { x: x - 10, y: high, width: 20, height: low - high }, style: { fill: INK.candidate, opacity: 0.22 } };
}

function latencySection({ latency, report }) {
  if (!latency?.primary?.length && !latency?.candidate?.length) return null;
  const p95 = leg => percentile(report, "latency_p95_ms", leg), p50 = leg => percentile(report, "latency_p50_ms", leg);
  const curve = (leg, dash) => ({ name: leg, type: "line", step: "end", symbol: latency[leg]?.length === 1 ? "circle" : "none", data: latency[leg] ?? [], emphasis: { disabled: true },
    lineStyle: { width: 2, color: INK[leg], type: dash }, itemStyle: { color: INK[leg] } });
  const first = curve("primary", [6, 3]);
  first.markLine = { silent: true, symbol: "none", animation: false, label: { formatter: "p95", position: "insideStartTop", color: INK.muted },
    lineStyle: { color: INK.muted, type: [2, 2] }, data: [{ yAxis: 0.95 }] };
  const option = () => ({
    grid: { left: 4, right: 24, top: 8, bottom: 22, containLabel: true },
    tooltip: { trigger: "axis", axisPointer: { lineStyle: { color: INK.muted } }, ...hover(rows => rows.map(row => `${row.seriesName}: ${percent(row.value[1])} within ${milliseconds(row.value[0])}`)) },
    xAxis: axis({ type: "log", name: "ms, logarithmic", nameLocation: "middle", nameGap: 24, axisLabel: { color: INK.muted, formatter: value => value.toLocaleString("en-US") }, ...logRange(latency) }),
    yAxis: axis({ type: "value", min: 0, max: 1, axisLabel: { color: INK.muted, formatter: value => `${Math.round(100 * value)} %` } }),
    series: [first, curve("candidate", "solid")],
  });
  return section("latency", "Latency",
    legend(["primary dashed", `primary, p95 ${p95("primary")}`], ["candidate", `candidate, p95 ${p95("candidate")}`]),
    chart(`Share of calls answered within a time: half within ${p50("primary")} by the primary and ${p50("candidate")} by the candidate`, 260, option),
    note("Share of calls answered within a time. A call that failed is never answered: its curve ends below 100 %."));
}

function logRange(latency) {
  const all = [...(latency.primary ?? []), ...(latency.candidate ?? [])].map(([ms]) => ms).filter(ms => ms > 0);
  if (!all.length) return {};
  const round = (value, to) => {
    const scale = 10 ** Math.floor(Math.log10(value));
    return to(value / scale) * scale;
  };
  return { min: round(Math.min(...all), Math.floor), max: round(Math.max(...all), Math.ceil) };
}

const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const HOURS = Array.from({ length: 24 }, (_, hour) => hour);

function coverageSection({ verdict }) {
  const coverage = verdict?.coverage;
  if (!coverage?.hours?.length) return null;
  const cells = coverage.hours.flatMap((row, day) => row.map((n, hour) => [hour, day, n]));
  const most = Math.max(...cells.map(([, , n]) => n)), empty = cells.filter(([, , n]) => !n).length;
  if (!most) return null;
  const option = () => ({
    grid: { left: 4, right: 4, top: 4, bottom: 4, containLabel: true },
    tooltip: hover(found => [`${DAYS[found.value[1]]} ${String(found.value[0]).padStart(2, "0")}:00`, plural(found.value[2], "pair")]),
    xAxis: axis({ type: "category", data: HOURS.map(String), splitLine: { show: false }, axisTick: { show: false } }),
    yAxis: axis({ type: "category", data: DAYS, inverse: true, splitLine: { show: false }, axisTick: { show: false } }),
    series: [{ type: "custom", data: cells, encode: { x: 0, y: 1 }, renderItem: (_, api) => hourCell(api, most) }],
  });
  const facts = [plural(coverage.days, "day"), `${percent(coverage.volume_share)} of production's calls lie in hours with pairs`,
    `${percent(coverage.completion)} of the calls that should have made a pair did`];
  if (coverage.production_share != null) facts.push(`the candidate saw ${percent(coverage.production_share)} of production's load`);
  return section("coverage", "Coverage", h("p", null, `${facts.join("; ")}.`),
    chart(`Pairs by weekday and hour: ${empty} of 168 hours have none`, 200, option),
    legend(["empty", "no pairs"], ["scale", `${most > 1 ? "1 to " : ""}${plural(most, "pair")} an hour of the week`]),
    coverage.missing?.length > 0 && h("ul", { class: "plain" }, coverage.missing.map(line => h("li", null, visible(line)))),
    fold("hours", "The same as a table", table("Pairs by weekday and hour", [
      ["", row => DAYS[row.day], { scope: "row" }], ...HOURS.map(hour => [String(hour), row => count(row.cells[hour]), { class: "number" }]),
    ], coverage.hours.map((cells, day) => ({ day, cells })))));
}

function hourCell(api, most) {
  const [x, y] = api.coord([api.value(0), api.value(1)]), [width, height] = api.size([1, 1]), n = api.value(2);
  const shape = { x: x - width / 2 + 1, y: y - height / 2 + 1, width: width - 2, height: height - 2, r: 2 };
  if (n) return { type: "rect", shape, style: { fill: INK.primary, opacity: 0.18 + 0.82 * Math.sqrt(n / most) } };
  return { type: "group", children: [
    { type: "rect", shape, style: { fill: "none", stroke: INK.fail, lineWidth: 1, lineDash: [2, 2] } },
    { type: "line", shape: { x1: shape.x, y1: shape.y + shape.height, x2: shape.x + shape.width, y2: shape.y }, style: { stroke: INK.fail, lineWidth: 1 } },
  ] };
}

// Where figures and pairs come from: this file, or the service that served this page.

const PAGE = 50;
const NO_SEGMENT = "(none)";

class FileSource {
  constructor(data) {
    this.live = false;
    this.figures = data;
    this.all = data.pairs?.rows ?? [];
    this.inAll = data.pairs?.total ?? this.all.length;
  }

  async list({ harm, segment, field, q, offset }) {
    const found = this.all.filter(row => (!harm || row.harm === harm) && (!segment || (row.segment || NO_SEGMENT) === segment)
      && (!field || row.fields?.includes(field)) && (!q || this.textOf(row).includes(q.toLowerCase())));
    return { total: found.length, rows: found.slice(offset, offset + PAGE), next: offset + PAGE < found.length ? offset + PAGE : null };
  }

  async detail(id) {
    return this.all.find(row => String(row.id) === String(id))?.detail ?? null;
  }

  textOf(row) {
    row.text ??= JSON.stringify([row.id, row.pair_id, row.trace_id, row.summary, row.detail]).toLowerCase();
    return row.text;
  }
}

class ServiceSource {
  constructor() {
    this.live = true;
    this.figures = null;
    const asked = new URLSearchParams(location.search);
    this.series = ["experiment", "candidate"].flatMap(name => (asked.get(name) ? [[name, asked.get(name)]] : []));
  }

  async fetch(path, options) {
    const answer = await fetch(path, { cache: "no-store", ...options, headers: { accept: "application/json", ...options?.headers } });
    if (answer.ok || answer.status === 304) return answer;
    throw new Error(answer.status === 401 ? "the session is over, load the page anew" : `${answer.status} ${(await answer.text()).slice(0, 200)}`);
  }

  async ask(path, options) {
    return (await this.fetch(path, options)).json();
  }

  // Whether there is something new to draw; false too while the first figures are worked out.
  async refresh() {
    const answer = await this.fetch(`v1/report?${new URLSearchParams(this.series)}`, { headers: this.tag ? { "if-none-match": this.tag } : {} });
    const text = await answer.text();
    if (answer.status !== 200) return false;
    const found = JSON.parse(text);
    // Where the first figures fail there are none, and the reason.
    if (!found.report) throw new Error(found.fault ?? "no figures");
    this.tag = answer.headers.get("etag");
    this.figures = found;
    return true;
  }

  list({ segment, offset, ...filters }) {
    const asked = new URLSearchParams([...this.series, ...Object.entries(filters).filter(([, value]) => value)]);
    if (segment) asked.set("segment", segment === NO_SEGMENT ? "" : segment);
    asked.set("offset", offset);
    asked.set("limit", PAGE);
    return this.ask(`v1/harm?${asked}`);
  }

  detail(id) {
    return this.ask(`v1/harm/${encodeURIComponent(id)}`);
  }

  blinded(id, person) {
    return this.ask(`v1/label/${encodeURIComponent(id)}?${new URLSearchParams({ person })}`);
  }

  label(answer) {
    return this.ask("v1/labels", { method: "POST", body: JSON.stringify(answer), headers: { "content-type": "application/json" } });
  }
}

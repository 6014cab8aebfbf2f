// Where figures and pairs come from: this file, or the service that served this page.

const PAGE = 50;

class FileSource {
  constructor(data) {
    this.live = false;
    this.figures = data;
    this.all = data.pairs?.rows ?? [];
    this.inAll = data.pairs?.total ?? this.all.length;
  }

  async list({ harm, segment, field, q, offset }) {
    const found = this.all.filter(row => (!harm || row.harm === harm) && (!segment || (row.segment ?? "") === segment)
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
  }

  async ask(path, options) {
    const answer = await fetch(path, { headers: { accept: "application/json" }, cache: "no-store", ...options });
    if (!answer.ok) throw new Error(`${answer.status} ${(await answer.text()).slice(0, 200)}`);
    return answer.json();
  }

  async refresh() {
    const figures = await this.ask("v1/report");
    const changed = JSON.stringify(figures) !== JSON.stringify(this.figures);
    this.figures = figures;
    return changed;
  }

  list({ offset, ...filters }) {
    const asked = new URLSearchParams(Object.entries(filters).filter(([, value]) => value));
    asked.set("offset", offset);
    asked.set("limit", PAGE);
    return this.ask(`v1/harm?${asked}`);
  }

  detail(id) {
    return this.ask(`v1/harm/${encodeURIComponent(id)}`);
  }

  blinded(id) {
    return this.ask(`v1/label/${encodeURIComponent(id)}`);
  }

  label(answer) {
    return this.ask("v1/labels", { method: "POST", body: JSON.stringify(answer),
      headers: { "content-type": "application/json", accept: "application/json" } });
  }
}

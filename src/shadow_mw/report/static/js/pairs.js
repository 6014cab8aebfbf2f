// The pairs, the most harmful first; filters and place are in the URL, so that a reload or a link keeps them.

const HARMS = ["hallucinated", "new_refusal", "invalid_json", "wrong_value", "missed", "judge_loss", "differs", "same"];
const FILTERS = ["harm", "segment", "field", "q"];

class Pairs {
  constructor(source) {
    this.source = source;
    this.opened = new Set();
    this.read();
  }

  read() {
    const kept = new URLSearchParams(location.hash.slice(1));
    this.filters = Object.fromEntries(FILTERS.map(name => [name, kept.get(name) ?? ""]));
    this.offset = Math.max(0, Math.floor(Number(kept.get("offset")) || 0));
    this.open = new Set(kept.getAll("open"));
    // Pages that are made by searching are of no fixed size: the way back is kept.
    this.before = [];
  }

  // A step is one that the browser's back button undoes.
  keep(step = false) {
    const kept = new URLSearchParams(Object.entries(this.filters).filter(([, value]) => value));
    if (this.offset) kept.set("offset", this.offset);
    for (const id of this.open) kept.append("open", id);
    const here = location.pathname + location.search, to = kept.size ? `${here}#${kept}` : here;
    if (step && to !== here + location.hash) history.pushState(null, "", to);
    else history.replaceState(null, "", to);
  }

  section() {
    this.status = h("p", { class: "status", role: "status" });
    this.rows = h("ol", { class: "pairs" });
    this.pager = h("p", { class: "pager" });
    this.form = this.controls();
    return section("pairs", "Pairs, the most harmful first", this.form, this.status, this.rows, this.pager);
  }

  controls() {
    const { report = {}, pairs } = this.source.figures ?? {}, counts = pairs?.counts ?? {};
    const choose = (name, title, values) => h("label", null, title, h("select", { name, onchange: () => this.filter() },
      h("option", { value: "" }, "all"), values.map(([value, text]) =>
        h("option", { value, selected: this.filters[name] === value }, text ?? visible(value)))));
    const known = (name, values) => (this.filters[name] && !values.includes(this.filters[name]) ? [...values, this.filters[name]] : values);
    const segments = Object.keys(report.segments ?? {}).sort().map(name => name || NO_SEGMENT), fields = Object.keys(report.fields ?? {}).sort();
    return h("form", { class: "filters", role: "search", onsubmit: event => { event.preventDefault(); this.filter(); } },
      choose("harm", "Harm", HARMS.map(name => [name, counts[name] == null ? words(name) : `${words(name)} (${count(counts[name])})`])),
      choose("segment", "Segment", known("segment", segments).map(name => [name])),
      choose("field", "Field", known("field", fields).map(name => [name])),
      h("label", { class: "grow" }, "Text", h("input", { type: "search", name: "q", id: "filter", value: this.filters.q, autocomplete: "off", spellcheck: "false",
        placeholder: "in pairs and outputs", oninput: () => { clearTimeout(this.typing); this.typing = setTimeout(() => this.filter(false), 250); } })),
      h("button", { type: "button", onclick: () => this.reset() }, "Clear"),
      this.source.live && h("button", { type: "button", id: "label-next", onclick: () => labelling.start(this.ids()) }, "Label blind"));
  }

  // What is being typed is no step: back would undo it letter by letter.
  filter(step = true) {
    clearTimeout(this.typing);
    for (const name of FILTERS) this.filters[name] = this.form.elements[name].value;
    this.before = [];
    this.turn(0, step);
  }

  reset() {
    this.form.reset();
    for (const name of FILTERS) this.form.elements[name].value = "";
    this.filter();
  }

  async turn(offset, step = true) {
    this.offset = offset;
    this.open.clear();
    this.keep(step);
    await this.show();
  }

  async show() {
    const asked = (this.asked = Symbol("asked"));
    let found;
    try {
      found = await this.source.list({ ...this.filters, offset: this.offset });
    } catch (error) {
      if (asked === this.asked) this.status.textContent = `The pairs could not be read: ${error.message}`;
      return;
    }
    if (asked !== this.asked) return;
    if (!found.rows.length && this.offset && found.total) return this.turn(Math.floor((found.total - 1) / PAGE) * PAGE, false);
    this.found = found;
    this.listed = this.counted();
    this.rows.replaceChildren(...found.rows.map(row => this.item(row)));
    this.say(found);
  }

  say({ total, rows, searched, next }) {
    const kept = this.source.all?.length, inAll = this.source.inAll;
    const filtered = Object.values(this.filters).some(Boolean), unlisted = filtered ? 0 : this.unlisted();
    let text = rows.length ? `${count(this.offset + 1)}–${count(this.offset + rows.length)} of ${count(total)}` : filtered ? "No pair matches" : unlisted > 0 ? "No pair is listed" : "No pair yet";
    if (total == null) text = `${count(rows.length)} found, with the worst ${count(searched)} pairs looked through`;
    if (inAll > kept) text += `; this file holds the worst ${count(kept)} of ${count(inAll)} pairs, shadow-mw serve lists all`;
    if (unlisted > 0) text += `; ${count(unlisted)} more have no answer of the primary to compare with`;
    this.status.textContent = `${text}.`;
    const button = (title, there, go) => h("button", { type: "button", disabled: !there, onclick: async () => {
      await go();
      at("pairs").scrollIntoView();
    } }, title);
    const pages = next != null || this.offset > 0;
    this.pager.replaceChildren(...(pages ? [button("Previous", this.offset > 0, () => this.previous()),
      button(total == null ? "Look further" : "Next", next != null, () => this.following())] : []));
  }

  following() {
    this.before.push(this.offset);
    return this.turn(this.found.next);
  }

  previous() {
    return this.turn(this.before.pop() ?? Math.max(0, this.offset - PAGE));
  }

  item(row) {
    const id = String(row.id), body = h("div", { class: "body", id: `pair-${id}`, hidden: true });
    const head = h("button", { type: "button", class: "row", "aria-expanded": "false", "aria-controls": body.id, "data-id": id, onclick: () => this.toggle(head) },
      h("span", { class: `harm ${row.harm}` }, words(row.harm)),
      h("span", { class: "summary" }, h("bdi", null, visible((row.summary ?? "").slice(0, 300)) || (row.fields ?? []).map(visible).join(", ") || NOTHING)),
      h("span", { class: "where" }, [row.segment && visible(row.segment), row.time && moment(row.time)].filter(Boolean).join(" · ")));
    const made = h("li", null, head, body);
    if (this.open.has(id)) this.reveal(head);
    return made;
  }

  toggle(head) {
    const open = head.getAttribute("aria-expanded") === "true";
    if (!open) this.reveal(head);
    else {
      head.setAttribute("aria-expanded", "false");
      head.nextElementSibling.hidden = true;
      this.open.delete(head.dataset.id);
    }
    this.keep();
  }

  async reveal(head) {
    const body = head.nextElementSibling, id = head.dataset.id;
    head.setAttribute("aria-expanded", "true");
    body.hidden = false;
    this.open.add(id);
    // Whose output is whose is known from now on: such a pair is not labelled blind any more.
    this.opened.add(id);
    if (body.childElementCount) return;
    try {
      const detail = await this.source.detail(id);
      body.replaceChildren(...pairDetail(detail));
    } catch (error) {
      body.replaceChildren(note(`This pair could not be read: ${error.message}`));
    }
  }

  // Pairs that are of no class of harm.
  unlisted() {
    const { report, pairs } = this.source.figures ?? {};
    if (!pairs?.counts) return 0;
    return (report?.funnel?.paired ?? 0) - Object.values(pairs.counts).reduce((sum, n) => sum + n, 0);
  }

  // How many pairs of which harm there are, as far as the figures say.
  counted() {
    return JSON.stringify(this.source.figures?.pairs?.counts ?? {});
  }

  // New pairs do not push away the one that is being read: the reader says when.
  news() {
    if (!this.found || this.listed === this.counted() || this.status.querySelector("button")) return;
    this.status.append(" ", h("button", { type: "button", onclick: () => this.anew() }, "New pairs have come: list them"));
  }

  anew() {
    this.fill();
    return this.show();
  }

  // The address was changed: by hand, by a link, by the back button.
  moved() {
    this.read();
    this.refill();
    return this.show();
  }

  // The choices of the filters, as the figures have them by now.
  fill() {
    if (!this.form.contains(document.activeElement)) this.refill();
  }

  refill() {
    const form = this.controls(), at = [...this.form.elements].indexOf(document.activeElement);
    clearTimeout(this.typing);
    this.form.replaceWith(form);
    this.form = form;
    if (at >= 0) form.elements[at].focus();
    this.listed = this.counted();
  }

  heads() {
    return [...this.rows.querySelectorAll("button.row")];
  }

  ids() {
    return (this.found?.rows ?? []).map(row => String(row.id));
  }

  // Where the reader is: the row with the focus, or that of what is within it.
  current() {
    return document.activeElement?.closest("ol.pairs > li")?.querySelector("button.row") ?? null;
  }

  async step(by) {
    const heads = this.heads(), here = heads.indexOf(this.current());
    let next = here < 0 ? 0 : here + by;
    if (next >= heads.length && this.found?.next != null) {
      await this.following();
      next = 0;
    } else if (next < 0 && this.offset) {
      await this.previous();
      next = this.heads().length - 1;
    }
    const head = this.heads()[Math.max(0, Math.min(next, this.heads().length - 1))];
    head?.focus({ preventScroll: true });
    head?.scrollIntoView({ block: "nearest" });
  }
}

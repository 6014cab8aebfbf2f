// People's labels in the live page: two outputs without names, in an order that only the service knows.

const CHOICES = [["1", "first", "First is better"], ["2", "second", "Second is better"], ["3", "tie", "As good"], ["4", "both_bad", "Both bad"]];

class Labelling {
  constructor(source, pairs) {
    Object.assign(this, { source, pairs, done: new Set(), shown: null, last: null, busy: false, asking: false });
    this.person = stored("person");
  }

  get open() {
    return at("label").open;
  }

  async start(ids) {
    Object.assign(this, { ids, asking: false });
    // The list says which model did what: it is not to be seen behind the two outputs.
    const { rows } = this.pairs, box = at("label");
    rows.style.visibility = "hidden";
    box.addEventListener("close", () => { rows.style.visibility = ""; }, { once: true });
    // Nothing but this opens it: an answer that comes after it was closed does not.
    box.showModal();
    if (this.person) await this.begin();
    else this.askName();
  }

  // A pair that was opened is no longer blind: it is passed over.
  async begin() {
    this.left = this.ids.filter(id => !this.pairs.opened.has(id) && !this.done.has(id));
    this.draw("");
    await this.next();
  }

  // Without a name nobody could tell one person's answers from another's.
  askName() {
    Object.assign(this, { shown: null, last: null, asking: true });
    const box = at("label"), name = h("input", { name: "person", required: true, maxlength: 64, value: this.person, autocomplete: "name", spellcheck: "false" });
    box.replaceChildren(h("h2", { id: "label-title" }, "Who labels?"),
      note("Which of two outputs is better, without knowing whose they are. Your name is kept with each answer, so that several people's can be compared."),
      h("form", { class: "filters", onsubmit: event => { event.preventDefault(); this.name(name.value.trim()); } },
        h("label", { class: "grow" }, "Your name", name), h("button", null, "Begin"), this.closing()));
    name.focus();
  }

  name(person) {
    if (!person) return;
    if (person !== this.person) this.done.clear();
    Object.assign(this, { person, asking: false });
    stored("person", person);
    return this.begin();
  }

  closing() {
    return h("button", { type: "button", onclick: () => at("label").close() }, "Close ", h("kbd", null, "Esc"));
  }

  async next() {
    this.shown = null;
    const { person } = this;
    while (this.left.length && !this.shown) {
      const id = this.left.shift();
      try {
        const found = await this.source.blinded(id, person);
        // Somebody else has begun meanwhile: this ticket is not theirs.
        if (this.asking || person !== this.person) return;
        if (!found.labelled) this.shown = { id, ...found };
      } catch (error) {
        return this.draw(`This pair could not be read: ${error.message}`);
      }
    }
    this.draw(this.shown ? "" : "No pair of this page is left to label. Those that were opened are passed over: whose output is whose is known.");
  }

  draw(said) {
    const box = at("label"), found = this.shown;
    box.replaceChildren(h("h2", { id: "label-title" }, "Which output is better?"),
      h("p", { class: "note" }, "You label as ", h("bdi", null, visible(this.person)), " ", h("button", { type: "button", class: "more", onclick: () => this.askName() }, "change")),
      ...(found ? [
        found.input && h("details", { open: true }, h("summary", null, "Input"), longText("pre", found.input), leftOut(found.input_left_out)),
        found.truth && h("details", { open: true }, h("summary", null, "Truth"), longText("pre", found.truth)),
        h("div", { class: "outputs" }, found.outputs.map((text, i) =>
          h("div", null, h("h3", null, i ? "Second" : "First"), longText("pre", text || "(no output)"), leftOut(found.outputs_left_out?.[i])))),
        found.differences?.length > 0 && table("Where they differ", [
          ["Field", row => h("code", null, visible(row.path)), { scope: "row" }],
          ["First", row => valueCell(row.first)], ["Second", row => valueCell(row.second, row.first)],
        ], found.differences),
      ].filter(Boolean) : []),
      h("p", { role: "status" }, said),
      h("div", { class: "choices" }, found ? CHOICES.map(([key, choice, title]) =>
        h("button", { type: "button", onclick: () => this.choose(choice) }, title, " ", h("kbd", null, key))) : [],
      found && h("button", { type: "button", onclick: () => this.next() }, "Skip ", h("kbd", null, "s")),
      h("button", { type: "button", disabled: !this.last, onclick: () => this.takeBack() }, "Take back ", h("kbd", null, "u")), this.closing()));
    box.scrollTop = 0;
    box.querySelector(".choices button:not(:disabled)").focus();
  }

  choose(choice) {
    return this.shown && this.keep(this.shown, choice, () => {
      this.last = this.shown;
      this.done.add(String(this.shown.id));
      return this.next();
    });
  }

  // The last answer, once: its pair is shown again.
  takeBack() {
    const last = this.last;
    return last && this.keep(last, "none", () => {
      if (this.shown) this.left.unshift(String(this.shown.id));
      Object.assign(this, { shown: last, last: null });
      this.done.delete(String(last.id));
      this.draw("");
    });
  }

  async keep({ id, ticket }, choice, then) {
    if (this.busy) return;
    this.busy = true;
    try {
      await this.source.label({ id, ticket, choice });
      await then();
    } catch (error) {
      this.draw(`Not kept: ${error.message}`);
    } finally {
      this.busy = false;
    }
  }

  press(key) {
    if (this.asking) return false;
    const found = CHOICES.find(([known]) => known === key);
    if (found) this.choose(found[1]);
    else if (key === "s" && this.shown) this.next();
    else if (key === "u") this.takeBack();
    else return false;
    return true;
  }
}

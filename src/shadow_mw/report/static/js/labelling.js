// People's labels in the live page: two outputs without names, in an order that only the service knows.

const CHOICES = [["1", "first", "First is better"], ["2", "second", "Second is better"], ["3", "tie", "As good"], ["4", "both_bad", "Both bad"]];

class Labelling {
  constructor(source, pairs) {
    Object.assign(this, { source, pairs, done: new Set(), shown: null, last: null, busy: false });
  }

  get open() {
    return at("label").open;
  }

  // A pair that was opened is no longer blind: it is passed over.
  async start(ids) {
    this.left = ids.filter(id => !this.pairs.opened.has(id) && !this.done.has(id));
    this.shown = null;
    this.draw("");
    // The list says which model did what: it is not to be seen behind the two outputs.
    const { rows } = this.pairs, box = at("label");
    rows.style.visibility = "hidden";
    box.addEventListener("close", () => { rows.style.visibility = ""; }, { once: true });
    // Nothing but this opens it: an answer that comes after it was closed does not.
    box.showModal();
    await this.next();
  }

  async next() {
    this.shown = null;
    while (this.left.length && !this.shown) {
      const id = this.left.shift();
      try {
        const found = await this.source.blinded(id);
        if (!found.labelled) this.shown = { id, ...found };
      } catch (error) {
        return this.draw(`This pair could not be read: ${error.message}`);
      }
    }
    this.draw(this.shown ? "" : "No pair of this page is left to label. Those that were opened are passed over: whose output is whose is known.");
  }

  draw(said) {
    const box = at("label"), found = this.shown;
    const close = h("button", { type: "button", onclick: () => box.close() }, "Close ", h("kbd", null, "Esc"));
    box.replaceChildren(h("h2", { id: "label-title" }, "Which output is better?"),
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
      h("button", { type: "button", disabled: !this.last, onclick: () => this.takeBack() }, "Take back ", h("kbd", null, "u")), close));
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
    const found = CHOICES.find(([known]) => known === key);
    if (found) this.choose(found[1]);
    else if (key === "s" && this.shown) this.next();
    else if (key === "u") this.takeBack();
    else return false;
    return true;
  }
}

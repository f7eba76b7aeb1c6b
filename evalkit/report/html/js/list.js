// The list of cases: only the rows in view are in the page, so that its length does not matter.

const MARKS = {
  p: ["✓", "passed"], f: ["✗", "failed"], m: ["±", "passed and failed"], u: ["?", "null"],
  e: ["!", "not asked"], "-": ["·", "not there"],
};

/** Pixels; report.css has the same. */
const ROW_HEIGHT = 58;

const ROWS_AROUND = 8;

class CaseList {
  /** `open` is called with the case that Enter or a click chooses. */
  constructor(index, open) {
    this.index = index;
    this.open = open;
    this.box = document.getElementById("list");
    this.rows = document.getElementById("rows");
    this.cases = [];
    this.active = -1;
    this.opened = null;
    this.box.addEventListener("scroll", () => this.draw(), { passive: true });
    this.box.addEventListener("keydown", (event) => this.onKey(event));
    this.rows.addEventListener("click", (event) => this.onClick(event));
    new ResizeObserver(() => this.draw()).observe(this.box);
  }

  show(cases) {
    const kept = this.cases[this.active];
    this.cases = cases;
    this.active = Math.max(cases.indexOf(kept), cases.length ? 0 : -1);
    this.rows.style.height = `${cases.length * ROW_HEIGHT}px`;
    this.box.scrollTop = kept && this.active > 0 ? this.active * ROW_HEIGHT : 0;
    this.draw();
  }

  /** The case that is open, marked, and brought to the middle where it is not in view. */
  mark(found) {
    this.opened = found;
    const at = this.cases.indexOf(found);
    const top = at * ROW_HEIGHT;
    if (at >= 0 && (top < this.box.scrollTop || top + ROW_HEIGHT > this.box.scrollTop + this.box.clientHeight)) {
      this.box.scrollTop = top - (this.box.clientHeight - ROW_HEIGHT) / 2;
    }
    if (at >= 0) this.active = at;
    this.draw();
  }

  /** The case `step` places from the open one, if there is one. */
  neighbour(step) {
    return this.cases[this.cases.indexOf(this.opened) + step] ?? null;
  }

  move(to) {
    if (!this.cases.length || to < 0) return;
    this.active = Math.min(to, this.cases.length - 1);
    const [top, height] = [this.active * ROW_HEIGHT, this.box.clientHeight];
    if (top < this.box.scrollTop) this.box.scrollTop = top;
    else if (top + ROW_HEIGHT > this.box.scrollTop + height) this.box.scrollTop = top + ROW_HEIGHT - height;
    this.draw();
  }

  onKey(event) {
    const page = Math.max(1, Math.floor(this.box.clientHeight / ROW_HEIGHT) - 1);
    const targets = {
      ArrowDown: this.active + 1, ArrowUp: Math.max(0, this.active - 1), Home: 0, End: this.cases.length - 1,
      PageDown: this.active + page, PageUp: Math.max(0, this.active - page),
    };
    if (event.key === "Enter" && this.cases[this.active]) this.open(this.cases[this.active]);
    else if (event.key in targets) this.move(targets[event.key]);
    else return;
    event.preventDefault();
  }

  onClick(event) {
    const row = event.target.closest("[role=option]");
    if (!row) return;
    this.move(Number(row.dataset.at));
    this.open(this.cases[this.active]);
  }

  draw() {
    const first = Math.max(0, Math.floor(this.box.scrollTop / ROW_HEIGHT) - ROWS_AROUND);
    const last = Math.min(
      this.cases.length, Math.ceil((this.box.scrollTop + this.box.clientHeight) / ROW_HEIGHT) + ROWS_AROUND,
    );
    const rows = [];
    for (let at = first; at < last; at += 1) rows.push(this.row(at));
    this.rows.replaceChildren(...rows);
    const active = this.active >= first && this.active < last ? `row-${this.active}` : "";
    this.box.setAttribute("aria-activedescendant", active);
  }

  row(at) {
    const found = this.cases[at];
    const row = element("div", {
      role: "option", id: `row-${at}`, "data-at": at, "aria-posinset": at + 1, "aria-setsize": this.cases.length,
      "aria-selected": found === this.opened, class: at === this.active ? "row active" : "row",
    }, this.marks(found), element("span", { class: "id" }, plainly(found.id).slice(0, 80)),
    element("span", { class: "of" }, plainly(this.index.suites[found.suite].name).slice(0, 40)),
    element("span", { class: "ask", dir: "auto" }, plainly(found.ask)));
    row.style.transform = `translateY(${at * ROW_HEIGHT}px)`;
    return row;
  }

  /** A sign a variant. */
  marks(found) {
    const marks = this.index.variants.map((name, number) => {
      const letter = found.cells[number]?.[0] ?? "-";
      const [sign, words] = MARKS[letter];
      return element("span", { class: `sign ${letter === "-" ? "none" : letter}`, title: `${plainly(name)} ${words}`,
        role: "img", "aria-label": `${plainly(name)} ${words}` }, sign);
    });
    return element("span", { class: "signs" }, ...marks);
  }
}

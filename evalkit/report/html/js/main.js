// Puts the parts together: what is chosen is listed, and the address says which case is open.

const CASE = "#case=";

function addressOf(index, found) {
  return `${CASE}${encodeURIComponent(index.suites[found.suite].name.toWellFormed())}/${encodeURIComponent(found.id.toWellFormed())}`;
}

function caseAt(index, address) {
  if (!address.startsWith(CASE)) return null;
  return index.cases.find((found) => addressOf(index, found) === address)
    ?? index.cases.find((found) => decoded(addressOf(index, found)) === decoded(address)) ?? null;
}

function decoded(address) {
  try {
    return decodeURIComponent(address);
  } catch {
    return address; // a stray percent sign, typed by hand
  }
}

class Explorer {
  constructor(index) {
    this.index = index;
    this.detail = document.getElementById("detail");
    this.count = document.getElementById("count");
    this.list = new CaseList(index, (found) => this.go(found));
    this.form = filterForm(index, (chosen) => this.filter(chosen));
    this.against = null;
  }

  /** Texts are looked into only for a search; everything else is in the index. */
  async filter(chosen) {
    this.chosen = chosen;
    let haystacks = null;
    if (chosen.text.trim()) {
      haystacks = this.haystacks ?? (this.haystacks = await this.index.haystacks());
      if (chosen !== this.chosen) return; // something else was typed meanwhile
    }
    const { cases, counts } = filtered(this.index, chosen, haystacks);
    this.form.tell(counts);
    this.list.show(cases);
    const [some, all] = [cases.length, this.index.cases.length].map((number) => number.toLocaleString("en"));
    this.count.textContent = some === all ? `${all} cases` : `${some} of ${all} cases`;
  }

  go(found) {
    const address = addressOf(this.index, found);
    if (location.hash === address) this.open(found);
    else location.hash = address; // hashchange opens it, and the back button works
  }

  async open(found) {
    this.wanted = found;
    const details = await this.index.details(found);
    if (found !== this.wanted) return;
    if (!this.list.cases.includes(found)) {
      this.form.reset();
      await this.filter(NOTHING_CHOSEN);
    }
    const against = this.against ?? this.index.suites[found.suite].baseline;
    this.detail.replaceChildren(this.bar(found, details), ...detailOf(this.index, found, details, against));
    document.getElementById("explorer").classList.add("open");
    this.list.mark(found);
    this.detail.scrollTop = 0;
    document.getElementById("opened").focus({ preventScroll: true });
    document.getElementById("explorer").scrollIntoView({ block: "nearest" });
  }

  /** What can be done with an open case. */
  bar(found, details) {
    const button = (label, name, does) => element("button", { type: "button", onclick: does, "aria-label": name }, label);
    const step = (by) => () => { const next = this.list.neighbour(by); if (next) this.go(next); };
    const select = element("select", { id: "against", onchange: () => {
      this.against = Number(select.value);
      this.open(found);
    } }, element("option", { value: "-1" }, "none"), ...this.index.variants.map((name, number) => (
      element("option", { value: number }, plainly(name)))));
    select.value = String(this.against ?? this.index.suites[found.suite].baseline);
    return element("div", { class: "bar" }, button("←", "Case before", step(-1)), button("→", "Next case", step(1)),
      element("label", {}, "Differences to", select),
      element("a", { href: addressOf(this.index, found) }, "Link"),
      button("Close", "Close the case", () => this.close()));
  }

  close() {
    this.wanted = null;
    history.pushState(null, "", "#cases"); // not location.hash, which would scroll
    this.shut();
    this.list.box.focus();
  }

  shut() {
    document.getElementById("explorer").classList.remove("open");
    this.detail.replaceChildren(element("p", { class: "quiet-text" }, "Choose a case to see what was asked and what came."));
    this.list.mark(null);
  }

  /** Does what the address says. */
  follow() {
    const found = caseAt(this.index, location.hash);
    if (found) this.open(found);
    else this.shut();
    if (!found && location.hash.startsWith(CASE)) this.count.textContent = "The linked case is not in this page.";
  }

  onKey(event) {
    const isTyping = event.target.matches("input, select, textarea");
    if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      this.form.search.focus();
    } else if (event.key === "Escape" && this.list.opened && !isTyping) {
      this.close();
    }
  }
}

/** What is folded away on the screen is printed. */
function unfoldForPrint() {
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details:not([open])")];
    for (const each of opened) each.open = true;
  });
  addEventListener("afterprint", () => { for (const each of opened) each.open = false; });
}

async function start() {
  const index = await openPack();
  document.getElementById("explorer").hidden = false;
  document.getElementById("keys").hidden = false;
  const explorer = new Explorer(index);
  await explorer.filter(NOTHING_CHOSEN);
  explorer.follow();
  addEventListener("hashchange", () => explorer.follow());
  document.addEventListener("keydown", (event) => explorer.onKey(event));
  document.documentElement.dataset.ready = performance.now().toFixed(0);
  // so that the first search need not wait for it; not every browser tells when it is idle
  (window.requestIdleCallback ?? setTimeout)(() => index.haystacks());
}

unfoldForPrint();
if (document.getElementById("filters")) start();

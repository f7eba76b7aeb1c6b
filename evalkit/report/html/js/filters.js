// Which cases are listed. A case has a letter a variant and check: p, f, m (mixed), u (null), e (error), -.

const fails = (letter) => letter === "f" || letter === "m";

/** Each is asked of the letters of the variants looked at, and of the candidate's and the baseline's. */
const OUTCOMES = [
  ["all", "All", (letters) => letters.some((letter) => letter !== "-")],
  ["failing", "Failing", (letters) => letters.some(fails)],
  ["newly-failing", "Newly failing", (_, candidate, baseline) => fails(candidate) && baseline === "p"],
  ["newly-passing", "Newly passing", (_, candidate, baseline) => candidate === "p" && fails(baseline)],
  ["flipped", "Flipped between repeats", (letters) => letters.includes("m")],
  ["undecided", "Null or not asked", (letters) => letters.some((letter) => letter === "u" || letter === "e")],
];

const NOTHING_CHOSEN = { suite: "", variant: "", check: "", tag: "", text: "", outcome: "all" };

/** Where a check's letter stands in a case's cells; 0 is the case as a whole, null that it has no such check. */
function placeOf(index, found, check) {
  if (!check) return 0;
  const at = found.checks.indexOf(index.suites[found.suite].checkNumber.get(check));
  return at < 0 ? null : at + 1;
}

/** Whether a case is looked at at all, whatever its outcome. */
function chosenBy(index, chosen, haystacks) {
  const words = chosen.text.toLowerCase().split(/\s+/).filter(Boolean);
  return (found) => (chosen.suite === "" || index.suites[found.suite].name === chosen.suite)
    && (chosen.tag === "" || found.tags.includes(chosen.tag))
    && words.every((word) => haystacks[found.at].includes(word));
}

/** The cases that are chosen, and how many each outcome has among those that are chosen by all else. */
function filtered(index, chosen, haystacks) {
  const isChosen = chosenBy(index, chosen, haystacks);
  const watched = chosen.variant === "" ? [...index.variants.keys()] : [index.variants.indexOf(chosen.variant)];
  const counts = new Map(OUTCOMES.map(([name]) => [name, 0]));
  const cases = [];
  for (const found of index.listed) {
    const place = placeOf(index, found, chosen.check);
    if (place === null || !isChosen(found)) continue;
    const letter = (variant) => found.cells[variant]?.[place] ?? "-";
    const letters = watched.map(letter);
    const { candidate, baseline } = index.suites[found.suite];
    for (const [name, , holds] of OUTCOMES) {
      if (!holds(letters, letter(candidate), letter(baseline))) continue;
      counts.set(name, counts.get(name) + 1);
      if (name === chosen.outcome) cases.push(found);
    }
  }
  return { cases, counts };
}

function fill(select, everything, names) {
  select.replaceChildren(element("option", { value: "" }, everything));
  for (const name of names) select.append(element("option", { value: name }, plainly(name).slice(0, 60)));
}

/** The form's controls, filled in; `changed` is called with what is chosen. */
function filterForm(index, changed) {
  const form = document.getElementById("filters");
  const controls = Object.fromEntries(["suite", "variant", "check", "tag"].map(
    (name) => [name, document.getElementById(`by-${name}`)],
  ));
  const search = document.getElementById("search");
  const tags = [...new Set(index.cases.flatMap(({ tags: own }) => own))].sort();
  fill(controls.suite, "All suites", index.suites.map(({ name }) => name).sort());
  fill(controls.variant, "Any variant", index.variants);
  fill(controls.check, "All checks", [...new Set(index.suites.flatMap(({ checks }) => checks))].sort());
  fill(controls.tag, "Any tag", tags);
  document.getElementById("tag-label").hidden = tags.length === 0;
  const outcomes = outcomeButtons();
  const chosen = () => ({
    suite: controls.suite.value, variant: controls.variant.value, check: controls.check.value,
    tag: controls.tag.value, text: search.value, outcome: form.elements.outcome.value,
  });
  form.addEventListener("input", () => changed(chosen()));
  form.addEventListener("submit", (event) => event.preventDefault());
  // a reset takes place after its event
  form.addEventListener("reset", () => setTimeout(() => changed(chosen())));
  form.hidden = false;
  return { search, reset: () => form.reset(), tell: (counts) => tellCounts(outcomes, counts) };
}

/** Radio buttons, each with the place where its number stands. */
function outcomeButtons() {
  const numbers = new Map();
  for (const [name, label] of OUTCOMES) {
    const number = element("b");
    const radio = element("input", { type: "radio", name: "outcome", value: name });
    radio.defaultChecked = name === "all";
    document.getElementById("outcomes").append(element("label", {}, radio, element("span", {}, `${label} `, number)));
    numbers.set(name, number);
  }
  return numbers;
}

function tellCounts(numbers, counts) {
  for (const [name, number] of numbers) number.textContent = counts.get(name).toLocaleString("en");
}

// One case: what was asked, the answers of all variants side by side, and every verdict with its reason.

const VERDICTS = new Map([[true, ["✓", "p", "passed"]], [false, ["✗", "f", "failed"]], [null, ["?", "u", "null"]]]);

/** A case's article. `against` is the number of the variant that the others are compared with, or -1. */
function detailOf(index, found, details, against) {
  const suite = index.suites[found.suite];
  const systems = systemsOf(index, details.answers);
  return [
    element("p", { class: "where" }, visible(suite.name), ...found.tags.map((tag) => element("span", { class: "tag" }, visible(tag)))),
    element("h3", { tabindex: "-1", id: "opened" }, visible(found.id)),
    section("Asked", conversation(details.talk), systems),
    element("div", { class: "answers" }, ...index.variants.map((_, variant) => column(index, suite, details, variant, against))),
  ];
}

function section(title, ...children) {
  return element("section", {}, element("h4", {}, title), ...children);
}

function conversation(talk) {
  return element("div", { class: "talk" }, ...talk.map(([role, text]) => element(
    "div", { class: "said" }, element("span", { class: "role" }, visible(role)), block(text),
  )));
}

/** The system messages, each with the variants that were sent it; closed, for they are long. */
function systemsOf(index, answers) {
  const senders = new Map();
  for (const { variant, system } of answers) {
    const text = typeof system === "number" ? index.systems[system] : system;
    if (text) senders.set(text, (senders.get(text) ?? new Set()).add(index.variants[variant]));
  }
  if (!senders.size) return null;
  return element("div", {}, ...[...senders].map(([text, names]) => element(
    "details", { class: "system" }, element("summary", {}, "System message of ", visible([...names].join(", "))), block(text),
  )));
}

/** A variant's answers, one below the other where there are repeats. */
function column(index, suite, details, variant, against) {
  const answers = details.answers.filter((answer) => answer.variant === variant);
  const role = variant === suite.candidate ? "candidate" : variant === suite.baseline ? "baseline" : null;
  const head = element("h4", {}, element("span", { class: `dot s${(variant % 8) + 1}` }), visible(index.variants[variant]),
    role && element("small", {}, role));
  const shown = answers.map((answer) => answerOf(index, suite, details, answer, against, answers.length > 1));
  if (!shown.length) shown.push(element("p", { class: "quiet-text" }, "Not asked."));
  return element("section", { class: "answer", "aria-label": plainly(index.variants[variant]) }, head, ...shown);
}

function answerOf(index, suite, details, answer, against, isRepeated) {
  return element("div", { class: "one" },
    isRepeated ? element("p", { class: "repeat" }, `Repeat ${answer.repeat}`) : null,
    answer.talk ? element("details", { class: "system" }, element("summary", {}, "Was asked in other words"), conversation(answer.talk)) : null,
    ...said(index, details, answer, against),
    element("ul", { class: "verdicts" }, ...answer.verdicts.map((verdict) => verdictOf(suite, verdict))),
    element("p", { class: "meta" }, metaOf(answer)));
}

/** What came: text with its differences, tool calls, a refusal; or why nothing did. */
function said(index, details, answer, against) {
  if (answer.error) return [block(answer.error, { class: "error" })];
  const parts = [];
  if (answer.text) parts.push(...withDifferences(index, details, answer, against));
  for (const call of answer.calls ?? []) parts.push(element("p", { class: "role" }, "tool call"), block(call, { class: "code" }));
  if (answer.refusal) parts.push(element("p", { class: "role" }, "refusal"), block(answer.refusal));
  if (answer.reasoning) {
    parts.push(element("details", { class: "system" }, element("summary", {}, "Reasoning"), block(answer.reasoning)));
  }
  return parts.length ? parts : [element("p", { class: "quiet-text" }, "(no text)")];
}

/** Against the same repeat of the other variant, or its first. */
function withDifferences(index, details, answer, against) {
  const others = details.answers.filter(({ variant }) => variant === against);
  const other = others.find(({ repeat }) => repeat === answer.repeat) ?? others[0];
  if (answer.variant === against || !other?.text) return [block(answer.text)];
  const name = plainly(index.variants[against]);
  if (other.text === answer.text) return [block(answer.text), element("p", { class: "compared" }, `same as ${name}`)];
  const found = differences(other.text, answer.text);
  const marked = markedDifferences(found);
  const note = marked ? `marked against ${name}` : `${found}, against ${name}`;
  return [marked ?? block(answer.text), element("p", { class: "compared" }, note)];
}

function verdictOf(suite, [check, kind, passed, score, value, reason]) {
  const [sign, letter, words] = VERDICTS.get(passed);
  const figures = [kind, score === null ? null : `score ${Number(score.toFixed(3))}`].filter(Boolean).join(", ");
  return element("li", {},
    element("span", { class: `sign ${letter}`, role: "img", "aria-label": words }, sign),
    element("div", {}, element("span", { class: "check" }, visible(suite.checks[check])), " ", element("small", {}, figures)),
    reason ? element("div", { class: "why", dir: "auto" }, visible(reason)) : null,
    value ? element("details", {}, element("summary", {}, "value"), block(value, { class: "code" })) : null);
}

function metaOf({ tokens, ms, usd, cached, finish }) {
  const number = (value) => (value === null || value === undefined ? "?" : Math.round(value).toLocaleString("en"));
  return plainly([
    tokens ? `${number(tokens[0])} + ${number(tokens[1])} tokens` : null,
    ms === undefined ? null : `${number(ms)} ms${cached ? ", cached" : ""}`,
    usd === undefined ? null : `$${Number(usd.toPrecision(3))}`,
    finish && finish !== "stop" ? `ended by ${finish}` : null,
  ].filter(Boolean).join(" · "));
}

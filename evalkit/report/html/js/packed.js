// What the page carries along: JSON, deflated, in base64, in elements that the browser does not look into.

function bytesOf(base64) {
  const binary = atob(base64);
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < binary.length; at += 1) bytes[at] = binary.charCodeAt(at);
  return bytes;
}

async function unpacked(element) {
  const stream = new Blob([bytesOf(element.textContent)]).stream();
  const inflated = stream.pipeThrough(new DecompressionStream("deflate"));
  return JSON.parse(await new Response(inflated).text());
}

/** The index, with every case as an object; `details` and `haystacks` read the texts when they are wanted. */
async function openPack() {
  const index = await unpacked(document.getElementById("index"));
  const chunks = [...document.querySelectorAll("script.chunk")];
  for (const suite of index.suites) {
    suite.checkNumber = new Map(suite.checks.map((name, number) => [name, number]));
  }
  index.cases = index.cases.map(([suite, id, ask, checks, cells, tags], at) => (
    { suite, id, ask, checks, cells, tags, at }
  ));
  index.listed = inReadingOrder(index);
  index.details = async (found) => {
    const cases = await unpacked(chunks[Math.floor(found.at / index.chunk)]);
    return cases[found.at % index.chunk];
  };
  index.haystacks = haystacksOf(index, chunks);
  return index;
}

/** By suite and id, numbers by their value. */
function inReadingOrder({ suites, cases }) {
  const { compare } = new Intl.Collator("en", { numeric: true });
  const places = new Map([...suites.keys()].sort((one, other) => compare(suites[one].name, suites[other].name))
    .map((suite, place) => [suite, place]));
  return [...cases].sort((one, other) => (
    places.get(one.suite) - places.get(other.suite) || compare(one.id, other.id)
  ));
}

/** A function that gives the lower-case text of every case, read once, in steps that keep the page awake. */
function haystacksOf(index, chunks) {
  let found = null;
  const read = async () => {
    const texts = [];
    for (const chunk of chunks) {
      for (const details of await unpacked(chunk)) {
        const { suite, id } = index.cases[texts.length];
        texts.push(searchable(index.suites[suite].name, id, details));
      }
    }
    return texts;
  };
  return () => (found ??= read());
}

function searchable(suite, id, { talk, answers }) {
  const parts = [suite, id, ...talk.map(([, text]) => text)];
  for (const answer of answers) {
    parts.push(answer.text, answer.refusal, answer.error, ...(answer.calls ?? []));
    for (const [, , , , , reason] of answer.verdicts) parts.push(reason);
  }
  return parts.filter(Boolean).join("\n").toLowerCase();
}

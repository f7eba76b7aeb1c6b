// Which words an answer has that another has not: the longest common subsequence of their words.

/** Of the table that is filled in: about 20 ms. Longer pairs are shown without marks. */
const MOST_CELLS = 2_000_000;

/** Below this share of common words, marks would hide more than they tell. */
const LEAST_IN_COMMON = 0.2;

function wordsOf(text) {
  return text.match(/\s+|[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu) ?? [];
}

/** [["same" | "gone" | "added", text], ...], or a sentence that says why there is none. */
function differences(before, after) {
  const [old, fresh] = [wordsOf(before), wordsOf(after)];
  const head = commonStart(old, fresh);
  const tail = commonStart(old.slice(head).reverse(), fresh.slice(head).reverse());
  const [oldRest, freshRest] = [old.slice(head, old.length - tail), fresh.slice(head, fresh.length - tail)];
  if (oldRest.length * freshRest.length > MOST_CELLS) return "too long to be compared";
  const steps = [
    ...fresh.slice(0, head).map((word) => ["same", word]),
    ...walked(oldRest, freshRest),
    ...fresh.slice(fresh.length - tail).map((word) => ["same", word]),
  ];
  const same = steps.filter(([kind, word]) => kind === "same" && word.trim()).length;
  const all = Math.max(old.filter((word) => word.trim()).length, fresh.filter((word) => word.trim()).length);
  return all && same / all < LEAST_IN_COMMON ? "different throughout" : merged(steps);
}

function commonStart(one, other) {
  const most = Math.min(one.length, other.length);
  let count = 0;
  while (count < most && one[count] === other[count]) count += 1;
  return count;
}

/** The lengths of the longest common subsequences of all pairs of endings. */
function lengthsOf(old, fresh) {
  const width = fresh.length + 1;
  const lengths = new Uint16Array((old.length + 1) * width);
  for (let i = old.length - 1; i >= 0; i -= 1) {
    for (let j = fresh.length - 1; j >= 0; j -= 1) {
      const at = i * width + j;
      lengths[at] = old[i] === fresh[j] ? lengths[at + width + 1] + 1 : Math.max(lengths[at + width], lengths[at + 1]);
    }
  }
  return lengths;
}

function walked(old, fresh) {
  const [lengths, width, steps] = [lengthsOf(old, fresh), fresh.length + 1, []];
  let [i, j] = [0, 0];
  while (i < old.length || j < fresh.length) {
    if (i < old.length && j < fresh.length && old[i] === fresh[j]) {
      steps.push(["same", fresh[j]]);
      i += 1;
      j += 1;
    } else if (j >= fresh.length || (i < old.length && lengths[(i + 1) * width + j] >= lengths[i * width + j + 1])) {
      steps.push(["gone", old[i]]);
      i += 1;
    } else {
      steps.push(["added", fresh[j]]);
      j += 1;
    }
  }
  return steps;
}

/** Neighbours of one kind together. */
function merged(steps) {
  const runs = [];
  for (const [kind, word] of steps) {
    const last = runs.at(-1);
    if (last?.[0] === kind) last[1] += word;
    else runs.push([kind, word]);
  }
  return runs;
}

const DIFFERENCE_TAGS = { same: "span", gone: "del", added: "ins" };

/** The answer with its marks, or null where there is nothing to mark. */
function markedDifferences(found) {
  if (typeof found === "string") return null;
  const marked = element("div", { class: "text", dir: "auto" });
  for (const [kind, text] of found) marked.append(element(DIFFERENCE_TAGS[kind], {}, visible(text)));
  return marked;
}

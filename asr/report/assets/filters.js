// The choice and the order of the utterances that are shown.

/** Returns the range that a group's value names, such as "2 to 4 s", "under 2 s" or "over 8 s"; null
 * if it names none. */
function spanOf(value) {
  const numbers = (value.match(/[-−]?\d+(\.\d+)?/g) ?? []).map((text) => Number(text.replace("−", "-")));
  if (/^\S+ (to|–) /.test(value) && numbers.length === 2) return numbers;
  if (numbers.length !== 1) return null;
  if (/(under|below|less|up to|<)/i.test(value)) return [-Infinity, numbers[0]];
  if (/(over|above|more|from|≥|>)/i.test(value)) return [numbers[0], Infinity];
  return null;
}

/** Returns the value of a group field for an utterance. */
function fieldOf(item, field) {
  const value = field === "speaker" ? item.data.speaker : item.data.fields?.[field];
  return value === null || value === undefined ? null : String(value);
}

/** Tells whether an utterance belongs to a group. */
function groupTest(field, value) {
  const span = field === "duration" || field === "noise" ? spanOf(value) : null;
  return (item) => {
    const own = fieldOf(item, field);
    if (own !== null || !span) return own === value;
    const number = item.data[field];
    return known(number) && span[0] <= number && number < span[1];
  };
}

/** Tells whether an utterance has such a step in any system. */
function stepTest(reference, hypothesis) {
  return (item) => item.outputs.some((output) => (output.steps ?? []).some((step) =>
    step[0] === reference && step[1] === hypothesis));
}

/** Tells whether the reference word was recognised as another one in an utterance. */
function substitutedTest(word) {
  return (item) => item.outputs.some((output) => (output.steps ?? []).some((step) =>
    step[0] === word && kindOf(step) === "S"));
}

/** The orders, as in the menu; each maps an utterance to a value, and the smallest value comes first,
 * a missing one last. */
const ORDERS = {
  "order": ["as in the manifest", (item) => item.index],
  "errors": ["most errors", (item) => -item.errors],
  "wer": ["highest error rate", (item) => -item.wer],
  "change": ["most changed", (item) => -Math.abs(item.change)],
  "duration": ["longest", (item) => (known(item.data.duration) ? -item.data.duration : null)],
  "label": ["likeliest label errors", (item) => (item.label === null ? null : -item.label)],
  "confidence": ["least confident", (item) => item.confidence],
};

const CHANGES = {
  "changed": ["only changed", (item) => item.changed],
  "better": ["fewer errors in the second", (item) => item.change < 0],
  "worse": ["more errors in the second", (item) => item.change > 0],
};

function sorted(items, order, reversed) {
  const key = ORDERS[order][1];
  const keys = new Map(items.map((item) => [item, key(item)]));
  const sign = reversed ? -1 : 1;
  return [...items].sort((one, two) => {
    const [a, b] = [keys.get(one), keys.get(two)];
    if (a === null || b === null) return (a === null) - (b === null) || one.index - two.index;
    return a === b ? one.index - two.index : sign * (a < b ? -1 : 1);
  });
}

/** Returns the items that pass every choice of the toolbar and every facet. */
function filtered(items, choice) {
  const query = choice.query.trim().toLowerCase();
  const tests = [...choice.facets.values()].map((facet) => facet.test);
  if (query) tests.push((item) => item.text.includes(query));
  if (choice.speaker) tests.push((item) => item.data.speaker === choice.speaker);
  if (choice.kind === "wrong") tests.push((item) => item.wrong);
  else if (choice.kind === "right") tests.push((item) => !item.wrong);
  else if (choice.kind) tests.push((item) => item.kinds.has(choice.kind));
  if (choice.cause) tests.push((item) => item.causes.has(choice.cause));
  if (choice.change) tests.push(CHANGES[choice.change][1]);
  return items.filter((item) => tests.every((test) => test(item)));
}

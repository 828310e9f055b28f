// Words on a timeline of whole milliseconds: what the server found, and what somebody typed instead.
// A word of the readable form has the words that were recognised for it in ``said``.

/** Rounds seconds to whole milliseconds; a half is rounded up. */
const milliseconds = (time) => Math.floor(1000 * time + 0.5);

/** Joins the texts of words, with a space before each that is not joined to the one before. */
function joinWords(words) {
  return words.map((word) => (word.joined ? word.text : ` ${word.text}`)).join("").replace(/^ /, "");
}

/** Returns the words of every segment so that none starts before the last has ended, and each lasts
 * 1 ms or more. */
function timedWords(segments) {
  let last = 0;
  return segments.map((words) => words.map((word) => {
    const start = Math.max(word.start, last);
    last = Math.max(word.end, start + 1);
    return { ...word, start, end: last };
  }));
}

/** Marks the words of a segment before which its text has no space, as in Japanese. The text begins
 * with the space before its first word. */
function markJoined(words, text) {
  let rest = text;
  return words.map((word) => {
    const spaced = rest.startsWith(" ");
    if (spaced) rest = rest.slice(1);
    if (!rest.startsWith(word.text)) return word; // the text is not spelled as the words are
    rest = rest.slice(word.text.length);
    return { ...word, joined: !spaced };
  });
}

/** Returns the readable form of ``words``: the ``tokens``, each of which stands for some of them; or the
 * words themselves where there are no tokens. */
function readableWords(words, tokens) {
  if (!tokens?.length) return words;
  return tokens.map(({ text, first, last }) => {
    const said = words.slice(first, last);
    const confidence = said.every((word) => known(word.confidence)) ? Math.min(...said.map((word) => word.confidence)) : null;
    return { text, start: said[0].start, end: said.at(-1).end, confidence, joined: said[0].joined, said };
  });
}

/** Returns the words that were recognised for words that are shown. */
const saidWords = (words) => words.flatMap((word) => word.said ?? [word]);

/** Returns the segments, as lists of words, of an answer in the form ``verbose_json``. */
function segmentsOf(answer) {
  let words = (answer.words ?? []).map(({ word, start, end, confidence }) => (
    { text: word, start: milliseconds(start), end: milliseconds(end), confidence: confidence ?? null, joined: false }));
  const readable = answer.tokens?.length > 0;
  if (readable) words = readableWords(markJoined(words, ` ${answer.verbatim}`), answer.tokens);
  const segments = answer.segments ?? [];
  let next = 0;
  return segments.map(({ text }, index) => {
    const border = index + 1 < segments.length ? milliseconds(segments[index + 1].start) : Infinity;
    const first = next;
    while (next < words.length && words[next].start < border) next += 1;
    const own = words.slice(first, next);
    return readable ? own : markJoined(own, text);
  }).filter((found) => found.length);
}

/** Returns the words of typed text. Where words are not spaced, each character is one. A dash belongs to
 * the word before it. */
function typedWords(text, spaced) {
  const parts = text.trim().split(/\s+(?!–(?:\s|$))/).filter(Boolean).map((part) => part.replace(/\s+/g, " "));
  if (spaced) return parts.map((part) => ({ text: part, joined: false }));
  return parts.flatMap((part) => Array.from(part, (letter, index) => ({ text: letter, joined: index > 0 })));
}

/** Returns pairs of indices of words that stand in both lists, in their order, as many as possible
 * (the longest common subsequence). */
function matches(before, after) {
  const lengths = Array.from({ length: before.length + 1 }, () => new Uint32Array(after.length + 1));
  for (let i = before.length - 1; i >= 0; i -= 1) {
    for (let j = after.length - 1; j >= 0; j -= 1) {
      lengths[i][j] = before[i].text === after[j].text
        ? lengths[i + 1][j + 1] + 1
        : Math.max(lengths[i + 1][j], lengths[i][j + 1]);
    }
  }
  const pairs = [];
  for (let i = 0, j = 0; i < before.length && j < after.length;) {
    if (before[i].text === after[j].text) pairs.push([i++, j++]);
    else if (lengths[i + 1][j] >= lengths[i][j + 1]) i += 1;
    else j += 1;
  }
  return pairs;
}

const NEW_WORD = 300; // milliseconds of a word that nothing says the length of

/** Gives typed words the time between two others, in proportion to their letters. They are as sure as
 * can be, because somebody heard them. */
function spread(words, start, end) {
  const letters = words.reduce((sum, word) => sum + word.text.length, 0);
  let done = 0;
  return words.map((word) => {
    const first = start + Math.round(((end - start) * done) / letters);
    done += word.text.length;
    return { ...word, start: first, end: start + Math.round(((end - start) * done) / letters), confidence: 1 };
  });
}

/** Returns the words of a segment after its text was edited. Those that stayed keep their time; others
 * share the time of those that they replace, or of the pause that they were put into. */
function edited(before, text) {
  const after = typedWords(text, !before.some((word) => word.joined));
  const result = [];
  let i = 0;
  let j = 0;
  for (const [old, now] of [...matches(before, after), [before.length, after.length]]) {
    if (now > j) {
      const replaced = before.slice(i, old);
      const start = replaced[0]?.start ?? before[i - 1]?.end ?? Math.max(0, (before[old]?.start ?? 0) - NEW_WORD * (now - j));
      const end = replaced.at(-1)?.end ?? before[old]?.start ?? start + NEW_WORD * (now - j);
      result.push(...spread(after.slice(j, now), start, end));
    }
    if (old < before.length) result.push({ ...before[old], joined: after[now].joined });
    i = old + 1;
    j = now + 1;
  }
  if (result.length && before.length) result[0] = { ...result[0], joined: before[0].joined };
  return result;
}

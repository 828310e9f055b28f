// The payload, and the counts that are made from it once.

/** Unpacks JSON that was compressed by zlib and encoded in base64. */
async function unpack(text) {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let place = 0; place < binary.length; place += 1) bytes[place] = binary.charCodeAt(place);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).json();
}

/** Tells whether the texts of a system have spaces between characters, so that its WER is a CER. */
const inCharacters = (system) => system?.normalization?.unit === "character";
const rateName = (system) => (inCharacters(system) ? "CER" : "WER");

const KINDS = { S: "substitution", D: "deletion", I: "insertion" };
const CAUSES = {
  "acoustics": "the acoustic model alone prefers what was recognised",
  "search": "the reference scores better, but the search lost it",
  "attention": "the reference was ahead, until the decoder with attention scored the texts",
  "language model": "the acoustic model prefers the reference, language model or word bonus outweigh it",
  "out of vocabulary": "the word is not among those that can be recognised",
};

/** Returns the kind of a step: C correct, S substitution, D deletion, I insertion. */
function kindOf([reference, hypothesis]) {
  if (reference === null) return "I";
  if (hypothesis === null) return "D";
  return reference === hypothesis ? "C" : "S";
}

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Returns an utterance with the values that it is filtered and sorted by; the errors of both systems
 * are added up. */
function itemOf(data, index) {
  const outputs = data.outputs ?? [];
  const kinds = new Set();
  const causes = new Set();
  for (const output of outputs) {
    for (const step of output.steps ?? []) kinds.add(kindOf(step));
    for (const cause of output.kinds ?? []) if (cause) causes.add(cause);
  }
  kinds.delete("C");
  const words = (data.reference ?? "").split(/\s+/).filter(Boolean).length;
  const errors = outputs.reduce((sum, output) => sum + output.errors, 0);
  const confidences = outputs.flatMap((output) => (output.words ?? []).map((word) => word[2]));
  const labels = outputs.map((output) => output.label_score).filter(known);
  return {
    index,
    data,
    outputs,
    kinds,
    causes,
    words,
    errors,
    wrong: errors > 0 || kinds.size > 0,
    wer: words ? errors / words / outputs.length : errors ? Infinity : 0,
    confidence: confidences.length ? mean(confidences) : null,
    label: labels.length ? Math.max(...labels) : null,
    change: outputs.length > 1 ? outputs[1].errors - outputs[0].errors : 0,
    changed: outputs.length > 1 && outputs[0].hypothesis !== outputs[1].hypothesis,
    text: [data.id, data.reference, ...outputs.map((output) => output.hypothesis)]
      .join("\n").toLowerCase(),
  };
}

/** Counts, for each system, every kind of error, and every word or pair of words among the errors. */
function tally(items, systems) {
  return systems.map((_, system) => {
    const kinds = { S: 0, D: 0, I: 0 };
    const pairs = { S: new Map(), D: new Map(), I: new Map() };
    for (const item of items) {
      for (const step of item.outputs[system]?.steps ?? []) {
        const kind = kindOf(step);
        if (kind === "C") continue;
        kinds[kind] += 1;
        const key = JSON.stringify(step);
        pairs[kind].set(key, (pairs[kind].get(key) ?? 0) + 1);
      }
    }
    return { kinds, pairs, total: kinds.S + kinds.D + kinds.I };
  });
}

/** Returns the columns of one or two alignments over one reference. A column is {reference, cells},
 * with a cell {kind, text, time, cause} for each system, or null if only the other inserts a word. */
function columnsOf(outputs) {
  const sides = outputs.map((output) => {
    const inserted = [[]];
    const words = [];
    let place = 0;
    (output.steps ?? []).forEach((step, index) => {
      const kind = kindOf(step);
      const time = step[1] === null ? null : output.words?.[place++] ?? null;
      const cell = { kind, text: step[1], time, cause: output.kinds?.[index] ?? null };
      if (kind === "I") inserted.at(-1).push(cell);
      else {
        words.push({ reference: step[0], cell });
        inserted.push([]);
      }
    });
    return { inserted, words };
  });
  const columns = [];
  const count = Math.max(0, ...sides.map((side) => side.words.length));
  for (let place = 0; place <= count; place += 1) {
    const gaps = sides.map((side) => side.inserted[place] ?? []);
    const most = Math.max(0, ...gaps.map((gap) => gap.length));
    for (let row = 0; row < most; row += 1) {
      columns.push({ reference: null, cells: gaps.map((gap) => gap[row] ?? null) });
    }
    if (place < count) {
      const words = sides.map((side) => side.words[place] ?? null);
      columns.push({
        reference: words.find(Boolean).reference,
        cells: words.map((word) => word?.cell ?? null),
      });
    }
  }
  return columns;
}

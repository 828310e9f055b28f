// The files of a transcript, byte for byte as ``asr transcribe -f`` writes them.

const pad = (number, digits) => String(number).padStart(digits, "0");

function clock(time, mark, alwaysHours) {
  const hours = Math.floor(time / 3600000);
  const rest = `${pad(Math.floor(time / 60000) % 60, 2)}:${pad(Math.floor(time / 1000) % 60, 2)}${mark}${pad(time % 1000, 3)}`;
  return hours || alwaysHours ? `${pad(hours, 2)}:${rest}` : rest;
}

function textFile(transcript) {
  const lines = transcript.segments.map((words) => `${joinWords(words)}\n`);
  return lines.length ? lines.join("") : "\n";
}

/** Subtitles hold their text on one line. */
function cues(transcript, escape, write) {
  return timedWords(transcript.segments).map((words, index) => write(words[0].start, words.at(-1).end,
    joinWords(words.map((word) => ({ ...word, text: escape(word.text) }))), index + 1)).join("");
}

/** SubRip has no escapes: an arrow within text becomes a shorter one. */
function srtFile(transcript) {
  return cues(transcript, (text) => text.replace(/-{2,}>/g, "->"), (start, end, text, number) =>
    `${number}\n${clock(start, ",", true)} --> ${clock(end, ",", true)}\n${text}\n\n`);
}

function vttFile(transcript) {
  const escapes = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };
  return `WEBVTT\n\n${cues(transcript, (text) => text.replace(/[&<>]/g, (sign) => escapes[sign]), (start, end, text) =>
    `${clock(start, ".", false)} --> ${clock(end, ".", false)}\n${text}\n\n`)}`;
}

/** A number that stays one with a decimal point even if it is whole, as Python writes it. */
const decimal = (number) => (Number.isInteger(number) ? `${number}.0` : String(number));

/** Writes one object as Python's ``json.dumps`` does; ``fields`` are pairs of a name and JSON. */
const object = (...fields) => `{${fields.map(([name, value]) => `"${name}": ${value}`).join(", ")}}`;
const list = (items) => `[${items.join(", ")}]`;

/** The readable form, and the words that each of its own stands for, counted from 0. */
function readableFields(segments) {
  const words = segments.flat();
  if (!words.some((word) => word.said)) return [];
  let last = 0;
  const tokens = words.map((word) => {
    const first = last;
    last += word.said?.length ?? 1;
    return object(["text", JSON.stringify(word.text)], ["first", first], ["last", last]);
  });
  return [["display", JSON.stringify(joinWords(words))], ["tokens", list(tokens)]];
}

function jsonFile(transcript) {
  const segments = timedWords(transcript.segments.map(saidWords));
  const times = (first, last) => [["start", decimal(first.start / 1000)], ["end", decimal(last.end / 1000)]];
  return `${object(
    ["audio", JSON.stringify(transcript.name)],
    ["text", JSON.stringify(joinWords(segments.flat()))],
    ...readableFields(transcript.segments),
    ["words", list(segments.flat().map((word) => object(["word", JSON.stringify(word.text)], ...times(word, word),
      ["confidence", decimal(Number(word.confidence.toFixed(4)))])))],
    ["segments", list(segments.map((words) => object(...times(words[0], words.at(-1)), ["text", JSON.stringify(joinWords(words))])))],
    ["duration", decimal(transcript.duration / 1000)],
    ["model", JSON.stringify(transcript.model)],
    ["settings", transcript.settings],
    ["warnings", list(transcript.warnings.map((warning) => JSON.stringify(warning)))],
  )}\n`;
}

const FORMATS = {
  txt: { write: textFile, type: "text/plain" },
  srt: { write: srtFile, type: "application/x-subrip" },
  vtt: { write: vttFile, type: "text/vtt" },
  json: { write: jsonFile, type: "application/json" },
};

/** Returns the name of a file without its ending. */
const stem = (name) => name.replace(/(.)\.[^.]*$/, "$1");

/** Lets the reader keep a file. */
function save(name, blob) {
  const address = URL.createObjectURL(blob);
  const link = h("a", { href: address, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

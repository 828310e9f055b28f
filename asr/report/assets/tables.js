// Tables of words and groups, calibration, shared data, likely label errors, provenance.

/** Returns the rows [key, count of each system], the most frequent first. */
function ranked(maps) {
  const keys = new Set(maps.flatMap((map) => [...map.keys()]));
  const rows = [...keys].map((key) => [key, maps.map((map) => map.get(key) ?? 0)]);
  const sum = (row) => row[1].reduce((total, count) => total + count, 0);
  return rows.sort((one, two) => sum(two) - sum(one) || (one[0] < two[0] ? -1 : 1));
}

/** Counts how often each reference word is in a pair of words. */
function byReference(pairs) {
  const result = new Map();
  for (const [key, count] of pairs) {
    const [reference] = JSON.parse(key);
    result.set(reference, (result.get(reference) ?? 0) + count);
  }
  return result;
}

function wordTables(tallies, browser) {
  const heads = tallies.length > 1 ? ["#1", "#2"] : ["#errors"];
  // Each maps the key of a row: to the text in the table, to that on the filter, and to the filter.
  const draw = (caption, head, rows, text, label, test) => (rows.length ? shortened(rows, 10, (part) =>
    table(caption, [head, ...heads], part.map(([key, numbers]) => [
      h("button", { type: "button", class: "link", click: () => browser.show({}, "words", label(key), test(key)) }, text(key)),
      ...numbers.map(whole),
    ]))) : null);
  const pairs = (kind) => tallies.map((item) => item.pairs[kind]);
  const stepOf = (key) => JSON.parse(key);
  const ofStep = (key) => stepTest(...stepOf(key));
  const arrow = (key) => stepOf(key).map((word) => word ?? "nothing").join(" → ");
  const tables = [
    draw("Confusion pairs", "said → recognised", ranked(pairs("S")), arrow, arrow, ofStep),
    draw("Most substituted", "said", ranked(pairs("S").map(byReference)), (word) => word,
      (word) => `${word} → another`, substitutedTest),
    draw("Most deleted", "said", ranked(pairs("D")), (key) => stepOf(key)[0], arrow, ofStep),
    draw("Most inserted", "recognised", ranked(pairs("I")), (key) => stepOf(key)[1], arrow, ofStep),
  ].filter(Boolean);
  return tables.length ? h("div", { class: "columns" }, tables) : h("p", {}, "No errors.");
}

/** Returns the groups of a field, joined over systems: {value, utterances, words, rates}. */
function joined(systems, field) {
  const rows = new Map();
  systems.forEach((system, index) => {
    for (const group of system.groups?.[field] ?? []) {
      const row = rows.get(group.value) ?? {
        value: String(group.value), utterances: group.utterances, words: group.wer.reference, rates: systems.map(() => null),
      };
      row.rates[index] = { ...group.wer, interval: group.interval };
      rows.set(group.value, row);
    }
  });
  return [...rows.values()];
}

/** Tells whether the groups of a field have a natural order, and so a chart. */
const isOrdered = (field) => field === "duration" || field === "noise";

function groupPart(field, report, browser) {
  const { systems } = report.payload;
  const rows = joined(systems, field);
  const ordered = isOrdered(field);
  const worst = (row) => Math.max(...row.rates.map((rate) => (known(rate?.rate) ? rate.rate : -1)));
  if (!ordered) rows.sort((one, two) => worst(two) - worst(one));
  const top = Math.max(0.0001, ...rows.map(worst)) * 1.6;
  const several = systems.length > 1;
  const values = new Set(report.items.map((item) => fieldOf(item, field)));
  const openOf = (value) => (values.has(value) || (ordered && spanOf(value))
    ? () => browser.show({}, `group:${field}`, `${field}: ${value}`, groupTest(field, value)) : null);
  const nameOf = (value) => (openOf(value)
    ? h("button", { type: "button", class: "link", click: openOf(value) }, value || "(none)") : value || "(none)");
  const name = rateName(systems[0]);
  const units = inCharacters(systems[0]) ? "characters" : "words";
  const heads = several
    ? [field, "#utt.", `#${units}`, `#${name} 1`, `#${name} 2`, ""]
    : [field, "#utt.", `#errors / ${units}`, `#${name}`, "#95 %", ""];
  const draw = (part) => table(`${name} by ${field}`, heads, part.map((row) => {
    const label = row.rates.map((rate) => percent(rate?.rate)).join(" and ");
    const bar = rateBar(row.rates, top, label);
    const [first] = row.rates;
    return several
      ? [nameOf(row.value), whole(row.utterances), whole(row.words), ...row.rates.map((rate) => percent(rate?.rate)), bar]
      : [nameOf(row.value), whole(row.utterances), `${whole(first.errors)} / ${whole(first.reference)}`,
        percent(first.rate), first.interval ? `${fixed(100 * first.interval.low, 1)}–${fixed(100 * first.interval.high, 1)}` : NONE, bar];
  }), { class: ordered ? "rates ordered" : "rates" });
  const unit = unitOf(rows);
  const chart = ordered && rows.length > 1 ? h("figure", {},
    classChart(`${name} by ${field}`, field,
      rows.map((row) => ({ ...row, words: whole(row.words), open: openOf(row.value) })), systems.length),
    h("figcaption", {}, `${name} by ${field}${unit ? ` in ${unit}` : ""} with 95\u00a0% intervals; below each class, its number of ${units}.`
      + (field === "noise" ? " Noise is given as what the loudest frames lie above the quietest." : ""))) : null;
  return h("div", {}, chart, shortened(rows, 12, draw));
}

function groupsPart(report, browser) {
  const names = new Set(report.payload.systems.flatMap((system) => Object.keys(system.groups ?? {})));
  const fields = [...names].filter((field) => joined(report.payload.systems, field).length);
  if (!fields.length) return null;
  const parts = (wanted) => fields.filter((field) => isOrdered(field) === wanted)
    .map((field) => groupPart(field, report, browser));
  return section("groups", "Groups", h("div", { class: "pair" }, parts(true)), h("div", { class: "groups" }, parts(false)));
}

function calibrationPart(systems) {
  const calibrations = systems.map((system) => system.calibration ?? null);
  if (!calibrations.some(Boolean)) return null;
  const lines = calibrations.map((item, index) => (item ? h("p", {},
    systems.length > 1 ? h("span", { class: `dot system-${index}` }) : null,
    systems.length > 1 ? `${index + 1}: ` : "", "ECE ", h("b", {}, percent(item.ece)),
    ` over ${plural(item.words, "recognised word")}.`) : null));
  return section("calibration", "Calibration", h("div", { class: "pair" },
    h("div", {}, lines, h("p", { class: "note" }, "Each point is a bin of words of like confidence: how sure the recogniser " +
      "was, and how many of the words were right. On the dashed line both agree; below it the recogniser is too sure. " +
      "ECE, the expected calibration error, is the mean distance from that line, weighted by words. The bars below show " +
      "the words of each bin, on a square-root scale.")),
    h("figure", {}, reliabilityChart(calibrations))));
}

/** Returns [text, whether it is a warning] for all that is known of data shared with training. */
function sharedData(system) {
  const lines = [];
  const { overlap, lm_overlap: lm } = system;
  if (overlap) {
    const names = overlap.speakers ?? [];
    const some = names.slice(0, 10).join(", ") + (names.length > 10 ? ", …" : "");
    lines.push(names.length
      ? [`${plural(names.length, "speaker")} of the test ${names.length === 1 ? "is" : "are"} in the training data too: ${some}.`, true]
      : ["No speaker of the test is in the training data.", false]);
    for (const [name, one] of [["texts", "text"], ["audio", "recording"]]) {
      const count = overlap[name] ?? 0;
      lines.push(count
        ? [`${plural(count, one)} of the test ${count === 1 ? "is" : "are"} in the training data too.`, true]
        : [`No ${one} of the test is in the training data.`, false]);
    }
  }
  if (lm) {
    lines.push([`The language model holds every n-gram of ${whole(lm.sentences_covered)} of ${plural(lm.sentences, "test sentence")}, ` +
      `and of ${whole(lm.long_covered)} of the ${whole(lm.long)} with four or more words.`, lm.long_covered > 0]);
  }
  return lines;
}

function overlapPart(systems) {
  const parts = systems.map((system, index) => {
    const lines = sharedData(system);
    return lines.length ? h("div", {}, systems.length > 1 ? h("h3", {}, `${index + 1}`) : null,
      h("ul", { class: "statements" }, lines.map(([text, warning]) => h("li", { class: warning ? "warning" : null },
        warning ? h("b", {}, "Warning: ") : null, text)))) : null;
  });
  return parts.some(Boolean) ? section("data", "Data shared with training", h("div", { class: "pair" }, parts)) : null;
}

/** Returns what was recognised, with a line for each system if they differ. */
function recognisedOf(item) {
  const texts = item.outputs.map((output) => output.hypothesis || "(nothing)");
  if (new Set(texts).size === 1) return texts[0];
  return texts.map((text, index) => h("div", {}, h("span", { class: "faint" }, `${index + 1}  `), text));
}

function labelsPart(report, browser) {
  const items = sorted(report.items.filter((item) => item.label > 0), "label", false).slice(0, 20);
  if (!items.length) return null;
  return section("labels", "Likely label errors",
    h("p", { class: "note" }, "Here the recogniser's words fit the sound better than the reference does. Listen before you trust either."),
    table("Utterances whose reference may be wrong", ["utterance", "#score", "reference", "recognised"], items.map((item) => [
      h("button", { type: "button", class: "link", click: () => browser.go(item) }, item.data.id),
      fixed(item.label, 2), item.data.reference, recognisedOf(item),
    ]), { class: "labels" }));
}

/** Returns the rows [name, text] of a nested value; long values stay JSON. */
function flat(value, name = "") {
  if (value === null || value === undefined || value === "") return [];
  if (typeof value !== "object") return [[name, String(value)]];
  if (Array.isArray(value)) return value.length ? [[name, value.map((item) => (typeof item === "object" ? JSON.stringify(item) : item)).join("; ")]] : [];
  return Object.entries(value).flatMap(([key, inner]) => flat(inner, name ? `${name}: ${key}` : key));
}

function provenancePart(systems) {
  const parts = systems.map((system, index) => {
    const { config, ...provenance } = system.model?.provenance ?? {};
    const steps = system.normalization;
    const rows = flat({
      "command": system.command,
      "finished": system.finished,
      "hardware": system.hardware,
      "decoder": system.decoder,
      "normalisation": typeof steps === "object" && steps ? { name: steps.name, steps: steps.steps } : steps,
      "manifest": system.manifest,
      "texts": system.texts,
      "model": { sha256: system.model?.sha256, ...provenance },
      "versions": system.versions,
    });
    if (!rows.length) return null;
    return h("div", {}, systems.length > 1 ? h("h3", {}, `${index + 1}  ${system.name ?? ""}`) : null,
      h("dl", { class: "provenance" }, rows.map(([name, text]) => h("div", {}, h("dt", {}, name), h("dd", {}, text)))),
      config ? h("details", {}, h("summary", {}, "Configuration of the training"), h("pre", {}, JSON.stringify(config, null, 1))) : null);
  });
  return parts.some(Boolean) ? section("provenance", "Provenance", h("div", { class: systems.length > 1 ? "pair" : null }, parts)) : null;
}

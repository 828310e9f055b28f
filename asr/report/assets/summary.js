// The head of the page: the scores, what a comparison says, and the errors by kind and cause.

const METRICS = [
  ["CER", (system) => (inCharacters(system) ? null : system.score?.cer), "spaces counted"],
  ["CER", (system) => (inCharacters(system) ? null : system.score?.cer_without_spaces), "spaces stripped"],
  ["SER", (system) => system.score?.ser, "utterances with an error"],
  ["WER, unseen", (system) => (inCharacters(system) ? null : system.unseen_texts?.wer), "texts not in the training data"],
  ["CER, unseen", (system) => (inCharacters(system) ? system.unseen_texts?.wer : null), "texts not in the training data"],
];

function speedOf(system) {
  if (!known(system.times_real_time)) return null;
  return [`${fixed(system.times_real_time, system.times_real_time < 10 ? 1 : 0)}\u00d7`,
    known(system.audio_seconds) && known(system.seconds)
      ? `${length(system.audio_seconds)} of audio in ${length(system.seconds)}` : ""];
}

function latencyOf(system) {
  if (!system.latency) return null;
  return [seconds(system.latency.median),
    `95\u00a0% within ${seconds(system.latency.p95)}, ${plural(system.latency.utterances, "utterance")} one by one`];
}

/** Returns [name, note, [value, small print] or null for each system] for every measure that at least
 * one system has. */
function facts(systems) {
  const rows = METRICS.map(([name, get, note]) => [name, note, systems.map((system) => {
    const score = get(system);
    return score ? [percent(score.rate), counts(score)] : null;
  })]);
  rows.push(["Times real time", "", systems.map(speedOf)], ["Latency", "median", systems.map(latencyOf)]);
  return rows.filter((row) => row[2].some(Boolean));
}

function bigScore(system, index, several) {
  const wer = system.score?.wer;
  if (!wer) return null;
  const interval = system.wer_interval;
  return h("div", { class: "big" },
    several ? h("p", { class: "system" }, h("span", { class: `dot system-${index}` }), `${index + 1}  ${system.name ?? ""}`) : null,
    h("p", { class: "rate" }, h("span", { class: "label" }, rateName(system)), " ", h("strong", {}, percent(wer.rate))),
    h("p", { class: "number" }, counts(wer)),
    interval ? h("p", {}, `${range(interval)} in 95\u00a0% of cases, over ${plural(interval.groups, interval.over.replace(/s$/, ""), interval.over)}`) : null);
}

function headline(systems) {
  const several = systems.length > 1;
  const rows = facts(systems);
  const list = several
    ? table("Other measures", ["", ...systems.map((_, index) => `#${index + 1}`)],
      rows.map(([name, note, values]) => [[name, " ", h("span", { class: "note" }, note)],
        ...values.map((value) => (value ? [h("b", {}, value[0]), h("span", { class: "note" }, value[1])] : NONE))]),
      { class: "measures" })
    : h("dl", { class: "measures" }, rows.map(([name, note, [value]]) => h("div", {},
      h("dt", {}, name, note ? h("span", { class: "note" }, ` ${note}`) : null),
      h("dd", {}, h("b", {}, value[0]), h("span", { class: "note" }, value[1])))));
  return h("div", { class: several ? "headline several" : "headline" },
    h("div", { class: "scores" }, systems.map((system, index) => bigScore(system, index, several))),
    rows.length ? list : null);
}

function comparisonPart(comparison, items, browser, name) {
  if (!comparison) return null;
  const better = items.filter((item) => item.change < 0).length;
  const worse = items.filter((item) => item.change > 0).length;
  const changed = items.filter((item) => item.changed).length;
  const show = (change) => ({ type: "button", class: "link", click: () => browser.show({ change, order: "change" }) });
  const pairs = known(comparison.segments)
    ? `Matched pairs: ${plural(comparison.segments, "segment")}, z = ${fixed(comparison.z, 2)}, ${
      comparison.p < 0.001 ? "p < 0.001" : `p = ${fixed(comparison.p, 3)}`}.`
    : "Matched pairs: fewer than two segments have errors.";
  const interval = known(comparison.low)
    ? `${points(comparison.low)} to ${points(comparison.high)} in 95\u00a0% of cases, over ${whole(comparison.groups)} ${comparison.over}`
    : `no interval: too few ${comparison.over}, or too unlike each other`;
  return section("comparison", "Second against first", h("div", { class: "pair" },
    h("div", {},
      h("p", { class: "verdict" }, comparison.verdict),
      h("p", {}, h("b", {}, `${points(comparison.rate)} points`), `, ${interval}. ${pairs}`),
      h("p", {}, h("button", show("changed"), `${plural(changed, "utterance")} changed`), ": ",
        h("button", show("better"), `${whole(better)} better`), ", ",
        h("button", show("worse"), `${whole(worse)} worse`), ".")),
    known(comparison.low) ? h("figure", {}, differenceChart(comparison),
      h("figcaption", {}, `Points of ${name}, second less first, and the 95\u00a0% interval; below 0 the second is better.`)) : null));
}

const PLURAL = { S: "substitutions", D: "deletions", I: "insertions" };

function errorsPart(report, tallies, browser) {
  const { systems } = report.payload;
  const title = (index, text) => h("h3", {}, systems.length > 1 ? `${index + 1}: by ${text}` : `By ${text}`);
  const kinds = systems.map((_, index) => h("div", {}, title(index, "kind"),
    shares(Object.keys(KINDS).map((kind) => ({
      name: PLURAL[kind], count: tallies[index].kinds[kind], class: `kind-${kind}`,
      open: () => browser.show({ kind }),
    })))));
  const causes = systems.flatMap((system, index) => {
    const names = Object.keys(CAUSES).filter((cause) => known(system.attribution?.[cause]));
    return names.length ? [h("div", {}, title(index, "cause"),
      shares(names.map((cause, place) => ({
        name: cause, count: system.attribution[cause], class: `cause-${place}`, note: CAUSES[cause],
        open: () => browser.show({ cause }),
      }))))] : [];
  });
  const left = report.payload.left_out ?? 0;
  const scope = left ? ` Kinds and words are counted in the ${whole(report.items.length)} utterances listed below.` : "";
  return section("errors", "Errors", h("div", { class: "pair" }, kinds, causes), wordTables(tallies, browser),
    h("p", { class: "footnote" }, "The counts beside the headline are those of the plain Levenshtein distance, as jiwer " +
      "gives them. The alignment on this page costs 4 for a substitution and 3 for a deletion or an insertion, as " +
      `sclite's does, so the split into kinds, and rarely the total, may differ.${scope}`));
}

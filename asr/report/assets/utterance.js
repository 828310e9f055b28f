// One utterance: its line in the list, and the details that open below it.

const MARKS = { S: "sub", D: "del", I: "ins", C: "ok" };

function describe(reference, cell) {
  const parts = [];
  if (cell.kind !== "C") {
    parts.push(`${KINDS[cell.kind]}: ${reference ?? "nothing"} → ${cell.text ?? "nothing"}`);
  }
  if (cell.cause) parts.push(`cause: ${cell.cause}`);
  if (cell.time) {
    parts.push(`${fixed(cell.time[0], 2)} to ${fixed(cell.time[1], 2)} s, confidence ${percent(cell.time[2], 0)}`);
  }
  return parts.join("; ");
}

/** Returns the reference over the words of each system. Words with times are buttons if ``jump`` is
 * given; ``timed`` collects {start, end, node}, so that words can follow the sound. */
function alignmentOf(item, jump = null, timed = []) {
  const several = item.outputs.length > 1;
  const wordOf = (cell, reference) => {
    if (cell.text === null) return h("del", { class: "word" }, reference);
    const { text } = cell;
    if (!cell.time) return h("span", { class: "word" }, text);
    const [start, end] = cell.time;
    const node = jump
      ? h("button", { type: "button", class: "word", "data-start": start, click: () => jump(start) }, text)
      : h("span", { class: "word", "data-start": start }, text);
    timed.push({ start, end, node, text });
    return node;
  };
  // If one column has it, all have it, so that the lines of all columns are level.
  const noted = jump && item.outputs.some((output) => output.words || output.kinds);
  const small = ({ time, cause }) => (noted ? h("small", {},
    [time ? fixed(100 * time[2], 0) : null, cause].filter(Boolean).join(" ") || "\u00a0") : null);
  const columns = columnsOf(item.outputs).map(({ reference, cells }) => {
    const wrong = cells.some((cell) => cell && cell.kind !== "C");
    return h("span", { class: wrong ? "column wrong" : "column" },
      h("span", { class: reference === null ? "reference none" : "reference" }, reference ?? "+"),
      cells.map((cell) => (cell
        ? h("span", { class: `cell ${MARKS[cell.kind]}`, title: describe(reference, cell) || null },
          wordOf(cell, reference),
          small(cell))
        : h("span", { class: "cell none" }, h("span", { class: "word" }, "\u00a0"), small({})))));
  });
  return h("div", { class: several ? "alignment several" : "alignment", dir: "auto" },
    columns.length ? columns : h("span", { class: "note" }, "no words"));
}

function metaOf(item) {
  const { data } = item;
  const parts = [
    data.speaker, known(data.duration) ? seconds(data.duration) : null,
    known(data.noise) ? `${fixed(data.noise, 0)}\u00a0dB` : null,
    item.confidence === null ? null : `confidence ${percent(item.confidence, 0)}`,
    item.label > 0 ? `label score ${fixed(item.label, 2)}` : null,
  ];
  return parts.filter((part) => part !== null && part !== undefined && part !== "").join("  ·  ");
}

function errorsOf(item) {
  const numbers = item.outputs.map((output) => whole(output.errors)).join(" → ");
  return `${numbers} / ${whole(item.words)}`;
}

/** Makes a line of the list; ``toggle`` opens and closes it, ``play(start)`` opens it and plays. */
function lineOf(item, toggle, play) {
  const head = h("button", { type: "button", class: "head", "aria-expanded": "false", click: toggle },
    h("span", { class: "id" }, item.data.id), h("span", { class: "meta" }, metaOf(item)),
    h("span", { class: item.wrong ? "count wrong" : "count", title: "errors / words" }, errorsOf(item)));
  const short = alignmentOf(item);
  short.addEventListener("click", (event) => {
    const start = event.target.dataset?.start;
    if (start !== undefined) play(Number(start));
  });
  const body = h("div", { class: "body" }, short);
  return { element: h("li", { class: "utterance" }, head, body), head, body, short };
}

/** Makes the details: alignment with buttons, sound and pictures. Call ``stop()`` before they are
 * removed. */
function openedOf(item) {
  const { data } = item;
  const timed = [];
  const jump = (time) => {
    if (!audio) return;
    audio.currentTime = time;
    audio.play().catch(() => {});
  };
  const audio = data.audio ? h("audio", { controls: true, preload: "metadata", src: data.audio, "aria-label": `Sound of ${data.id}` }) : null;
  const failure = h("p", { class: "warning", hidden: true }, `The recording ${data.audio} cannot be played; it has to lie beside this page.`);
  const alignment = alignmentOf(item, audio ? jump : () => {}, timed);
  if (!audio) for (const { node } of timed) node.disabled = true;
  const first = timed.filter(({ node }) => item.outputs.length < 2 || node.closest(".cell") === node.closest(".column").children[1]);
  const picture = data.picture?.seconds ? pictureOf(data.picture, first, jump, item.outputs.length > 1) : null;
  let frame = null;
  const follow = () => {
    const time = audio.currentTime;
    for (const { start, end, node } of timed) node.classList.toggle("now", start <= time && time < end);
    picture?.move(time);
    frame = audio.paused ? null : requestAnimationFrame(follow);
  };
  if (audio) {
    for (const name of ["play", "seeked"]) {
      audio.addEventListener(name, () => { if (frame === null) follow(); });
    }
    audio.addEventListener("error", () => { failure.hidden = false; });
  }
  const fields = Object.entries(data.fields ?? {}).map(([name, value]) => `${name}: ${value}`).join("  ·  ");
  const causes = item.outputs.some((output) => output.kinds?.some(Boolean));
  const legend = timed.length ? `Small numbers: confidence in %${causes ? ", and the cause of an error" : ""}. A click on a word plays from there.` : null;
  const element = h("div", { class: "opened" }, alignment,
    legend && audio ? h("p", { class: "note controls" }, legend) : null,
    audio, failure, picture?.element, fields ? h("p", { class: "note" }, fields) : null);
  return {
    element,
    play: jump,
    draw: () => picture?.draw(),
    pause: () => {
      if (!audio) return;
      if (audio.paused) audio.play().catch(() => {});
      else audio.pause();
    },
    stop: () => {
      cancelAnimationFrame(frame);
      audio?.pause();
    },
  };
}

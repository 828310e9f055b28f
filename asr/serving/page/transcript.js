// A transcript on the page: sound, words under their waves, editing, and files to take away.

const UNSURE = 0.8; // words below this confidence are marked
const VERY_UNSURE = 0.5; // and those below this one strongly
const WIDTH = 8; // rem of a second of sound, unless a word needs more
const WIDEST_PAUSE = 2.5; // rem

const sureness = (word) => (!known(word.confidence) || word.confidence >= UNSURE ? ""
  : word.confidence >= VERY_UNSURE ? "unsure" : "very unsure");

/** Makes the view of ``transcript`` {name, file, segments, duration, model, settings, warnings}; all
 * times are in milliseconds. ``changed()`` is called after every edit. */
function transcriptView(transcript, changed, announce) {
  const original = transcript.segments;
  const address = URL.createObjectURL(transcript.file);
  const audio = h("audio", { controls: true, preload: "metadata", src: address, "aria-label": `Sound of ${transcript.name}` });
  const mute = h("p", { class: "note", hidden: true },
    "This browser cannot play a file of this format. Its text is complete.");
  const body = h("div", { class: "segments" });
  const edit = h("button", { type: "button", name: "edit", "aria-pressed": "false", click: () => setEditing(!editing) }, "Edit");
  const undo = h("button", { type: "button", name: "undo", hidden: true, click: () => restore() }, "Undo all edits");
  const legend = h("p", { class: "note legend" });
  let editing = false;
  let outline = null;
  let silent = false; // true once it is known that there will be no outline
  let timed = [];
  let frame = null;
  let current = null;

  const play = (time) => {
    audio.currentTime = time / 1000;
    audio.play().catch(() => {});
  };

  function follow() {
    const time = 1000 * audio.currentTime + 1;
    const now = timed.find(({ word }) => word.start <= time && time < word.end) ?? null;
    if (now !== current) {
      current?.node.classList.remove("now");
      now?.node.classList.add("now");
      current = now;
    }
    frame = audio.paused ? null : requestAnimationFrame(follow);
  }

  for (const name of ["play", "seeked"]) audio.addEventListener(name, () => { if (frame === null) follow(); });
  audio.addEventListener("error", () => {
    audio.hidden = true;
    mute.hidden = false;
    for (const { node } of timed) node.disabled = true;
  });

  // Waves are drawn when their words come into view.
  const seen = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting || !outline) continue;
      seen.unobserve(target);
      for (const place of target.querySelectorAll("[data-start]")) {
        place.prepend(waveOf(outline, Number(place.dataset.start), Number(place.dataset.end)));
      }
    }
  }, { rootMargin: "400px" });

  function wordNode(word) {
    const doubt = sureness(word);
    const about = [`${fixed(word.start / 1000, 2)} s`, known(word.confidence) ? `confidence ${percent(word.confidence, 0)}` : null,
      word.said?.length > 1 ? `heard as “${joinWords(word.said)}”` : null].filter(Boolean).join(", ");
    const node = h("button", { type: "button", class: `word ${doubt}`, "data-start": word.start, "data-end": word.end,
      "aria-label": doubt ? `${word.text}, ${doubt}` : null,
      title: about,
      click: () => play(word.start) },
    h("span", { class: "text" }, word.text));
    node.style.minWidth = `${(((word.end - word.start) * WIDTH) / 1000).toFixed(2)}rem`;
    node.disabled = audio.hidden;
    timed.push({ word, node });
    return node;
  }

  function pauseNode(start, end) {
    if (end <= start) return null;
    const node = h("span", { class: "pause", "data-start": start, "data-end": end, "aria-hidden": "true" });
    node.style.width = `${Math.min(WIDEST_PAUSE, ((end - start) * WIDTH) / 1000).toFixed(2)}rem`;
    return node;
  }

  function lineOfWords(words) {
    const parts = words.flatMap((word, index) => [index ? pauseNode(words[index - 1].end, word.start) : null, wordNode(word)]);
    return h("p", { class: silent ? "words" : "words waves", dir: "auto" }, parts);
  }

  function field(words, index) {
    const area = h("textarea", { rows: 1, dir: "auto", spellcheck: "true", "aria-label": `Text at ${clock(words[0].start, ".", false).slice(0, -4)}`,
      input: () => {
        transcript.segments[index] = edited(before[index], area.value);
        fit();
        noteEdits();
      } });
    const fit = () => {
      area.style.height = "auto";
      area.style.height = `${area.scrollHeight + 2}px`;
    };
    area.value = joinWords(words);
    requestAnimationFrame(fit);
    return area;
  }

  let before = [];

  function draw() {
    seen.disconnect();
    timed = [];
    current = null;
    if (editing) {
      before = transcript.segments;
      transcript.segments = [...before];
    } else transcript.segments = timedWords(transcript.segments.filter((words) => words.length));
    body.replaceChildren(...transcript.segments.map((words, index) => {
      const content = editing ? field(words, index) : lineOfWords(words);
      return h("div", { class: "segment" }, h("span", { class: "at", "aria-hidden": "true" }, clock(words[0].start, ".", false).slice(0, -4)), content);
    }));
    if (!transcript.segments.length) body.append(h("p", { class: "note" }, "No words were recognised."));
    if (outline && !editing) for (const line of body.children) seen.observe(line);
    edit.disabled = !transcript.segments.length && !editing;
    const doubts = timed.some(({ word }) => sureness(word));
    legend.replaceChildren(...(editing ? ["Changes hold at once. Words that stay keep their times."]
      : timed.length ? ["A click on a word plays from there.", ...(doubts ? [" The model is ", h("span", { class: "unsure" }, "unsure"), " or ",
        h("span", { class: "very unsure" }, "very unsure"), " of marked words."] : [])] : []));
  }

  function noteEdits() {
    transcript.edited = transcript.segments.flat().map(({ text }) => text).join(" ") !== original.flat().map(({ text }) => text).join(" ");
    undo.hidden = !transcript.edited;
    changed();
  }

  function setEditing(on) {
    editing = on;
    audio.pause();
    draw();
    edit.textContent = on ? "Done" : "Edit";
    edit.setAttribute("aria-pressed", String(on));
    (on ? body.querySelector("textarea") : edit)?.focus();
  }

  function restore() {
    transcript.segments = original;
    draw();
    noteEdits();
    edit.focus();
    announce("All edits are undone");
  }

  const copy = h("button", { type: "button", name: "copy", click: async () => {
    await copyText(textFile(saved()).trimEnd());
    copy.textContent = "Copied";
    announce("The text is copied");
    setTimeout(() => { copy.textContent = "Copy"; }, 1500);
  } }, "Copy");

  /** While somebody edits, segments may be without words. */
  const saved = () => ({ ...transcript, segments: transcript.segments.filter((words) => words.length) });
  const downloads = Object.entries(FORMATS).map(([name, { write, type }]) =>
    h("button", { type: "button", class: "download", "aria-label": `Download as ${name}`,
      click: () => save(`${stem(transcript.name)}.${name}`, new Blob([write(saved())], { type })) }, name));
  const sound = transcript.recorded ? h("button", { type: "button", class: "download", "aria-label": "Download the recording as wav",
    click: () => save(transcript.name, transcript.file) }, "wav") : null;
  const element = h("div", { class: "transcript" },
    audio, mute, body, legend,
    transcript.warnings.map((warning) => h("p", { class: "warning" }, `The model warns: ${warning}`)),
    h("div", { class: "actions" }, copy, edit, undo,
      h("span", { class: "downloads", role: "group", "aria-label": "Download" }, h("span", { class: "faint", "aria-hidden": "true" }, "Download"), downloads, sound)));
  draw();
  readOutline(transcript.file).then((found) => {
    outline = found;
    silent = !found;
    if (editing) return;
    if (found) for (const line of body.children) seen.observe(line);
    else draw();
  });
  return {
    element,
    edit: () => { if (!edit.disabled) setEditing(!editing); },
    editing: () => editing,
    pause: () => {
      if (audio.hidden) return;
      if (audio.paused) audio.play().catch(() => {});
      else audio.pause();
    },
    stop: () => audio.pause(),
    remove: () => {
      audio.pause();
      cancelAnimationFrame(frame);
      seen.disconnect();
      URL.revokeObjectURL(address);
    },
  };
}

/** Copies text; without https browsers have only the old way. */
async function copyText(text) {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text);
    return;
  }
  const area = h("textarea", { class: "spoken", "aria-hidden": "true" });
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

// The list of recordings: each is sent, waited for, and shown.

const AT_ONCE = 4; // files that are sent at the same time
const PATIENCE = 120; // times that a busy server is asked again

const wait = (time, signal) => new Promise((resolve, reject) => {
  const timer = setTimeout(resolve, time);
  signal.addEventListener("abort", () => {
    clearTimeout(timer);
    reject(new DOMException("The request was ended.", "AbortError"));
  });
});

/** One recording in the list. */
class Entry {
  constructor(list, name, file) {
    this.list = list;
    this.file = file;
    this.name = name;
    this.state = "waiting";
    this.transcript = null;
    this.view = null;
    this.hopeful = true; // a failure may be over when it is tried again
    this.opens = false; // by itself, once it is transcribed
    this.running = false;
    this.abort = new AbortController();
    this.meta = h("span", { class: "meta" });
    this.text = h("p", { class: "preview", dir: "auto" });
    this.bar = h("progress", { "aria-label": `Progress of ${name}`, max: 1, value: 0, hidden: true });
    this.head = h("button", { type: "button", class: "head", "aria-expanded": "false", click: () => this.toggle() },
      h("span", { class: "name" }, name), this.meta);
    this.retry = h("button", { type: "button", hidden: true, click: () => this.again() }, "Try again");
    const remove = h("button", { type: "button", class: "remove", "aria-label": `Remove ${name}`, click: () => list.remove(this) }, "×");
    this.body = h("div", { class: "body" });
    this.element = h("li", { class: "entry" }, h("div", { class: "row" }, this.head, this.retry, remove), this.bar, this.text, this.body);
    this.show("waiting");
  }

  show(state, text = "") {
    this.state = state;
    this.element.dataset.state = state;
    this.head.disabled = state !== "done";
    this.retry.hidden = state !== "failed" || !this.hopeful;
    this.bar.hidden = state !== "sending" && state !== "working";
    if (state === "working") this.bar.removeAttribute("value");
    if (state !== "done") this.meta.textContent = { waiting: "waiting", sending: "sending", working: "listening …", busy: "the server is busy", failed: "" }[state];
    this.text.classList.toggle("warning", state === "failed");
    this.text.textContent = text;
    this.list.count();
  }

  again() {
    this.show("waiting");
    this.list.next();
  }

  async run() {
    const { server } = this.list;
    for (let tries = 0; ; tries += 1) {
      try {
        this.bar.value = 0;
        this.show("sending");
        const answer = await server.transcribe(this.file, this.name, (share) => {
          if (share < 1) this.bar.value = share;
          else if (this.state !== "working") this.show("working");
        }, this.abort.signal);
        this.finish(segmentsOf(answer), milliseconds(answer.duration), answer.warnings ?? []);
        return;
      } catch (error) {
        if (error.name === "AbortError") return;
        if (error.status !== 503 && error.status !== 429 || tries === PATIENCE) {
          this.hopeful = !error.status || error.status === 401 || error.status >= 500;
          this.show("failed", error.message);
          if (error.status === 401) this.list.giveUp(error.message);
          return;
        }
        this.show("busy");
        await wait(1000 * (error.retryAfter ?? 1), this.abort.signal).catch(() => {});
        if (this.abort.signal.aborted) return;
      }
    }
  }

  finish(segments, duration, warnings, recorded = false) {
    const { about } = this.list.server;
    this.transcript = { name: this.name, file: this.file, segments, duration, warnings, recorded, edited: false,
      model: about.hash, settings: about.settings };
    this.show("done");
    this.describe();
  }

  describe() {
    const { segments, duration, edited: changed } = this.transcript;
    this.meta.textContent = [length(duration / 1000), plural(saidWords(segments.flat()).length, "word"), changed ? "edited" : null].filter(Boolean).join("  ·  ");
    this.text.textContent = joinWords(segments.flat()) || "no words";
  }

  toggle(open = this.head.getAttribute("aria-expanded") !== "true") {
    if (!this.transcript) return;
    if (open) {
      this.list.open(this);
      this.view ??= transcriptView(this.transcript, () => this.describe(), this.list.announce);
      this.body.replaceChildren(this.view.element);
    } else {
      this.view?.stop();
      this.body.replaceChildren();
      if (this.list.opened === this) this.list.opened = null;
    }
    this.head.setAttribute("aria-expanded", String(open));
    this.element.classList.toggle("open", open);
  }
}

class EntryList {
  constructor(server, announce) {
    this.server = server;
    this.announce = announce;
    this.entries = [];
    this.opened = null;
    this.status = h("p", { class: "status", role: "status" });
    this.all = h("span", { class: "downloads", role: "group", "aria-label": "Download all", hidden: true },
      h("span", { class: "faint", "aria-hidden": "true" }, "All as"), ["txt", "json"].map((name) =>
        h("button", { type: "button", class: "download", "aria-label": `Download all as ${name}`, click: () => this.saveAll(name) }, name)));
    this.items = h("ol", { class: "entries" });
    this.element = h("section", { class: "list", "aria-label": "Transcripts", hidden: true },
      h("div", { class: "summary" }, h("h2", {}, "Transcripts"), this.status, this.all), this.items);
  }

  /** Takes files, which are sent a few at a time. A single one opens by itself. */
  add(files) {
    const added = [...files].map((file) => new Entry(this, file.name, file));
    this.insert(added);
    if (added.length === 1) added[0].opens = true;
    this.next();
  }

  /** Takes a recording of the microphone, and what was heard of it. */
  addRecording({ name, file, segments, seconds: time }) {
    const entry = new Entry(this, name, file);
    entry.opens = true;
    this.insert([entry]);
    if (segments) {
      entry.finish(segments, milliseconds(time), [], true);
      entry.toggle(true);
    } else this.next();
  }

  insert(entries) {
    this.entries.unshift(...entries);
    this.items.prepend(...entries.map((entry) => entry.element));
    this.element.hidden = false;
    this.count();
  }

  next() {
    const running = this.entries.filter(({ running: on }) => on).length;
    for (const entry of this.entries.filter(({ state, running: on }) => state === "waiting" && !on).slice(0, Math.max(0, AT_ONCE - running))) {
      entry.running = true;
      entry.run().finally(() => {
        entry.running = false;
        if (entry.opens && entry.state === "done") entry.toggle(true);
        this.next();
      });
    }
  }

  /** Lets all that wait fail, because nobody gives the key that the server wants. */
  giveUp(reason) {
    for (const entry of this.entries) {
      if (entry.state === "waiting") entry.show("failed", reason);
    }
  }

  open(entry) {
    if (this.opened && this.opened !== entry) this.opened.toggle(false);
    this.opened = entry;
  }

  remove(entry) {
    entry.abort.abort();
    entry.view?.remove();
    const place = this.entries.indexOf(entry);
    this.entries.splice(place, 1);
    entry.element.remove();
    if (this.opened === entry) this.opened = null;
    this.element.hidden = !this.entries.length;
    this.count();
    this.entries[Math.min(place, this.entries.length - 1)]?.element.querySelector("button:enabled")?.focus();
  }

  count() {
    const of = (state) => this.entries.filter((entry) => entry.state === state).length;
    const done = of("done");
    const failed = of("failed");
    const total = this.entries.length;
    const text = done === total ? plural(done, "transcript") : `${done} of ${total} transcribed`;
    this.status.textContent = failed ? `${text}, ${failed} failed` : text;
    this.all.hidden = done < 2;
  }

  /** Opens the next or the previous transcript. */
  step(by) {
    const done = this.entries.filter(({ state }) => state === "done");
    if (!done.length) return;
    const place = done.indexOf(this.opened);
    const entry = done[place < 0 ? 0 : Math.min(done.length - 1, Math.max(0, place + by))];
    entry.toggle(true);
    entry.head.focus();
    entry.element.scrollIntoView({ block: "nearest" });
  }

  saveAll(name) {
    const done = this.entries.filter(({ transcript }) => transcript).map(({ transcript }) => transcript);
    const lines = done.map((transcript) => (name === "json" ? jsonFile(transcript)
      : `${transcript.name}\t${joinWords(transcript.segments.flat())}\n`));
    save(`transcripts.${name === "json" ? "jsonl" : "txt"}`, new Blob(lines, { type: "text/plain" }));
  }

  unsaved() {
    return this.entries.some(({ transcript, state }) => transcript?.edited || transcript?.recorded || (state !== "done" && state !== "failed"));
  }
}

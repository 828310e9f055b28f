// The page: its parts, keys, and files that are dropped on it.

const KEYS = [
  ["r", "record, and stop"], ["o", "choose files"], ["j, k", "next, previous transcript"],
  ["space", "play or pause"], ["e", "edit, and done"], ["?", "this list"],
];

/** Makes the dialog that asks for a key; ``ask(wrong)`` resolves to what was typed. */
function keyDialog() {
  const field = h("input", { type: "password", name: "key", autocomplete: "off", required: true, "aria-describedby": "key-note" });
  const complaint = h("p", { class: "warning", role: "alert" });
  const form = h("form", { method: "dialog" }, h("label", {}, "Key", field), complaint,
    h("p", { class: "note", id: "key-note" }, "Whoever runs this server gives it out. The page keeps it in memory until it is closed, and sends it to this server alone."),
    h("button", {}, "Continue"));
  const element = h("dialog", { class: "key", "aria-labelledby": "title-key" }, h("h2", { id: "title-key" }, "This server asks for a key"), form);
  return {
    element,
    ask: (wrong) => new Promise((resolve, reject) => {
      complaint.textContent = wrong ? "The server did not accept this key." : "";
      field.value = "";
      element.returnValue = "";
      element.showModal();
      element.addEventListener("close", () => {
        const key = field.value.trim();
        field.value = "";
        if (key) resolve(key);
        else reject(new ServerError("This server asks for a key.", 401));
      }, { once: true });
    }),
  };
}

/** Makes the part that takes files, dropped or chosen. */
function filePart(add) {
  const input = h("input", { type: "file", multiple: true, class: "spoken", tabindex: -1, "aria-hidden": "true", change: () => {
    if (input.files.length) add([...input.files]);
    input.value = "";
  } });
  const button = h("button", { type: "button", name: "choose", click: () => input.click() }, "Choose files");
  const element = h("section", { class: "drop", "aria-label": "Files" }, input, button,
    h("p", { class: "note" }, h("span", { class: "wide" }, "or drop them anywhere on this page. "), "WAV, FLAC, MP3, Ogg, M4A, WebM, SPHERE and others; the sound of videos too."));
  return { element, choose: () => input.click() };
}

/** Lets files be dropped anywhere on the page. */
function takeDrops(page, add) {
  const holdsFiles = (event) => [...event.dataTransfer?.types ?? []].includes("Files");
  let depth = 0;
  const mark = () => page.classList.toggle("dropping", depth > 0);
  addEventListener("dragenter", (event) => { if (holdsFiles(event)) { depth += 1; mark(); } });
  addEventListener("dragleave", (event) => { if (holdsFiles(event)) { depth = Math.max(0, depth - 1); mark(); } });
  addEventListener("dragover", (event) => { if (holdsFiles(event)) event.preventDefault(); });
  addEventListener("drop", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    depth = 0;
    mark();
    if (event.dataTransfer.files.length) add([...event.dataTransfer.files]);
  });
}

function listen(actions, dialogs) {
  document.addEventListener("keydown", (event) => {
    const { key, target } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || dialogs.some((dialog) => dialog.open)) return;
    if (target.closest("textarea")) {
      if (key === "Escape") actions.e();
      return;
    }
    if (target.closest("input, select, audio")) return;
    if (key === " " && target.closest("button, summary, a")) return;
    if (actions[key]) {
      event.preventDefault();
      actions[key]();
    }
  });
}

async function start() {
  const page = document.getElementById("page");
  const response = await fetch("page/about");
  if (!response.ok) throw new Error(`The server answered with status ${response.status}.`);
  const about = await response.json();
  const news = h("p", { class: "spoken", role: "status" });
  const announce = (text) => { news.textContent = text; };
  const keys = keyDialog();
  const server = new Server(about, keys.ask);
  const list = new EntryList(server, announce);
  const recorder = recorderOf(server, (recording) => list.addRecording(recording), announce);
  const files = filePart((chosen) => list.add(chosen));
  const help = helpDialog(KEYS);
  const theme = themeButton();
  page.replaceChildren(
    h("header", { class: "top" }, h("h1", {}, "Speech to text"), h("div", { class: "tools" }, theme.button,
      h("button", { type: "button", "aria-label": "Keys", click: () => help.showModal() }, "?"))),
    h("p", { class: "limits" }, about.limits),
    h("div", { class: "doors" }, recorder.element, files.element),
    recorder.captions, list.element, news, help, keys.element);
  theme.start();
  takeDrops(page, (dropped) => list.add(dropped));
  listen({
    r: recorder.toggle,
    o: files.choose,
    j: () => list.step(1),
    k: () => list.step(-1),
    e: () => list.opened?.view?.edit(),
    " ": () => list.opened?.view?.pause(),
    "?": () => help.showModal(),
  }, [help, keys.element]);
  addEventListener("beforeunload", (event) => {
    if (recorder.busy() || list.unsaved()) event.preventDefault();
  });
  page.removeAttribute("aria-busy");
}

start().catch((error) => {
  const page = document.getElementById("page");
  page.replaceChildren(h("p", { class: "warning" }, `The page cannot be shown: ${error.message}`));
  page.removeAttribute("aria-busy");
  throw error;
});

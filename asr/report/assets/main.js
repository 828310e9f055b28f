// The page: its parts, keys and address.

const KEYS = [
  ["/", "search"], ["j or ↓", "next utterance"], ["k or ↑", "previous utterance"],
  ["space", "play or pause"], ["Esc", "close"], ["?", "this list"],
];

function listen(browser, dialog) {
  document.addEventListener("keydown", (event) => {
    const { key, target } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || dialog.open) return;
    const typing = target.closest("input, select, textarea, audio");
    if (key === "Escape") {
      if (target === browser.search) browser.search.blur();
      else browser.close();
      return;
    }
    if (typing) return;
    const arrows = browser.holds(target) && !target.closest(".window");
    const actions = {
      "/": () => { browser.search.focus(); browser.search.select(); },
      "j": () => browser.step(1),
      "k": () => browser.step(-1),
      "?": () => dialog.showModal(),
    };
    if (arrows) Object.assign(actions, { ArrowDown: actions.j, ArrowUp: actions.k });
    const button = target.closest("button, summary, a, [role=button]");
    if (!button || button.matches("[aria-expanded=true]")) actions[" "] = () => browser.pause();
    if (actions[key]) {
      event.preventDefault();
      actions[key]();
    }
  });
}

/** Returns the utterance whose id stands in the address, if there is one. */
function addressed(items) {
  let id;
  try {
    id = decodeURIComponent(location.hash.slice(1));
  } catch {
    return null;
  }
  return id ? items.find((item) => item.data.id === id) ?? null : null;
}

function introduction(payload) {
  const [system] = payload.systems;
  const parts = [
    payload.systems.length === 1 ? system.name : null,
    known(system.utterance_count) ? plural(system.utterance_count, "utterance") : null,
    known(system.audio_seconds) ? `${length(system.audio_seconds)} of audio` : null,
    system.manifest?.path, system.finished?.slice(0, 10),
  ].filter(Boolean);
  return h("header", { class: "introduction" }, h("h1", {}, payload.title ?? "Evaluation"),
    h("p", { class: "note" }, parts.join("  ·  ")));
}

function topBar(sections, theme, dialog) {
  const links = sections.map((part) => h("button", { type: "button", class: "link",
    click: () => part.scrollIntoView({ block: "start" }) }, part.querySelector("h2").textContent));
  return h("div", { class: "top" }, h("nav", { "aria-label": "Sections" }, links),
    h("div", { class: "tools" }, theme,
      h("button", { type: "button", "aria-label": "Keys", click: () => dialog.showModal() }, "?")));
}

async function start() {
  const page = document.getElementById("report-page");
  const element = document.getElementById("report-payload");
  const payload = await unpack(element.textContent);
  element.remove();
  const items = (payload.utterances ?? []).map(itemOf);
  const report = { payload, items };
  const tallies = tally(items, payload.systems);
  const browser = createBrowser(report);
  const dialog = helpDialog(KEYS);
  const theme = themeButton(() => browser.redraw());
  const sections = [
    comparisonPart(payload.comparison, items, browser, rateName(payload.systems[0])), errorsPart(report, tallies, browser),
    groupsPart(report, browser), calibrationPart(payload.systems), overlapPart(payload.systems),
    labelsPart(report, browser), browser.element, provenancePart(payload.systems),
  ].filter(Boolean);
  page.replaceChildren(topBar(sections, theme.button, dialog), introduction(payload), headline(payload.systems), ...sections, dialog);
  theme.start();
  listen(browser, dialog);
  const visit = () => {
    const item = addressed(items);
    if (item) browser.go(item);
  };
  addEventListener("hashchange", visit);
  matchMedia("print").addEventListener("change", () => browser.redraw()); // paper is light
  page.removeAttribute("aria-busy");
  visit();
}

start().catch((error) => {
  document.getElementById("report-page").replaceChildren(h("p", { class: "warning" },
    `The report cannot be shown: ${error.message}. It needs a browser of 2023 or later.`));
  throw error;
});

// The list of utterances, with search, filters, order and pages; at most one utterance is open.

const PAGE_SIZE = 50;
const NO_CHOICE = { query: "", speaker: "", kind: "", cause: "", change: "", order: "order", reversed: false };

function select(label, name, options, change) {
  const node = h("select", { name, change: () => change(node.value) },
    options.map(([value, text]) => h("option", { value }, text)));
  return { node, element: h("label", {}, h("span", {}, label), node) };
}

function createBrowser(report) {
  const { items } = report;
  const several = report.payload.systems.length > 1;
  let choice = { ...NO_CHOICE, facets: new Map() };
  let shown = items;
  let page = 0;
  let lines = []; // of the page that is shown
  let open = null; // {item, line, opened}

  const list = h("ol", { class: "utterances", "aria-label": "Utterances" });
  const status = h("p", { class: "status", role: "status" });
  const chips = h("div", { class: "chips" });
  const pagers = [h("nav", { class: "pager", "aria-label": "Pages" }), h("nav", { class: "pager", "aria-label": "Pages, below" })];

  const speakers = [...new Set(items.map((item) => item.data.speaker).filter(Boolean))].sort();
  const causes = Object.keys(CAUSES).filter((cause) => items.some((item) => item.causes.has(cause)));
  const set = (name) => (value) => update({ [name]: value });
  const search = h("input", { type: "search", name: "query", placeholder: "Search words or ids  ( / )",
    "aria-label": "Search in reference, hypothesis and id", input: () => update({ query: search.value }) });
  const has = {
    duration: items.some((item) => known(item.data.duration)), change: several,
    label: items.some((item) => item.label !== null), confidence: items.some((item) => item.confidence !== null),
  };
  const fields = {
    kind: select("Errors", "kind", [["", "all utterances"], ["wrong", "only wrong"], ["right", "only right"],
      ...Object.entries(PLURAL).map(([kind, name]) => [kind, `with ${name}`])], set("kind")),
    cause: causes.length ? select("Cause", "cause", [["", "any"], ...causes.map((cause) => [cause, cause])], set("cause")) : null,
    speaker: speakers.length > 1 ? select("Speaker", "speaker", [["", "all"], ...speakers.map((name) => [name, name])], set("speaker")) : null,
    change: several ? select("Change", "change", [["", "any"], ...Object.entries(CHANGES).map(([key, [text]]) => [key, text])], set("change")) : null,
    order: select("Order", "order", Object.entries(ORDERS).filter(([key]) => has[key] ?? true)
      .map(([key, [text]]) => [key, text]), set("order")),
  };
  const reverse = h("button", { type: "button", "aria-pressed": "false", title: "Reverse the order",
    click: () => update({ reversed: !choice.reversed }) }, "Reverse");
  const clear = h("button", { type: "button", click: () => show({}) }, "Clear");

  function update(change) {
    choice = { ...choice, ...change };
    search.value = choice.query;
    for (const [name, field] of Object.entries(fields)) if (field) field.node.value = choice[name];
    reverse.setAttribute("aria-pressed", String(choice.reversed));
    shown = sorted(filtered(items, choice), choice.order, choice.reversed);
    page = 0;
    draw();
  }

  /** Clears all choices but these, and goes to the list. */
  function show(change, key = null, label = "", test = null) {
    update({ ...NO_CHOICE, facets: new Map(key ? [[key, { label, test }]] : []), ...change });
    element.scrollIntoView({ block: "start" });
  }

  function turn(pages) {
    page += pages;
    draw();
    element.querySelector(".status").scrollIntoView({ block: "nearest" });
  }

  function draw() {
    close();
    const last = Math.max(0, Math.ceil(shown.length / PAGE_SIZE) - 1);
    const part = shown.slice(page * PAGE_SIZE, (page + 1) * PAGE_SIZE);
    lines = part.map((item) => {
      const line = lineOf(item, () => (open?.item === item ? close(true) : reveal(item, line)), (start) => {
        reveal(item, line);
        open.opened.play(start);
      });
      return line;
    });
    list.replaceChildren(...lines.map((line) => line.element));
    const total = known(report.payload.left_out) && report.payload.left_out > 0
      ? ` (${whole(report.payload.left_out)} more were scored and left out of this page to keep it small)` : "";
    status.textContent = shown.length === items.length
      ? `${plural(items.length, "utterance")}${total}`
      : `${whole(shown.length)} of ${plural(items.length, "utterance")}${total}`;
    const untouched = !choice.facets.size && Object.keys(NO_CHOICE).every((key) => choice[key] === NO_CHOICE[key]);
    clear.hidden = untouched;
    chips.replaceChildren(...[...choice.facets].map(([key, facet]) => h("button", { type: "button", class: "chip",
      "aria-label": `Remove the filter ${facet.label}`, click: () => {
        update({ facets: new Map([...choice.facets].filter(([other]) => other !== key)) });
      } }, facet.label, h("span", { "aria-hidden": "true" }, "  ×"))));
    for (const pager of pagers) {
      pager.hidden = last === 0;
      pager.replaceChildren(
        h("button", { type: "button", disabled: page === 0, click: () => turn(-1) }, "Previous"),
        h("span", {}, `${whole(page * PAGE_SIZE + 1)}–${whole(page * PAGE_SIZE + part.length)} of ${whole(shown.length)}`),
        h("button", { type: "button", disabled: page === last, click: () => turn(1) }, "Next"));
    }
  }

  function close(address = false) {
    if (!open) return;
    open.opened.stop();
    open.line.body.replaceChildren(open.line.short);
    open.line.element.classList.remove("open");
    open.line.head.setAttribute("aria-expanded", "false");
    open = null;
    if (address) history.replaceState(null, "", location.pathname + location.search);
  }

  function reveal(item, line) {
    if (open?.item === item) return;
    close();
    const opened = openedOf(item);
    line.body.replaceChildren(opened.element);
    line.element.classList.add("open");
    line.head.setAttribute("aria-expanded", "true");
    open = { item, line, opened };
    opened.draw();
    history.replaceState(null, "", `#${encodeURIComponent(item.data.id)}`);
  }

  /** Opens an utterance, and clears choices that hide it. */
  function go(item) {
    if (!shown.includes(item)) update({ ...NO_CHOICE, facets: new Map() });
    const place = shown.indexOf(item);
    if (Math.floor(place / PAGE_SIZE) !== page) {
      page = Math.floor(place / PAGE_SIZE);
      draw();
    }
    const line = lines[place - page * PAGE_SIZE];
    reveal(item, line);
    line.head.focus({ preventScroll: true });
    line.element.scrollIntoView({ block: "nearest" });
  }

  /** Opens the next utterance, or the one before. */
  function step(count) {
    if (!shown.length) return;
    const place = open ? shown.indexOf(open.item) + count : page * PAGE_SIZE;
    go(shown[Math.min(shown.length - 1, Math.max(0, place))]);
  }

  const element = section("utterances", "Utterances",
    h("div", { class: "toolbar", role: "search" }, search,
      Object.values(fields).filter(Boolean).map((field) => field.element), reverse, clear),
    h("p", { class: "legend" },
      several ? "Reference, then the words of 1 and of 2. " : "Reference above, recognised words below. ",
      h("span", { class: "cell sub" }, h("span", { class: "word" }, "substitution")), " ",
      h("span", { class: "cell del" }, h("del", { class: "word" }, "deletion")), " ",
      h("span", { class: "cell ins" }, h("span", { class: "word" }, "insertion"))),
    chips, status, pagers[0], list, pagers[1]);
  draw();
  return {
    element, show, go, step, search,
    pause: () => open?.opened.pause(),
    close: () => close(true),
    redraw: () => open?.opened.draw(),
    holds: (node) => list.contains(node),
  };
}

// Elements and numbers. Text always becomes text nodes, so that no data is ever read as markup.

const SVG = "http://www.w3.org/2000/svg";

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name, value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) {
      node.setAttribute(name, value);
    }
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

/** Makes an HTML element; attributes that are functions are listeners, and null children are left
 * out. */
function h(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/** Makes an SVG element in the same way. */
function s(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

const NONE = "–";
const known = (value) => typeof value === "number" && Number.isFinite(value);

const fixed = (value, digits) => (known(value) ? value.toFixed(digits) : NONE);
const whole = (value) => (known(value) ? value.toLocaleString("en-GB") : NONE);
const percent = (fraction, digits = 2) =>
  known(fraction) ? `${(100 * fraction).toFixed(digits)}\u00a0%` : NONE;
const range = (interval) =>
  interval ? `${fixed(100 * interval.low, 2)} to ${percent(interval.high)}` : NONE;
const points = (fraction) =>
  known(fraction) ? `${fraction < 0 ? "−" : "+"}${Math.abs(100 * fraction).toFixed(2)}` : NONE;
const seconds = (value) =>
  !known(value) ? NONE : value < 1 ? `${Math.round(1000 * value)}\u00a0ms` : `${value.toFixed(2)}\u00a0s`;
const length = (value) =>
  !known(value) ? NONE
  : value < 120 ? `${value.toFixed(1)}\u00a0s`
  : value < 7200 ? `${(value / 60).toFixed(1)}\u00a0min`
  : `${(value / 3600).toFixed(1)}\u00a0h`;
const plural = (count, one, many = `${one}s`) => `${whole(count)} ${count === 1 ? one : many}`;

/** Writes errors over words and their kinds as the command line does. */
function counts(score) {
  const kinds = known(score.insertions)
    ? `: ${score.insertions} ins, ${score.deletions} del, ${score.substitutions} sub`
    : "";
  return `[${whole(score.errors)} / ${whole(score.reference)}${kinds}]`;
}

function section(id, title, ...content) {
  return h("section", { id: `report-${id}`, "aria-labelledby": `title-${id}` },
    h("h2", { id: `title-${id}` }, title), ...content);
}

/** Makes a table with a caption; a head that starts with "#" stands over numbers. */
function table(caption, heads, rows, attributes = {}) {
  const numeric = heads.map((head) => head.startsWith("#"));
  const cell = (content, index) =>
    h("td", { class: numeric[index] ? "number" : null }, ...[content].flat());
  return h("div", { class: "scroll" }, h("table", attributes,
    h("caption", {}, caption),
    h("thead", {}, h("tr", {}, heads.map((head, index) =>
      h("th", { scope: "col", class: numeric[index] ? "number" : null }, head.replace(/^#/, ""))))),
    h("tbody", {}, rows.map((row) => h("tr", {}, row.map(cell))))));
}

/** Shows the first rows of a long table, and a button for the rest; ``draw(rows)`` makes the table. */
function shortened(rows, count, draw) {
  const place = h("div", {}, draw(rows.slice(0, count)));
  if (rows.length > count) {
    const button = h("button", { type: "button", class: "more", click: () => {
      place.replaceChildren(draw(rows));
    } }, `Show all ${whole(rows.length)}`);
    place.append(button);
  }
  return place;
}

/** Makes the dialog that lists keys, which are pairs of a key and what it does. */
function helpDialog(keys) {
  return h("dialog", { "aria-labelledby": "title-help" }, h("h2", { id: "title-help" }, "Keys"),
    h("dl", {}, keys.map(([key, text]) => h("div", {}, h("dt", {}, h("kbd", {}, key)), h("dd", {}, text)))),
    h("form", { method: "dialog" }, h("button", {}, "Close")));
}

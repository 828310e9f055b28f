// The spectrogram of an utterance, its posteriors and where a decoder with attention looks, over one
// time axis.

function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

/** Paints a plane of 0…255 in the text colour of the page; ``upwards`` puts row 0 at the bottom. */
function paint(canvas, plane, upwards) {
  const [red, green, blue] = getComputedStyle(canvas).color.match(/[\d.]+/g).map(Number);
  const values = bytesOf(plane.data);
  const context = canvas.getContext("2d");
  const image = context.createImageData(plane.columns, plane.rows);
  for (let row = 0; row < plane.rows; row += 1) {
    const from = (upwards ? plane.rows - 1 - row : row) * plane.columns;
    for (let column = 0; column < plane.columns; column += 1) {
      image.data.set([red, green, blue, values[from + column]], 4 * (row * plane.columns + column));
    }
  }
  context.putImageData(image, 0, 0);
}

function canvasOf(plane, name, label, upwards) {
  const canvas = h("canvas", { class: name, width: plane.columns, height: plane.rows, role: "img", "aria-label": label });
  return { canvas, draw: () => paint(canvas, plane, upwards) };
}

const ROW = 11;
const TALLEST = 660;

/** Returns a canvas with a row for each symbol, and its axis. Rows of long texts are lower, and have
 * no names. */
function rowsOf(plane, name, label) {
  const drawn = canvasOf(plane, `symbols ${name}`, label, false);
  const height = Math.max(3, Math.min(ROW, Math.floor(TALLEST / plane.rows)));
  const names = height < ROW ? [] : plane.symbols;
  const axis = h("div", { class: `axis symbols ${name}`, "aria-hidden": "true" },
    names.map((symbol) => h("span", {}, symbol === " " ? "␣" : symbol)));
  for (const node of [drawn.canvas, axis]) node.style.height = `${plane.rows * height}px`;
  return { ...drawn, axis };
}

function at(node, share) {
  node.style.left = `${100 * share}%`;
  return node;
}

/** Returns the element, ``move(seconds)`` for the playhead, and ``draw()``, which needs the element to
 * be in the page. ``words`` are {text, start, end}; a click calls ``jump(seconds)``. If there are two
 * systems (``several``), words and posteriors are those of the first. */
function pictureOf(picture, words, jump, several) {
  const { spectrogram, posteriors, attention, seconds: total } = picture;
  const planes = [];
  const axes = [];
  if (spectrogram) {
    const plane = canvasOf(spectrogram, "spectrogram", "Spectrogram", true);
    planes.push({ ...plane, element: plane.canvas });
    const ticks = [0, 0.5, 1].map((share) => {
      const tick = h("span", {}, share ? `${fixed((share * spectrogram.top) / 1000, 1)}\u00a0kHz` : "0");
      tick.style.bottom = `${100 * share}%`;
      return tick;
    });
    axes.push(h("div", { class: "axis spectrogram", "aria-hidden": "true" }, ticks));
  }
  if (posteriors) {
    const plane = rowsOf(posteriors, "posteriors", "Posteriors of the output symbols");
    planes.push({ ...plane, element: plane.canvas });
    axes.push(plane.axis);
  }
  if (attention) {
    const plane = rowsOf(attention, "attention", "Weights of the frames for each symbol of the text");
    const spikes = attention.spikes.map((time, row) => {
      const dot = at(h("div", { class: "spike" }), time / total);
      dot.style.top = `${(100 * (row + 0.5)) / attention.rows}%`;
      return dot;
    });
    planes.push({ ...plane, element: h("div", { class: "looks" }, plane.canvas, spikes) });
    axes.push(plane.axis);
  }
  const playhead = h("div", { class: "playhead" });
  const strip = h("div", { class: "strip" }, words.map(({ text, start, end }) => {
    const label = at(h("span", {}, text), start / total);
    label.style.width = `${(100 * (end - start)) / total}%`;
    return label;
  }));
  const borders = words.flatMap(({ start, end }) => [
    at(h("div", { class: "border" }), start / total), at(h("div", { class: "border end" }), end / total)]);
  const step = stepFor(total, 8);
  const times = Array.from({ length: Math.floor(total / step + 1e-6) + 1 }, (_, index) =>
    at(h("span", {}, fixed(index * step, step < 1 ? 1 : 0)), (index * step) / total));
  const plot = h("div", { class: "plot", click: (event) => {
    const box = plot.getBoundingClientRect();
    jump((total * (event.clientX - box.left)) / box.width);
  } }, planes.map((plane) => plane.element), borders, playhead);
  const wide = h("div", { class: "wide" }, strip, plot, h("div", { class: "times" }, times));
  wide.style.minWidth = `${Math.ceil(total * 40)}px`;
  const window_ = h("div", { class: "window", tabindex: 0, role: "group", "aria-label": "Picture over time" }, wide);
  const element = h("figure", { class: "picture" },
    h("div", { class: "frame" }, h("div", { class: "axes" }, axes), window_),
    h("figcaption", {}, "Spectrogram, and below it the posterior of each output symbol, over time in seconds" +
      `${several ? "; words and posteriors are those of 1" : ""}. ` +
      `${attention ? "Last, where the decoder with attention looks as it spells the text, line by line; dots are where CTC hears the symbol. " : ""}` +
      "A click plays from there."));
  return {
    element,
    draw: () => planes.forEach((plane) => plane.draw()),
    move: (time) => {
      at(playhead, Math.min(1, time / total));
      const place = (wide.clientWidth * time) / total;
      if (place < window_.scrollLeft || place > window_.scrollLeft + window_.clientWidth) {
        window_.scrollLeft = place - 20;
      }
    },
  };
}

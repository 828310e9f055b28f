// The spectrogram and the posteriors of an utterance over one time axis.

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

function at(node, share) {
  node.style.left = `${100 * share}%`;
  return node;
}

/** Returns the element, ``move(seconds)`` for the playhead, and ``draw()``, which needs the element to
 * be in the page. ``words`` are {text, start, end}; a click calls ``jump(seconds)``. If there are two
 * systems (``several``), words and posteriors are those of the first. */
function pictureOf(picture, words, jump, several) {
  const { spectrogram, posteriors, seconds: total } = picture;
  const planes = [];
  const axes = [];
  if (spectrogram) {
    planes.push(canvasOf(spectrogram, "spectrogram", "Spectrogram", true));
    const ticks = [0, 0.5, 1].map((share) => {
      const tick = h("span", {}, share ? `${fixed((share * spectrogram.top) / 1000, 1)}\u00a0kHz` : "0");
      tick.style.bottom = `${100 * share}%`;
      return tick;
    });
    axes.push(h("div", { class: "axis spectrogram", "aria-hidden": "true" }, ticks));
  }
  if (posteriors) {
    const plane = canvasOf(posteriors, "posteriors", "Posteriors of the output symbols", false);
    const axis = h("div", { class: "axis posteriors", "aria-hidden": "true" },
      posteriors.symbols.map((symbol) => h("span", {}, symbol === " " ? "␣" : symbol)));
    for (const node of [plane.canvas, axis]) node.style.height = `${posteriors.rows * 11}px`;
    planes.push(plane);
    axes.push(axis);
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
  } }, planes.map((plane) => plane.canvas), borders, playhead);
  const wide = h("div", { class: "wide" }, strip, plot, h("div", { class: "times" }, times));
  wide.style.minWidth = `${Math.ceil(total * 40)}px`;
  const window_ = h("div", { class: "window", tabindex: 0, role: "group", "aria-label": "Picture over time" }, wide);
  const element = h("figure", { class: "picture" },
    h("div", { class: "frame" }, h("div", { class: "axes" }, axes), window_),
    h("figcaption", {}, "Spectrogram, and below it the posterior of each output symbol, over time in seconds" +
      `${several ? "; words and posteriors are those of 1" : ""}. A click plays from there.`));
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

// Charts as SVG. If there are two systems, the first is drawn as grey circles, the second as squares
// in the accent colour.

/** Returns the smallest step of the form 1, 2 or 5 × 10^n of which at most ``most`` reach ``top``. */
function stepFor(top, most) {
  const rough = top / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  return power * [1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999);
}

/** Returns the mark of a system, a circle or a square. */
function mark(system, x, y, radius = 4) {
  const side = 2 * radius - 1;
  return system === 0
    ? s("circle", { class: "mark system-0", cx: x, cy: y, r: radius })
    : s("rect", { class: "mark system-1", x: x - side / 2, y: y - side / 2, width: side, height: side });
}

/** Returns a bar for the rate of each system in a table, with its interval as a line, which ends in an
 * arrow if it goes on beyond ``top``. */
function rateBar(rates, top, label) {
  const width = 140;
  const height = 8 + 10 * rates.length;
  const x = (value) => 1 + (width - 2) * Math.min(1, value / top);
  return s("svg", { class: "bar", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label },
    rates.flatMap((rate, system) => {
      if (!rate || !known(rate.rate)) return [];
      const y = 4 + 10 * system;
      const line = rate.interval
        ? [s("path", { class: "whisker", d: `M${x(rate.interval.low)} ${y + 4.5}H${x(rate.interval.high)}` +
            (rate.interval.high > top ? "m-4 -3l4 3l-4 3" : "") })]
        : [];
      return [s("rect", {
        class: `fill system-${rates.length > 1 ? system : 1}`,
        x: 1, y, width: Math.max(0.5, x(rate.rate) - 1), height: 9,
      }), ...line];
    }));
}

/** Returns the unit that the names of all classes end with, such as "s" of "2 to 4 s", or "". */
function unitOf(classes) {
  const units = new Set(classes.map(({ value }) => value.match(/\d ([^\d\s]+)$/)?.[1] ?? ""));
  return units.size === 1 ? [...units][0] : "";
}

/** Returns the label of a class: its name without the unit, such as "2–4" for "2 to 4 s". */
function briefName(value, unit) {
  const name = unit ? value.slice(0, -unit.length - 1) : value;
  return /[-−]/.test(name) ? name : name.replace(" to ", "–");
}

/** Draws the error rate of each system over ordered classes {value, rates, words, open}. An interval
 * that goes on beyond the chart ends in an arrow. */
function classChart(title, name, classes, systems) {
  const [width, height, left, right, bottom, above] = [400, 220, 44, 8, 44, 10];
  const upper = classes.flatMap(({ rates }) =>
    rates.filter(Boolean).flatMap((rate) => [rate.rate, Math.min(rate.interval?.high ?? 0, 2.5 * rate.rate)]));
  const tick = stepFor(Math.max(0.01, ...upper.filter(known)) * 1.02, 5);
  const top = tick * Math.ceil(Math.max(0.01, ...upper.filter(known)) / tick);
  const y = (value) => above + (height - above - bottom) * (1 - Math.min(1, value / top));
  const band = (width - left - right) / classes.length;
  const x = (index, system) => left + band * (index + 0.5) + (systems > 1 ? 14 * (system - 0.5) : 0);
  const unit = unitOf(classes);
  const every = Math.ceil(classes.length / 8); // names that would touch are left out
  const lines = [];
  for (let value = 0; value <= top * 1.001; value += tick) {
    lines.push(
      s("path", { class: "grid", d: `M${left} ${y(value)}H${width - right}` }),
      s("text", { x: left - 6, y: y(value) + 4, "text-anchor": "end" }, percent(value, tick < 0.01 ? 1 : 0)));
  }
  const groups = classes.map(({ value, rates, words, open }, index) => {
    const texts = rates.map((rate) =>
      `${percent(rate?.rate)}${rate?.interval ? ` (${range(rate.interval)})` : ""}`);
    const label = `${name} ${value}: ${texts.join(", ")}`;
    const action = open ? {
      role: "button", tabindex: 0, click: open, class: "class open",
      keydown: (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        open();
      },
    } : { class: "class", role: "img" };
    const middle = left + band * (index + 0.5);
    return s("g", { ...action, "aria-label": label },
      s("title", {}, label),
      s("rect", { class: "hit", x: left + band * index, y: above, width: band, height: height - above }),
      rates.flatMap((rate, system) => {
        if (!rate || !known(rate.rate)) return [];
        const shade = systems > 1 ? system : 1;
        const whisker = rate.interval ? [s("path", {
          class: `whisker system-${shade}`,
          d: `M${x(index, system)} ${y(rate.interval.low)}V${y(rate.interval.high)}` +
            (rate.interval.high > top ? "m-4 5l4 -5l4 5" : ""),
        })] : [];
        return [...whisker, mark(shade, x(index, system), y(rate.rate))];
      }),
      index % every ? null : s("text", { x: middle, y: height - bottom + 17, "text-anchor": "middle" },
        briefName(value, unit)),
      index % every ? null : s("text", { class: "faint", x: middle, y: height - bottom + 33, "text-anchor": "middle" },
        words));
  });
  return s("svg", { class: "chart", viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": title },
    lines, groups);
}

/** Draws the share of words that are right over their confidence, and below it the number of words in
 * each bin. */
function reliabilityChart(calibrations) {
  const [width, left, right, above, side, gap, bars, bottom] = [400, 44, 10, 10, 250, 12, 56, 34];
  const height = above + side + gap + bars + bottom;
  const plot = width - left - right;
  const x = (value) => left + plot * value;
  const y = (value) => above + side * (1 - value);
  const floor = above + side + gap + bars;
  const most = Math.max(1, ...calibrations.flatMap((item) => item?.bins.map((bin) => bin.words) ?? []));
  const tall = (words) => bars * Math.sqrt(words / most);
  const lines = [0, 0.2, 0.4, 0.6, 0.8, 1].flatMap((value) => [
    s("path", { class: "grid", d: `M${left} ${y(value)}H${width - right}` }),
    s("text", { x: left - 6, y: y(value) + 4, "text-anchor": "end" }, percent(value, 0)),
    s("text", { x: x(value), y: floor + 16, "text-anchor": value === 1 ? "end" : "middle" }, percent(value, 0)),
  ]);
  const several = calibrations.filter(Boolean).length > 1;
  const series = calibrations.flatMap((item, system) => {
    const bins = item?.bins.filter((bin) => bin.words > 0) ?? [];
    const shade = several ? system : 1;
    const path = bins.map((bin, index) => `${index ? "L" : "M"}${x(bin.confidence)} ${y(bin.correct)}`).join("");
    return [
      s("path", { class: `curve system-${shade}`, d: path || "M0 0" }),
      ...bins.flatMap((bin) => {
        const wide = (x(bin.high) - x(bin.low) - 2) / (several ? 2 : 1);
        return [
          s("g", {}, s("title", {}, `${percent(bin.low, 0)} to ${percent(bin.high, 0)}: ${plural(bin.words, "word")}, ` +
            `${percent(bin.correct, 1)} right, mean confidence ${percent(bin.confidence, 1)}`),
          mark(shade, x(bin.confidence), y(bin.correct)),
          s("rect", {
            class: `fill system-${shade}`, width: wide, height: tall(bin.words), y: floor - tall(bin.words),
            x: x(bin.low) + 1 + (several ? system * wide : 0),
          })),
        ];
      }),
    ];
  });
  return s("svg", { class: "chart tall", viewBox: `0 0 ${width} ${height}`, role: "img",
    "aria-label": "Share of words that are right against their confidence" },
    lines,
    s("path", { class: "diagonal", d: `M${x(0)} ${y(0)}L${x(1)} ${y(1)}` }),
    s("path", { class: "axis", d: `M${left} ${floor}H${width - right}` }),
    s("text", { class: "faint", x: left - 6, y: floor - bars + 12, "text-anchor": "end" }, "words"),
    s("text", { class: "faint", x: left - 6, y: floor + 1, "text-anchor": "end" }, "0"),
    s("text", { class: "faint", x: left - 6, y: floor - bars + 26, "text-anchor": "end" }, "(√)"),
    series,
    s("text", { class: "faint", x: left + plot / 2, y: floor + 31, "text-anchor": "middle" }, "confidence"));
}

/** Draws the difference between two rates, with its interval, on an axis through 0. */
function differenceChart(comparison) {
  const [width, height] = [400, 64];
  const reach = 1.15 * Math.max(0.001, Math.abs(comparison.low), Math.abs(comparison.high));
  const x = (value) => width / 2 + (width / 2 - 8) * (value / reach);
  const tick = stepFor(reach, 3);
  const ticks = [-3, -2, -1, 0, 1, 2, 3].map((factor) => factor * tick).filter((value) => Math.abs(value) <= reach);
  return s("svg", { class: "chart", viewBox: `0 0 ${width} ${height}`, role: "img",
    "aria-label": `Difference ${points(comparison.rate)} points, ${points(comparison.low)} to ${points(comparison.high)}` },
    s("path", { class: "axis", d: `M8 40H${width - 8}` }),
    ticks.map((value) => s("text", { x: x(value), y: 57, "text-anchor": "middle" },
      value === 0 ? "0" : points(value))),
    ticks.map((value) => s("path", { class: "axis", d: `M${x(value)} 40v4` })),
    s("path", { class: "zero", d: `M${x(0)} 6V40` }),
    s("path", { class: "whisker system-1 strong", d: `M${x(comparison.low)} 22H${x(comparison.high)}` }),
    mark(1, x(comparison.rate), 22, 6));
}

/** Draws the parts {name, count, class, note, open} of a whole as a bar with a list. */
function shares(parts) {
  const total = parts.reduce((sum, part) => sum + part.count, 0);
  let start = 0;
  const bar = s("svg", { class: "shares", viewBox: "0 0 400 14", preserveAspectRatio: "none", "aria-hidden": "true" },
    parts.filter((part) => part.count).map((part) => {
      const wide = (400 * part.count) / total;
      start += wide;
      return s("rect", { class: part.class, x: start - wide, y: 0, width: Math.max(1, wide - 1.5), height: 14 });
    }));
  return h("div", { class: "parts" }, total ? bar : null,
    h("ul", {}, parts.map((part) => h("li", {},
      h("button", { type: "button", class: "pick", click: part.open, disabled: !part.count },
        h("span", { class: `key ${part.class}` }), h("span", { class: "name" }, part.name),
        h("span", { class: "number" }, whole(part.count)),
        h("span", { class: "number faint" }, total ? percent(part.count / total, 1) : NONE)),
      part.note ? h("span", { class: "note" }, part.note) : null))));
}

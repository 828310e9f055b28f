// Sound in the browser: its outline, and recordings as WAV.

const OUTLINE_RATE = 200; // points of an outline in a second
const DECODED_RATE = 8000; // Hz, enough for an outline, and little memory for long files
const LARGEST = 300e6; // bytes of a file that is still decoded for its outline

/** Returns the greatest level in each 1/200 s of mono samples, between 0 and 1. */
function outlineOf(samples, rate) {
  const step = rate / OUTLINE_RATE;
  const outline = new Float32Array(Math.ceil(samples.length / step));
  for (let index = 0; index < outline.length; index += 1) {
    let top = 0;
    const end = Math.min(samples.length, Math.ceil((index + 1) * step));
    for (let place = Math.floor(index * step); place < end; place += 1) {
      top = Math.max(top, Math.abs(samples[place]));
    }
    outline[index] = top;
  }
  return outline;
}

/** Resolves to the outline of a sound file, scaled to its loudest place, or to null if this browser
 * cannot read the file. */
async function readOutline(file) {
  if (file.size > LARGEST) return null;
  try {
    const context = new OfflineAudioContext(1, 1, DECODED_RATE);
    const sound = await context.decodeAudioData(await file.arrayBuffer());
    const outline = outlineOf(sound.getChannelData(0), sound.sampleRate);
    const top = outline.reduce((most, value) => Math.max(most, value), 1e-4);
    return outline.map((value) => value / top);
  } catch {
    return null;
  }
}

/** Draws the outline from ``start`` to ``end`` (ms) as a shape as wide as its place. */
function waveOf(outline, start, end) {
  const first = Math.floor((start * OUTLINE_RATE) / 1000);
  const last = Math.max(first + 1, Math.ceil((end * OUTLINE_RATE) / 1000));
  const heights = [...outline.slice(first, last)].map((value) => Math.max(0.03, value));
  while (heights.length < 2) heights.push(heights[0] ?? 0.03);
  const above = heights.map((value, index) => `${index} ${(1 - value).toFixed(3)}`);
  const below = heights.map((value, index) => `${index} ${(1 + value).toFixed(3)}`).reverse();
  return s("svg", { class: "wave", viewBox: `0 0 ${heights.length - 1} 2`, preserveAspectRatio: "none", "aria-hidden": "true" },
    s("path", { d: `M${above.join("L")}L${below.join("L")}Z` }));
}

/** Makes a WAV file of 16-bit mono samples that lie in several arrays. */
function wavOf(parts, rate) {
  const size = parts.reduce((sum, part) => sum + part.byteLength, 0);
  const head = new DataView(new ArrayBuffer(44));
  const text = (place, letters) => [...letters].forEach((letter, index) => head.setUint8(place + index, letter.charCodeAt(0)));
  text(0, "RIFF");
  head.setUint32(4, 36 + size, true);
  text(8, "WAVEfmt ");
  head.setUint32(16, 16, true);
  head.setUint16(20, 1, true);
  head.setUint16(22, 1, true);
  head.setUint32(24, rate, true);
  head.setUint32(28, 2 * rate, true);
  head.setUint16(32, 2, true);
  head.setUint16(34, 16, true);
  text(36, "data");
  head.setUint32(40, size, true);
  return new Blob([head, ...parts], { type: "audio/wav" });
}

// The part of the page that records: button, level, time and captions.

const LOWEST = -60; // dB below full scale, at the left end of the meter
const MUTED = -75; // dB: what a muted microphone stays below
const MUTED_AFTER = 75; // packets, three seconds

const minutes = (time) => `${Math.floor(time / 60)}:${pad(Math.floor(time % 60), 2)}`;

function levelMeter() {
  const bar = h("div", { class: "bar" });
  const element = h("div", { class: "meter", role: "meter", "aria-label": "Level of the microphone",
    "aria-valuemin": LOWEST, "aria-valuemax": 0, "aria-valuenow": LOWEST }, bar);
  let shown = LOWEST;
  return {
    element,
    show: (peak) => {
      const level = Math.max(LOWEST, 20 * Math.log10(Math.max(peak, 1e-6)));
      shown = Math.max(level, shown - 2); // it falls slowly, so that an eye can follow
      bar.style.transform = `scaleX(${1 - shown / LOWEST})`;
      bar.classList.toggle("loud", shown > -1);
      element.setAttribute("aria-valuenow", Math.round(shown));
      element.setAttribute("aria-valuetext", `${Math.round(shown)} decibels`);
    },
  };
}

/** Makes the part; ``recorded(recording)`` gets {name, file, segments, seconds} at the end, where
 * ``segments`` are null if the server was not there until then. */
function recorderOf(server, recorded, announce) {
  const meter = levelMeter();
  const time = h("span", { class: "time" }, "0:00");
  const label = h("span", {}, "Record");
  const button = h("button", { type: "button", class: "record", click: () => toggle() },
    h("span", { class: "lamp", "aria-hidden": "true" }), label);
  const choice = h("select", { name: "microphone", "aria-label": "Microphone" });
  const devices = h("div", { class: "devices", hidden: true }, choice);
  const gauge = h("div", { class: "gauge", hidden: true }, meter.element, time);
  const advice = h("p", { class: "advice", role: "alert" });
  const finals = h("div", { class: "finals", role: "log", "aria-live": "polite", "aria-label": "Captions" });
  const partial = h("span", { class: "partial", "aria-hidden": "true" });
  const captions = h("div", { class: "captions", hidden: true }, finals, partial);
  const element = h("section", { class: "recorder", "aria-label": "Record" },
    h("div", { class: "controls" }, button, gauge, devices), advice,
    h("p", { class: "note" }, "Words appear while you speak. The sound goes to this server alone, which keeps none of it."));
  let state = "idle";
  let session = null;

  const advise = (text) => { advice.textContent = text; };

  function show(texts, now) {
    while (finals.children.length < texts.length) {
      finals.append(h("p", { dir: "auto" }, texts[finals.children.length]));
    }
    partial.textContent = now;
    captions.scrollTop = captions.scrollHeight;
  }

  function become(next) {
    state = next;
    element.dataset.state = next;
    label.textContent = { idle: "Record", opening: "Opening …", recording: "Stop", finishing: "Finishing …" }[next];
    button.disabled = next === "opening" || next === "finishing";
    gauge.hidden = next !== "recording";
    devices.hidden = next !== "idle" || choice.options.length < 2;
    captions.hidden = next === "idle" || next === "opening";
  }

  async function start() {
    advise("");
    become("opening");
    let microphone = null;
    try {
      await server.unlock();
      const parts = [];
      let length_ = 0;
      let quiet = 0;
      let live = null;
      microphone = await openMicrophone(server.about.rate, choice.value, (packet, peak, rate) => {
        parts.push(packet);
        length_ += packet.length;
        live?.send(packet);
        meter.show(peak);
        time.textContent = minutes(length_ / rate);
        quiet = 20 * Math.log10(peak) > MUTED ? 0 : quiet + 1;
        if (quiet === MUTED_AFTER) advise("The microphone gives no sound. Is it muted?");
        else if (!quiet && advice.textContent.endsWith("muted?")) advise("");
      });
      finals.replaceChildren();
      partial.textContent = "";
      live = new Captions(server.live(), microphone.rate, show, (reason) => {
        advise(`There are no more captions${reason ? ` (${reason})` : ""}. Go on: the recording is kept, and is transcribed when it ends.`);
      });
      for (const packet of parts) live.send(packet);
      microphone.lost(() => { if (state === "recording") stop(); });
      session = { microphone, live, parts, samples: () => length_ };
      become("recording");
      announce("Recording");
      listDevices();
    } catch (error) {
      microphone?.close();
      become("idle");
      advise(adviceFor(error));
    }
    if (document.activeElement === document.body) button.focus();
  }

  async function stop() {
    const { microphone, live, parts, samples } = session;
    session = null;
    advise("");
    become("finishing");
    microphone.close();
    const segments = await live.finish();
    become("idle");
    button.focus();
    const now = new Date();
    const stamp = `${now.getFullYear()}-${pad(now.getMonth() + 1, 2)}-${pad(now.getDate(), 2)} ${pad(now.getHours(), 2)}.${pad(now.getMinutes(), 2)}.${pad(now.getSeconds(), 2)}`;
    if (samples()) {
      recorded({ name: `Recording ${stamp}.wav`, file: wavOf(parts, microphone.rate), segments, seconds: samples() / microphone.rate });
    } else {
      advise("Nothing was recorded: the microphone had given no sound yet.");
    }
  }

  async function listDevices() {
    const found = await microphones();
    const before = choice.value;
    choice.replaceChildren(...found.map((device) => h("option", { value: device.deviceId }, device.label)));
    if (found.some((device) => device.deviceId === before)) choice.value = before;
  }

  function toggle() {
    if (state === "idle") start();
    else if (state === "recording") stop();
  }

  become("idle");
  return { element, captions, toggle, busy: () => state !== "idle" };
}

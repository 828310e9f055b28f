// Packets of 16-bit samples from the microphone, with the peak of each, 25 times a second.

class Packets extends AudioWorkletProcessor {
  constructor() {
    super();
    this.packet = new Int16Array(Math.round(sampleRate / 25));
    this.filled = 0;
    this.peak = 0;
  }

  process(inputs) {
    for (const sample of inputs[0][0] ?? []) {
      const value = Math.max(-32768, Math.min(32767, Math.round(32768 * sample)));
      this.peak = Math.max(this.peak, Math.abs(value));
      this.packet[this.filled] = value;
      this.filled += 1;
      if (this.filled === this.packet.length) this.send();
    }
    return true;
  }

  send() {
    this.port.postMessage({ packet: this.packet, peak: this.peak / 32768 }, [this.packet.buffer]);
    this.packet = new Int16Array(Math.round(sampleRate / 25));
    this.filled = 0;
    this.peak = 0;
  }
}

registerProcessor("packets", Packets);

// Live captions: a session of the Vosk protocol over a WebSocket.

const CLOSING = 8000; // milliseconds that the server has for its last words
const COMPLETE = 1000; // the close code after the last words (RFC 6455, section 7.4.1)

const wordsOf = (result) => result.map(({ word, start, end, conf }) => (
  { text: word, start: milliseconds(start), end: milliseconds(end), confidence: conf ?? null, joined: false }));

/** A session: ``send(packet)`` takes samples, ``finish()`` resolves to the segments, or to null if the
 * server did not stay until the end. ``show(finals, partial)`` is called with texts, ``failed(reason)``
 * if the session ends too early. */
class Captions {
  constructor(socket, rate, show, failed) {
    this.socket = socket;
    this.segments = [];
    this.texts = [];
    this.waiting = [];
    this.broken = false;
    this.finishing = false;
    socket.binaryType = "arraybuffer";
    this.ended = new Promise((resolve) => {
      socket.addEventListener("close", ({ code, reason }) => {
        this.broken = !this.finishing || code !== COMPLETE;
        if (!this.finishing) failed(reason);
        resolve();
      });
    });
    socket.addEventListener("open", () => {
      socket.send(JSON.stringify({ config: { sample_rate: rate, words: true, display: true } }));
      for (const packet of this.waiting) socket.send(packet);
      this.waiting = [];
    });
    socket.addEventListener("message", ({ data }) => {
      const message = JSON.parse(data);
      if (message.text) {
        this.texts.push(message.display ?? message.text);
        if (message.result?.length) {
          this.segments.push(readableWords(markJoined(wordsOf(message.result), ` ${message.text}`), message.tokens));
        }
      }
      show(this.texts, message.partial ?? "");
    });
  }

  send(packet) {
    if (this.socket.readyState === WebSocket.CONNECTING) this.waiting.push(packet);
    else if (this.socket.readyState === WebSocket.OPEN) this.socket.send(packet);
  }

  async finish() {
    this.finishing = true;
    if (this.broken) return null;
    const late = new Promise((resolve) => { setTimeout(resolve, CLOSING, true); });
    const say = () => this.socket.send(JSON.stringify({ eof: 1 }));
    if (this.socket.readyState === WebSocket.OPEN) say();
    else this.socket.addEventListener("open", say);
    const isLate = await Promise.race([this.ended, late]);
    this.socket.close();
    return isLate || this.broken ? null : this.segments;
  }
}

// What the page asks of its server, and the key that the server may want: it is kept in memory only.

class ServerError extends Error {
  constructor(message, status, retryAfter = null) {
    super(message);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** What a subprotocol must not hold (RFC 6455, section 4.1). */
const NOT_IN_PROTOCOLS = /[^\w!#$%&'*+\-.^`|~]/;
const UNREACHABLE = "The server does not answer. Is it still running?";

/** Returns what the server says in an error body of OpenAI's form, or else a sentence of our own. */
function messageOf(text, status) {
  try {
    const message = JSON.parse(text).error?.message;
    if (message) return message;
  } catch {
    // not JSON: something between the page and the server has answered
  }
  return `The server answered with status ${status}.`;
}

const megabytes = (size) => `${(size / 2 ** 20).toFixed(1)}\u00a0MiB`;

class Server {
  /** ``about`` is the answer of ``page/about``; ``askForKey()`` resolves to a key. */
  constructor(about, askForKey) {
    this.about = about;
    this.askForKey = askForKey;
    this.key = null;
    this.asking = null;
  }

  /** Resolves once there is a key, if the server wants one; ``wrong`` if the last was refused. */
  async unlock(wrong = false) {
    if (!this.about.key || (this.key && !wrong)) return;
    this.asking ??= this.askForKey(wrong).finally(() => { this.asking = null; });
    this.key = await this.asking;
  }

  /** Sends a file to be transcribed, and resolves to the answer. ``sent(share)`` is told how much has
   * arrived; ``signal`` ends it. */
  async transcribe(file, name, sent, signal) {
    const { largest } = this.about;
    if (file.size > largest) {
      throw new ServerError(`The file has ${megabytes(file.size)}, and this server takes ${megabytes(largest)} at most.`, 413);
    }
    try {
      await file.slice(0, 1).arrayBuffer();
    } catch {
      throw new ServerError("The file cannot be read. Is it a folder, or was it moved?", 0);
    }
    for (;;) {
      await this.unlock();
      const { key } = this;
      try {
        return JSON.parse(await this.post(file, name, sent, signal, key));
      } catch (error) {
        if (error.status !== 401 || !this.about.key) throw error;
        if (this.key === key) await this.unlock(true);
      }
    }
  }

  /** Requests that send much go through XMLHttpRequest, which alone tells how much has been sent. */
  post(file, name, sent, signal, key) {
    const form = new FormData();
    form.append("model", this.about.model);
    form.append("response_format", "verbose_json");
    for (const kind of ["word", "segment"]) form.append("timestamp_granularities[]", kind);
    form.append("file", file, name);
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open("POST", "v1/audio/transcriptions");
      if (key) request.setRequestHeader("Authorization", `Bearer ${key}`);
      request.upload.addEventListener("progress", (event) => {
        if (event.lengthComputable) sent(event.loaded / event.total);
      });
      request.upload.addEventListener("load", () => sent(1));
      request.addEventListener("load", () => {
        const { status, responseText: text } = request;
        if (status === 200) resolve(text);
        else reject(new ServerError(messageOf(text, status), status, Number(request.getResponseHeader("Retry-After")) || null));
      });
      request.addEventListener("error", () => reject(new ServerError(UNREACHABLE, 0)));
      request.addEventListener("abort", () => reject(new DOMException("The request was ended.", "AbortError")));
      signal.addEventListener("abort", () => request.abort());
      request.send(form);
    });
  }

  /** Opens the WebSocket for live captions; a browser can send the key as a subprotocol only. */
  live() {
    const address = new URL("./", location.href);
    address.protocol = address.protocol.replace("http", "ws");
    if (!this.key) return new WebSocket(address);
    if (NOT_IN_PROTOCOLS.test(this.key)) throw new ServerError("Browsers cannot open a WebSocket with this key: it needs to be of letters, digits and !#$%&'*+-.^_`|~ alone.", 401);
    return new WebSocket(address, ["realtime", `openai-insecure-api-key.${this.key}`]);
  }
}

// Python beside the page: a worker that runs one request at a time, and a spare one.
//
// A program that never ends can only be stopped together with its worker: to interrupt Python from
// outside takes memory that both share, which browsers give only to pages whose server sends two
// headers (COOP and COEP), and any static server should do. So the worker is ended, and the spare
// one, which has loaded Python meanwhile, takes its place.

/** What a stopped request is rejected with. */
export class Stopped extends Error {}

/** What a request is rejected with if Python itself broke. */
export class Broken extends Error {}

export class Engine {
  /**
   * @param {(text: string) => void} onOutput gets what the program prints
   * @param {string} host the module of Python that answers
   */
  constructor(onOutput, host = "playground_host") {
    this.onOutput = onOutput;
    this.host = host;
    this.waiting = new Map(); // requests by their id
    this.lastId = 0;
    this.current = this.spawn();
    this.spare = null;
  }

  /** Resolves once Python is loaded. */
  get ready() {
    return this.current.ready;
  }

  spawn() {
    // A worker from an address of its own would have no policy but that of its server's headers. One
    // that the page makes of a text inherits the page's.
    const address = new URL(`./worker.js?${this.host}`, import.meta.url).href;
    const text = new Blob([`import ${JSON.stringify(address)};`], { type: "text/javascript" });
    const url = URL.createObjectURL(text);
    const worker = new Worker(url, { type: "module", name: "Python" });
    const made = { worker };
    made.ready = new Promise((resolve, reject) => {
      made.end = (reason) => {
        worker.terminate();
        reject(reason);
      };
      const fail = (why) => {
        reject(new Error(why));
        this.lose(made, new Broken(why));
      };
      worker.addEventListener("message", ({ data }) => {
        if (data.ready) {
          made.loaded = true;
          resolve();
        }
        else if (data.failed) fail(data.failed);
        else if (made === this.current) this.receive(data);
      });
      worker.addEventListener("error", (event) => {
        event.preventDefault();
        fail(event.message || "the worker could not be loaded");
      });
    });
    made.ready.then(() => URL.revokeObjectURL(url), () => {});
    return made;
  }

  receive({ id, answer, output, broken }) {
    if (output !== undefined) return this.onOutput(output);
    const request = this.waiting.get(id);
    if (!request) return undefined;
    this.waiting.delete(id);
    if (broken === undefined) return request.resolve(JSON.parse(answer));
    request.reject(new Broken(broken));
    return this.replace(new Stopped());
  }

  /** Ask Python; the answer is what the method of that name in its host returns. */
  async ask(method, params = {}) {
    const { worker, ready } = this.current;
    await ready;
    if (worker !== this.current.worker) throw new Stopped();
    const id = ++this.lastId;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      worker.postMessage({ id, request: JSON.stringify({ method, params }) });
    });
  }

  /** End what runs. All requests are rejected, and what Python knew is forgotten. */
  stop() {
    this.replace(new Stopped());
  }

  /** Load a second Python, for the next stop; call it when the page has nothing else to do. */
  prepare() {
    this.spare ??= this.spawn();
  }

  replace(reason) {
    this.current.end(reason);
    this.current = this.spare ?? this.spawn();
    this.spare = null;
    this.rejectAll(reason);
  }

  lose(made, reason) {
    if (made === this.spare) this.spare = null;
    else if (made !== this.current) return;
    else if (made.loaded) this.replace(reason);
    else this.rejectAll(reason); // another one would not load either
  }

  rejectAll(reason) {
    const requests = [...this.waiting.values()];
    this.waiting.clear();
    for (const request of requests) request.reject(reason);
  }
}

// The worker: Python, which computes and answers, and reaches nothing else.
//
// A program may come from a stranger's link. The worker has no page; it inherits the page's policy,
// by which it connects to the page's own server only and evaluates no text as a script; and once
// Python is loaded, what could send or keep anything is taken away, and Python sees no names of
// JavaScript.
import { loadPyodide } from "./pyodide/pyodide.mjs";

/* global LOCK -- put in by build.mjs */
const HERE = new URL("./", import.meta.url).href;
// Whoever prints without end fills neither the page nor the memory.
const MOST_OUTPUT = 100_000;
const PACE = 50; // ms between two messages of output
const { postMessage, setTimeout, clearTimeout } = self;
const send = postMessage.bind(self);
const DENIED = [
  "fetch", "XMLHttpRequest", "WebSocket", "WebSocketStream", "EventSource", "WebTransport",
  "RTCPeerConnection", "importScripts", "Worker", "SharedWorker", "BroadcastChannel",
  "MessageChannel", "Notification", "indexedDB", "caches", "cookieStore", "navigator",
  "postMessage",
];

let printed = 0, waiting = "", sentAt = 0;

function write(text) {
  const room = MOST_OUTPUT - printed;
  if (room <= 0) return;
  printed += text.length;
  waiting += text.length < room ? text : `${text.slice(0, room)}\n… the rest of the output is left out\n`;
  if (performance.now() - sentAt > PACE) flush();
}

function flush() {
  if (waiting) send({ output: waiting });
  waiting = "";
  sentAt = performance.now();
}

const decoder = new TextDecoder();
const output = {
  write(bytes) {
    write(decoder.decode(bytes, { stream: true }));
    return bytes.length;
  },
  isatty: false,
};

async function start() {
  const [python, archive] = await Promise.all([
    loadPyodide({
      indexURL: `${HERE}pyodide/`,
      // Nothing else can be installed: so the list of packages is not loaded.
      lockFileContents: LOCK,
      jsglobals: { setTimeout, clearTimeout },
    }),
    fetch(`${HERE}scalargrad.zip`).then((answer) => {
      if (!answer.ok) throw new Error(`${answer.url}: ${answer.status}`);
      return answer.arrayBuffer();
    }),
  ]);
  for (let scope = self; scope; scope = Object.getPrototypeOf(scope))
    for (const name of DENIED) if (Object.hasOwn(scope, name)) delete scope[name];
  python.setStdout(output);
  python.setStderr(output);
  python.setStdin({ error: true });
  python.unpackArchive(new Uint8Array(archive), "zip", { extractDir: "/lib/scalargrad" });
  python.runPython("import sys; sys.path.insert(0, '/lib/scalargrad')");
  const host = python.pyimport(new URL(import.meta.url).search.slice(1) || "playground_host");
  let warm = false;
  self.addEventListener("message", ({ data: { id, request } }) => {
    printed = 0;
    try {
      const answer = host.answer(request);
      flush();
      send({ id, answer });
    } catch (error) {
      // Python itself broke, as by a recursion deeper than the stack of the browser.
      flush();
      send({ id, broken: String(error.message ?? error) });
    }
    // What other questions need is imported once the first one is answered
    if (!warm) setTimeout(host.warm_up);
    warm = true;
  });
  send({ ready: true });
}

start().catch((error) => send({ failed: String(error.message ?? error) }));

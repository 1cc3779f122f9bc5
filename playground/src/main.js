// The page: an editor, Python beside it, and the live graph of what the program computed.
import { mount } from "../../scalargrad/view/live/live.js";
import { createEditor } from "./editor.js";
import { Broken, Engine, Stopped } from "./engine.js";
import { fragmentOf, programIn } from "./link.js";
import { harmless, saved, toPng } from "./save.js";
import { Zoom } from "./zoom.js";

/* global EXAMPLES, NAMES -- put in by build.mjs */
const PAUSE = 350; // ms without a key after which a program runs
const PATIENCE = 1000; // ms that a program may run when another one waits
const SOON = 300; // ms after which a program that runs can be stopped
const DRAFT = "scalargrad playground: draft";

const $ = (id) => document.getElementById(id);
const [status, note, live] = [$("status"), $("note"), $("live")];

// Python first: it takes the longest
const engine = new Engine(printed);
const editor = createEditor($("editor"), { onChange: changed, onRun: () => runSoon(0), names: NAMES });

// --- the live graph: it talks with Python about the run that is shown

let shownRun = 0; // the number of the run whose graph is shown; 0 for the picture made beforehand
let hear = () => {};
let markFirstRun;
const firstRunDone = new Promise((resolve) => (markFirstRun = resolve));

const transport = {
  on(listener) {
    hear = listener;
  },
  async send(message) {
    if (message.type === "show") return; // each run tells its graph anyway
    try {
      if (!shownRun) await firstRunDone;
      const answer = await engine.ask("talk", { message, number: shownRun });
      if (answer) hear(answer);
      else refuse(message, "this graph is gone: run the program again");
    } catch (error) {
      if (!(error instanceof Stopped)) status.textContent = error.message;
      refuse(message, "");
    }
  },
};

function refuse({ id }, text) {
  if (text) hear({ type: "error", id, text });
  else hear({ type: "refused", id });
}

mount(live, transport, {
  onAnswer: (answer) => {
    if (answer.result) note.textContent = answer.result;
    if (answer.type === "graph") view.show();
  },
});
const view = new Zoom(live);
window.addEventListener("resize", () => view.show());
$("smaller").addEventListener("click", () => view.by(1 / 1.25));
$("larger").addEventListener("click", () => view.by(1.25));
$("fit").addEventListener("click", () => view.fit());
$("turn").addEventListener("click", () => {
  view.turn();
  runSoon(0);
});

// --- running programs

let timer = 0, stopTimer = 0;
let next = null; // the text that waits, or null
let going = false; // whether the loop below goes
let began = 0; // when the program that runs now began, or 0
let runs = 0;

function changed(program, byUser) {
  choose(program);
  if (byUser) {
    keepDraft(program);
    setFragment(""); // it holds another program now
  }
  runSoon(PAUSE);
}

function runSoon(pause) {
  clearTimeout(timer);
  live.setAttribute("aria-busy", "true");
  timer = setTimeout(() => request(editor.program), pause);
}

// One program at a time: while one runs, the last text waits. One that has run for long is stopped
// then, for nobody waits for its result any more.
function request(program) {
  timer = 0;
  next = program;
  if (!going) loop();
  else if (began) stopWhenLate();
}

function stopWhenLate() {
  clearTimeout(stopTimer);
  stopTimer = setTimeout(() => engine.stop(), Math.max(0, began + PATIENCE - performance.now()));
}

async function loop() {
  going = true;
  while (next !== null) {
    try {
      await engine.ready;
    } catch (error) {
      if (error instanceof Stopped) continue;
      status.textContent = `Python could not be loaded: ${error.message}`;
      break;
    }
    const program = next;
    next = null;
    await run(program);
  }
  going = false;
  markFirstRun();
  if (!timer) live.setAttribute("aria-busy", "false");
  engine.prepare();
}

async function run(program) {
  const number = ++runs;
  const canStop = setTimeout(() => {
    status.textContent = "Running …";
    $("stop").hidden = false;
  }, SOON);
  startOutput();
  began = performance.now();
  try {
    const asked = { source: program, number, room: view.room(), rankdir: view.direction };
    const { error, graph, note: why } = await engine.ask("run", asked);
    const took = performance.now() - began;
    status.textContent = error ? "" : `Ran in ${took < 1000 ? `${took.toFixed(0)} ms` : `${(took / 1000).toFixed(1)} s`}`;
    showError(error);
    if (graph) showGraph(graph, number, program);
    else setStale(true, why);
  } catch (error) {
    setStale(true, "");
    if (error instanceof Stopped) status.textContent = "Stopped. Change the program to run it again.";
    else showError({ line: null, message: error instanceof Broken ? `Python broke off: ${error.message}` : String(error) });
  } finally {
    began = 0;
    clearTimeout(canStop);
    clearTimeout(stopTimer);
    endOutput();
    $("stop").hidden = true;
  }
}

$("stop").addEventListener("click", () => {
  engine.stop();
  editor.focus();
});

function showGraph(graph, number, program) {
  const known = shownRun === 0 && graph.svg === firstSvg && program === EXAMPLES[0].program;
  shownRun = number;
  setStale(false, graph.result);
  if (!known) hear(graph);
}

function setStale(stale, text) {
  if (stale) live.dataset.stale = "";
  else delete live.dataset.stale;
  live.inert = stale;
  for (const id of ["recorded", "svg", "png"]) $(id).disabled = stale;
  note.textContent = text;
}

// --- errors and output

function showError(error) {
  editor.mark(error);
  const place = $("error");
  place.hidden = !error;
  if (!error) return;
  place.firstElementChild.textContent = error.line ? `Line ${error.line}: ${error.message}` : error.message;
  const button = place.querySelector("button");
  button.hidden = !error.line;
  button.onclick = () => editor.goTo(error.line);
}

const output = $("output");
let fresh = false; // whether the output of the last run is still to be replaced

function startOutput() {
  fresh = true;
}

function printed(text) {
  const lines = output.querySelector("pre");
  if (fresh) lines.textContent = "";
  fresh = false;
  output.hidden = false;
  lines.append(text);
}

function endOutput() {
  if (!fresh) return;
  output.querySelector("pre").textContent = "";
  output.hidden = true;
}

// --- examples, links, files

const select = $("examples");
for (const [index, { title }] of EXAMPLES.entries()) select.add(new Option(title, index));
select.addEventListener("change", () => {
  if (select.value === "") return;
  const { name, program } = EXAMPLES[select.value];
  setFragment(`#example=${name}`);
  editor.program = program;
  runSoon(0);
});

function choose(program) {
  const index = EXAMPLES.findIndex((example) => example.program === program);
  select.querySelector("[value='']")?.remove();
  if (index < 0) select.add(new Option("(your own)", ""), 0);
  select.value = index < 0 ? "" : index;
}

function setFragment(fragment) {
  if (location.hash !== fragment) history.replaceState(null, "", location.pathname + location.search + fragment);
}

function keepDraft(program) {
  try {
    localStorage.setItem(DRAFT, program);
  } catch {
    // a browser may forbid it, and then nothing is kept
  }
}

function draft() {
  try {
    return localStorage.getItem(DRAFT);
  } catch {
    return null;
  }
}

$("link").addEventListener("click", async () => {
  setFragment(await fragmentOf(editor.program));
  try {
    await navigator.clipboard.writeText(location.href);
    status.textContent = "The link is copied. It holds the program itself.";
  } catch {
    status.textContent = "The address of the page now holds the program: copy it from there.";
  }
});

async function openLink() {
  try {
    const example = EXAMPLES.find(({ name }) => location.hash === `#example=${name}`);
    const program = example?.program ?? (await programIn(location.hash));
    if (program !== null) editor.program = program;
    return program === null ? "none" : "opened";
  } catch (error) {
    showError({ line: null, message: error.message });
    return "damaged";
  }
}

window.addEventListener("hashchange", async () => {
  if ((await openLink()) === "opened") runSoon(0);
});

async function save(ending, write) {
  try {
    const svg = harmless(await engine.ask("svg"));
    const name = note.textContent.split(" = ")[0].replace(/[^\w-]+/g, "_").slice(0, 40) || "graph";
    saved(await write(svg), `${name}.${ending}`);
  } catch (error) {
    status.textContent = error.message;
  }
}

$("svg").addEventListener("click", () => save("svg", (svg) => new Blob([svg], { type: "image/svg+xml" })));
$("png").addEventListener("click", () => save("png", toPng));

$("recorded").addEventListener("click", async () => {
  const dialog = $("recorded-dialog");
  const [value, gradient] = dialog.querySelectorAll("pre");
  try {
    const programs = await engine.ask("recorded");
    if (!programs) throw new Error("There is no program where a value has no number.");
    [value.textContent, gradient.textContent] = [programs.value, programs.gradient];
    dialog.showModal();
  } catch (error) {
    status.textContent = error.message;
  }
});
$("help").addEventListener("click", () => $("help-dialog").showModal());

// --- the start

let firstSvg = null;

async function start() {
  const linked = await openLink();
  if (linked !== "opened") editor.program = draft() ?? EXAMPLES[0].program;
  choose(editor.program);
  clearTimeout(timer);
  // The picture of the first example was made beforehand; its numbers can be moved a little later.
  if (editor.program === EXAMPLES[0].program) {
    const { graph } = await (await fetch("first.json")).json();
    if (!shownRun) {
      firstSvg = graph.svg;
      hear(graph);
    }
  }
  // A damaged link is told of, and what stands there instead waits for the next key
  if (linked === "damaged") live.setAttribute("aria-busy", "false");
  else request(editor.program);
}

start();

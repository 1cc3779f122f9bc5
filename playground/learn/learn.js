// The page "Watch it learn": Python trains a network in the worker; this draws what it answers.
//
// One request at a time: `pump` sends what is due (new settings, moved points, steps) and draws the
// answer, a frame as `Answers.frame` of learn_host.py describes it.
import { mount } from "../../scalargrad/view/live/live.js";
import { Engine } from "../src/engine.js";
import { drawPlane, drawTile } from "./maps.js";
import { drawNetwork } from "./network.js";
import { drawCurve, drawNorms } from "./curves.js";
import { phasesOf } from "./phases.js";
import { Points } from "./points.js";

const SLOW = 500; // ms from one step to the next
const FIRST = "work"; // the preset that is shown at first
const BURST = 60; // ms of steps between two pictures, as fast as it goes

const $ = (id) => document.getElementById(id);
const engine = new Engine(() => {}, "learn_host");

let known = null; // what Python offers: presets, data, names
let settings = null;
let frame = null, before = null; // the frame that is shown, and the one before the last step
let losses = [];
let running = false, wanted = 0; // steps to take
let due = {}; // requests to send, by name
let pumping = false;
let phase = -1; // of the phases of a step; -1 shows all
let unit = null; // the unit that is explained: its layer and its place
let marks = []; // when the last steps were drawn

const points = new Points($("plane").querySelector("svg"), {
  onMove: () => want({ place: true }),
  onChoose: () => want({ look: true }),
});

// --- asking Python

function want(more) {
  Object.assign(due, more);
  pump();
}

function next() {
  if (due.setup) {
    before = null;
    return ["setup", { settings, points: points.list, chosen: points.chosen }];
  }
  if (due.place) return ["place", { points: points.list, chosen: points.chosen }];
  if (due.rate) return ["rate", { rate: settings.rate, chosen: points.chosen }];
  if (due.look) return ["frame", { chosen: points.chosen }];
  if (wanted) return ["run", { most: 1, chosen: points.chosen }];
  if (!running) return null;
  const fast = $("speed").value === "fast";
  return ["run", { most: fast ? 200 : 1, milliseconds: BURST, chosen: points.chosen }];
}

async function pump() {
  if (pumping || !known) return;
  pumping = true;
  try {
    for (let request = next(); request; request = next()) {
      const [method, params] = request;
      if (method === "setup") due = {}; // it sends everything
      else delete due[{ frame: "look" }[method] ?? method];
      if (method === "run" && wanted) wanted -= 1;
      const answer = await engine.ask(method, params);
      if (answer.error) {
        complain(answer.error);
        run(false);
        continue;
      }
      receive(answer, method);
      await new Promise(requestAnimationFrame);
      if (running && method === "run" && $("speed").value === "slow")
        await new Promise((resolve) => setTimeout(resolve, SLOW));
    }
  } catch (error) {
    complain(`Python has stopped: ${error.message}`);
  } finally {
    pumping = false;
    if (frame && !running) rest();
  }
}

function rest() {
  $("status").textContent = frame.fault ? "It cannot go on." : `At step ${frame.step}: loss ${number(frame.loss)}, ${frame.right} of ${points.list.length} points on their side.`;
}

function receive(answer, method) {
  if (method === "run") {
    before = frame;
    losses.push(...answer.losses);
    marks.push([performance.now(), answer.losses.length]);
  } else if (method === "setup") losses = [answer.loss];
  else losses[losses.length - 1] = answer.loss; // points have moved: the same step has another loss
  if (phase > -1 && method === "place") phase = 0;
  frame = answer;
  if (answer.fault) run(false);
  show();
}

function complain(text) {
  $("fault").textContent = text;
  $("fault").hidden = !text;
}

// --- drawing

function show() {
  complain(frame.fault);
  $("steps").textContent = frame.step;
  $("loss").textContent = frame.loss === null ? "no number" : frame.loss.toPrecision(4);
  $("right").textContent = `${frame.right} of ${points.list.length}`;
  const now = performance.now();
  marks = marks.filter(([time]) => time > now - 1500);
  const steps = marks.slice(1).reduce((sum, [, count]) => sum + count, 0);
  const pace = marks.length > 1 ? (1000 * steps) / (marks.at(-1)[0] - marks[0][0]) : 0;
  $("pace").textContent = running && pace ? pace.toFixed(0) : "–";
  document.body.dataset.step = frame.step;
  const maps = frame.maps;
  if (maps.length) drawPlane($("plane").querySelector("canvas"), maps.at(-1), known.grid);
  points.show(frame.outputs);
  const { index, point, learns } = frame.chosen;
  $("chosen").textContent = `Shown: point ${index + 1} at (${point[0]}, ${point[1]}), class ${point[2] > 0 ? "+1" : "−1"}` +
    (learns ? "" : "; this step learns from another one");
  const phases = phasesOf(frame, settings);
  const seen = phase > -1 ? phases[Math.min(phase, phases.length - 1)] : null;
  $("now").textContent = seen ? seen.text : told();
  drawNetwork($("network"), frame, {
    gradients: seen ? seen.kind === "backward" : $("shows").value === "gradients",
    seen, unit, grid: known.grid, activation: settings.activation, drawTile,
    onUnit: (layer, place) => {
      unit = unit && unit[0] === layer && unit[1] === place ? null : [layer, place];
      show();
    },
  });
  drawCurve($("curve"), losses);
  drawNorms($("norms"), frame.layers.map((layer) => layer.norm));
  explainUnit();
}

/** What a step did, when all is shown. */
function told() {
  if (!before || before.step >= frame.step) return "“Next phase” goes through a step: forward, backward, update. “Run” takes one step after the other.";
  return `Step ${frame.step}: the loss went from ${number(before.loss)} to ${number(frame.loss)}.`;
}

function number(x) {
  return x === null ? "no number" : String(Number(x.toPrecision(4)));
}

let asking = false;
async function explainUnit() {
  $("unit").hidden = !unit;
  if (!unit || asking) return;
  asking = true;
  try {
    const [layer, place] = unit;
    const { lines, error } = await engine.ask("unit", { layer, unit: place, chosen: frame.chosen.index });
    const last = layer === frame.sizes.length - 2;
    $("unit").querySelector("h3").textContent = last ? "The output" : `Layer ${layer + 1}, unit ${place + 1}`;
    $("unit").querySelector("pre").textContent = error ?? lines.join("\n");
  } finally {
    asking = false;
  }
}

// --- what one does

function run(on) {
  running = on;
  if (on) phase = -1;
  marks = [];
  $("run").textContent = on ? "Pause" : "Run";
  if (on) $("status").textContent = "It learns.";
  pump();
}

$("run").addEventListener("click", () => {
  run(!running);
  if (!running && frame) show();
});
$("step").addEventListener("click", () => {
  run(false);
  phase = -1;
  wanted += 1;
  pump();
});
$("phase").addEventListener("click", () => {
  if (running) run(false);
  if (!frame || frame.fault) return;
  phase += 1;
  const phases = phasesOf(frame, settings);
  if (phase >= phases.length) { // the update
    phase = -1;
    wanted += 1;
    pump();
    return;
  }
  show();
});
$("restart").addEventListener("click", () => {
  phase = -1;
  want({ setup: true });
});

function choices(select, names) {
  select.replaceChildren(...names.map((name) => {
    const [value, text] = Array.isArray(name) ? name : [name, name];
    return Object.assign(document.createElement("option"), { value, textContent: text });
  }));
}

function begin(name) {
  const preset = known.presets[name];
  settings = { ...preset.settings, hidden: [...preset.settings.hidden] };
  $("about").textContent = preset.about;
  $("data").value = preset.data;
  points.set(known.data[preset.data]);
  unit = null;
  phase = -1;
  run(false);
  showSettings();
  want({ setup: true });
}

function showSettings() {
  $("activation").value = settings.activation;
  $("loss-name").value = settings.loss;
  $("optimiser").value = settings.optimiser;
  $("alone").value = settings.alone ? "1" : "";
  $("scale").value = settings.scale;
  $("seed").value = settings.seed;
  $("rate").value = Math.log10(settings.rate);
  $("rate-shown").textContent = number(settings.rate);
  $("layers").value = settings.hidden.length;
  $("sizes").replaceChildren(...settings.hidden.map((size, layer) => {
    const input = Object.assign(document.createElement("input"), {
      type: "number", min: 1, max: known.units, value: size,
    });
    input.setAttribute("aria-label", `Units in layer ${layer + 1}`);
    input.addEventListener("change", () => {
      settings.hidden[layer] = Math.min(Math.max(Math.round(Number(input.value)) || 1, 1), known.units);
      changed();
    });
    return input;
  }));
}

/** Other settings make a new network; the lecture's weights belong to the lecture's network. */
function changed() {
  if (settings.hidden.join() !== "5") settings.lecture = false;
  if (unit) unit = null;
  phase = -1;
  showSettings();
  want({ setup: true });
}

for (const [id, key, read] of [
  ["activation", "activation", String], ["loss-name", "loss", String],
  ["optimiser", "optimiser", String], ["alone", "alone", Boolean], ["scale", "scale", Number],
]) $(id).addEventListener("change", () => {
  settings[key] = read($(id).value);
  changed();
});
$("seed").addEventListener("change", () => {
  settings.seed = Math.round(Number($("seed").value)) || 0;
  settings.lecture = false;
  changed();
});
$("layers").addEventListener("change", () => {
  const count = Number($("layers").value);
  const last = settings.hidden.at(-1) ?? 4;
  settings.hidden = Array.from({ length: count }, (_, k) => settings.hidden[k] ?? last);
  changed();
});
$("rate").addEventListener("input", () => {
  settings.rate = Number((10 ** Number($("rate").value)).toPrecision(2));
  $("rate-shown").textContent = number(settings.rate);
  want({ rate: true });
});
$("preset").addEventListener("change", () => begin($("preset").value));
$("data").addEventListener("change", () => {
  points.set(known.data[$("data").value]);
  want({ setup: true });
});
$("shows").addEventListener("change", () => frame && show());
$("add").addEventListener("click", () => points.list.length < known.points && points.add(0, 0));
$("flip").addEventListener("click", () => points.flip());
$("delete").addEventListener("click", () => points.remove());
for (const radio of document.querySelectorAll("input[name=class]"))
  radio.addEventListener("change", () => (points.kind = Number(radio.value)));
new ResizeObserver(() => frame && show()).observe($("network"));

// --- the graph of one point's loss, scalar by scalar

let graph = null;
$("open").addEventListener("click", async () => {
  if (!frame || frame.fault) return;
  await engine.ask("graph", { chosen: points.chosen });
  $("open").textContent = "Show it for the numbers of now";
  if (graph) return graph.ask({ type: "show" });
  let hear = () => {};
  graph = mount($("live"), {
    on: (listener) => (hear = listener),
    send: async (message) => {
      const answer = await engine.ask("talk", { message });
      if (answer) hear(answer);
    },
  });
  return graph;
});

// --- the beginning

async function start() {
  const made = await (await fetch("learn.json")).json(); // as Python answered when the page was built
  known = made.known;
  choices($("preset"), Object.entries(known.presets).map(([name, { title }]) => [name, title]));
  choices($("data"), Object.keys(known.data));
  choices($("activation"), known.activations);
  choices($("loss-name"), known.losses);
  choices($("optimiser"), known.optimisers);
  choices($("layers"), Array.from({ length: known.layers + 1 }, (_, k) => String(k)));
  const asked = decodeURIComponent(location.hash.slice(1));
  const name = Object.hasOwn(known.presets, asked) ? asked : FIRST;
  $("preset").value = name;
  begin(name);
  if (name === FIRST && !frame) receive(made.frame, "setup");
  $("status").textContent = "Loading Python …";
}

start().catch((error) => complain(`The page could not be loaded: ${error.message}`));

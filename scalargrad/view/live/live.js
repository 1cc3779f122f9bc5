// The live graph on a page: shows the picture that Python draws, moves the numbers in its leaves, and
// changes texts and colours in place as Python answers. conversation.py describes the messages.
//
// It loads nothing, needs no ids, and writes with textContent and setAttribute only. A transport
// carries the messages: `send(message)`, and `on(listener)`, which calls the listener with each answer
// and returns a function that ends this (or nothing). A Web Worker has one like this:
//
//   const transport = {
//     send: (message) => worker.postMessage(message),
//     on: (listener) => worker.addEventListener("message", ({ data }) => listener(data)),
//   };
//   mount(document.querySelector("#graph"), transport);

const SVG = "http://www.w3.org/2000/svg";
const SHAPES = "svg g path polygon text".split(" ");
const REFUSED = /^(on|style|id$|class)|href/i; // attributes that our painter never writes
const PACE = 1600; // ms a step of the film
const PATIENCE = 8000; // ms that a notebook waits for Python
const SILENT = "Python has not answered yet. It computes something else, or has ended: then run the cell again.";
const READABLE = 0.45; // of its own size: smaller, the picture scrolls instead

let views = 0;

// The picture as elements of the page; null unless it is what our painter writes.
function unpack(text) {
  const svg = new DOMParser().parseFromString(text, "image/svg+xml").documentElement;
  for (const element of [svg, ...svg.querySelectorAll("*")]) {
    if (element.namespaceURI !== SVG || !SHAPES.includes(element.localName)) return null;
    for (const { name } of element.attributes) if (REFUSED.test(name)) return null;
  }
  return document.importNode(svg, true);
}

function make(tag, className, parent, text = "", attributes = {}) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.textContent = text;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  parent?.append(element);
  return element;
}

// A number with as many digits as one reads.
function short(number) {
  return String(Number(number.toPrecision(6)));
}

function set(element, attributes, text) {
  for (const [name, value] of Object.entries(attributes))
    if (REFUSED.test(name)) continue;
    else if (value === null) element.removeAttribute(name);
    else element.setAttribute(name, value);
  if (text !== null) element.textContent = text;
}

// The way back of an edge: the line up to the tip of its arrow, and an arrow at its other end.
function addWayBack(svg, line) {
  const head = svg.querySelector(`polygon[data-edge="${line.dataset.edge}"]`);
  const [tip] = head.getAttribute("points").split(" ");
  const d = line.getAttribute("d");
  const [x, y, ...rest] = d.match(/-?[\d.]+/g).map(Number);
  const next = rest.findIndex((n, i) => i % 2 === 0 && (n !== x || rest[i + 1] !== y));
  const [dx, dy] = [rest[next] - x, rest[next + 1] - y].map((n, _, v) => (8 * n) / Math.hypot(...v));
  const add = (original, name, value) => {
    const copy = original.cloneNode();
    copy.setAttribute(name, value);
    copy.setAttribute("class", "live-back");
    original.after(copy);
  };
  add(line, "d", `${d} L${tip}`);
  add(head, "points", `${x},${y} ${x + dx - dy * 0.4},${y + dy + dx * 0.4} ` +
    `${x + dx + dy * 0.4},${y + dy - dx * 0.4}`);
}

// Show a live graph in an element, and return what its owner may do with it.
//
// options.first: a `graph` message to show before Python answers; options.controls: false leaves the
// buttons out, for a page that has its own; options.onAnswer(message): called after each answer;
// options.patience: after how many ms without an answer the page says so, by default never.
export function mount(host, transport, options = {}) {
  const own = `live-${++views}-${Math.random().toString(36).slice(2, 8)}`;
  let asked = 0, late = 0, svg = null, parts = [], chosen = null, film = null, awaited = null;
  const waiting = new Map(); // numbers to send, by the index of the leaf
  const rows = new Map(); // by the index of a leaf: its slider and its field

  const root = make("div", "scalargrad-live", host, "", { "data-lm-suppress-shortcuts": "true" });
  const fault = make("p", "live-fault", root, "", { role: "alert" });
  const view = make("div", "live-picture", root, "", {
    role: "group", tabindex: 0, "aria-label": "Computation graph",
  });
  const bar = make("div", "live-bar", root, "", { role: "group", "aria-label": "Live graph" });
  const now = make("div", "live-now", root, "", { role: "region", "aria-label": "This step", "aria-live": "polite" });
  const below = make("div", "live-below", root);
  const leaves = make("div", "live-leaves", below, "", { role: "group", "aria-label": "Numbers to move" });
  const told = make("div", "live-told", below, "", { role: "region", "aria-label": "Explanation" });
  const note = make("p", "live-note", below);
  const status = make("p", "live-status", root, "", { role: "status" });
  if (options.controls === false) bar.hidden = true;

  const button = (text, act, parent = bar) => {
    const element = make("button", "", parent, text, { type: "button" });
    element.addEventListener("click", act);
    return element;
  };
  const filmButton = button("Run as a film", () => (film ? endFilm() : ask({ type: "film" })));
  const player = make("span", "live-player", bar, "", { role: "group", "aria-label": "Film" });
  button("Back", () => go(film.at - 1), player);
  const play = button("Play", () => playing(!film.timer), player);
  button("Forward", () => go(film.at + 1), player);
  const slider = make("input", "", player, "", { type: "range", min: 0, "aria-label": "Step" });
  slider.addEventListener("input", () => go(Number(slider.value)));
  player.hidden = now.hidden = true;
  button("Reset numbers", () => ask({ type: "reset" }));
  const by = make("label", "live-by", bar, "Derivative by ");
  const which = make("select", "", by);
  const derive = button("Show its graph", () => ask({ type: "derivative", leaf: Number(which.value) }));
  const back = button("Back to the graph before", () => ask({ type: "back" }));

  function ask(message) {
    const id = `${own}-${++asked}`;
    if (options.patience && !late) late = setTimeout(() => complain(SILENT), options.patience);
    transport.send({ ...message, id });
    return id;
  }

  function complain(text) {
    fault.textContent = text;
    fault.hidden = !text;
  }

  // --- the picture

  function showGraph(graph) {
    forgetFilm();
    svg = unpack(graph.svg);
    if (!svg) return;
    const [width, height] = ["width", "height"].map((name) => parseFloat(svg.getAttribute(name)));
    svg.style.maxWidth = `${width}pt`;
    svg.style.minWidth = `min(${width}pt, ${READABLE * Math.min(width, 1500)}pt)`;
    svg.style.aspectRatio = `${width} / ${height}`;
    svg.removeAttribute("width");
    svg.removeAttribute("height");
    svg.setAttribute("role", "group"); // an image would hide the boxes in it
    parts = [...svg.children].map((group) => [group, [...group.children]]);
    svg.querySelectorAll("path[data-edge]").forEach((line) => addWayBack(svg, line));
    for (const box of svg.querySelectorAll("g[data-box]")) {
      box.setAttribute("tabindex", 0);
      box.setAttribute("role", "button");
    }
    view.replaceChildren(svg);
    chosen = null;
    told.replaceChildren(make("p", "live-hint", null, "Click a value, or press Enter on it: its explanation."));
    back.hidden = !graph.depth;
    note.textContent = graph.note ?? "";
    note.hidden = !graph.note;
    showLeaves(graph.leaves, true);
    showState(graph);
  }

  function applyUpdate(update) {
    if (!svg) return;
    if (film) endFilm();
    for (const [number, place, attributes, text] of update.elements) {
      const [group, children] = parts[number];
      if (place >= 0) {
        set(children[place], attributes, text);
        continue;
      }
      children.splice(0, Infinity, ...attributes.filter(([tag]) => SHAPES.includes(tag)).map(([tag, given, words]) => {
        const element = document.createElementNS(SVG, tag);
        set(element, given, words);
        return element;
      }));
      group.replaceChildren(...children);
    }
    const [width, height] = update.size;
    svg.setAttribute("viewBox", `0 0 ${width.toFixed(2)} ${height.toFixed(2)}`);
    svg.style.aspectRatio = `${width} / ${height}`;
    showLeaves(update.leaves, false);
    showState(update);
  }

  // What both kinds of answers say besides.
  function showState({ fault: why, summary, result }) {
    complain(why);
    svg.setAttribute("aria-label", summary);
    root.dataset.result = result;
    for (const box of svg.querySelectorAll("g[data-box]")) {
      const texts = [...box.querySelectorAll("text")].map((text) => text.textContent);
      const label = texts.join(", ");
      if (box.getAttribute("aria-label") !== label) box.setAttribute("aria-label", label);
    }
  }

  // --- the numbers to move

  function showLeaves(list, anew) {
    if (anew) {
      waiting.clear(); // they belong to the leaves of another graph
      rows.clear();
      leaves.replaceChildren();
      which.replaceChildren();
      for (const leaf of list) addLeaf(leaf);
      by.hidden = derive.hidden = !list.length;
    }
    for (const leaf of list) {
      const row = rows.get(leaf.index);
      if (!row || waiting.has(leaf.index)) continue; // the user is ahead of Python
      const { range, field } = row;
      range.min = leaf.low;
      range.max = leaf.high;
      range.step = leaf.step;
      range.value = leaf.number;
      range.setAttribute("aria-valuetext", String(leaf.number));
      const shown = short(leaf.number);
      if (document.activeElement !== field || short(Number(field.value)) !== shown) field.value = shown;
    }
  }

  function addLeaf(leaf) {
    const row = make("div", "live-leaf", leaves, "", { "data-kind": leaf.kind });
    const label = make("label", "", row);
    make("span", "live-name", label, leaf.name, { title: leaf.name });
    const range = make("input", "", label, "", { type: "range" });
    const field = make("input", "", row, "", { type: "number", step: "any", "aria-label": `${leaf.name}, number` });
    make("option", "", which, leaf.name, { value: leaf.index });
    rows.set(leaf.index, { range, field });
    const move = (number, from) => {
      if (!Number.isFinite(number)) return;
      if (from === range) field.value = String(number);
      else range.value = number;
      range.setAttribute("aria-valuetext", String(number));
      waiting.set(leaf.index, number);
      sendNumbers();
    };
    range.addEventListener("input", () => move(Number(range.value), range));
    field.addEventListener("input", () => move(field.value === "" ? NaN : Number(field.value), field));
    for (const input of [range, field]) input.addEventListener("change", () => (status.dataset.due = "1"));
  }

  // One question at a time: while Python computes, the numbers of a drag come together.
  function sendNumbers() {
    if (awaited || !waiting.size) return;
    awaited = ask({ type: "set", numbers: Object.fromEntries(waiting) });
    waiting.clear();
  }

  // --- the explanation of a box

  function explain(number) {
    chosen = number;
    ask({ type: "explain", box: number });
  }

  function light(boxes, edges, how) {
    for (const lit of svg.querySelectorAll(`[data-lit="${how}"]`)) lit.removeAttribute("data-lit");
    for (const [name, numbers] of [["box", boxes], ["edge", edges]])
      for (const number of numbers)
        for (const lit of svg.querySelectorAll(`[data-${name}="${number}"]:not(.live-back)`)) lit.setAttribute("data-lit", how);
  }

  function showTold(answer, announced) {
    light([answer.box], [], "chosen");
    told.replaceChildren();
    make("h3", "", told, answer.title);
    if (answer.formula) make("p", "live-formula", told, answer.formula);
    for (const line of answer.local) make("p", "live-formula", told, line);
    if (answer.text) make("pre", "", told, answer.text, { tabindex: 0 });
    if (answer.paths.length) {
      make("h4", "", told, answer.more ? `Paths to the result: ${answer.more}` : "Paths to the result");
      const list = make("ul", "live-paths", told);
      for (const path of answer.paths) {
        const item = make("button", "", make("li", "", list), `${path.text}: ${path.product}`, { type: "button" });
        const showPath = () => {
          light([], [], "chosen");
          light(path.boxes, path.edges, "path");
        };
        for (const event of ["mouseenter", "focus", "click"]) item.addEventListener(event, showPath);
        for (const event of ["mouseleave", "blur"]) item.addEventListener(event, () => {
          light([], [], "path");
          light([answer.box], [], "chosen");
        });
      }
    }
    button("Close", closeTold, told);
    if (announced) status.textContent = [answer.formula, answer.text.split("\n")[0]].filter(Boolean).join(". ");
  }

  function closeTold() {
    if (chosen === null) return;
    const box = svg.querySelector(`g[data-box="${chosen}"]`);
    chosen = null;
    light([], [], "chosen");
    light([], [], "path");
    told.replaceChildren();
    box?.focus();
  }

  // --- the film

  function startFilm({ summary, start, steps }) {
    if (film) endFilm();
    const texts = [...svg.querySelectorAll("g[data-box] text, g[data-box] path")];
    const before = texts.map((element) => [element, element.textContent, element.getAttribute("fill")]);
    film = { start, steps, summary, before, at: 0, timer: 0, label: svg.getAttribute("aria-label") };
    light([], [], "chosen");
    slider.max = steps.length - 1;
    player.hidden = now.hidden = false;
    filmButton.textContent = "End the film";
    const longest = Math.max(...steps.map((step) => step.lines.length));
    now.style.setProperty("--lines", Math.min(longest, 5)); // one height for all: nothing jumps
    playing(true);
    showStep(0);
  }

  function showStep(n) {
    const { start, steps, summary } = film;
    const at = (film.at = Math.min(Math.max(n, 0), steps.length - 1));
    const step = steps[at];
    const state = new Map(); // from the first step on, so that going back needs no undoing
    for (const made of [start, ...steps.slice(0, at + 1).map((s) => s.changes)])
      for (const [number, part, text] of made) state.set(`${number} ${part}`, [number, part, text]);
    for (const [number, part, text] of state.values()) {
      const box = svg.querySelector(`g[data-box="${number}"]`);
      if (part === "fill") box.querySelectorAll("path").forEach((path) => path.setAttribute("fill", text));
      else box.querySelector(`[data-row="${part}"]`).textContent = text;
    }
    // A local derivative is not known before the value at the head of its edge is computed.
    const known = new Set(steps.slice(0, at + 1).flatMap((s) => s.edges));
    for (const label of svg.querySelectorAll("g[data-edge]"))
      label.style.visibility = known.has(Number(label.dataset.edge)) ? "" : "hidden";
    root.dataset.phase = step.phase;
    for (const lit of svg.querySelectorAll("[data-lit]")) lit.removeAttribute("data-lit");
    for (const [name, numbers, how] of [
      ["box", step.touched, "touched"], ["box", step.boxes, "acting"],
      ["edge", step.stopped, "stopped"], ["edge", step.edges, "flow"],
    ]) for (const number of numbers)
      for (const lit of svg.querySelectorAll(`[data-${name}="${number}"]`)) lit.setAttribute("data-lit", how);
    now.replaceChildren();
    make("p", "live-caption", now, step.caption);
    make("p", "live-title", now, step.title);
    for (const line of step.lines) make("p", "live-line", now, line);
    now.scrollTop = 0;
    slider.value = at;
    slider.setAttribute("aria-valuetext", step.caption);
    svg.setAttribute("aria-label", `${summary}; ${step.caption}: ${step.title}`);
    if (step.boxes.length) reveal(svg.querySelector(`g[data-box="${step.boxes[0]}"]`));
  }

  // Bring a box into the middle of a picture larger than its view; the page itself stays put.
  function reveal(element) {
    const [inner, outer] = [element, view].map((e) => e.getBoundingClientRect());
    view.scrollBy({
      left: inner.left + inner.width / 2 - outer.left - outer.width / 2,
      top: inner.top + inner.height / 2 - outer.top - outer.height / 2,
      behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth",
    });
  }

  function go(n) {
    playing(false);
    showStep(n);
  }

  function playing(on) {
    clearInterval(film.timer);
    film.timer = 0;
    if (on) {
      if (film.at === film.steps.length - 1) showStep(0); // once more
      film.timer = setInterval(() => {
        if (!root.isConnected || film.at === film.steps.length - 1) return playing(false);
        showStep(film.at + 1);
      }, PACE);
    }
    play.textContent = on ? "Pause" : "Play";
  }

  function forgetFilm() {
    if (film) clearInterval(film.timer);
    film = null;
    player.hidden = now.hidden = true;
    filmButton.textContent = "Run as a film";
    delete root.dataset.phase;
  }

  function endFilm() {
    const { before, label } = film;
    forgetFilm();
    for (const [element, text, fill] of before)
      if (element.localName === "text") element.textContent = text;
      else if (fill !== null) element.setAttribute("fill", fill);
    for (const lit of svg.querySelectorAll("[data-lit]")) lit.removeAttribute("data-lit");
    for (const group of svg.querySelectorAll("g[data-edge]")) group.style.visibility = "";
    svg.setAttribute("aria-label", label);
    if (chosen !== null) light([chosen], [], "chosen");
  }

  // --- answers

  // Graphs and updates are for all views of one graph: an update is what differs from the last one.
  function hear(answer) {
    const mine = String(answer.id ?? "").startsWith(`${own}-`);
    clearTimeout(late);
    late = 0;
    if (fault.textContent === SILENT) complain("");
    if (answer.type === "graph") showGraph(answer);
    else if (answer.type === "update") applyUpdate(answer);
    else if (!mine) return;
    else if (answer.type === "explanation" && answer.box === chosen) showTold(answer, !status.dataset.quiet);
    else if (answer.type === "film") startFilm(answer);
    else if (answer.type === "error") complain(answer.text);
    if (answer.id === awaited) awaited = null;
    sendNumbers();
    if (answer.type === "explanation") delete status.dataset.quiet;
    if (answer.type === "update" && !awaited) {
      if (status.dataset.due) status.textContent = answer.fault || answer.summary;
      delete status.dataset.due;
      if (chosen !== null) {
        status.dataset.quiet = "1";
        ask({ type: "explain", box: chosen });
      }
    }
    options.onAnswer?.(answer);
  }

  root.addEventListener("click", (event) => {
    const box = event.target.closest?.("g[data-box]");
    if (box && svg?.contains(box)) explain(Number(box.dataset.box));
  });
  root.addEventListener("keydown", (event) => {
    event.stopPropagation(); // slides and notebooks would turn their own page
    const box = event.target.closest?.("g[data-box]");
    if (box && (event.key === "Enter" || event.key === " ")) {
      event.preventDefault();
      explain(Number(box.dataset.box));
    } else if (event.key === "Escape") {
      if (film) endFilm();
      else closeTold();
    }
  });

  const off = transport.on(hear);
  if (options.first?.svg) showGraph(options.first);
  ask({ type: "show" });
  return {
    root,
    ask,
    film: () => ask({ type: "film" }),
    explain,
    destroy() {
      clearTimeout(late);
      forgetFilm();
      off?.();
      root.remove();
    },
  };
}

// What anywidget asks for: the view of a widget in a notebook.
export default {
  render({ model, el }) {
    const transport = {
      send: (message) => {
        try {
          model.send(message);
        } catch {
          // a page made of the notebook has no Python to send to, which is said in a while
        }
      },
      on: (listener) => {
        model.on("msg:custom", listener);
        return () => model.off("msg:custom", listener);
      },
    };
    const { destroy } = mount(el, transport, { first: model.get("graph"), patience: PATIENCE });
    return destroy;
  },
};

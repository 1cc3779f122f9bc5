// The player of a film: shows its picture step by step, as the data beside it say. It loads
// nothing, needs no ids, and writes with textContent and setAttribute only.
(() => {
  "use strict";
  const SVG = "http://www.w3.org/2000/svg";
  const SHAPES = "svg g path polygon text".split(" ");
  const PACE = 2000; // ms a step

  // The picture of an img as elements of the page; null unless it is what Python lets through.
  function unpack(img) {
    const bytes = Uint8Array.from(atob(img.src.split(",")[1]), (c) => c.charCodeAt(0));
    const text = new TextDecoder().decode(bytes);
    const svg = new DOMParser().parseFromString(text, "image/svg+xml").documentElement;
    for (const element of [svg, ...svg.querySelectorAll("*")]) {
      if (element.namespaceURI !== SVG || !SHAPES.includes(element.localName)) return null;
      for (const { name } of element.attributes)
        if (/^(on|style|id$|class)|href/i.test(name)) return null;
    }
    return document.importNode(svg, true);
  }

  function make(tag, className, parent, text, attributes = {}) {
    const element = document.createElement(tag);
    element.className = className;
    element.textContent = text;
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    parent.append(element);
    return element;
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
      copy.setAttribute("class", "film-back");
      original.after(copy);
    };
    add(line, "d", `${d} L${tip}`);
    add(head, "points", `${x},${y} ${x + dx - dy * 0.4},${y + dy + dx * 0.4} ` +
      `${x + dx + dy * 0.4},${y + dy - dx * 0.4}`);
  }

  function start(film) {
    const img = film.querySelector("img");
    const svg = img && unpack(img);
    if (!svg) return; // the picture and the list stay as they are
    const data = film.querySelector("script[type='application/json']").textContent;
    const { summary, start, steps } = JSON.parse(data);
    const view = img.parentNode;
    img.replaceWith(svg);
    svg.querySelectorAll("path[data-edge]").forEach((line) => addWayBack(svg, line));
    // Never wider than the page. As high as the window shows at once, but not too small to read for
    // that: then the view scrolls.
    const [width, height] = ["width", "height"].map((name) => parseFloat(svg.getAttribute(name)));
    svg.style.maxWidth = `min(${width}pt, max(${0.6 * width}pt, ${width / height} * (100vh - 340px)))`;
    // On a phone that is too small to read: a tap shows a part of it larger, and the view scrolls.
    svg.addEventListener("click", () => {
      svg.style.minWidth = svg.style.minWidth ? "" : `${0.6 * width}pt`;
      revealFirst();
    });
    for (const name of ["width", "height"]) svg.removeAttribute(name);
    const box = (n) => svg.querySelectorAll(`[data-box="${n}"]`);
    const edge = (n) => svg.querySelectorAll(`[data-edge="${n}"]`);

    let at = 0, timer = 0;
    const last = steps.length - 1;
    const bar = make("div", "film-bar", film, "", { role: "group", "aria-label": "Film" });
    const button = (text, label, act) => {
      const element = make("button", "", bar, text, { type: "button", "aria-label": label });
      element.addEventListener("click", act);
      return element;
    };
    button("Back", "Back one step", () => go(at - 1));
    const player = button("Play", "Play", toggle);
    button("Forward", "Forward one step", () => go(at + 1));
    const slider = make("input", "", bar, "", { type: "range", min: 0, max: last, "aria-label": "Step" });
    slider.addEventListener("input", () => go(Number(slider.value)));
    const now = make("div", "film-now", film, "", {
      role: "region", "aria-label": "This step", "aria-live": "polite", "aria-atomic": true, tabindex: 0,
    });
    const longest = Math.max(...steps.map((step) => step.lines.length));
    now.style.setProperty("--lines", Math.min(longest, 6)); // one height for all: nothing jumps
    view.before(bar, now);
    view.tabIndex = 0;
    view.setAttribute("role", "group");
    view.setAttribute("aria-label", "Picture of the computation graph");
    film.querySelector("details").open = false;

    function show(n) {
      at = Math.min(Math.max(n, 0), last);
      const step = steps[at];
      const state = new Map(); // from the first step on, so that going back needs no undoing
      for (const changes of [start, ...steps.slice(0, at + 1).map((s) => s.changes)])
        for (const [number, part, text] of changes) state.set(`${number} ${part}`, [number, part, text]);
      for (const [number, part, text] of state.values())
        for (const group of box(number)) {
          if (part !== "fill") group.querySelector(`[data-row="${part}"]`).textContent = text;
          else group.querySelectorAll("path").forEach((path) => path.setAttribute("fill", text));
        }
      // A local derivative is not known before the value at the head of its edge is computed.
      const known = new Set(steps.slice(0, at + 1).flatMap((s) => s.edges));
      for (const label of svg.querySelectorAll("g[data-edge]"))
        label.style.visibility = known.has(Number(label.dataset.edge)) ? "" : "hidden";
      film.dataset.phase = step.phase;
      for (const lit of svg.querySelectorAll("[data-lit]")) lit.removeAttribute("data-lit");
      for (const [list, find, how] of [
        [step.touched, box, "touched"], [step.boxes, box, "acting"],
        [step.stopped, edge, "stopped"], [step.edges, edge, "flow"],
      ]) for (const number of list) for (const lit of find(number)) lit.setAttribute("data-lit", how);
      now.textContent = "";
      make("p", "film-caption", now, step.caption);
      make("p", "film-title", now, step.title);
      for (const line of step.lines) make("p", "film-line", now, line);
      now.scrollTop = 0;
      slider.value = at;
      slider.setAttribute("aria-valuetext", step.caption);
      svg.setAttribute("aria-label", `${summary}; ${step.caption}: ${step.title}`);
      revealFirst();
    }

    // Bring the box that acts into the middle of a picture larger than its view; the page itself
    // stays put. Plain numbers alone start no step of their own: then there is no box to look at.
    function revealFirst() {
      if (!steps[at].boxes.length) return;
      const element = box(steps[at].boxes[0])[0];
      const [inner, outer] = [element, view].map((e) => e.getBoundingClientRect());
      view.scrollBy({
        left: inner.left + inner.width / 2 - outer.left - outer.width / 2,
        top: inner.top + inner.height / 2 - outer.top - outer.height / 2,
        behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth",
      });
    }

    function play(on) {
      clearInterval(timer);
      timer = on ? setInterval(tick, PACE) : 0;
      player.textContent = on ? "Pause" : "Play";
      player.setAttribute("aria-label", player.textContent);
    }

    function tick() {
      if (film.isConnected) show(at + 1); // a notebook takes outputs away without a word
      if (!film.isConnected || at === last) play(false);
    }

    function toggle() {
      if (timer) return play(false);
      play(true);
      if (at === last) show(0); // once more
      else tick(); // at once, so that the button is seen to work
    }

    function go(n) {
      play(false);
      show(n);
    }

    const keys = {
      ArrowLeft: () => go(at - 1), ArrowRight: () => go(at + 1),
      Home: () => go(0), End: () => go(last), " ": toggle,
    };
    film.addEventListener("keydown", (event) => {
      const act = Object.hasOwn(keys, event.key) && keys[event.key];
      if (!act || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
      if (event.key === " " && event.target.closest("button, summary")) return; // it presses those
      event.preventDefault();
      event.stopPropagation(); // slides and notebooks would turn their own page
      act();
    });
    show(0);
  }

  // Every film that is not a player yet: in a notebook nothing tells a script where it stands.
  for (const film of document.querySelectorAll(".scalargrad-film:not([data-ready])")) {
    film.dataset.ready = "";
    start(film);
  }
})();

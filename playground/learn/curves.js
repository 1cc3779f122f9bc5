// The loss by step, and the size of the gradients layer by layer.
const SVG = "http://www.w3.org/2000/svg";
const [LEFT, RIGHT, TOP, BOTTOM] = [38, 314, 8, 132];
const MOST = 276; // points of a line: one for each pixel
const DECADES = 6; // of the bars

export function drawCurve(svg, losses) {
  const known = losses.filter((x) => x !== null);
  const top = Math.max(...known, 1e-12);
  // A loss that explodes would press all others to the bottom
  const high = Math.min(top, 20 * median(known) || top);
  const every = Math.max(1, Math.ceil(losses.length / MOST));
  const last = Math.max(losses.length - 1, 1);
  const places = [];
  losses.forEach((loss, k) => {
    if (loss === null || (k % every && k !== losses.length - 1)) return;
    const y = BOTTOM - (BOTTOM - TOP) * Math.min(loss / high, 1);
    places.push(`${(LEFT + ((RIGHT - LEFT) * k) / last).toFixed(1)},${y.toFixed(1)}`);
  });
  if (!svg.firstChild) build(svg);
  svg.querySelector("polyline").setAttribute("points", places.join(" "));
  const [highest, zero, end] = svg.querySelectorAll("text");
  highest.textContent = Number(high.toPrecision(2));
  zero.textContent = "0";
  end.textContent = `step ${losses.length - 1}`;
}

function median(numbers) {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
}

function build(svg) {
  const add = (name, attributes) => {
    const element = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    svg.append(element);
  };
  add("line", { x1: LEFT, x2: RIGHT, y1: BOTTOM, y2: BOTTOM });
  add("line", { x1: LEFT, x2: LEFT, y1: TOP, y2: BOTTOM });
  add("polyline", { points: "" });
  add("text", { x: LEFT - 4, y: TOP + 8, "text-anchor": "end" });
  add("text", { x: LEFT - 4, y: BOTTOM, "text-anchor": "end" });
  add("text", { x: RIGHT, y: BOTTOM + 13, "text-anchor": "end" });
}

/** A bar for each layer; the length is the power of ten below the largest. */
export function drawNorms(host, norms) {
  const largest = Math.max(...norms.map((x) => x ?? 0));
  if (host.children.length !== norms.length)
    host.replaceChildren(...norms.map((_, k) => {
      const row = document.createElement("div");
      for (const text of [k === norms.length - 1 ? "output" : `layer ${k + 1}`, "", ""])
        row.append(Object.assign(document.createElement("span"), { textContent: text }));
      row.children[1].append(Object.assign(document.createElement("i"), { className: "length" }));
      return row;
    }));
  norms.forEach((norm, k) => {
    const [, bar, text] = host.children[k].children;
    const share = norm && largest ? Math.max(0, 1 + Math.log10(norm / largest) / DECADES) : 0;
    bar.firstChild.style.width = `${(100 * share).toFixed(1)}%`;
    text.textContent = norm === null ? "no number" : norm ? norm.toExponential(1) : "0";
  });
}

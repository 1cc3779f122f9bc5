// The network as tiles and lines: each unit's output over the plane, weights as widths and signs.
import { css } from "./maps.js";

const SVG = "http://www.w3.org/2000/svg";
const WIDEST = 7, THINNEST = 0.6; // of lines, in pixels
const TEXT = 15; // pixels for the number below a tile

/**
 * @param {HTMLElement} host
 * @param frame what Python answered
 * @param {{gradients, seen, unit, grid, activation, drawTile, onUnit}} view `seen` is the phase of a
 *   step up to which everything is shown; null shows all
 */
export function drawNetwork(host, frame, { gradients, seen, unit, grid, activation, drawTile, onUnit }) {
  const { sizes, layers, chosen, maps } = frame;
  const key = sizes.join();
  if (host.dataset.sizes !== key || !host.firstChild) build(host, sizes, onUnit);
  host.dataset.sizes = key;
  const width = host.clientWidth || 320, most = Math.max(...sizes);
  const across = width / sizes.length;
  const tile = Math.max(18, Math.min(50, across - 12));
  const height = most * (tile + TEXT + 6) + 4;
  host.style.height = `${height}px`;
  const place = (layer, k) => [
    across * (layer + 0.5), height / 2 + (k - (sizes[layer] - 1) / 2) * (tile + TEXT + 6) - TEXT / 2,
  ];
  const svg = host.querySelector("svg");
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  const known = (layer) => !seen || layer <= seen.forward; // its activation is computed
  const passed = (layer) => !seen || layer >= seen.backward; // its gradient is computed

  const shown = layers.map(({ w, gw }) => (gradients ? gw : w));
  const largest = Math.max(...shown.flat(2).map((x) => Math.abs(x ?? 0)), 1e-300);
  svg.querySelectorAll("line").forEach((line) => {
    const [layer, to, from] = ["layer", "to", "from"].map((name) => Number(line.dataset[name]));
    const value = shown[layer][to][from] ?? 0, share = Math.abs(value) / largest;
    const [[x1, y1], [x2, y2]] = [place(layer, from), place(layer + 1, to)];
    for (const [name, x] of Object.entries({ x1: x1 + tile / 2, y1, x2: x2 - tile / 2, y2 })) line.setAttribute(name, x);
    line.setAttribute("stroke-width", (THINNEST + (WIDEST - THINNEST) * share).toFixed(2));
    line.setAttribute("stroke", value >= 0 ? "var(--plus)" : "var(--minus)");
    line.setAttribute("stroke-dasharray", value >= 0 ? "none" : "5 6"); // a sign to see in grey, too
    line.classList.toggle("dim", gradients ? !passed(layer + 1) : !known(layer + 1));
  });

  // x1 and x2 over the plane are known without Python
  const ends = Array.from({ length: grid }, (_, k) => (2 * k) / (grid - 1) - 1);
  const inputs = [ends.flatMap(() => ends), [...ends].reverse().flatMap((y) => ends.map(() => y))];
  const numbers = [chosen.point.slice(0, 2), ...(gradients ? chosen.delta : chosen.a)];
  const scale = Math.max(...numbers.slice(gradients ? 1 : 0).flat().map((x) => Math.abs(x ?? 0)), 1e-300);
  let index = 0;
  sizes.forEach((size, layer) => {
    for (let k = 0; k < size; k++) {
      const button = host.querySelector(`button[data-layer="${layer}"][data-unit="${k}"]`);
      const text = host.querySelector(`.number[data-layer="${layer}"][data-unit="${k}"]`);
      const [x, y] = place(layer, k);
      Object.assign(button.style, { left: `${x - tile / 2}px`, top: `${y - tile / 2}px`, width: `${tile}px`, height: `${tile}px` });
      Object.assign(text.style, { left: `${x - 32}px`, top: `${y + tile / 2 + 1}px` });
      const map = layer ? maps[index++] : inputs[k];
      const hidden = layer && layer < sizes.length - 1;
      if (map) drawTile(button.firstChild, map, grid, hidden && activation === "sigmoid" ? 0.5 : 0);
      text.hidden = across < 54; // the numbers of neighbours would overlap
      const value = numbers[layer]?.[k];
      const there = gradients ? layer > 0 && passed(layer) : known(layer);
      button.style.borderColor = there && value !== null && value !== undefined ? css(value / scale) : "var(--rule)";
      button.classList.toggle("dim", !there && !(gradients && !layer));
      text.textContent = there && value !== null && value !== undefined ? short(value) : "–";
      const name = layer === 0 ? `Input x${k + 1}` : hidden ? `Layer ${layer}, unit ${k + 1}` : "Output";
      button.setAttribute("aria-label", `${name}: ${gradients ? "δ" : layer ? "a" : "x"} ${text.textContent}`);
      if (layer) button.setAttribute("aria-pressed", String(Boolean(unit && unit[0] === layer - 1 && unit[1] === k)));
    }
  });
}

function build(host, sizes, onUnit) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("aria-hidden", "true");
  const parts = [svg];
  sizes.forEach((size, layer) => {
    for (let k = 0; k < size; k++) {
      for (let from = 0; layer && from < sizes[layer - 1]; from++) {
        const line = document.createElementNS(SVG, "line");
        Object.assign(line.dataset, { layer: layer - 1, to: k, from });
        svg.append(line);
      }
      const button = Object.assign(document.createElement("button"), { type: "button" });
      const text = Object.assign(document.createElement("span"), { className: "number" });
      for (const element of [button, text]) Object.assign(element.dataset, { layer, unit: k });
      button.append(document.createElement("canvas"));
      if (layer) button.addEventListener("click", () => onUnit(layer - 1, k));
      else button.disabled = true;
      text.setAttribute("aria-hidden", "true");
      parts.push(button, text);
    }
  });
  host.replaceChildren(...parts);
}

function short(x) {
  const size = Math.abs(x);
  if (size !== 0 && (size < 1e-3 || size >= 1e4)) return x.toExponential(1).replace("-", "−").replace("e−", "e-");
  return String(Number(x.toPrecision(3))).replace("-", "−");
}

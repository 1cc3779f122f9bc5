// The points on the plane: add by a click, drag, choose, delete; the same with the keyboard.
const SVG = "http://www.w3.org/2000/svg";
const REACH = 2, STEP = 0.1;

export class Points {
  /**
   * @param {SVGElement} svg whose viewBox is the plane, y downwards
   * @param {{onMove: () => void, onChoose: () => void}} events
   */
  constructor(svg, { onMove, onChoose }) {
    this.svg = svg;
    this.onMove = onMove;
    this.onChoose = onChoose;
    this.list = [];
    this.chosen = 0;
    this.kind = 1; // the class of new points
    svg.addEventListener("pointerdown", (event) => this.press(event));
    svg.addEventListener("keydown", (event) => this.key(event));
  }

  set(list) {
    this.list = list.map((point) => [...point]);
    this.chosen = 0;
    this.build();
  }

  /** Where the pointer is on the plane, to two digits. */
  place(event) {
    const { left, top, width, height } = this.svg.getBoundingClientRect();
    const clip = (x) => Math.round(100 * Math.min(Math.max(x, -REACH), REACH)) / 100;
    return [
      clip(REACH * ((2 * (event.clientX - left)) / width - 1)),
      clip(-REACH * ((2 * (event.clientY - top)) / height - 1)),
    ];
  }

  press(event) {
    if (event.button) return;
    const found = event.target.closest("g");
    if (found) this.choose(Number(found.dataset.index));
    else this.add(...this.place(event));
    event.preventDefault();
    this.svg.setPointerCapture(event.pointerId);
    const index = this.chosen;
    const move = (moved) => {
      this.list[index].splice(0, 2, ...this.place(moved));
      this.locate(index);
      this.onMove();
    };
    const end = () => {
      this.svg.removeEventListener("pointermove", move);
      this.svg.children[index]?.focus({ preventScroll: true });
    };
    this.svg.addEventListener("pointermove", move);
    for (const name of ["pointerup", "pointercancel"]) this.svg.addEventListener(name, end, { once: true });
  }

  key(event) {
    const by = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, STEP], ArrowDown: [0, -STEP] }[event.key];
    const index = Number(event.target.dataset.index);
    if (by) {
      const clip = (x) => Math.round(100 * Math.min(Math.max(x, -REACH), REACH)) / 100;
      const point = this.list[index];
      [point[0], point[1]] = [clip(point[0] + by[0]), clip(point[1] + by[1])];
      this.locate(index);
      this.onMove();
    } else if (event.key === "Delete" || event.key === "Backspace") this.remove(index);
    else if (event.key === "Enter") this.choose(index);
    else if (event.key === " ") this.flip(index);
    else return;
    event.preventDefault();
  }

  choose(index) {
    this.chosen = index;
    this.mark();
    this.onChoose();
  }

  add(x1, x2) {
    this.list.push([x1, x2, this.kind]);
    this.chosen = this.list.length - 1;
    this.build();
    this.onMove();
  }

  flip(index = this.chosen) {
    this.list[index][2] *= -1;
    this.build(index);
    this.onMove();
  }

  remove(index = this.chosen) {
    if (this.list.length < 2) return; // it learns from one at least
    this.list.splice(index, 1);
    this.chosen = Math.min(this.chosen, this.list.length - 1);
    this.build(Math.min(index, this.list.length - 1));
    this.onMove();
  }

  /** Mark the points for which the output has the wrong sign. */
  show(outputs) {
    this.list.forEach(([, , kind], index) => {
      const wrong = Number.isFinite(outputs[index]) && outputs[index] * kind <= 0;
      this.svg.children[index]?.querySelector(".mark").classList.toggle("wrong", wrong);
    });
  }

  build(focus = -1) {
    const had = this.svg.contains(document.activeElement);
    this.svg.replaceChildren(...this.list.map(([, , kind], index) => {
      const group = document.createElementNS(SVG, "g");
      group.dataset.index = index;
      group.setAttribute("tabindex", 0);
      group.setAttribute("role", "button");
      const shapes = kind > 0
        ? [["circle", { r: 0.12, class: "halo" }], ["circle", { r: 0.075, class: "mark plus" }]]
        : [["rect", { x: -0.12, y: -0.12, width: 0.24, height: 0.24, transform: "rotate(45)", class: "halo" }],
          ["rect", { x: -0.07, y: -0.07, width: 0.14, height: 0.14, transform: "rotate(45)", class: "mark minus" }]];
      for (const [name, attributes] of shapes) {
        const shape = document.createElementNS(SVG, name);
        for (const [key, value] of Object.entries(attributes)) shape.setAttribute(key, value);
        group.append(shape);
      }
      return group;
    }));
    this.list.forEach((_, index) => this.locate(index));
    this.mark();
    if (focus >= 0 && had) this.svg.children[focus]?.focus({ preventScroll: true });
  }

  locate(index) {
    const [x1, x2, kind] = this.list[index];
    const group = this.svg.children[index];
    group.setAttribute("transform", `translate(${x1} ${-x2})`);
    group.setAttribute("aria-label", `Point ${index + 1}: x1 ${x1}, x2 ${x2}, class ${kind > 0 ? "+1" : "−1"}`);
  }

  mark() {
    [...this.svg.children].forEach((group, index) => group.setAttribute("aria-pressed", String(index === this.chosen)));
  }
}

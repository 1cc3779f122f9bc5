// The size of the picture in its pane: as much of it as can be read is shown at once.

const LEAST = 0.58, MOST = 3; // pixels for a point of the picture: its texts have 13 points
const WELL = 1.2; // larger need not be by itself

export class Zoom {
  constructor(host) {
    this.host = host;
    this.scale = 0; // 0 before the first picture
    this.direction = ""; // that Python chooses
  }

  get svg() {
    return this.host.querySelector(".live-picture svg");
  }

  get pane() {
    return this.host.querySelector(".live-picture");
  }

  /** The width and the height of the pane. Stacked on a narrow screen, it grows with its picture. */
  room() {
    const beside = getComputedStyle(this.pane).maxHeight === "none";
    return [this.pane.clientWidth - 12, (beside ? this.pane.clientHeight : 0.72 * innerHeight) - 12];
  }

  size() {
    return this.svg.getAttribute("viewBox").split(" ").slice(2).map(Number);
  }

  fit() {
    if (!this.svg) return;
    const [[width, height], [across, down]] = [this.size(), this.room()];
    this.show(Math.max(LEAST, Math.min(across / width, down / height, WELL)));
  }

  by(factor) {
    if (this.svg) this.show(this.scale * factor);
  }

  show(scale) {
    this.scale = Math.min(Math.max(scale, LEAST / 2), MOST);
    const width = `${this.scale * this.size()[0]}px`;
    const { style } = this.svg;
    style.width = style.minWidth = style.maxWidth = width;
  }

  /** Ask for the other direction than that of now. */
  turn() {
    if (!this.svg) return;
    const [width, height] = this.size();
    const now = this.direction || (width > height ? "LR" : "TB");
    this.direction = now === "LR" ? "TB" : "LR";
  }
}

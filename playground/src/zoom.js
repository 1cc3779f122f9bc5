// The size of the picture in its pane: as much of it as can be read is shown at once.

const LEAST = 0.58, MOST = 3; // pixels for a point of the picture: its texts have 13 points
const WELL = 1.2; // larger need not be by itself

export class Zoom {
  constructor(host) {
    this.host = host;
    this.chosen = 0; // the scale that the user has chosen, or 0
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

  /** The scale at which the whole picture is in the pane, if it can be read then. */
  best() {
    const [[width, height], [across, down]] = [this.size(), this.room()];
    return Math.max(LEAST, Math.min(across / width, down / height, WELL));
  }

  /** Show the picture in the size that the user has chosen, or else in the best one. */
  show() {
    if (!this.svg) return;
    const width = `${(this.chosen || this.best()) * this.size()[0]}px`;
    const { style } = this.svg;
    style.width = style.minWidth = style.maxWidth = width;
  }

  fit() {
    this.chosen = 0;
    this.show();
  }

  by(factor) {
    if (!this.svg) return;
    this.chosen = Math.min(Math.max((this.chosen || this.best()) * factor, LEAST / 2), MOST);
    this.show();
  }

  /** Ask for the other direction than that of now. */
  turn() {
    if (!this.svg) return;
    const [width, height] = this.size();
    const now = this.direction || (width > height ? "LR" : "TB");
    this.direction = now === "LR" ? "TB" : "LR";
  }
}

// Zooming: the sheet is moved and scaled over the stage, its upper left corner being the origin.

const MOST = 8;
const DOUBLE_TAP = 2.5;

export const between = (low, value, high) => Math.min(Math.max(value, low), high);

export class Zoom {
  // `changed` is called after each change.
  constructor(stage, sheet, changed) {
    this.stage = stage;
    this.sheet = sheet;
    this.changed = changed;
    this.scale = 1;
    this.x = 0;
    this.y = 0;
    sheet.style.transformOrigin = "0 0";
  }

  set(scale, x, y) {
    this.scale = between(1, scale, MOST);
    this.x = between(this.stage.clientWidth * (1 - this.scale), x, 0);
    this.y = between(this.stage.clientHeight * (1 - this.scale), y, 0);
    this.sheet.style.transform = `translate(${this.x}px, ${this.y}px) scale(${this.scale})`;
    this.changed();
  }

  // Back to the whole picture, or where it was when the window has changed.
  reset() { this.set(1, 0, 0); }
  settle() { this.set(this.scale, this.x, this.y); }

  // The point of the picture under a place of the stage stays there.
  around(scale, left, top) {
    const factor = between(1, scale, MOST) / this.scale;
    this.set(scale, left - (left - this.x) * factor, top - (top - this.y) * factor);
  }

  toggle(left, top) { this.around(this.scale > 1 ? 1 : DOUBLE_TAP, left, top); }

  by(factor) { this.around(this.scale * factor, this.stage.clientWidth / 2, this.stage.clientHeight / 2); }

  // Follow a finger that swipes, a little, so that it is felt.
  lean(right) { this.sheet.style.transform = `translate(${between(-60, right / 3, 60)}px, 0)`; }
}

// Playing the frames of a clip, as fast as they were taken or as the network brings them.

export class Clip {
  // `next` gives a promise of the next picture, `show` puts it on the screen, `changed` hears of play and pause.
  constructor(next, show, changed) {
    this.next = next;
    this.show = show;
    this.changed = changed;
    this.run = 0;
  }

  get playing() { return this.run > 0; }

  play(rate) {
    this.run = performance.now() + 1;
    this.changed(true);
    this.step(this.run, 1000 / rate, performance.now());
  }

  pause() {
    this.run = 0;
    this.changed(false);
  }

  step(run, apart, before) {
    const due = Math.max(before + apart, performance.now());
    const ifStill = (does) => () => { if (this.run === run) does(); };
    const go = ifStill(() => { this.show(); this.step(run, apart, due); });
    this.next().then(() => setTimeout(go, due - performance.now()), ifStill(this.show));
  }
}

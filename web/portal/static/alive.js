// Pictures in memory must not outlive the link: the page asks now and then whether it still may show them, and
// where the link has ended it is loaded anew, to say so in words.

const EVERY = 15e3;
const SOON = 200;
const ENDED = [401, 404, 410];

export class Alive {
  constructor(path) {
    this.path = path;
    this.timer = 0;
    document.addEventListener("visibilitychange", () => this.soon());
    // A page that the browser has put aside may be shown again long after.
    window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
  }

  // Settles when the box has answered; broken when it can't be reached.
  now() {
    this.in(EVERY);
    if (document.hidden) return Promise.resolve();
    return fetch(`${this.path}/alive`, { credentials: "same-origin", method: "HEAD" }).then((answer) => {
      if (ENDED.includes(answer.status)) location.reload();
    });
  }

  soon() { this.in(SOON); }

  in(milliseconds) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.now().catch(() => undefined), milliseconds);
  }
}

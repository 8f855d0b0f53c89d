// Fingers and mouse on the stage: sideways is one picture, up and down runs through many, two fingers zoom, two
// taps too, and a finger on a zoomed picture moves it. The wheel is one picture a notch.

const AXIS = 10;
const SWIPE = 36;
const TAP = 30;
const TWICE = 350;
const NOTCH = 60;

const span = (one, two) => Math.hypot(one.left - two.left, one.top - two.top) || 1;

// `leaf` has place(), count(), show(place), step(by) and touched().
export function follow(stage, zoom, leaf) {
  const fingers = new Map();
  let gesture = null;
  let lastTap = { time: 0, left: 0, top: 0 };
  let wheeled = 0;

  function point(event) {
    const box = stage.getBoundingClientRect();
    return { left: event.clientX - box.left, top: event.clientY - box.top };
  }

  function begin() {
    const [one, two] = Array.from(fingers.values());
    if (two) gesture = { kind: "pinch", span: span(one, two), scale: zoom.scale };
    else if (one) gesture = { kind: "", from: one, x: zoom.x, y: zoom.y, place: leaf.place() };
    else gesture = null;
  }

  function pinch() {
    const [one, two] = Array.from(fingers.values());
    const scale = (gesture.scale * span(one, two)) / gesture.span;
    zoom.around(scale, (one.left + two.left) / 2, (one.top + two.top) / 2);
  }

  function drag(now) {
    const right = now.left - gesture.from.left;
    const down = now.top - gesture.from.top;
    if (!gesture.kind) {
      if (Math.hypot(right, down) < AXIS) return;
      gesture.kind = zoom.scale > 1 ? "pan" : Math.abs(right) > Math.abs(down) ? "swipe" : "run";
      leaf.touched();
    }
    if (gesture.kind === "pan") zoom.set(zoom.scale, gesture.x + right, gesture.y + down);
    if (gesture.kind === "swipe") zoom.lean(right);
    if (gesture.kind === "run") run(down);
  }

  function run(down) {
    const apiece = Math.max(8, stage.clientHeight / leaf.count());
    const place = gesture.place + Math.round(down / apiece);
    if (leaf.count() > 1 && place !== leaf.place()) leaf.show(place);
  }

  function end(event) {
    if (!fingers.has(event.pointerId)) return;
    const lifted = point(event);
    const ended = gesture;
    fingers.delete(event.pointerId);
    begin();
    if (ended.kind === "swipe") {
      zoom.settle();
      const right = lifted.left - ended.from.left;
      if (event.type === "pointerup" && Math.abs(right) > SWIPE) leaf.step(right < 0 ? 1 : -1);
    }
    if (ended.kind === "" && event.type === "pointerup") tap(event.timeStamp, lifted);
  }

  function tap(time, where) {
    const again = span(where, lastTap) < TAP && time - lastTap.time < TWICE;
    lastTap = again ? { time: 0, left: 0, top: 0 } : { time, left: where.left, top: where.top };
    if (again) zoom.toggle(where.left, where.top);
  }

  stage.addEventListener("pointerdown", (event) => {
    if (event.target.closest("button") || event.button > 0) return;
    stage.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, point(event));
    begin();
  });

  stage.addEventListener("pointermove", (event) => {
    if (!fingers.has(event.pointerId)) return;
    fingers.set(event.pointerId, point(event));
    if (gesture.kind === "pinch") pinch();
    else drag(point(event));
  });

  stage.addEventListener("pointerup", end);
  stage.addEventListener("pointercancel", end);

  stage.addEventListener("wheel", (event) => {
    event.preventDefault();
    const where = point(event);
    const turned = (event.deltaY || event.deltaX) * (event.deltaMode === 1 ? 30 : 1);
    if (event.ctrlKey) {
      zoom.around(zoom.scale * Math.exp(-turned / 200), where.left, where.top);
      return;
    }
    wheeled = Math.sign(turned) === Math.sign(wheeled) ? wheeled + turned : turned;
    if (Math.abs(wheeled) < NOTCH) return;
    leaf.step(Math.sign(wheeled));
    wheeled = 0;
  }, { passive: false });
}

// The patient's viewer: shows pictures that the server has rendered, one at a time. Plain JavaScript of 2017, so
// that old phones understand it; without any script the page still opens each picture as a file.
"use strict";

(function () {
  const element = (id) => document.getElementById(id);
  const album = JSON.parse(element("album").textContent);
  if (!album.stacks.length) return;

  const stage = element("stage");
  const sheet = element("sheet");
  const slider = element("slider");
  const texts = album.texts;
  const say = (text, ...values) => text.replace(/\{(\d)\}/g, (_, index) => values[index]);
  const between = (low, value, high) => Math.min(Math.max(value, low), high);

  // Where we are.
  let stack = album.stacks[0];
  let at = 0;
  let chosenWindow = "";
  const count = () => (stack.frames > 1 ? stack.frames : stack.names.length);
  const nameAt = (place) => (stack.frames > 1 ? stack.names[0] : stack.names[place]);

  function address(place, edge) {
    const frame = stack.frames > 1 ? place + 1 : 1;
    const chosen = chosenWindow ? "&window=" + encodeURIComponent(chosenWindow) : "";
    return `${album.path}/i/${nameAt(place)}/${frame}.jpg?edge=${edge || sharpness()}${chosen}`;
  }

  function sharpness() {
    const wanted = Math.max(stage.clientWidth, stage.clientHeight) * (window.devicePixelRatio || 1) * zoom.scale;
    return stack.large && wanted > 1600 ? 2560 : 1280;
  }

  // Pictures in memory, the ones used last, up to a number of pixels that old phones can hold.
  const MOST_PIXELS = 36e6;
  const pictures = new Map();

  function keep(url, image) {
    const entry = { image, done: false, ready: null };
    entry.ready = new Promise((resolve, reject) => {
      const loaded = () => { entry.done = true; resolve(entry); };
      image.onload = loaded;
      image.onerror = () => { pictures.delete(url); reject(new Error(url)); };
      if (image.complete && image.naturalWidth) loaded();
      else if (image.complete && image.getAttribute("src")) image.onerror();
    });
    entry.ready.catch(() => undefined);
    pictures.set(url, entry);
    return entry;
  }

  function load(url) {
    const known = pictures.get(url);
    if (known) {
      pictures.delete(url);
      pictures.set(url, known);
      return known;
    }
    const image = new Image();
    image.draggable = false;
    const entry = keep(url, image);
    image.src = url;
    return entry;
  }

  function forgetOldest() {
    let pixels = 0;
    for (const [url, entry] of Array.from(pictures).reverse()) {
      pixels += entry.image.naturalWidth * entry.image.naturalHeight;
      if (pixels > MOST_PIXELS && entry.done && entry.image !== sheet.firstElementChild) pictures.delete(url);
    }
  }

  // Showing: one request at a time; who leafs faster than the network sees what has arrived, then the last wish.
  let asking = false;

  function refresh() {
    const url = address(at);
    const entry = load(url);
    if (entry.done) {
      put(entry.image);
      if (!asking) preload(url, ahead());
      return;
    }
    stage.classList.add("waiting");
    if (asking) return;
    asking = true;
    entry.ready.then(() => put(entry.image), () => (address(at) === url ? complain() : undefined)).then(() => {
      asking = false;
      if (address(at) !== url) refresh();
      else preload(url, ahead());
    });
  }

  function put(image) {
    image.alt = say(texts.picture, at + 1, count());
    if (sheet.firstElementChild !== image) sheet.replaceChild(image, sheet.firstElementChild);
    stage.classList.remove("waiting");
    element("trouble").hidden = true;
    forgetOldest();
  }

  function ahead() {
    const total = count();
    if (stack.frames > 1) return Array.from({ length: Math.min(total - 1, 40) }, (_, step) => (at + step + 1) % total);
    return [1, 2, -1, 3, 4, -2].map((step) => at + step).filter((place) => place >= 0 && place < total);
  }

  function preload(url, places) {
    if (!places.length || asking || address(at) !== url) return;
    load(address(places[0])).ready.then(() => preload(url, places.slice(1)), () => undefined);
  }

  function complain() {
    stage.classList.remove("waiting");
    pause();
    fetch(`${album.path}/i/${nameAt(at)}/about.json`, { credentials: "same-origin" }).then(
      (answer) => {
        // The session or the link has ended: the page itself says so in words.
        if ([401, 410, 423].includes(answer.status)) location.reload();
        else trouble(texts.failed);
      },
      () => trouble(texts.offline)
    );
  }

  function trouble(text) {
    element("trouble").textContent = text;
    element("trouble").hidden = false;
  }

  // Leafing.
  let speaking = 0;

  function show(place) {
    at = between(0, place, count() - 1);
    slider.value = at + 1;
    const position = say(texts.position, at + 1, count());
    slider.setAttribute("aria-valuetext", position);
    element("position").textContent = position;
    element("previous").disabled = at === 0;
    element("next").disabled = at === count() - 1;
    element("save").href = address(at, 2560) + "&save";
    clearTimeout(speaking);
    speaking = setTimeout(() => { element("spoken").textContent = playing ? "" : position; }, 400);
    refresh();
  }

  function step(by) {
    pause();
    element("hint").hidden = true;
    show(at + by);
  }

  function open(index) {
    pause();
    stack = album.stacks[index];
    chosenWindow = "";
    zoom.set(1, 0, 0);
    slider.max = count();
    element("leafing").hidden = count() === 1;
    element("previous").hidden = element("next").hidden = count() === 1;
    element("hint").hidden = count() === 1;
    element("play").hidden = stack.frames === 1;
    stage.setAttribute("aria-label", stack.title);
    // A single picture needs no dragging, so that the page may scroll under the finger.
    stage.style.touchAction = count() === 1 ? "pan-y" : "none";
    document.querySelectorAll("[data-stack]").forEach((card) => {
      card.setAttribute("aria-current", String(Number(card.dataset.stack) === index));
    });
    show(0);
    learn(stack);
  }

  // What else can be done with a stack: windows to choose from, frames a second. The picture doesn't wait for it.
  function learn(one) {
    offer(one.about);
    if (one.about) return;
    fetch(`${album.path}/i/${one.names[0]}/about.json`, { credentials: "same-origin" })
      .then((answer) => (answer.ok ? answer.json() : null), () => null)
      .then((about) => {
        one.about = about;
        if (one === stack) offer(about);
      });
  }

  function offer(about) {
    const box = element("windows");
    const windows = (about && about.windows) || [];
    box.hidden = !windows.length;
    box.textContent = "";
    [{ name: texts.standard, value: "" }, ...windows].forEach((one) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = one.name;
      button.setAttribute("aria-pressed", String(one.value === chosenWindow));
      button.addEventListener("click", () => {
        chosenWindow = one.value;
        Array.from(box.children).forEach((other) => other.setAttribute("aria-pressed", String(other === button)));
        show(at);
      });
      box.appendChild(button);
    });
  }

  // Playing a clip, as fast as it was taken or as the network allows.
  let playing = 0;

  function play() {
    const rate = (stack.about && stack.about.rate) || 10;
    const run = (playing = Date.now());
    let due = performance.now();
    element("play").classList.add("playing");
    element("play").setAttribute("aria-label", texts.pause);
    element("hint").hidden = true;
    (function next() {
      const place = (at + 1) % count();
      due = Math.max(due + 1000 / rate, performance.now());
      load(address(place)).ready.then(
        () => setTimeout(() => { if (playing === run) { show(place); next(); } }, due - performance.now()),
        () => { if (playing === run) show(place); }
      );
    })();
  }

  function pause() {
    playing = 0;
    element("play").classList.remove("playing");
    element("play").setAttribute("aria-label", texts.play);
  }

  // Zooming: the sheet is moved and scaled over the stage, its corner being the origin.
  const zoom = {
    scale: 1,
    x: 0,
    y: 0,
    set(scale, x, y) {
      const sharp = sharpness();
      this.scale = between(1, scale, 8);
      this.x = between(stage.clientWidth * (1 - this.scale), x, 0);
      this.y = between(stage.clientHeight * (1 - this.scale), y, 0);
      sheet.style.transformOrigin = "0 0";
      sheet.style.transform = `translate(${this.x}px, ${this.y}px) scale(${this.scale})`;
      if (sharpness() !== sharp) refresh();
    },
    around(scale, left, top) {
      const factor = between(1, scale, 8) / this.scale;
      this.set(scale, left - (left - this.x) * factor, top - (top - this.y) * factor);
    },
    toggle(left, top) {
      this.around(this.scale > 1 ? 1 : 2.5, left, top);
    },
    by(factor) {
      this.around(this.scale * factor, stage.clientWidth / 2, stage.clientHeight / 2);
    },
  };

  // Fingers and mouse: sideways is one picture, up and down runs through many, two fingers zoom.
  const AXIS = 10;
  const SWIPE = 36;
  const fingers = new Map();
  let gesture = null;
  let lastTap = { time: 0, left: 0, top: 0 };

  function point(event) {
    const box = stage.getBoundingClientRect();
    return { left: event.clientX - box.left, top: event.clientY - box.top };
  }

  function begin() {
    const [one, two] = Array.from(fingers.values());
    if (two) gesture = { kind: "pinch", span: span(one, two), scale: zoom.scale };
    else if (one) gesture = { kind: "", from: one, x: zoom.x, y: zoom.y, place: at };
    else gesture = null;
  }

  const span = (one, two) => Math.hypot(one.left - two.left, one.top - two.top) || 1;

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

  function pinch() {
    const [one, two] = Array.from(fingers.values());
    zoom.around((gesture.scale * span(one, two)) / gesture.span, (one.left + two.left) / 2, (one.top + two.top) / 2);
  }

  function drag(now) {
    const right = now.left - gesture.from.left;
    const down = now.top - gesture.from.top;
    if (!gesture.kind) {
      if (Math.hypot(right, down) < AXIS) return;
      gesture.kind = zoom.scale > 1 ? "pan" : Math.abs(right) > Math.abs(down) ? "swipe" : "run";
      pause();
      element("hint").hidden = true;
    }
    if (gesture.kind === "pan") zoom.set(zoom.scale, gesture.x + right, gesture.y + down);
    if (gesture.kind === "swipe") sheet.style.transform = `translate(${between(-60, right / 3, 60)}px, 0)`;
    if (gesture.kind === "run" && count() > 1) {
      const place = gesture.place + Math.round(down / Math.max(8, stage.clientHeight / count()));
      if (place !== at) show(place);
    }
  }

  function end(event) {
    if (!fingers.has(event.pointerId)) return;
    const lifted = point(event);
    const ended = gesture;
    fingers.delete(event.pointerId);
    begin();
    if (ended.kind === "swipe") {
      zoom.set(zoom.scale, zoom.x, zoom.y);
      const right = lifted.left - ended.from.left;
      if (event.type === "pointerup" && Math.abs(right) > SWIPE) step(right < 0 ? 1 : -1);
    }
    if (ended.kind === "" && event.type === "pointerup") tap(event, lifted);
  }

  function tap(event, where) {
    const near = Math.hypot(where.left - lastTap.left, where.top - lastTap.top) < 30;
    const twice = near && event.timeStamp - lastTap.time < 350;
    lastTap = twice ? { time: 0, left: 0, top: 0 } : { time: event.timeStamp, left: where.left, top: where.top };
    if (twice) zoom.toggle(where.left, where.top);
  }

  stage.addEventListener("pointerup", end);
  stage.addEventListener("pointercancel", end);

  let wheeled = 0;
  stage.addEventListener("wheel", (event) => {
    event.preventDefault();
    const where = point(event);
    const turned = (event.deltaY || event.deltaX) * (event.deltaMode === 1 ? 30 : 1);
    if (event.ctrlKey) {
      zoom.around(zoom.scale * Math.exp(-turned / 200), where.left, where.top);
      return;
    }
    wheeled = Math.sign(turned) === Math.sign(wheeled) ? wheeled + turned : turned;
    if (Math.abs(wheeled) < 60) return;
    step(Math.sign(wheeled));
    wheeled = 0;
  }, { passive: false });

  // Keys. Up and down belong to the page where the focus is on it.
  const KEYS = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -1, ArrowDown: 1, PageUp: -10, PageDown: 10, Home: -1e6, End: 1e6 };

  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.target.tagName === "INPUT") return;
    const inside = event.target === document.body || element("viewer").contains(event.target);
    const onButton = Boolean(event.target.closest("button, a"));
    if (event.key === "Escape") fill(false);
    else if (event.key in KEYS && (inside || event.key.startsWith("ArrowL") || event.key.startsWith("ArrowR"))) step(KEYS[event.key]);
    else if (inside && !onButton && event.key === " " && stack.frames > 1) playing ? pause() : play();
    else if (inside && (event.key === "+" || event.key === "=")) zoom.by(1.5);
    else if (inside && event.key === "-") zoom.by(1 / 1.5);
    else if (inside && event.key === "0") zoom.set(1, 0, 0);
    else return;
    event.preventDefault();
  });

  // Buttons.
  function fill(whole) {
    document.documentElement.classList.toggle("filling", whole);
    document.querySelectorAll(".top, .side-panel").forEach((other) => { other.inert = whole; });
    element("full").setAttribute("aria-pressed", String(whole));
    element("full").setAttribute("aria-label", whole ? texts.small : texts.full);
    zoom.set(1, 0, 0);
  }

  const onClick = (id, does) => element(id).addEventListener("click", does);
  onClick("previous", () => step(-1));
  onClick("next", () => step(1));
  onClick("zoom-in", () => zoom.by(1.5));
  onClick("zoom-out", () => zoom.by(1 / 1.5));
  onClick("full", () => fill(!document.documentElement.classList.contains("filling")));
  onClick("play", () => (playing ? pause() : play()));
  slider.addEventListener("input", () => step(Number(slider.value) - 1 - at));
  document.querySelectorAll("[data-stack]").forEach((card) => {
    card.addEventListener("click", (event) => {
      event.preventDefault();
      open(Number(card.dataset.stack));
      window.scrollTo(0, 0);
    });
  });

  // On phones the picture goes to the share sheet, the only way into the photo album; elsewhere it is a download.
  onClick("save", (event) => {
    if (!navigator.canShare || !matchMedia("(pointer: coarse)").matches) return;
    event.preventDefault();
    const href = element("save").href;
    fetch(href, { credentials: "same-origin" })
      .then((answer) => (answer.ok ? answer.blob() : Promise.reject(new Error("refused"))))
      .then((blob) => navigator.share({ files: [new File([blob], "image.jpg", { type: "image/jpeg" })] }))
      .catch((fault) => { if (fault.name !== "AbortError") location.href = href; });
  });

  window.addEventListener("resize", () => zoom.set(zoom.scale, zoom.x, zoom.y));
  // A page that the browser has put aside may be shown again long after the session has ended.
  window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

  const first = element("first");
  first.draggable = false;
  if (address(0) === first.getAttribute("src")) keep(address(0), first);
  element("controls").hidden = false;
  element("no-script").hidden = true;
  open(0);
  setTimeout(() => { element("hint").hidden = true; }, 6000);
})();

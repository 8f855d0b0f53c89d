// The patient's viewer: shows pictures that the server has rendered, one at a time. No library, no picture made
// here; without any script the page still opens each picture as a file.
import { Alive } from "./alive.js";
import { Clip } from "./clip.js";
import { follow } from "./fingers.js";
import { forgetOldest, keep, load } from "./memory.js";
import { onSave } from "./save.js";
import { Zoom, between } from "./zoom.js";

const element = (id) => document.getElementById(id);
const say = (text, ...values) => text.replace(/\{(\d)\}/g, (_, index) => values[index]);

const album = JSON.parse(element("album").textContent);
const texts = album.texts;
const stage = element("stage");
const sheet = element("sheet");
const slider = element("slider");

// Where we are.
let stack = null;
let at = 0;
let chosenWindow = "";
let edge = 1280;
const isClip = () => stack.frames > 1;
const count = () => (isClip() ? stack.frames : stack.names.length);

function address(place, wanted) {
  const name = isClip() ? stack.names[0] : stack.names[place];
  const chosen = chosenWindow ? "&window=" + encodeURIComponent(chosenWindow) : "";
  return `${album.path}/i/${name}/${isClip() ? place + 1 : 1}.jpg?edge=${wanted || edge}${chosen}`;
}

const alive = new Alive(album.path);
const zoom = new Zoom(stage, sheet, sharpen);
const clip = new Clip(() => load(address((at + 1) % count())).ready, () => show((at + 1) % count()), played);

// Large pictures come reduced until the screen has the dots for more.
function sharpen() {
  const dots = Math.max(stage.clientWidth, stage.clientHeight) * (window.devicePixelRatio || 1) * zoom.scale;
  const wanted = stack && stack.large && dots > 1600 ? 2560 : 1280;
  if (wanted === edge) return;
  edge = wanted;
  refresh();
}

// Showing: one request at a time; who leafs faster than the network sees what has arrived, then the last wish.
let asking = false;

function refresh() {
  const url = address(at);
  const entry = load(url);
  if (entry.done) {
    put(entry.image);
    alive.soon();
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
  forgetOldest(image);
}

function ahead() {
  const total = count();
  if (isClip()) return Array.from({ length: Math.min(total - 1, 40) }, (_, step) => (at + step + 1) % total);
  return [1, 2, -1, 3, 4, -2].map((step) => at + step).filter((place) => place >= 0 && place < total);
}

function preload(url, places) {
  if (!places.length || asking || address(at) !== url) return;
  load(address(places[0])).ready.then(() => preload(url, places.slice(1)), () => undefined);
}

function complain() {
  stage.classList.remove("waiting");
  clip.pause();
  alive.now().then(() => trouble(texts.failed), () => trouble(texts.offline));
}

function trouble(text) {
  element("trouble").textContent = text;
  element("trouble").hidden = false;
}

// Leafing.
let speaking = 0;

function show(place) {
  at = between(0, place, count() - 1);
  const position = say(texts.position, at + 1, count());
  slider.value = at + 1;
  slider.setAttribute("aria-valuetext", position);
  element("position").textContent = position;
  element("previous").disabled = at === 0;
  element("next").disabled = at === count() - 1;
  element("save").href = address(at, 2560) + "&save";
  clearTimeout(speaking);
  speaking = setTimeout(() => { element("spoken").textContent = clip.playing ? "" : position; }, 400);
  refresh();
}

function touched() {
  clip.pause();
  element("hint").hidden = true;
}

function step(by) {
  touched();
  show(at + by);
}

function open(index) {
  clip.pause();
  stack = album.stacks[index];
  chosenWindow = "";
  zoom.reset();
  slider.max = count();
  ["leafing", "previous", "next", "hint"].forEach((id) => { element(id).hidden = count() === 1; });
  element("play").hidden = !isClip();
  stage.setAttribute("aria-label", stack.title);
  // A single picture needs no dragging, so that the page may scroll under the finger.
  stage.style.touchAction = count() === 1 ? "pan-y" : "none";
  cards.forEach((card, place) => card.setAttribute("aria-current", String(place === index)));
  show(stack.start);
  learn(stack);
}

// What else can be done with a stack: windows to choose from, frames a second. The picture doesn't wait for it.
function learn(one) {
  offer(one.about);
  if (one.about) return;
  fetch(`${album.path}/i/${one.names[0]}/about.json`, { credentials: "same-origin" })
    .then((answer) => (answer.ok ? answer.json() : null))
    .then((about) => {
      one.about = about;
      if (one === stack) offer(about);
    })
    .catch(() => undefined);
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

function play() {
  touched();
  clip.play((stack.about && stack.about.rate) || 10);
}

function played(playing) {
  element("play").classList.toggle("playing", playing);
  element("play").setAttribute("aria-label", playing ? texts.pause : texts.play);
}

// Over everything of our own, since phones give the whole screen to no page.
function fill(whole) {
  document.documentElement.classList.toggle("filling", whole);
  document.querySelectorAll(".top, .side-panel").forEach((other) => { other.inert = whole; });
  element("full").setAttribute("aria-pressed", String(whole));
  element("full").setAttribute("aria-label", whole ? texts.small : texts.full);
  zoom.reset();
}

// Keys. Those that scroll belong to the page where the focus is on it.
const LEAF = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -1, ArrowDown: 1, PageUp: -10, PageDown: 10, Home: -1e6, End: 1e6 };
const ZOOM = { "+": 1.5, "=": 1.5, "-": 1 / 1.5, 0: 1 / 8 };

document.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey || event.target.tagName === "INPUT") return;
  const inside = event.target === document.body || element("viewer").contains(event.target);
  if (event.key === "Escape") fill(false);
  else if (event.key in LEAF && (inside || /Left|Right/.test(event.key))) step(LEAF[event.key]);
  else if (event.key in ZOOM && inside) zoom.by(ZOOM[event.key]);
  else if (event.key === " " && inside && isClip() && !event.target.closest("button, a")) toggle();
  else return;
  event.preventDefault();
});

const toggle = () => (clip.playing ? clip.pause() : play());
const onClick = (id, does) => element(id).addEventListener("click", does);
onClick("previous", () => step(-1));
onClick("next", () => step(1));
onClick("zoom-in", () => zoom.by(1.5));
onClick("zoom-out", () => zoom.by(1 / 1.5));
onClick("full", () => fill(!document.documentElement.classList.contains("filling")));
onClick("play", toggle);
onClick("save", onSave);
slider.addEventListener("input", () => step(Number(slider.value) - 1 - at));
window.addEventListener("resize", () => zoom.settle());
follow(stage, zoom, { place: () => at, count, show, step, touched });

const cards = document.querySelectorAll("[data-stack]");
cards.forEach((card, place) => {
  card.addEventListener("click", (event) => {
    event.preventDefault();
    open(place);
    window.scrollTo(0, 0);
  });
});

// The page has asked for the first picture before this script was there.
keep(element("first").getAttribute("src"), element("first"));
element("controls").hidden = false;
element("no-script").hidden = true;
open(0);
setTimeout(() => { element("hint").hidden = true; }, 6000);

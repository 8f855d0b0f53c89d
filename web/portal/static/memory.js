// Pictures in memory: those used last, up to a number of pixels that old phones can hold.

const MOST_PIXELS = 36e6;
const pictures = new Map();

// The picture at `url`: { image, done, ready }. The promise is broken when it does not come.
export function load(url) {
  const known = pictures.get(url);
  if (known) {
    pictures.delete(url);
    pictures.set(url, known);
    return known;
  }
  const image = new Image();
  const entry = keep(url, image);
  image.src = url;
  return entry;
}

// Take an image that the page has asked for already.
export function keep(url, image) {
  const entry = { image, done: false, ready: null };
  image.draggable = false;
  entry.ready = new Promise((resolve, reject) => {
    image.onload = () => { entry.done = true; resolve(entry); };
    image.onerror = () => { pictures.delete(url); reject(new Error("no picture")); };
    if (image.complete && image.naturalWidth) image.onload();
    else if (image.complete && image.getAttribute("src")) image.onerror();
  });
  entry.ready.catch(() => undefined);
  pictures.set(url, entry);
  return entry;
}

// Make room; the one on the screen stays.
export function forgetOldest(onScreen) {
  let pixels = 0;
  for (const [url, entry] of Array.from(pictures).reverse()) {
    pixels += entry.image.naturalWidth * entry.image.naturalHeight;
    if (pixels > MOST_PIXELS && entry.done && entry.image !== onScreen) pictures.delete(url);
  }
}

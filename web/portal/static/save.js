// Saving the picture on the screen. On phones it goes to the share sheet, the only way into the photo album;
// elsewhere the link is followed and it is a download.

export function onSave(event) {
  if (!navigator.canShare || !matchMedia("(pointer: coarse)").matches) return;
  event.preventDefault();
  const href = event.currentTarget.href;
  fetch(href, { credentials: "same-origin" })
    .then((answer) => (answer.ok ? answer.blob() : Promise.reject(new Error("refused"))))
    .then((blob) => navigator.share({ files: [new File([blob], "image.jpg", { type: "image/jpeg" })] }))
    .catch((fault) => { if (fault.name !== "AbortError") location.href = href; });
}

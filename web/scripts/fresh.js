// A page that shows how things are: every few seconds its parts marked data-fresh are read again, those that differ replaced.
const { every: seconds = 5, from } = document.querySelector("[data-every]")?.dataset ?? {};
const parts = () => [...document.querySelectorAll("[data-fresh]")];
let isLooking = false;

async function look() {
  // Nobody looks, or somebody is at work in it.
  const isBusy = parts().some((part) => part.contains(document.activeElement) && document.activeElement.matches("input, select, button, a"));
  if (document.hidden || isBusy || isLooking || parts().length === 0) return;
  isLooking = true;
  const text = await read(from ?? location.pathname + location.search.replace(/([?&])done=[^&]*/, "$1")).finally(() => (isLooking = false));
  if (text === null) return;
  const page = new DOMParser().parseFromString(text, "text/html");
  for (const part of parts()) {
    const fresh = page.getElementById(part.id);
    if (fresh && fresh.outerHTML !== part.outerHTML) part.replaceWith(document.importNode(fresh, true));
  }
}

// That a page looks by itself is no sign of somebody being there.
async function read(place) {
  const answer = await fetch(place, { headers: { accept: "text/html", "x-by-itself": "1" } }).catch(() => null);
  return answer?.ok && !answer.redirected ? answer.text() : null;
}

setInterval(look, 1000 * seconds);
document.addEventListener("visibilitychange", look);

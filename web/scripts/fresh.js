// A page that shows how things are: every few seconds its parts marked data-fresh are read again, those that differ replaced.
const every = 1000 * (document.querySelector("[data-every]")?.dataset.every ?? 5);
const parts = () => [...document.querySelectorAll("[data-fresh]")];

async function look() {
  // Nobody looks, or somebody is at work in it.
  const isBusy = parts().some((part) => part.contains(document.activeElement) && document.activeElement.matches("input, select, button, a"));
  if (document.hidden || isBusy) return;
  const answer = await fetch(location.pathname + location.search.replace(/([?&])done=[^&]*/, "$1"), { headers: { accept: "text/html" } }).catch(() => null);
  if (!answer?.ok || answer.redirected) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of parts()) {
    const fresh = page.getElementById(part.id);
    if (fresh && fresh.outerHTML !== part.outerHTML) part.replaceWith(document.importNode(fresh, true));
  }
}

setInterval(look, every);
document.addEventListener("visibilitychange", look);

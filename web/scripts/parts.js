// A long form shows one of its parts at a time: the links to them become tabs. Without this they stand one below another.
const list = document.getElementById("parts");
const tabs = [...list.querySelectorAll("a")];
const parts = tabs.map((tab) => document.querySelector(tab.hash));
const form = list.closest("form");

function open(place) {
  tabs.forEach((tab, at) => {
    tab.setAttribute("aria-selected", String(at === place));
    tab.tabIndex = at === place ? 0 : -1;
    parts[at].hidden = at !== place;
  });
}

/** The part with the element in it; -1 when there is none. */
const placeOf = (element) => parts.findIndex((part) => element && part.contains(element));
const ofAddress = () => placeOf(location.hash && document.getElementById(location.hash.slice(1)));

list.setAttribute("role", "tablist");
tabs.forEach((tab, at) => {
  tab.setAttribute("role", "tab");
  tab.setAttribute("aria-controls", parts[at].id);
  parts[at].setAttribute("role", "tabpanel");
  parts[at].setAttribute("aria-labelledby", tab.id);
  tab.addEventListener("click", (event) => {
    event.preventDefault();
    open(at);
    history.replaceState(null, "", tab.hash);
  });
});
// What is wrong comes first; then where the address points.
open(Math.max(0, tabs.some((tab) => tab.matches(".wrong")) ? tabs.findIndex((tab) => tab.matches(".wrong")) : ofAddress()));
addEventListener("hashchange", () => ofAddress() >= 0 && open(ofAddress()));

list.addEventListener("keydown", (event) => {
  const isFromRight = getComputedStyle(list).direction === "rtl";
  const forward = { ArrowRight: isFromRight ? -1 : 1, ArrowLeft: isFromRight ? 1 : -1 }[event.key];
  const now = tabs.indexOf(document.activeElement);
  const next = { Home: 0, End: tabs.length - 1 }[event.key] ?? (forward && (now + forward + tabs.length) % tabs.length);
  if (next === undefined || now < 0) return;
  event.preventDefault();
  open(next);
  tabs[next].focus();
  history.replaceState(null, "", tabs[next].hash);
});

// The browser goes to the first field that it finds wrong, which has to be in sight.
let isToldOf = false;
form.addEventListener("invalid", (event) => {
  const part = parts[placeOf(event.target)];
  if (!isToldOf && part) open(parts.indexOf(part));
  isToldOf = true;
  setTimeout(() => (isToldOf = false));
  // The others are told when their part is shown.
  if (part?.hidden) event.preventDefault();
}, true);

// Where the menu is a line, on a small screen, the page's own place in it is in view.
const here = document.querySelector(".menu [aria-current]");
const menu = document.querySelector(".menu");
if (here && menu.scrollWidth > menu.clientWidth) menu.scrollLeft = here.offsetLeft - (menu.clientWidth - here.offsetWidth) / 2;

// The search above every page: ⌘K or Ctrl K goes there from anywhere, and back.
const field = document.querySelector(".find input");
const hint = document.querySelector(".find kbd");
const isApple = /Mac|iPhone|iPad/.test(navigator.platform);
hint.textContent = isApple ? "⌘K" : "Ctrl K";
hint.hidden = false;
let before = null;
document.addEventListener("keydown", (event) => {
  const { key, ctrlKey, metaKey, altKey, shiftKey } = event;
  if (key.toLowerCase() === "k" && (isApple ? metaKey : ctrlKey) && !altKey && !shiftKey) {
    event.preventDefault();
    if (document.activeElement !== field) before = document.activeElement;
    field.focus();
    field.select();
  } else if (key === "Escape" && document.activeElement === field) {
    (before ?? document.body).focus?.();
    field.blur();
  }
});

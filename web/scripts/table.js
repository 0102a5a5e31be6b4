// A list: one tick stands for all of the page, another for all that match, and the buttons say how many are meant.
import { say } from "./say.js";

const ticks = [...document.querySelectorAll("input[name=rows][type=checkbox]")];
const head = document.querySelector("th.tick");
const matching = document.getElementById("all");
const remove = document.getElementById("remove");
const go = document.getElementById("do");
if (head && ticks.length) {
  const all = document.createElement("input");
  all.type = "checkbox";
  all.setAttribute("aria-label", say("All on this page"));
  head.replaceChildren(all);
  const count = () => {
    const ticked = ticks.filter((tick) => tick.checked).length;
    all.checked = ticked === ticks.length;
    all.indeterminate = ticked > 0 && ticked < ticks.length;
    if (matching) {
      matching.checked &&= all.checked;
      matching.parentElement.hidden = !all.checked;
    }
    const meant = matching?.checked ? matching.dataset.count : ticked;
    if (remove) {
      remove.disabled = ticked === 0;
      remove.textContent = ticked ? say("Remove {count}…", { count: meant }) : say("Remove ticked…");
    }
    if (go) {
      go.disabled = ticked === 0;
      go.textContent = ticked ? say("Go on with {count}…", { count: meant }) : say("Go on…");
    }
  };
  all.addEventListener("change", () => {
    for (const tick of ticks) tick.checked = all.checked;
    count();
  });
  for (const tick of [...ticks, ...(matching ? [matching] : [])]) tick.addEventListener("change", count);
  count();
}

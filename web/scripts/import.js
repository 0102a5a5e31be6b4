// Looks a file through and takes it in without leaving the page, so that it is chosen once. Both go on at the server when it is left.
const form = document.getElementById("import");
const outcome = document.getElementById("outcome");
let chosen = ""; // what was looked through: another file, or another way, has to be looked through again

const state = () => [form.import_file.files[0]?.name, form.import_file.files[0]?.size, form.existing.value].join();
const read = async (answer) => new DOMParser().parseFromString(await answer.text(), "text/html");
const pause = () => new Promise((go) => setTimeout(go, 500));

function show(page) {
  const found = page.getElementById("outcome") ?? page.querySelector("main section");
  outcome.replaceChildren(...(found?.childNodes ?? [outcome.dataset.unread]));
  const again = outcome.querySelector("[data-button]");
  if (!again) return;
  const button = document.getElementById("store").content.firstElementChild.cloneNode();
  button.textContent = again.dataset.button;
  again.replaceWith(button);
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const step = event.submitter?.value ?? "check";
  if (step === "store" && chosen !== state()) return outcome.replaceChildren(outcome.dataset.other);
  const body = new FormData(form);
  body.set("step", step);
  for (const button of form.querySelectorAll("button")) button.disabled = true;
  try {
    let answer = await fetch(form.action, { method: "POST", body });
    let page = await read(answer);
    while (page.querySelector("#outcome[data-running]")) {
      show(page);
      await pause();
      answer = await fetch(answer.url);
      page = await read(answer);
    }
    show(page);
    chosen = state();
  } catch {
    outcome.replaceChildren(outcome.dataset.lost);
  } finally {
    for (const button of form.querySelectorAll("button")) button.disabled = false;
  }
});

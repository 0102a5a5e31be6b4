// Looks a file through and takes it in without leaving the page, so that it is chosen once.
const form = document.getElementById("import");
const outcome = () => document.getElementById("outcome");
let chosen = ""; // what was looked through: another file, or another way, has to be looked through again

const state = () => [form.import_file.files[0]?.name, form.import_file.files[0]?.size, form.existing.value].join();

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const step = event.submitter?.value ?? "check";
  if (step === "store" && chosen !== state()) return outcome().replaceChildren("The file is another one now. Look it through again.");
  const body = new FormData(form);
  body.set("step", step);
  for (const button of form.querySelectorAll("button")) button.disabled = true;
  const waiting = document.createElement("progress");
  waiting.setAttribute("aria-label", step === "store" ? "Importing" : "Looking it through");
  outcome().replaceChildren(waiting);
  try {
    const answer = await fetch(form.action, { method: "POST", body });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const found = page.getElementById("outcome") ?? page.querySelector("main section");
    outcome().replaceChildren(...(found?.childNodes ?? ["It could not be read."]));
    chosen = state();
  } catch {
    outcome().replaceChildren("The server could not be reached. Nothing is known of it: look at the list before you try again.");
  } finally {
    for (const button of form.querySelectorAll("button")) button.disabled = false;
  }
});

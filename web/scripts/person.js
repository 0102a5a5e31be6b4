// A field that asks for somebody by his code tells below it, as one types, who that is, and offers people by their names.
const BETWEEN_KEYS = 200;
for (const field of document.querySelectorAll("input[data-person]")) follow(field);

function follow(field) {
  const seen = field.form.elements[`seen-${field.name}`];
  const who = document.getElementById(`${field.name}-who`);
  let waiting = 0;
  field.addEventListener("input", () => {
    who.textContent = seen.value = "";
    clearTimeout(waiting);
    waiting = setTimeout(look, BETWEEN_KEYS);
  });
  // What was typed before this was here.
  if (field.value !== field.defaultValue) look();

  async function look() {
    const typed = field.value.trim();
    const people = typed ? await find(typed) : [];
    // Somebody typed on meanwhile.
    if (typed !== field.value.trim()) return;
    field.list.replaceChildren(...people.map(({ code, name }) => new Option(name, code)));
    const person = people.find(({ code }) => code === typed);
    who.textContent = person?.name ?? "";
    seen.value = person?.code ?? "";
  }
}

// What the search above every page finds: a code has no space in it, a name comes after it.
async function find(typed) {
  const answer = await fetch(`/search?q=${encodeURIComponent(typed)}`, { headers: { accept: "text/html" } }).catch(() => null);
  if (!answer?.ok) return [];
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  return [...page.querySelectorAll("main a[href^='/employees/']")].map(({ textContent: name }) => ({ name, code: name.split(" ")[0] }));
}

// Dragging one onto another fills in the form that moves it, and asks before it is sent.
const tree = document.getElementById("tree");
const form = document.getElementById("move");
const leaf = (event) => event.target.closest?.(".leaf");
let dragged = null;

if (tree && form) {
  tree.addEventListener("dragstart", (event) => {
    dragged = leaf(event)?.parentElement ?? null;
    event.dataTransfer.effectAllowed = "move";
  });
  tree.addEventListener("dragover", (event) => {
    const onto = leaf(event);
    if (!dragged || !onto || dragged.contains(onto)) return;
    event.preventDefault();
    onto.classList.add("onto");
  });
  tree.addEventListener("dragleave", (event) => leaf(event)?.classList.remove("onto"));
  tree.addEventListener("drop", (event) => {
    const onto = leaf(event);
    onto?.classList.remove("onto");
    if (!dragged || !onto || dragged.contains(onto)) return;
    event.preventDefault();
    form.elements.namedItem("id").value = dragged.dataset.id;
    form.below.value = onto.parentElement.dataset.id;
    form.querySelector("button").focus();
    form.scrollIntoView({ block: "nearest" });
  });
  tree.addEventListener("dragend", () => (dragged = null));
}

// Cuts a chosen picture to a portrait, three to four, before it is sent. What this browser cannot read is sent as it is.
const form = document.getElementById("photo");
const crop = document.getElementById("crop");
const canvas = crop.querySelector("canvas");
const largest = { width: 600, height: 800 };
let picture = null;
let middle = { x: 0, y: 0 }; // of what is cut out, in the picture's dots

/** What is cut out, in the picture's dots: never beyond its edges. */
function cut() {
  const width = Math.min(picture.width, picture.height * 0.75) / form.zoom.value;
  const height = width / 0.75;
  const within = (value, half, all) => Math.min(Math.max(value, half), all - half);
  middle = { x: within(middle.x, width / 2, picture.width), y: within(middle.y, height / 2, picture.height) };
  return [middle.x - width / 2, middle.y - height / 2, width, height];
}

function draw(to = canvas) {
  if (!picture) return;
  const pen = to.getContext("2d");
  pen.fillStyle = "#fff"; // what is transparent
  pen.fillRect(0, 0, to.width, to.height);
  pen.drawImage(picture, ...cut(), 0, 0, to.width, to.height);
}

function move(x, y) {
  if (!picture) return;
  const scale = cut()[2] / canvas.clientWidth;
  middle = { x: middle.x + x * scale, y: middle.y + y * scale };
  draw();
}

form.upload_photo.addEventListener("change", async () => {
  picture = null;
  const file = form.upload_photo.files[0];
  if (file) picture = await createImageBitmap(file).catch(() => null);
  crop.hidden = !picture;
  if (!picture) return;
  form.zoom.value = 1;
  middle = { x: picture.width / 2, y: picture.height / 2 };
  draw();
});

form.zoom.addEventListener("input", () => draw());
canvas.addEventListener("pointerdown", (event) => canvas.setPointerCapture(event.pointerId));
canvas.addEventListener("pointermove", (event) => event.buttons && move(-event.movementX, -event.movementY));
canvas.addEventListener("keydown", (event) => {
  const steps = { ArrowLeft: [-8, 0], ArrowRight: [8, 0], ArrowUp: [0, -8], ArrowDown: [0, 8] };
  const zooms = { "+": 0.1, "-": -0.1 };
  if (event.key in steps) move(...steps[event.key]);
  else if (event.key in zooms) (form.zoom.value = Number(form.zoom.value) + zooms[event.key]), draw();
  else return;
  event.preventDefault();
});

form.addEventListener("submit", async (event) => {
  if (!picture || form.whole.checked) return;
  event.preventDefault();
  const [, , width, height] = cut();
  const small = document.createElement("canvas");
  small.width = Math.max(1, Math.min(largest.width, Math.round(width)));
  small.height = Math.max(1, Math.min(largest.height, Math.round(height)));
  draw(small);
  const bytes = await new Promise((done) => small.toBlob(done, "image/jpeg", 0.92));
  const chosen = new DataTransfer();
  chosen.items.add(new File([bytes], "photo.jpg", { type: "image/jpeg" }));
  form.upload_photo.files = chosen.files;
  form.submit();
});

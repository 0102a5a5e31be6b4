// Keeps the live page up to date: the server sends pieces of the page, this puts them where they belong.

import { say } from "./say.js";

const page = document.querySelector("[data-events]");
const list = document.getElementById("terminals");
const punches = document.getElementById("punches");
const counts = document.getElementById("counts");
const where = document.getElementById("where");
const connection = document.getElementById("connection");
const pause = document.getElementById("pause");
const mostPunches = 100;

let stream = null;
let retry = null;
let wait = 1; // seconds until the next attempt, when the browser makes none itself
let last = page.dataset.after;
const skew = Date.parse(page.dataset.now) - Date.now(); // this machine's clock may be wrong
let held = []; // punches that came while the page is paused, newest first

const words = { connecting: say("Connecting…"), connected: say("Connected"), reconnecting: say("Reconnecting…"), "signed-out": `${say("Signed out.")} ` };

function show(state) {
  if (connection.dataset.state === state) return;
  connection.hidden = false;
  connection.dataset.state = state;
  connection.textContent = words[state];
  if (state === "signed-out") {
    const link = document.createElement("a");
    link.href = `/sign-in?to=${encodeURIComponent(location.pathname + location.search)}`;
    link.textContent = say("Sign in again");
    connection.append(link);
  }
}

/** The elements of a piece of the page. The server has escaped every text in it. */
function elements(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return [...template.content.children];
}

function connect() {
  if (stream || connection.dataset.state === "signed-out" || document.hidden) return;
  clearTimeout(retry);
  show(connection.dataset.state ? "reconnecting" : "connecting");
  stream = new EventSource(`${page.dataset.events}?after=${last}&area=${area?.value ?? ""}`);
  const on = (name, take) => stream.addEventListener(name, (event) => take(event.data, event.lastEventId));
  on("connected", () => ((wait = 1), show("connected")));
  on("signed-out", () => (disconnect(), show("signed-out")));
  on("counts", (html) => (counts.innerHTML = html));
  on("terminals", (html) => elements(html).forEach(placeTerminal));
  on("authorise", placeForm);
  on("present", (text) => keepTerminals(JSON.parse(text)));
  on("heard", (rows) => JSON.parse(rows).forEach(noteContact));
  on("punches", (html, id) => ((last = id), takePunches(elements(html))));
  on("again", (html) => elements(html).forEach(replacePunch));
  stream.onerror = () => {
    show("reconnecting");
    // The browser connects again by itself, except when it was refused: then this does.
    if (stream?.readyState === EventSource.CLOSED) {
      disconnect();
      retry = setTimeout(tryAgain, wait * 1000);
      wait = Math.min(wait * 2, 30);
    }
  };
}

function disconnect() {
  clearTimeout(retry);
  stream?.close();
  stream = null;
}

/** Refused: because nobody is signed in any more, or because the server was not there for a moment. */
async function tryAgain() {
  const answer = await fetch(page.dataset.events, { method: "HEAD" }).catch(() => null);
  if (answer?.status === 401) show("signed-out");
  else connect();
}

// --- terminals

function placeTerminal(row) {
  const old = document.getElementById(row.id);
  if (old?.dataset.order === row.dataset.order) return old.replaceWith(row);
  old?.remove();
  const next = [...list.children].find((other) => other.dataset.order > row.dataset.order);
  list.insertBefore(row, next ?? null);
}

function keepTerminals({ ids, isCut }) {
  const kept = new Set(ids.map((id) => `terminal-${id}`));
  for (const row of [...list.children]) if (!kept.has(row.id)) row.remove();
  document.getElementById("more").hidden = !isCut;
}

/** Leaves the form alone while somebody chooses where a terminal belongs. */
function placeForm(html) {
  const isInUse = where.contains(document.activeElement) || where.querySelector("[data-touched]");
  if (!isInUse) where.innerHTML = html;
}

function noteContact([id, instant, exact]) {
  const time = document.querySelector(`#terminal-${id} time.contact`);
  if (!time) return;
  time.dateTime = instant;
  time.title = say("Last contact {time}", { time: exact });
  time.textContent = ago(instant);
}

where?.addEventListener("input", (event) => (event.target.form.dataset.touched = "yes"));

// --- punches

function takePunches(rows) {
  const known = new Set([...punches.children, ...held].map((row) => row.dataset.id));
  const fresh = rows.filter((row) => !known.has(row.dataset.id));
  if (isPaused()) {
    held = [...fresh, ...held].slice(0, mostPunches);
    return label();
  }
  for (const row of fresh) row.classList.add("fresh");
  if (fresh.length > 0) ring();
  punches.prepend(...fresh);
  while (punches.children.length > mostPunches) punches.lastElementChild.remove();
}

/** Something more is known of a punch that is here already. */
function replacePunch(row) {
  const isSame = (other) => other.dataset.id === row.dataset.id;
  [...punches.children].find(isSame)?.replaceWith(row);
  held = held.map((other) => (isSame(other) ? row : other));
}

const isPaused = () => pause.getAttribute("aria-pressed") === "true";

function label() {
  pause.querySelector("use").setAttribute("href", isPaused() ? "#icon-play" : "#icon-pause");
  pause.querySelector("span").textContent = !isPaused() ? say("Pause") : held.length ? say("Go on ({count} new)", { count: held.length }) : say("Go on");
}

pause?.addEventListener("click", () => {
  pause.setAttribute("aria-pressed", String(!isPaused()));
  if (!isPaused()) takePunches(held.splice(0));
  label();
});

// --- one area, a sound, the whole screen

const area = document.getElementById("area");
const sound = document.getElementById("sound");
const full = document.getElementById("full");
const gate = document.getElementById("gate");
let bell = null;

/** The server leaves the others out, so that those of one gate stay however many come elsewhere. */
area?.addEventListener("change", async () => {
  disconnect();
  history.replaceState(null, "", area.value ? `?area=${area.value}` : location.pathname);
  const answer = await fetch(location.href).catch(() => null);
  const shown = answer?.ok && new DOMParser().parseFromString(await answer.text(), "text/html");
  const rows = shown && shown.getElementById("punches");
  if (rows) {
    held = [];
    label();
    punches.replaceChildren(...document.importNode(rows, true).children);
    last = shown.querySelector("[data-events]").dataset.after;
    for (const id of ["no-terminal", "more"]) {
      const part = shown.getElementById(id);
      if (part) document.getElementById(id).replaceWith(document.importNode(part, true));
    }
  }
  connect();
});

/** Two soft tones; a browser lets a page sound only after somebody has pressed something on it. */
function ring() {
  if (!bell) return;
  for (const [pitch, after] of [[880, 0], [1320, 0.12]]) {
    const tone = new OscillatorNode(bell, { frequency: pitch });
    const volume = new GainNode(bell, { gain: 0 });
    const start = bell.currentTime + after;
    volume.gain.linearRampToValueAtTime(0.15, start + 0.02);
    volume.gain.linearRampToValueAtTime(0, start + 0.2);
    tone.connect(volume).connect(bell.destination);
    tone.start(start);
    tone.stop(start + 0.25);
  }
}

sound?.addEventListener("click", () => {
  const on = sound.getAttribute("aria-pressed") !== "true";
  sound.setAttribute("aria-pressed", String(on));
  if (on) bell = new AudioContext();
  else (bell.close(), (bell = null));
  ring();
});

full?.addEventListener("click", () => (document.fullscreenElement ? document.exitFullscreen() : gate.requestFullscreen()));
document.addEventListener("fullscreenchange", () => {
  const isFull = document.fullscreenElement !== null;
  full.textContent = isFull ? say("Leave full screen") : say("Full screen");
  // Nothing but the gate is seen then, and old punches look as if nobody came.
  if (isFull) gate.querySelector("h2").after(connection);
  else page.querySelector(".title").append(connection);
});

// --- time passes

/** The server words it the same way. */
function ago(instant) {
  const seconds = Math.floor((Date.now() + skew - Date.parse(instant)) / 1000);
  if (seconds < 5) return say("just now");
  if (seconds < 60) return say("{count} s ago", { count: seconds });
  if (seconds < 3600) return say("{count} min ago", { count: Math.floor(seconds / 60) });
  if (seconds < 86400) return say("{count} h ago", { count: Math.floor(seconds / 3600) });
  return say("{count} d ago", { count: Math.floor(seconds / 86400) });
}

setInterval(() => {
  for (const time of list?.querySelectorAll("time") ?? []) time.textContent = ago(time.dateTime);
}, 5000);

// A page nobody looks at holds no connection; looked at again, it goes on where it was.
document.addEventListener("visibilitychange", () => (document.hidden ? disconnect() : connect()));
for (const control of [pause, sound, full]) if (control) control.hidden = false;
if (counts) connect();

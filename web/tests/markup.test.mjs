// What terminals, programs and people write is text on every page, whatever it looks like.
import assert from "node:assert/strict";
import { adminPassword, logIn, scene } from "./harness.mjs";
import { terminal } from "./terminal.mjs";

const script = "<script>pwn()</script>";
const image = "<img src=x onerror=pwn()>";
const bold = "<b class=pwn>x";
const marked = /<script>pwn|<img src=x|<b class=pwn>/;

/** Makes one over the API; a field that does not take so long a text gets a shorter one, or none. */
async function make(call, path, fixed, free) {
  let texts = Object.fromEntries(free.map((name, place) => [name, [script, image][place % 2]]));
  for (let tries = 0; tries < 3; tries++) {
    const answer = await call("POST", path, { ...texts, ...fixed });
    if (answer.status < 300) return Object.keys(texts).length;
    assert.equal(answer.status, 400, `${path}: ${JSON.stringify(answer.body)}`);
    for (const name of Object.keys(answer.body)) {
      if (texts[name] === bold || fixed[name] !== undefined) delete texts[name];
      else if (name in texts) texts[name] = bold;
    }
  }
  throw new Error(`${path} takes none of it`);
}

scene("markup is text on every page (attack 28)", { page: { viewport: { width: 1280, height: 800 } } }, async ({ page, server }) => {
  const login = await fetch(`${server.url}/api/api-token-auth/`, { method: "POST", body: new URLSearchParams({ username: "admin", password: adminPassword }) });
  const { token } = await login.json();
  const call = async (method, path, body) => {
    const answer = await fetch(server.url + path, { method, headers: { authorization: `Token ${token}`, "content-type": "application/json" }, body: JSON.stringify(body) });
    return { status: answer.status, body: await answer.json() };
  };

  // By programs.
  assert.equal(await make(call, "/personnel/api/areas/", { area_code: "9" }, ["area_name"]), 1);
  assert.equal(await make(call, "/personnel/api/departments/", { dept_code: "9" }, ["dept_name"]), 1);
  assert.equal(await make(call, "/personnel/api/positions/", { position_code: "9" }, ["position_name"]), 1);
  assert.equal(await make(call, "/personnel/api/locations/", { location_code: "9" }, ["location_name"]), 1);
  const person = ["first_name", "last_name", "nickname", "address", "city", "postcode", "national", "mobile", "office_tel", "contact_tel", "religion", "title", "ssn", "driver_license_automobile", "driver_license_motorcycle"];
  for (const code of ["7", "8"]) {
    const taken = await make(call, "/personnel/api/employees/", { emp_code: code, department: "9", position: "9", area: ["9"] }, person);
    assert.ok(taken > 5, `${taken} fields of a person take it`);
  }
  await make(call, "/personnel/api/resigns/", { employee: "8", resign_date: "2026-01-20", resign_type: 1 }, ["reason"]);
  await make(call, "/iclock/api/terminals/", { sn: "MADE01", ip_address: "10.0.0.9", area: "9", terminal_tz: 0, heartbeat: 10 }, ["alias"]);

  // By a terminal.
  const gate = terminal(server, "GATE01");
  await gate.hello();
  const { body: { data: terminals } } = await call("GET", "/iclock/api/terminals/?sn=GATE01");
  assert.equal((await call("PATCH", "/iclock/api/terminals/GATE01/", { area: "9", alias: script })).status, 200, JSON.stringify(terminals));
  await gate.hello();
  await gate.bring("options", `DeviceName=${script},FWVersion=${image},IPAddress=${bold},Language=${bold}`);
  await gate.bring("OPERLOG", `USER PIN=5\tName=${image}\tPri=0\tPasswd=\tCard=\tGrp=1`, `OPLOG 4\t${bold}\t2026-01-15 08:00:00\t${script}\t${image}\t0\t0`, `FP PIN=5\tFID=1\tSize=4\tValid=1\tTMP=AAAA`, `${script}`);
  await gate.punches(`7\t${new Date().toISOString().slice(0, 10)} 09:40:00\t0\t1`, "7\t2026-01-15 08:00:00\t0\t1\t<b>\t0\t0", `${bold}\t2026-01-15 08:01:00\t0\t1`, `${script}\tno time`);
  await make(call, "/iclock/api/publicmessages/", { terminal: "GATE01", start_time: "2026-01-20 08:00:00", duration: 30 }, ["content"]).catch(() => {});
  await make(call, "/iclock/api/privatemessages/", { employee: "7", start_time: "2026-01-20 08:00:00", duration: 30 }, ["content"]).catch(() => {});

  // By whoever tries a name at the door, and by an administrator's own forms.
  await fetch(`${server.url}/sign-in`, { method: "POST", headers: { origin: server.url }, body: new URLSearchParams({ username: script, password: "x" }) });
  await logIn(page);
  for (const [path, fields] of [["/roles/new", { name: script }], ["/clients/new", { name: image }], ["/users/new", { username: "odd", password: "lamp oil and rope", role: script }]]) {
    await page.goto(path);
    for (const [name, text] of Object.entries(fields)) {
      const field = page.locator(`[name=${name}]`).first();
      if (await field.evaluate((found) => found.tagName === "SELECT")) await field.selectOption({ label: text });
      else await field.fill(text);
    }
    if (path === "/clients/new") await page.getByLabel("See: Employees").check();
    await page.getByRole("button", { name: "Save" }).click();
    await page.waitForLoadState();
  }
  await page.goto("/employees");
  await page.getByText("Columns and views").click();
  await page.locator("#view-name").fill(script);
  await page.getByRole("button", { name: "Keep it" }).click();
  await page.getByRole("status").waitFor();
  await page.goto("/employees/import");
  await page.getByLabel("File: Excel, CSV or text").setInputFiles({ name: `${bold}.csv`, mimeType: "text/csv", buffer: Buffer.from(`emp_code,${script}\n${image},1\n`) });
  await page.getByRole("button", { name: "Look it through" }).click();
  await page.getByRole("alert").waitFor();

  // Every page of the menu, the first rows of each list, what hangs on them, and what only an address asks for.
  const waiting = ["/work", "/account", `/search?q=${encodeURIComponent(script)}`, `/employees/new?emp_code=${encodeURIComponent(image)}`, `/employees?search=${encodeURIComponent(image)}&ordering=${encodeURIComponent(script)}`];
  waiting.push(...(await page.getByRole("navigation", { name: "Pages" }).getByRole("link").evaluateAll((links) => links.map((link) => link.getAttribute("href")))));
  const seen = new Map();
  const shapes = new Map(); // of pages that differ in an id alone, a few
  while (waiting.length) {
    const path = waiting.shift();
    const shape = path.replace(/\?.*/, "").replace(/\d+/g, "N");
    const many = shape.includes("N") || path.includes("?");
    if (seen.has(path) || path.includes("/file") || path.startsWith("/api") || path.startsWith("/assets") || (many && (shapes.get(shape) ?? 0) >= 3)) continue;
    shapes.set(shape, (shapes.get(shape) ?? 0) + 1);
    await page.goto(path);
    assert.equal(await page.locator("main").count(), 1, `${path}: ${await page.content()}`);
    const found = await page.evaluate(() => ({
      foreign: document.querySelectorAll(".pwn, img[onerror], script:not([src])").length,
      text: document.body.innerText + [...document.querySelectorAll("input, textarea, option")].map((field) => field.value + field.textContent).join(),
      links: [...document.querySelectorAll("main a[href^='/']")].map((link) => link.getAttribute("href")),
    }));
    assert.equal(found.foreign, 0, path);
    seen.set(path, marked.test(found.text));
    waiting.push(...found.links);
  }
  const showing = [...seen].filter(([, shows]) => shows).map(([path]) => path.replace(/\?.*/, "").replace(/\d+/g, "N"));
  assert.deepEqual([
    "/", "/live", "/employees", "/employees/N", "/employees/N/punches", "/employees/N/photo", "/departments", "/departments/N", "/departments/tree", "/areas", "/areas/tree", "/positions", "/locations", "/resignations",
    "/terminals", "/terminals/N", "/terminals/N/form", "/holdings", "/commands", "/operations", "/unread", "/unread/N", "/transactions", "/unregister", "/public-messages", "/private-messages", "/clients", "/roles", "/users", "/audit", "/audit/N", "/work", "/work/N", "/search",
  ].filter((shape) => !showing.includes(shape)), [], [...new Set(showing)].join(" "));
});

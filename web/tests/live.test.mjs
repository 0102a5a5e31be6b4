// The live page as a person uses it: in, a terminal calls and is authorised, its punch stands there without a reload.
import assert from "node:assert/strict";
import { accessible, adminPassword, authorise, pictures, scene, until } from "./harness.mjs";
import { terminal } from "./terminal.mjs";

async function signIn(page, password = adminPassword) {
  await page.getByLabel("User name").fill("admin");
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

/** In, and the stream of events is open. */
async function live(page) {
  await page.goto("/");
  await signIn(page);
  await page.waitForURL((url) => url.pathname === "/");
  await page.goto("/live");
  await page.locator("#connection[data-state=connected]").waitFor();
}

scene("a wrong password is refused and the right one lets in", async ({ page, accept }) => {
  accept(/status of 422/);
  await page.goto("/live");
  await page.waitForURL(/\/sign-in\?to=%2Flive$/);
  await signIn(page, "not this one");
  await page.getByRole("alert").filter({ hasText: "User name or password is wrong." }).waitFor();
  assert.equal(await page.getByLabel("User name").inputValue(), "admin");
  await pictures(page, "live-refused");
  await signIn(page);
  await page.waitForURL((url) => url.pathname === "/live");
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL("**/sign-in");
  await page.goto("/live");
  await page.waitForURL(/\/sign-in\?to=%2Flive$/);
});

scene("a terminal is authorised and its punch appears without a reload", async ({ page, server, accept }) => {
  await live(page);
  await page.getByText("No terminal has called yet").waitFor();
  await pictures(page, "live-empty");

  const gate = terminal(server, "TEST0001");
  assert.equal((await gate.hello()).status, 403);
  const row = page.locator("#terminals > li", { hasText: "TEST0001" });
  await row.getByText("Waiting", { exact: true }).waitFor();
  await pictures(page, "live-waiting");

  // A name that cannot be is refused at its field, where it stays, also when the stream has brought the form again.
  accept(/status of 422/);
  await page.getByLabel("New area").fill("not authorized");
  await row.getByRole("button", { name: "Authorise" }).click();
  await page.locator("#authorise .problem", { hasText: "There is an area not authorized already." }).waitFor();
  await page.locator("#connection[data-state=connected]").waitFor();
  await gate.hello();
  assert.equal(await page.getByLabel("New area").inputValue(), "not authorized");
  assert.equal(await page.getByLabel("New area").getAttribute("aria-invalid"), "true");
  await accessible(page);
  await pictures(page, "live-authorise-refused");
  await page.getByLabel("New area").fill("<script>alert(1)</script>");
  await row.getByRole("button", { name: "Authorise" }).click();
  await page.getByRole("status").filter({ hasText: "TEST0001" }).waitFor();
  await row.getByText("<script>alert(1)</script>").waitFor();
  await page.locator("#connection[data-state=connected]").waitFor();

  await until("the handshake is answered", async () => (await gate.hello()).status === 200);
  await page.evaluate(() => (window.sameDocument = true));
  const answer = await gate.punches("1001\t2026-01-15 08:00:00\t0\t1\t0\t0\t0");
  assert.match(answer.text, /^OK: ?1/);
  const punch = page.locator("#punches > tr").first();
  await punch.locator(".who", { hasText: "1001" }).waitFor({ timeout: 2000 });
  assert.equal(await punch.locator(".when time").textContent(), "08:00:00");
  assert.match(await punch.locator(".when time").getAttribute("title"), /^2026-01-15 08:00:00 [+-]\d\d:\d\d/);
  assert.equal(await punch.locator(".day").textContent(), "2026-01-15");
  await punch.getByText("Check in").waitFor();
  await punch.getByText("Fingerprint").waitFor();
  await row.getByText("Online", { exact: true }).waitFor();
  await pictures(page, "live-punch");

  // Sent once more, it stands there once; what comes during a pause comes when it is over.
  await gate.punches("1001\t2026-01-15 08:00:00\t0\t1\t0\t0\t0");
  await page.getByRole("button", { name: "Pause" }).click();
  await gate.punches("1002\t2026-01-15 08:01:00\t1\t15\t0\t0\t0");
  await page.getByRole("button", { name: "Go on (1 new)" }).waitFor();
  assert.equal(await page.locator("#punches > tr").count(), 1);
  await page.getByRole("button", { name: "Go on" }).click();
  await page.locator("#punches > tr").nth(1).waitFor();
  assert.deepEqual(await page.locator("#punches .pin").allTextContents(), ["1002", "1001"]);

  // Another gate's punches alone, of which there are none; then this one's, with what has come meanwhile.
  await page.locator("#area").selectOption({ label: "Not Authorized" });
  await page.locator("#punches:empty").waitFor({ state: "attached" });
  await page.locator("#connection[data-state=connected]").waitFor();
  await gate.punches("1003\t2026-01-15 08:02:00\t1\t15\t0\t0\t0");
  await page.locator("#area").selectOption({ label: "<script>alert(1)</script>" });
  await page.locator("#punches > tr").nth(2).waitFor();
  assert.deepEqual(await page.locator("#punches .pin").allTextContents(), ["1003", "1002", "1001"]);
  assert.equal(await page.evaluate(() => window.sameDocument), true);
});

scene("many terminals leave the punches first and the page short", async ({ page, server }) => {
  await live(page);
  for (let number = 1; number <= 55; number += 1) await terminal(server, `TEST${1000 + number}`).hello();
  await page.locator("#counts .waiting dd", { hasText: "55" }).waitFor();
  const rows = page.locator("#terminals > li");
  await until("the first twenty", async () => (await rows.count()) === 20);
  await page.getByText("Not all are shown here").waitFor();
  for (const width of [1400, 390]) {
    await page.setViewportSize({ width, height: 844 });
    const { height, punches, terminals } = await page.evaluate(() => ({
      height: document.documentElement.scrollHeight,
      punches: document.getElementById("punches-heading").getBoundingClientRect().top,
      terminals: document.getElementById("terminals-heading").getBoundingClientRect().top,
    }));
    assert.ok(height < 2500, `${height} px high at ${width}`);
    assert.ok(width > 400 ? punches === terminals : punches < terminals, `${punches} and ${terminals} at ${width}`);
  }
  await accessible(page);
  await pictures(page, "live-many");
  await page.locator("#counts .waiting a").click();
  await page.waitForURL(/\/terminals\?state=waiting$/);
  await page.getByText("1 to 50 of 55").waitFor();
});

scene("whoever chooses where a waiting terminal belongs is left alone, and means the one whose button is pressed", async ({ page, server }) => {
  await live(page);
  await page.getByText("Choose where it belongs").waitFor({ state: "hidden" });
  await terminal(server, "TEST0001").hello();
  const field = page.getByLabel("New area");
  await field.fill("Half a na");
  await terminal(server, "TEST0002").hello();
  const second = page.locator("#terminals > li", { hasText: "TEST0002" });
  await second.waitFor();
  await page.locator("#counts .waiting dd", { hasText: "2" }).waitFor();
  assert.equal(await field.inputValue(), "Half a na");
  // Enter says nothing of which of the two is meant.
  await field.press("Enter");
  await field.fill("Half a nave");
  await second.getByRole("button", { name: "Authorise" }).click();
  await page.getByRole("status").filter({ hasText: "(TEST0002) is authorised in Half a nave" }).waitFor();
  await page.locator("#terminals > li.waiting", { hasText: "TEST0001" }).waitFor();

  // An area that was made meanwhile is there to choose.
  const areas = page.locator("#authorise option");
  assert.deepEqual(await areas.allTextContents(), ["Half a nave", "A new area…"]);
  const other = await page.context().newPage();
  await other.goto("/areas/new");
  await other.locator("#area_code").fill("7");
  await other.locator("#area_name").fill("Yard");
  await other.getByRole("button", { name: "Save" }).click();
  await other.getByRole("status").filter({ hasText: "Saved." }).waitFor();
  await other.close();
  await terminal(server, "TEST0003").hello();
  await areas.filter({ hasText: "Yard" }).waitFor({ state: "attached" });
  assert.deepEqual(await areas.allTextContents(), ["Choose an area…", "Half a nave", "Yard", "A new area…"]);
  await page.locator("#authorise select").selectOption("Yard");
  await page.locator("#terminals > li", { hasText: "TEST0001" }).getByRole("button", { name: "Authorise" }).click();
  await page.getByRole("status").filter({ hasText: "(TEST0001) is authorised in Yard" }).waitFor();
});

scene("a gate in full screen says when nothing comes any more", async ({ page, context, server, accept }) => {
  await live(page);
  const gate = terminal(server, "TEST0001");
  await gate.hello();
  const row = page.locator("#terminals > li", { hasText: "TEST0001" });
  await page.getByLabel("New area").fill("Gate");
  await row.getByRole("button", { name: "Authorise" }).click();
  await page.getByRole("status").filter({ hasText: "is authorised in Gate" }).waitFor();
  await gate.hello();
  await gate.punches(...Array.from({ length: 40 }, (_, number) => `${1001 + number}\t2026-01-15 08:00:00\t0\t1\t0\t0\t0`));
  await page.locator("#punches > tr").nth(39).waitFor();

  // As it is at a gate, scrolled down, and what is clicked is what is seen.
  await page.getByRole("button", { name: "Full screen" }).click();
  const said = page.locator("#gate:fullscreen");
  await said.getByText("Connected").waitFor();
  await accessible(page);
  await page.locator("#punches > tr").last().scrollIntoViewIfNeeded();
  await said.getByText("Connected").click({ trial: true });
  await pictures(page, "live-full");

  // Somebody ends this session; the next thing that happens makes the stream look.
  const other = await context.newPage();
  await other.goto("/account");
  await other.getByRole("button", { name: "Sign out" }).click();
  await other.waitForURL("**/sign-in");
  await other.close();
  await gate.hello();
  await said.getByText("Signed out.").waitFor();
  await accessible(page);
  await said.getByRole("link", { name: "Sign in again" }).click();
  await page.waitForURL(/\/sign-in\?to=%2Flive/);
  await signIn(page);
  await page.locator("#connection[data-state=connected]").waitFor();

  accept(/ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING/);
  await page.getByRole("button", { name: "Full screen" }).click();
  await said.getByText("Connected").waitFor();
  await server.stop();
  await said.getByText("Reconnecting…").click({ trial: true });
  await page.getByRole("button", { name: "Leave full screen" }).click();
  await page.locator(".title").getByText("Reconnecting…").waitFor();
});

scene("without JavaScript the page shows how things stand", { page: { javaScriptEnabled: false } }, async ({ page, server }) => {
  await terminal(server, "TEST0001").hello();
  await page.goto("/");
  await signIn(page);
  await authorise(page, "TEST0001", "Gate");
  await terminal(server, "TEST0001").hello();
  await terminal(server, "TEST0001").punches("7\t2026-01-15 08:00:00\t0\t1\t0\t0\t0");
  await page.getByRole("link", { name: "Load again" }).click();
  await page.locator("#punches .pin", { hasText: "7" }).waitFor();
});

// The page of one terminal as somebody uses it who wonders why there is no punch.
import assert from "node:assert/strict";
import { accessible, authorise, logIn, pictures, scene } from "./harness.mjs";
import { terminal } from "./terminal.mjs";

scene("a silent terminal is found out about, told something, and emptied by its serial number", async ({ page, server, accept }) => {
  const ask = (path, options) => fetch(`${server.url}/iclock/${path}`, options);
  await ask("cdata?SN=GATE01&options=all&pushver=2.4.1");
  await logIn(page);
  await page.goto("/terminals");
  await page.getByRole("link", { name: "GATE01" }).click();
  await page.getByText("it waits to be authorised").waitFor();
  await accessible(page);
  await page.getByRole("link", { name: "Put it into an area" }).click();
  await page.getByLabel("Alias", { exact: false }).waitFor();

  await authorise(page, "GATE01", "Gate");
  await page.goto("/terminals");
  await page.getByRole("link", { name: "GATE01" }).click();
  await page.getByText("It calls: the last time").waitFor();

  // A punch arrives, and the open page tells of it by itself.
  await ask("cdata?SN=GATE01&options=all&pushver=2.4.1");
  const sent = await ask("cdata?SN=GATE01&table=ATTLOG&Stamp=1", { method: "POST", body: "7\t2026-01-15 08:00:00\t0\t1\n" });
  assert.equal(sent.status, 200);
  await page.getByText("Its last punch here is of PIN 7").waitFor();
  await page.getByText("brings ATTLOG, lines: 1").waitFor();
  await accessible(page);

  await page.getByRole("button", { name: "Restart…" }).click();
  await page.getByRole("heading", { name: "Restart?" }).waitFor();
  await accessible(page);
  await page.getByRole("button", { name: "Restart", exact: true }).click();
  await page.getByRole("status").filter({ hasText: "Restart: queued." }).waitFor();
  const commands = page.locator("#commands");
  await commands.getByText("REBOOT").waitFor();
  await accessible(page);
  await pictures(page, "terminal");
  await commands.getByRole("button", { name: "Cancel" }).click();
  await commands.getByText("Cancelled").waitFor();

  accept(/status of 422/);
  await page.getByRole("button", { name: "Empty it…" }).click();
  await page.getByLabel("To be sure, type GATE01").fill("gate");
  await pictures(page, "terminal-act");
  await page.getByRole("button", { name: "Empty it", exact: true }).click();
  await page.locator(".entry", { has: page.locator("#typed[aria-invalid=true]") }).getByText("That is not what has to be typed.").waitFor();
  await page.getByLabel("To be sure, type GATE01").fill("GATE01");
  await page.getByRole("button", { name: "Empty it", exact: true }).click();
  await commands.getByText("CLEAR DATA").waitFor();

  // It is removed the same way.
  await page.getByRole("link", { name: "Change" }).click();
  await page.getByRole("button", { name: "Remove this terminal…" }).click();
  await page.getByLabel("To be sure, type GATE01").fill("GATE02");
  await page.getByRole("button", { name: "Remove", exact: true }).click();
  await page.locator(".entry", { has: page.locator("#typed[aria-invalid=true]") }).getByText("That is not what has to be typed.").waitFor();
  await accessible(page);
  await pictures(page, "terminal-removal");
  await page.getByLabel("To be sure, type GATE01").fill("GATE01");
  await page.getByRole("button", { name: "Remove", exact: true }).click();
  await page.getByRole("status").filter({ hasText: "Removed." }).waitFor();
});

scene("the list tells terminals apart, leads to what waits for one, and that is taken back", async ({ page, server }) => {
  const [gate, yard] = [terminal(server, "GATE01"), terminal(server, "YARD01")];
  await gate.hello();
  await yard.hello();
  await logIn(page);
  await authorise(page, "GATE01", "Gate");
  await gate.hello();
  await gate.bring("options", "UserCount=118,MaxUserCount=3000,FPCount=4,MaxFingerCount=3000,TransactionCount=95000,MaxAttLogCount=100000");

  await page.goto("/terminals");
  await page.locator(".asked select[name=state]").selectOption("Waiting");
  await page.getByRole("button", { name: "Show", exact: true }).click();
  await page.getByText("1 to 1 of 1").waitFor();
  await page.getByRole("cell", { name: "YARD01", exact: true }).waitFor();
  await page.locator(".asked select[name=state]").selectOption("Online");
  await page.getByRole("button", { name: "Show", exact: true }).click();
  const row = page.getByRole("row", { name: "GATE01" });
  await row.getByRole("checkbox").check();
  await page.getByLabel("With ticked").selectOption("Restart");
  await page.locator("#do").click();
  await page.getByRole("button", { name: "Restart", exact: true }).click();
  await page.getByRole("status").filter({ hasText: "Restart: queued." }).waitFor();

  await page.goto("/terminals");
  await row.getByRole("cell", { name: "118 of 3000 should be 0", exact: true }).waitFor();
  await accessible(page);
  await pictures(page, "terminals");
  // What is shown unless somebody chooses has room at 1280; of all there is the table scrolls, and not the page around it.
  const wide = async () => page.locator(".wide").evaluate((table) => table.scrollWidth > table.clientWidth);
  assert.equal(await wide(), false);
  await page.goto("/terminals?columns=alias,state,area.area_name,last_activity,clock_drift,pending,ip_address,terminal_name,fw_ver,user_count,fp_count,face_count,palm_count,fv_count,transaction_count");
  assert.equal(await wide(), true);
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
  await page.goto("/terminals");
  await row.getByRole("link", { name: "1", exact: true }).click();
  await page.getByText("1 to 1 of 1").waitFor();
  assert.equal(await page.locator(".asked select[name=state] option:checked").textContent(), "Not at its end yet");
  await accessible(page);
  await pictures(page, "commands");
  await page.getByRole("checkbox", { name: "GATE01" }).check();
  await page.getByLabel("With ticked").selectOption("Take back");
  await page.locator("#do").click();
  await page.getByRole("heading", { name: "Take back?" }).waitFor();
  await accessible(page);
  await page.getByRole("button", { name: "Take back", exact: true }).click();
  await page.getByRole("status").filter({ hasText: "Take back: they are cancelled." }).waitFor();
  assert.deepEqual(await gate.obey(), []);

  // What was left out is chosen.
  await page.goto("/terminals");
  await page.getByText("Columns and views").click();
  await page.getByRole("checkbox", { name: "Firmware" }).check();
  await page.getByRole("checkbox", { name: "Clock" }).uncheck();
  await page.getByRole("button", { name: "Show these from now on" }).click();
  await page.getByRole("columnheader", { name: "Firmware" }).waitFor();
  assert.equal(await page.getByRole("columnheader", { name: "Clock" }).count(), 0);

  // Its form has what the handshake tells it, and keeps what was not touched.
  await page.getByRole("row", { name: "GATE01" }).getByRole("link", { name: "GATE01" }).click();
  await page.getByRole("link", { name: "Change" }).click();
  await page.getByLabel("Seconds between calls").fill("25");
  await page.getByLabel("Time zone").fill("Asia/Kolkata");
  await page.getByLabel("How it is told its zone").selectOption("As +05:30");
  await page.locator("#ip_address").fill("192.0.2.7");
  await accessible(page);
  await pictures(page, "terminal-form");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("status").filter({ hasText: "Saved." }).waitFor();
  assert.match((await gate.hello()).text, /^Delay=25$/m);
  await page.goto("/terminals");
  await page.getByRole("link", { name: "GATE01" }).click();
  await page.getByText("Asia/Kolkata, UTC+05:30").waitFor();
});

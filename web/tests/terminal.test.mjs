// The page of one terminal as somebody uses it who wonders why there is no punch.
import assert from "node:assert/strict";
import { accessible, logIn, pictures, scene } from "./harness.mjs";

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

  await page.goto("/live");
  const row = page.locator("#terminals > li", { hasText: "GATE01" });
  await row.getByLabel("New area").fill("Gate");
  await row.getByRole("button", { name: "Authorise" }).click();
  await page.getByRole("status").filter({ hasText: "is authorised in Gate" }).waitFor();
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
});

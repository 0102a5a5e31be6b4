// The first page as whoever sets the server up sees it: the steps turn green one after another, and then it is the day that counts.
import assert from "node:assert/strict";
import { accessible, hire, logIn, pictures, scene, until } from "./harness.mjs";

scene("the first steps turn green by themselves", async ({ page, server }) => {
  await logIn(page);
  await page.getByRole("heading", { name: "First steps" }).waitFor();
  await page.getByText("Cloud Server Setting").waitFor();
  const done = () => page.locator(".steps > .done").count();
  assert.equal(await done(), 0);
  await accessible(page);
  await pictures(page, "today-empty");

  await fetch(`${server.url}/iclock/cdata?SN=GATE01&options=all&pushver=2.4.1`);
  await until("the first step is green", async () => (await done()) === 1);
  await page.getByRole("link", { name: "Authorise it" }).click();
  const row = page.locator("#terminals > li", { hasText: "GATE01" });
  await page.getByLabel("New area").fill("Gate");
  await row.getByRole("button", { name: "Authorise" }).click();
  await page.getByRole("status").filter({ hasText: "is authorised in Gate" }).waitFor();

  await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Today" }).click();
  await page.getByRole("link", { name: "New employee" }).click();
  for (const [code, name] of [["7", "Asha"], ["8", "Ben"]]) {
    await hire(page, { code, name, area: "Gate (2)" });
  }
  await page.goto("/");
  assert.equal(await done(), 3);

  // The day goes by the terminals' clocks.
  await fetch(`${server.url}/iclock/cdata?SN=GATE01&options=all&pushver=2.4.1`);
  const today = new Date().toISOString().slice(0, 10);
  const punches = ["7\t" + today + " 08:30:00\t0\t1", "8\t" + today + " 09:30:00\t0\t1", "99\t" + today + " 09:31:00\t0\t1"];
  await fetch(`${server.url}/iclock/cdata?SN=GATE01&table=ATTLOG&Stamp=1`, { method: "POST", body: punches.join("\n") + "\n" });
  await page.locator("#late").getByRole("link", { name: "Ben" }).waitFor();
  await page.getByRole("link", { name: "1 punch is of a PIN that nobody has" }).waitFor();
  await page.reload();
  assert.equal(await page.getByRole("heading", { name: "First steps" }).count(), 0);
  await page.getByText("As a table").click();
  await page.getByRole("row", { name: "All day" }).getByText("3", { exact: true }).waitFor();
  await accessible(page);
  await pictures(page, "today");

  // A figure leads to the names behind it, and from one list to the others.
  await page.locator("#figures > div", { hasText: "In now" }).getByRole("link", { name: "2", exact: true }).click();
  await page.getByRole("heading", { name: "In now" }).waitFor();
  assert.deepEqual(await page.locator("table.list tbody td:nth-child(2)").allTextContents(), ["Asha", "Ben"]);
  await page.getByRole("row", { name: /Asha .* 08:30 08:30 Check in/ }).waitFor();
  await page.locator("nav.menu [aria-current=page]", { hasText: "Today" }).waitFor();
  await accessible(page);
  await pictures(page, "presence");
  await page.getByRole("link", { name: "Late 1" }).click();
  await page.getByRole("heading", { name: "Late" }).waitFor();
  assert.deepEqual(await page.locator("table.list tbody td:nth-child(2)").allTextContents(), ["Ben"]);
  await page.getByLabel("Late is a first punch after").fill("08:00");
  await page.getByRole("button", { name: "Show" }).click();
  await page.getByRole("link", { name: "Late 2" }).waitFor();
  await page.getByRole("link", { name: "Not come yet 0" }).click();
  await page.getByText("Nobody is missing.").waitFor();
  await accessible(page);
});

// A terminal that is away for a while. Nearly all of its time is waiting for a minute to pass: files are begun in the order of their
// names, and beside this one the others are run.
import assert from "node:assert/strict";
import { accessible, authorise, logIn, pictures, scene } from "./harness.mjs";
import { terminal } from "./terminal.mjs";

scene("one that falls silent says so itself, and why; back again, it brings a period once more", async ({ page, server }) => {
  const gate = terminal(server, "GATE01");
  await gate.hello();
  await logIn(page);
  await authorise(page, "GATE01", "Gate");
  await page.goto("/terminals");
  await page.getByRole("link", { name: "GATE01" }).click();
  await page.getByRole("link", { name: "Change" }).click();
  await page.getByLabel("Seconds between calls").fill("2");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("status").filter({ hasText: "Saved." }).waitFor();
  assert.match((await gate.hello()).text, /^Delay=2$/m);
  await gate.obey();
  await gate.punches("7\t2026-01-15 08:00:00\t0\t1\t0\t0\t0");
  await page.goto("/terminals");
  await page.getByRole("link", { name: "GATE01" }).click();
  await page.getByText("It calls: the last time").waitFor();

  // From here on it says nothing: its open page tells, and so does the live one, without being loaded again.
  const live = await page.context().newPage();
  await live.goto("/live");
  const row = live.locator("#terminals > li", { hasText: "GATE01" });
  await row.getByText("Online", { exact: true }).waitFor();
  await page.getByText("It is silent since").waitFor({ timeout: 100_000 });
  await page.getByText("It should call every 2 seconds").waitFor();
  await page.locator("#state").getByText("Offline", { exact: true }).waitFor();
  await row.getByText("Offline", { exact: true }).waitFor({ timeout: 30_000 });
  await live.close();
  await accessible(page);
  await pictures(page, "terminal-silent");

  // What it was to bring meanwhile waits until it is back.
  await page.getByRole("button", { name: "Collect punches again…" }).click();
  await page.getByLabel("From").fill("2026-01-14");
  await page.getByLabel("Until").fill("2026-01-15");
  await accessible(page);
  await page.getByRole("button", { name: "Collect punches again", exact: true }).click();
  await page.getByRole("status").filter({ hasText: "Collect punches again: queued." }).waitFor();
  const told = await gate.obey(() => gate.punches("7\t2026-01-14 08:00:00\t0\t1\t0\t0\t0", "7\t2026-01-15 08:00:00\t0\t1\t0\t0\t0"));
  assert.deepEqual(told, ["DATA QUERY ATTLOG StartTime=2026-01-14 00:00:00\tEndTime=2026-01-15 23:59:59"]);
  await page.locator("#state").getByText("Online", { exact: true }).waitFor();
  await page.locator("#commands").getByText("Done", { exact: true }).first().waitFor();
  // What was here already is not doubled.
  await page.goto("/unregister?terminal_sn=GATE01");
  await page.getByText("1 to 2 of 2").waitFor();
});

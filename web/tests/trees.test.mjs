// A tree as somebody puts it in order: by the form, and by dragging.
import assert from "node:assert/strict";
import { accessible, logIn, pictures, scene } from "./harness.mjs";

scene("a department is moved by the form and by the mouse", async ({ page, accept }) => {
  await logIn(page);
  for (const [code, name] of [["S", "Sales"], ["N", "Sales north"], ["W", "Workshop"]]) {
    await page.goto("/departments/new");
    await page.locator("#dept_code").fill(code);
    await page.locator("#dept_name").fill(name);
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByRole("status").filter({ hasText: "Saved." }).waitFor();
  }
  await page.getByRole("link", { name: "As a tree" }).click();
  const below = (name) => page.locator(".branch", { has: page.locator(":scope > .leaf", { hasText: name }) }).last();
  await page.getByLabel("Which").selectOption({ label: "Sales north (N)" });
  await page.getByLabel("Below").selectOption({ label: "Sales (S)" });
  await accessible(page);
  await page.getByRole("button", { name: "Move", exact: true }).click();
  await page.getByRole("status").filter({ hasText: "Saved." }).waitFor();
  await below("Sales north").locator("xpath=ancestor::li[1]").getByText("Sales", { exact: true }).first().waitFor();

  // What is dropped is filled in, and sent when somebody says so.
  await page.locator(".leaf", { hasText: "Workshop" }).dragTo(page.locator(".leaf", { hasText: "Sales north" }));
  await page.getByRole("button", { name: "Move", exact: true }).click();
  await page.getByRole("status").filter({ hasText: "Saved." }).waitFor();
  await below("Workshop").locator("xpath=ancestor::li[2]").getByText("Sales", { exact: true }).first().waitFor();
  await pictures(page, "tree");

  // What is below one can be folded away, by the keyboard too.
  const fold = page.locator("summary").filter({ has: page.getByText("Below Sales", { exact: true }) });
  const north = page.getByRole("link", { name: "Sales north", exact: true });
  await fold.click();
  await north.waitFor({ state: "hidden" });
  await fold.press("Enter");
  await north.waitFor();

  accept(/status of 422/);
  await page.getByLabel("Which").selectOption({ label: "Sales (S)" });
  await page.getByLabel("Below").selectOption({ label: "Workshop (W)" });
  await page.getByRole("button", { name: "Move", exact: true }).click();
  await page.locator(".entry", { has: page.locator("#below") }).locator(".problem").waitFor();
  assert.equal(await page.locator("#which option:checked").textContent(), "Sales (S)");
  assert.equal(await page.locator("#below option:checked").textContent(), "Workshop (W)");
  await accessible(page);
  await pictures(page, "tree-refused");
});

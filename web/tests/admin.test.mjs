// What an administrator does: a program gets a token and calls the API with it; users and roles are made, and changed.
import assert from "node:assert/strict";
import { accessible, logIn, scene } from "./harness.mjs";

const menu = (page, name) => page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name, exact: true });

/** Takes back what the form proposes. */
async function untick(page) {
  const ticked = page.locator("input[name=rights]:checked");
  while (await ticked.count()) await ticked.first().uncheck();
}

scene("a program is given a token, and calls the API with it", async ({ page, server }) => {
  await logIn(page);
  await menu(page, "API authorization").click();
  await page.getByText("None yet.").waitFor();
  await accessible(page);
  await page.getByRole("link", { name: "New client" }).click();
  await accessible(page);
  await page.getByLabel("Name").fill("Payroll");
  await page.getByLabel("May come from").fill("127.0.0.1\n::1");
  await untick(page);
  await page.getByLabel("See: Employees").check();
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("heading", { name: "The token of Payroll" }).waitFor();
  await accessible(page);
  const token = await page.getByLabel("Token", { exact: true }).inputValue();
  const call = async (path) => (await fetch(`${server.url}${path}`, { headers: { authorization: `Token ${token}` } })).status;
  assert.equal(await call("/personnel/api/employees/"), 200);
  assert.equal(await call("/personnel/api/areas/"), 403);

  await page.getByRole("link", { name: "Done" }).click();
  await page.getByRole("link", { name: "Payroll" }).click();
  assert.equal(await page.title(), "Payroll · API authorization · muster");
  await page.getByLabel("See: Areas").check();
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("status").filter({ hasText: "Saved." }).waitFor();
  assert.equal(await call("/personnel/api/areas/"), 200);
  await page.getByRole("link", { name: "Payroll" }).click();
  await page.getByRole("button", { name: "Revoke this client…" }).click();
  await page.getByRole("heading", { name: "Revoke Payroll?" }).waitFor();
  await accessible(page);
  await page.getByRole("button", { name: "Revoke" }).click();
  await page.getByRole("status").filter({ hasText: "Revoked." }).waitFor();
  assert.equal(await call("/personnel/api/areas/"), 401);
  await page.getByRole("link", { name: "Browse API" }).click();
  await page.waitForURL("**/api/docs/");
});

scene("a role is made and given to a user, who sees what it allows", async ({ page, context, server, accept }) => {
  await logIn(page);
  await menu(page, "Roles").click();
  await accessible(page);
  await page.getByRole("link", { name: "New role" }).click();
  await page.getByLabel("Name").fill("Gate");
  await untick(page);
  await page.getByLabel("See: Areas").check();
  await accessible(page);
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("link", { name: "Gate" }).waitFor();

  accept(/status of 422/);
  await menu(page, "Users").click();
  await page.getByRole("link", { name: "New user" }).click();
  await page.getByLabel("User name").fill("guard");
  await page.getByLabel("Role").selectOption({ label: "Gate" });
  await page.getByLabel("Password").fill("short");
  await page.getByRole("button", { name: "Save" }).click();
  await page.locator(".entry", { has: page.locator("#password") }).locator(".problem").waitFor();
  await accessible(page);
  await page.getByLabel("Password").fill("lamp oil and rope");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("cell", { name: "guard" }).waitFor();
  await accessible(page);

  const browser = context.browser();
  const other = await browser.newContext({ baseURL: server.url });
  const guard = await other.newPage();
  await logIn(guard, { username: "guard", password: "lamp oil and rope" });
  const links = await guard.getByRole("navigation", { name: "Pages" }).getByRole("link").allTextContents();
  assert.deepEqual(links, ["Areas"]);
  await guard.goto("/areas");
  await guard.getByRole("link", { name: "1", exact: true }).waitFor();
  await page.getByRole("link", { name: "guard" }).click();
  await page.getByLabel("May sign in").uncheck();
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("cell", { name: "Shut out" }).waitFor();
  await guard.reload();
  await guard.waitForURL("**/sign-in");
  await other.close();
});

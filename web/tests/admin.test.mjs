// What an administrator does: a program gets a token and calls the API with it; users and roles are made, and changed.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { accessible, adminPassword, authorise, logIn, scene } from "./harness.mjs";
import { terminal } from "./terminal.mjs";

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
  const call = async (path, by = token) => (await fetch(`${server.url}${path}`, { headers: { authorization: `Token ${by}` } })).status;
  assert.equal(await call("/personnel/api/employees/"), 200);
  assert.equal(await call("/personnel/api/areas/"), 403);

  await page.getByRole("link", { name: "Done" }).click();
  await page.getByRole("link", { name: "Payroll" }).click();
  assert.equal(await page.title(), "Payroll · API authorization · muster");
  await page.getByLabel("See: Areas").check();
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("status").filter({ hasText: "Saved." }).waitFor();
  assert.equal(await call("/personnel/api/areas/"), 200);

  // Another token, and the first one is worth nothing.
  await page.getByRole("link", { name: "Payroll" }).click();
  await page.getByRole("button", { name: "Give it another token…" }).click();
  await page.getByRole("heading", { name: "Give Payroll another token?" }).waitFor();
  await accessible(page);
  await page.getByRole("button", { name: "Give it another token", exact: true }).click();
  await page.getByRole("heading", { name: "The token of Payroll" }).waitFor();
  const another = await page.getByLabel("Token", { exact: true }).inputValue();
  assert.equal(await call("/personnel/api/areas/"), 401);
  assert.equal(await call("/personnel/api/areas/", another), 200);

  await page.getByRole("link", { name: "Done" }).click();
  await page.getByRole("link", { name: "Payroll" }).click();
  await page.getByRole("button", { name: "Revoke this client…" }).click();
  await page.getByRole("heading", { name: "Revoke Payroll?" }).waitFor();
  await accessible(page);
  await page.getByRole("button", { name: "Revoke" }).click();
  await page.getByRole("status").filter({ hasText: "Revoked." }).waitFor();
  assert.equal(await call("/personnel/api/areas/", another), 401);
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
  assert.deepEqual(links, ["Today", "Areas"]);
  await guard.goto("/areas");
  await guard.getByRole("link", { name: "1", exact: true }).waitFor();
  await page.getByRole("link", { name: "guard" }).click();
  await page.getByLabel("May sign in").uncheck();
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("cell", { name: "Shut out" }).waitFor();
  await guard.reload();
  await guard.waitForURL(/\/sign-in\?to=%2Fareas$/);
  await other.close();
});

/** What an app shows for a secret now. */
function code(secret) {
  const bits = [...secret.replaceAll(" ", "")].map((letter) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)));
  const tag = createHmac("sha1", key).update(counter).digest();
  return String((tag.readUInt32BE(tag[19] & 15) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

scene("a second factor is switched on, asked for, and switched off", async ({ page, accept }) => {
  accept(/status of 422/);
  await logIn(page);
  await page.getByRole("link", { name: "admin" }).click();
  await page.getByRole("heading", { name: "Where you are signed in" }).waitFor();
  await accessible(page);
  const card = page.locator("section", { has: page.getByRole("heading", { name: "Second factor" }) });
  await card.getByLabel("Password").fill(adminPassword);
  await card.getByRole("button", { name: "Set it up" }).click();
  await page.getByRole("img", { name: "The secret as a QR code" }).waitFor();
  await accessible(page);
  const secret = await page.locator("#secret").textContent();
  await page.getByLabel("The code the app shows").fill(code(secret));
  await page.getByRole("button", { name: "Switch it on" }).click();
  await page.getByRole("heading", { name: "The second factor is on" }).waitFor();
  await accessible(page);
  assert.equal(await page.locator(".codes li").count(), 10);
  const [recovery] = await page.locator(".codes li").allTextContents();
  await page.getByRole("link", { name: "I have kept them" }).click();
  await page.getByText("Recovery codes left: 10.").waitFor();
  await page.getByRole("button", { name: "Sign out" }).click();

  await page.fill("input[name=username]", "admin");
  await page.fill("input[name=password]", adminPassword);
  await page.press("input[name=password]", "Enter");
  await page.getByRole("heading", { name: "Your code" }).waitFor();
  await accessible(page);
  await page.getByRole("textbox", { name: "Code" }).fill("nonsense");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("This code is wrong").waitFor();
  await page.getByRole("textbox", { name: "Code" }).fill(recovery);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL((url) => url.pathname === "/");

  await page.goto("/account");
  await page.getByText("Recovery codes left: 9.").waitFor();
  await card.getByLabel("Password").fill(adminPassword);
  await card.getByRole("button", { name: "Switch it off" }).click();
  await page.getByRole("status").filter({ hasText: "The second factor is off." }).waitFor();
  await page.goto("/audit?action=second_factor");
  await page.locator("table.list tbody tr").first().getByRole("link").click();
  await page.getByRole("heading", { name: "Second factor changed: User admin" }).waitFor();
  await page.getByRole("row", { name: "second_factor true false" }).waitFor();
  await accessible(page);
});

scene("whoever is signed in elsewhere is not any more: ended one by one, with the password, and by an administrator", async ({ page, context, server, accept }) => {
  accept(/status of 422/);
  const others = [];
  const signInElsewhere = async (account) => {
    const elsewhere = await context.browser().newContext({ baseURL: server.url });
    others.push(elsewhere);
    const other = await elsewhere.newPage();
    await logIn(other, account);
    return other;
  };
  const isOut = async (other) => (await other.goto("/account"), other.waitForURL(/\/sign-in/));
  await logIn(page);
  const other = await signInElsewhere();
  await page.goto("/account");
  await page.getByRole("button", { name: "End all others" }).waitFor();
  await accessible(page);
  await page.getByRole("row").getByRole("button", { name: "End it" }).click();
  await page.getByRole("status").filter({ hasText: "Ended." }).waitFor();
  assert.equal(await page.getByRole("button", { name: "End all others" }).count(), 0);
  await isOut(other);

  // The password: refused at its field, then changed, which ends what the old one had opened.
  await logIn(other);
  await page.getByLabel("Password now").fill("not this one");
  await page.getByLabel("New password").fill("lamp oil and rope");
  await page.getByLabel("The new one again").fill("lamp oil and rope");
  await page.getByRole("button", { name: "Change password" }).click();
  await page.locator(".wrong", { has: page.getByLabel("Password now") }).locator(".problem").waitFor();
  await accessible(page);
  await page.getByLabel("Password now").fill(adminPassword);
  await page.getByLabel("New password").fill("lamp oil and rope");
  await page.getByLabel("The new one again").fill("lamp oil and rope");
  await page.getByRole("button", { name: "Change password" }).click();
  await page.getByRole("status").filter({ hasText: "password" }).waitFor();
  await isOut(other);
  await logIn(other, { password: "lamp oil and rope" });

  // Somebody else's sessions.
  await menu(page, "Users").click();
  await page.getByRole("link", { name: "New user" }).click();
  await page.getByLabel("User name").fill("guard");
  await page.getByLabel("Role").selectOption({ label: "viewer" });
  await page.getByLabel("Password").fill("oil lamp and rope");
  await page.getByRole("button", { name: "Save" }).click();
  const guard = await signInElsewhere({ username: "guard", password: "oil lamp and rope" });
  await page.getByRole("link", { name: "guard" }).click();
  await page.getByRole("heading", { name: "Where this user is signed in" }).waitFor();
  await accessible(page);
  await page.getByRole("button", { name: "End all sessions of this user" }).click();
  await page.getByRole("status").filter({ hasText: "Ended." }).waitFor();
  await isOut(guard);
  await other.goto("/account");
  await other.getByRole("heading", { name: "Where you are signed in" }).waitFor();
  for (const elsewhere of others) await elsewhere.close();
});

const recipient = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
const backedUp = { server: { env: { MUSTER_BACKUP__RECIPIENTS: JSON.stringify([recipient]), MUSTER_BACKUP__EVERY_H: "0" } } };

scene("a setting is refused at its field and in force at once, and a backup is made now", backedUp, async ({ page, accept }) => {
  accept(/status of 422/);
  await logIn(page);
  await menu(page, "Settings").click();
  const late = page.getByLabel("Late is a first punch after");
  await late.fill("25:00");
  await page.getByRole("button", { name: "Save" }).click();
  await page.locator(".wrong", { has: late }).locator(".problem").waitFor();
  await accessible(page);
  await late.fill("08:15");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("status").filter({ hasText: "Saved. It is in force" }).waitFor();
  await page.getByRole("row", { name: /^console\.late_after 08:15/ }).waitFor();
  await accessible(page);

  await menu(page, "System").click();
  await page.getByText("There is none in").waitFor();
  await page.getByRole("button", { name: "Back up now" }).click();
  await page.getByText("1 backup in").waitFor();
  await accessible(page);
});

scene("a punch is hidden, stands with the hidden ones, and is shown again", async ({ page, server }) => {
  const gate = terminal(server, "GATE01");
  await gate.hello();
  await logIn(page);
  await authorise(page, "GATE01", "Gate");
  await gate.hello();
  await gate.bring("OPERLOG", "USER PIN=7\tName=Asha\tPri=0\tPasswd=\tCard=\tGrp=1");
  await gate.punches("7\t2026-01-15 08:00:00\t0\t1\t0\t0\t0", "7\t2026-01-15 17:00:00\t1\t1\t0\t0\t0");
  const rows = page.locator("table.list tbody tr");
  const move = async (list, act, sure) => {
    await page.goto(list);
    await rows.first().getByRole("checkbox").check();
    await page.getByLabel("With ticked").selectOption(act);
    await page.locator("#do").click();
    await page.getByRole("heading", { name: `${act}?` }).waitFor();
    await accessible(page);
    await page.getByRole("button", { name: act, exact: true }).click();
    await page.getByRole("status").filter({ hasText: sure }).waitFor();
  };
  await move("/transactions", "Hide", "they stand in Hidden punches.");
  await page.goto("/transactions");
  await page.getByText("1 to 1 of 1").waitFor();
  assert.match(await rows.first().textContent(), /08:00:00/);
  await page.goto("/hidden");
  await page.getByText("1 to 1 of 1").waitFor();
  assert.match(await rows.first().textContent(), /17:00:00/);
  await accessible(page);
  await move("/hidden", "Show again", "they stand in Transactions.");
  await page.goto("/transactions");
  await page.getByText("1 to 2 of 2").waitFor();
});

scene("a person, a terminal and a page are found from anywhere", async ({ page, server }) => {
  await logIn(page);
  const token = await page.evaluate(async (password) => {
    const body = new URLSearchParams({ username: "admin", password });
    return (await (await fetch("/api/api-token-auth/", { method: "POST", body })).json()).token;
  }, adminPassword);
  const employee = { emp_code: "1001", first_name: "Asha", last_name: "Rao", department: "1", area: ["1"] };
  const made = await fetch(`${server.url}/personnel/api/employees/`, {
    method: "POST",
    headers: { authorization: `Token ${token}`, "content-type": "application/json" },
    body: JSON.stringify(employee),
  });
  assert.equal(made.status, 201);
  await fetch(`${server.url}/iclock/cdata?SN=RAO0001&options=all&pushver=2.4.1`);
  await page.goto("/areas");
  await page.keyboard.press("Control+k");
  await page.keyboard.type("rao");
  await page.keyboard.press("Enter");
  await page.getByRole("link", { name: "1001 Asha Rao" }).waitFor();
  await page.getByRole("link", { name: "RAO0001" }).waitFor();
  await accessible(page);
  await page.keyboard.press("Control+k");
  await page.keyboard.type("audit");
  await page.keyboard.press("Enter");
  await page.getByRole("main").getByRole("link", { name: "Audit" }).waitFor();
  await page.goto("/search?q=rao");
  await page.getByRole("link", { name: "1001 Asha Rao" }).click();
  assert.equal(await page.title(), "1001 Asha Rao · Employees · muster");
  await page.getByRole("link", { name: "Punches and terminals" }).click();
  await page.getByRole("heading", { name: "Newest punches" }).waitFor();
  await accessible(page);
  await page.getByRole("link", { name: "Month before" }).click();
  await page.getByRole("link", { name: "Next month" }).waitFor();
});

scene("the server says how it is, without JavaScript too", { page: { javaScriptEnabled: false } }, async ({ page }) => {
  await logIn(page);
  await menu(page, "System").click();
  await page.getByText("muster 0.1.0").waitFor();
  await page.getByRole("link", { name: "Check everything" }).click();
  await page.getByText("no punch is there twice").waitFor();
  await menu(page, "Settings").click();
  await page.getByRole("row", { name: /^listen 127\.0\.0\.1:0 the command line/ }).waitFor();
  await page.locator(".find input").fill("settings");
  await page.locator(".find input").press("Enter");
  await page.getByRole("main").getByRole("link", { name: "Settings" }).waitFor();
});

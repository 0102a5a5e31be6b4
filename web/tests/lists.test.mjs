// The lists and forms as a person uses them: somebody is hired, found, changed and removed; what is refused is told at its field.
import assert from "node:assert/strict";
import { accessible, authorise, logIn, openPart, pictures, scene } from "./harness.mjs";

const rows = (page) => page.locator("table.list tbody tr");

scene("an employee is made, found, changed and removed", async ({ page, accept }) => {
  await logIn(page);
  await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Employees" }).click();
  await page.getByText("None yet.").waitFor();
  await accessible(page);
  await page.getByRole("link", { name: "New employee" }).click();
  await accessible(page);

  // What the API refuses, the form refuses, at the field, and keeps what was typed.
  accept(/status of 422/);
  await page.getByLabel("Code", { exact: false }).first().fill("10 01");
  await page.getByLabel("First name").fill("<script>alert(1)</script>");
  await openPart(page, "Work");
  await page.getByLabel("Department", { exact: false }).selectOption({ label: "Department (1)" });
  await openPart(page, "Terminals and areas");
  await page.locator("#area").selectOption({ label: "Not Authorized (1)" });
  await page.getByLabel("Card number").fill("12x");
  await page.getByRole("button", { name: "Save" }).click();
  await page.locator(".entry", { has: page.locator("#emp_code") }).locator(".problem").waitFor();
  await openPart(page, "Terminals and areas something is wrong here");
  await page.locator(".entry", { has: page.locator("#card_no") }).locator(".problem").waitFor();
  await openPart(page, "Person something is wrong here");
  assert.equal(await page.locator("#emp_code").inputValue(), "10 01");
  assert.equal(await page.getByLabel("First name").inputValue(), "<script>alert(1)</script>");
  await accessible(page);
  await page.locator("#emp_code").fill("1001");
  await openPart(page, "Terminals and areas");
  await page.getByLabel("Card number").fill("7105901");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("status").filter({ hasText: "Saved." }).waitFor();
  await page.getByRole("cell", { name: "<script>alert(1)</script>", exact: true }).waitFor();
  await accessible(page);

  await page.getByLabel("Search").fill("nobody");
  await page.getByRole("button", { name: "Show", exact: true }).click();
  await page.getByText("Nothing is like that.").waitFor();
  await page.getByRole("link", { name: "Show all" }).first().click();
  await rows(page).first().getByRole("link", { name: "1001" }).click();
  await page.getByLabel("First name").fill("Asha");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("cell", { name: "Asha", exact: true }).waitFor();

  await rows(page).first().getByRole("checkbox").check();
  await page.getByRole("button", { name: "Remove 1…" }).click();
  await page.getByRole("heading", { name: "Remove this employee?" }).waitFor();
  await page.getByText("1001 Asha").waitFor();
  await accessible(page);
  await page.getByRole("button", { name: "Remove", exact: true }).click();
  await page.getByRole("status").filter({ hasText: "Removed." }).waitFor();
  await page.getByText("None yet.").waitFor();
});

scene("a list is put in order, narrowed and walked page by page", async ({ page, server, accept }) => {
  await logIn(page);
  const token = await page.evaluate(async (password) => {
    const body = new URLSearchParams({ username: "admin", password });
    return (await (await fetch("/api/api-token-auth/", { method: "POST", body })).json()).token;
  }, "Harness-9-door-lamp");
  for (let number = 1; number <= 25; number++) {
    const answer = await fetch(`${server.url}/personnel/api/areas/`, {
      method: "POST",
      headers: { authorization: `Token ${token}`, "content-type": "application/json" },
      body: JSON.stringify({ area_code: `A${100 + number}`, area_name: `Area ${26 - number}`, ...(number > 1 && { parent_area: "A101" }) }),
    });
    assert.equal(answer.status, 201);
  }
  await page.goto("/areas");
  await page.getByLabel("Rows").selectOption("20");
  await page.getByRole("button", { name: "Show", exact: true }).click();
  await page.getByText("1 to 20 of 26").waitFor();
  assert.equal(await rows(page).first().locator("a").textContent(), "1");
  await page.getByRole("columnheader", { name: "Name" }).getByRole("link").click();
  await page.locator("th[aria-sort=ascending]", { hasText: "Name" }).waitFor();
  assert.equal(await rows(page).first().locator("td").nth(2).textContent(), "Area 1");
  await page.getByRole("link", { name: "Next" }).click();
  await page.getByText("21 to 26 of 26").waitFor();
  assert.equal(await rows(page).count(), 6);
  await page.getByRole("link", { name: "Before" }).click();
  await page.locator(".asked").getByLabel("Below").selectOption({ label: "Area 25 (A101)" });
  await page.getByRole("button", { name: "Show", exact: true }).click();
  await page.getByText("1 to 20 of 24").waitFor();

  // Kept under a name with its columns, it is a link from then on.
  await page.getByText("Columns and views").click();
  await page.getByRole("checkbox", { name: "Below" }).uncheck();
  await accessible(page);
  await page.getByRole("button", { name: "Show these from now on" }).click();
  await page.getByRole("columnheader", { name: "Name" }).waitFor();
  assert.equal(await page.getByRole("columnheader", { name: "Below" }).count(), 0);
  await page.getByText("1 to 20 of 24").waitFor();
  await page.getByText("Columns and views").click();
  await page.getByLabel("Keep the list as it is shown").fill("Those of 25");
  await page.getByRole("button", { name: "Keep it" }).click();
  await page.getByRole("status").filter({ hasText: "The view is kept." }).waitFor();
  await accessible(page);
  await page.goto("/areas");
  await page.getByText("1 to 26 of 26").waitFor();
  await page.getByRole("link", { name: "Those of 25" }).click();
  await page.getByText("1 to 20 of 24").waitFor();
  await page.getByRole("link", { name: "Those of 25", exact: true }).and(page.locator("[aria-current=true]")).waitFor();
  await page.getByText("Columns and views").click();
  await page.getByRole("button", { name: "Forget Those of 25" }).click();
  await page.getByRole("link", { name: "Those of 25" }).waitFor({ state: "detached" });

  // What is above others stays, and it is said why; nothing of the selection is removed.
  accept(/status of 422/);
  await page.goto("/areas?ordering=-area_code");
  await page.getByRole("checkbox", { name: "A102 " }).check();
  await page.getByRole("checkbox", { name: "A101 " }).check();
  await page.getByRole("button", { name: "Remove 2…" }).click();
  await page.getByRole("button", { name: "Remove", exact: true }).click();
  await page.getByRole("alert").waitFor();
  await page.goto("/areas");
  await page.getByText("1 to 26 of 26").waitFor();
});

scene("a list without JavaScript", { page: { javaScriptEnabled: false } }, async ({ page }) => {
  await logIn(page);
  await page.goto("/departments/new");
  await page.locator("#dept_code").fill("S");
  await page.locator("#dept_name").fill("Sales");
  await page.locator("#parent_dept").selectOption({ label: "Department (1)" });
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("cell", { name: "Sales", exact: true }).waitFor();
  await page.getByRole("checkbox", { name: "S Sales" }).check();
  await page.getByRole("button", { name: "Remove ticked…" }).click();
  await page.getByRole("button", { name: "Remove", exact: true }).click();
  await page.getByRole("status").filter({ hasText: "Removed." }).waitFor();
  const file = await page.request.get("/departments/file?export_type=csv");
  assert.match(file.headers()["content-disposition"], /departments-\d{4}-\d\d-\d\d\.csv/);
  assert.match(await file.text(), /dept_code/);
});

scene("every page of the menu opens, and can be read by everybody", async ({ page, server }) => {
  // One terminal with a person of its own, so that the lists are not all empty.
  await fetch(`${server.url}/iclock/cdata?SN=TEST0001&options=all&pushver=2.4.1`);
  await logIn(page);
  await authorise(page, "TEST0001", "Gate");
  await fetch(`${server.url}/iclock/cdata?SN=TEST0001&options=all&pushver=2.4.1`);
  const tell = (table, body) => fetch(`${server.url}/iclock/cdata?SN=TEST0001&table=${table}&Stamp=1`, { method: "POST", body });
  const answer = await tell("OPERLOG", "OPLOG 4\t14\t2026-01-15 08:00:00\t0\t0\t0\t0\nUSER PIN=7\tName=Rani\tPri=0\tPasswd=\tCard=\tGrp=1\nFP PIN=7\tFID=1\tSize=4\tValid=1\tTMP=AAAA\n");
  assert.equal(answer.status, 200);
  const links = await page.getByRole("navigation", { name: "Pages" }).getByRole("link").evaluateAll((found) => found.map((link) => link.getAttribute("href")));
  assert.ok(links.length > 14);
  for (const link of links) {
    await page.goto(link);
    await page.locator("nav.menu [aria-current=page]").waitFor();
    await accessible(page);
  }
  for (const [path, text] of [["/holdings", "Brought by it"], ["/operations", "Menu entered"], ["/biometrics", "Fingerprint"], ["/employees", "Rani"]]) {
    await page.goto(path);
    await page.locator("table.list").getByText(text, { exact: false }).first().waitFor();
  }
});

scene("a long form shows one of its parts at a time, and the one where something is wrong", async ({ page, accept }) => {
  await logIn(page);
  await page.goto("/employees/new");
  const tab = (name) => page.getByRole("tab", { name });
  const shown = () => page.locator(".part:visible legend").allTextContents();
  assert.deepEqual(await shown(), ["Person"]);
  assert.equal(await tab("Person").getAttribute("aria-selected"), "true");

  // By the keyboard: one stop for all tabs, the arrows go from one to the next and around.
  await tab("Person").focus();
  await page.keyboard.press("ArrowRight");
  assert.deepEqual(await shown(), ["Work"]);
  await page.keyboard.press("End");
  assert.deepEqual(await shown(), ["App"]);
  await page.keyboard.press("ArrowRight");
  assert.deepEqual(await shown(), ["Person"]);
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("Home");
  assert.deepEqual(await shown(), ["Person"]);
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.id), "emp_code");
  await accessible(page);

  // The browser finds the department missing, in a part that is not shown: it opens.
  await page.locator("#emp_code").fill("7");
  await page.getByRole("button", { name: "Save" }).click();
  assert.deepEqual(await shown(), ["Work"]);
  assert.equal(await page.evaluate(() => document.activeElement.id), "department");
  await page.locator("#department").selectOption({ label: "Department (1)" });
  await openPart(page, "Terminals and areas");
  await page.locator("#area").selectOption({ label: "Not Authorized (1)" });
  await page.locator("#verify_mode").selectOption({ label: "Face and card" });
  await page.getByLabel("Card number").fill("12x");

  // What the server finds wrong is in sight too, and its tab says so.
  accept(/status of 422/);
  await openPart(page, "App");
  await page.getByRole("button", { name: "Save" }).click();
  await page.locator(".entry", { has: page.locator("#card_no") }).locator(".problem").waitFor();
  assert.deepEqual(await shown(), ["Terminals and areas"]);
  await tab("Terminals and areas something is wrong here").waitFor();
  await accessible(page);
  await pictures(page, "form-refused");
  await page.getByLabel("Card number").fill("12");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("status").filter({ hasText: "Saved." }).waitFor();

  // An address leads into the part it names.
  await rows(page).first().getByRole("link", { name: "7" }).click();
  await tab("Biometrics").click();
  await page.getByText("No finger, face or palm is enrolled.").waitFor();
  await pictures(page, "form-biometrics");
  await page.reload();
  assert.deepEqual(await shown(), ["Biometrics"]);
  await openPart(page, "Terminals and areas");
  assert.equal(await page.locator("#verify_mode").inputValue(), "18");
});

scene("a long form without JavaScript has all its parts", { page: { javaScriptEnabled: false } }, async ({ page }) => {
  await logIn(page);
  await page.goto("/employees/new");
  assert.equal(await page.locator("fieldset:visible").count(), 5);
  await page.getByRole("link", { name: "Terminals and areas" }).click();
  assert.equal(new URL(page.url()).hash, "#part-3");
  await page.locator("#emp_code").fill("7");
  await page.locator("#department").selectOption({ label: "Department (1)" });
  await page.locator("#area").selectOption({ label: "Not Authorized (1)" });
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("status").filter({ hasText: "Saved." }).waitFor();
});

for (const javaScriptEnabled of [true, false]) {
  scene(`whoever is done with a row is back where he was, with${javaScriptEnabled ? "" : "out"} JavaScript`, { page: { javaScriptEnabled } }, async ({ page, server, accept }) => {
    await logIn(page);
    const login = await page.request.post("/api/api-token-auth/", { form: { username: "admin", password: "Harness-9-door-lamp" } });
    const { token } = await login.json();
    for (let number = 101; number <= 125; number++) {
      const answer = await fetch(`${server.url}/personnel/api/positions/`, {
        method: "POST",
        headers: { authorization: `Token ${token}`, "content-type": "application/json" },
        body: JSON.stringify({ position_code: `P${number}`, position_name: `Post ${number}` }),
      });
      assert.equal(answer.status, 201);
    }
    await page.goto("/positions?columns=position_name");
    await page.getByLabel("Search").fill("post");
    await page.getByLabel("Rows").selectOption("20");
    await page.getByRole("button", { name: "Show", exact: true }).click();
    await page.getByRole("columnheader", { name: "Name" }).getByRole("link").click();
    await page.getByRole("columnheader", { name: "Name" }).getByRole("link").click();
    await page.getByRole("link", { name: "Next" }).click();
    const isThere = async () => {
      await page.getByText("21 to 25 of 25").waitFor();
      assert.deepEqual(await rows(page).locator("a").allTextContents(), ["P105", "P104", "P103", "P102", "P101"]);
      assert.equal(await page.getByLabel("Search").inputValue(), "post");
      assert.equal(await page.locator("thead th:not(.tick)").count(), 2, "the columns chosen");
    };
    await isThere();
    await page.getByRole("link", { name: "P103" }).click();
    await page.locator(".back a").click();
    await isThere();
    await page.getByRole("link", { name: "P103" }).click();
    accept(/status of 422/);
    await page.locator("#position_name").fill("x".repeat(300));
    await page.getByRole("button", { name: "Save" }).click();
    await page.locator(".problem").waitFor();
    await page.locator("#position_name").fill("Post 103 a");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByRole("status").filter({ hasText: "Saved." }).waitFor();
    await isThere();
    await page.getByRole("checkbox", { name: "P101" }).check();
    await page.locator("#remove").click();
    await page.getByRole("link", { name: "Leave everything as it is" }).click();
    await isThere();
    for (const code of ["P101", "P102", "P103", "P104", "P105"]) await page.getByRole("checkbox", { name: code }).check();
    await page.locator("#remove").click();
    await page.getByRole("button", { name: "Remove", exact: true }).click();
    await page.getByRole("status").filter({ hasText: "5 removed." }).waitFor();
    // That page is no more: the one before it is shown, in the same order.
    await page.getByText("1 to 20 of 20").waitFor();
    assert.equal(await rows(page).first().locator("a").textContent(), "P125");

    // One tick more than those of the page means all that match.
    await page.goto("/positions?search=post&page_size=10");
    const all = page.getByRole("checkbox", { name: "All 20 that match" });
    if (javaScriptEnabled) {
      await all.waitFor({ state: "hidden" });
      await page.getByRole("checkbox", { name: "All on this page" }).check();
      await accessible(page);
    }
    await all.check();
    if (javaScriptEnabled) await page.getByRole("button", { name: "Remove 20…" }).waitFor();
    await pictures(page, "all-that-match");
    await page.locator("#remove").click();
    await page.getByRole("heading", { name: "Remove these 20?" }).waitFor();
    await page.getByText("All that match: Search: post").waitFor();
    if (javaScriptEnabled) await accessible(page);
    await page.getByRole("button", { name: "Remove", exact: true }).click();
    await page.getByRole("status").filter({ hasText: "20 removed." }).waitFor();
    await page.getByText("Nothing is like that.").waitFor();
  });
}

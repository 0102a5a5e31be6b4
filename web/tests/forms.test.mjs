// Every form that makes something, found by the menu: what the API refuses it refuses, at the same fields, and keeps what was typed.
import assert from "node:assert/strict";
import { accessible, adminPassword, logIn, scene } from "./harness.mjs";

/** Where a program makes the same; these three are made in the console alone. */
const doors = {
  employees: "/personnel/api/employees/", departments: "/personnel/api/departments/", areas: "/personnel/api/areas/", positions: "/personnel/api/positions/",
  locations: "/personnel/api/locations/", resignations: "/personnel/api/resigns/", terminals: "/iclock/api/terminals/",
  "public-messages": "/iclock/api/publicmessages/", "private-messages": "/iclock/api/privatemessages/",
  clients: null, users: null, roles: null,
};

scene("every form refuses what the API refuses, and keeps what was typed", async ({ page, server, accept }) => {
  accept(/status of 4/);
  const login = await fetch(`${server.url}/api-token-auth/`, { method: "POST", body: new URLSearchParams({ username: "admin", password: adminPassword }) });
  const { token } = await login.json();
  await fetch(`${server.url}/iclock/cdata?SN=TEST0001&options=all`);
  await logIn(page);
  const lists = await page.getByRole("navigation", { name: "Pages" }).getByRole("link").evaluateAll((links) => links.map((link) => link.getAttribute("href")));
  const forms = [];
  for (const list of lists) {
    await page.goto(list);
    if (await page.locator(`.title a[href='${list}/new']`).count()) forms.push(list.slice(1));
  }
  assert.deepEqual(forms.toSorted(), Object.keys(doors).toSorted());

  for (const name of forms) {
    // Nothing at all, and too much of everything.
    for (const text of ["", `${"x".repeat(600)} <&"'>`]) {
      await page.goto(`/${name}/new`);
      const typed = await page.evaluate((text) => {
        const form = document.querySelector("main form[method=post]");
        const typed = {};
        for (const field of form.querySelectorAll(".entry input, .entry textarea, .entry select")) {
          if (field.type === "checkbox") field.checked = false;
          else if (field.tagName === "SELECT") field.selectedIndex = -1;
          else if (["text", "password"].includes(field.type) || field.tagName === "TEXTAREA") typed[field.name] = field.value = text;
          else typed[field.name] = field.value; // a number, a day: as the form proposes it
        }
        form.noValidate = true;
        form.requestSubmit();
        return typed;
      }, text);
      await page.locator(".entry.wrong .problem").first().waitFor();
      const shown = await page.evaluate(() => ({
        wrong: [...document.querySelectorAll(".entry.wrong")].map((entry) => entry.querySelector("[name]:not([type=hidden])").name),
        kept: Object.fromEntries([...document.querySelectorAll("main .entry input, main .entry textarea")].map((field) => [field.name, field.value])),
        secrets: [...document.querySelectorAll("main input[type=password]")].map((field) => field.name),
      }));
      for (const [field, value] of Object.entries(typed)) assert.equal(shown.kept[field], shown.secrets.includes(field) ? "" : value, `${name}: ${field}`);
      await accessible(page);
      if (!doors[name]) continue;
      const body = Object.fromEntries(Object.entries(typed).filter(([, value]) => value));
      const answer = await fetch(server.url + doors[name], { method: "POST", headers: { authorization: `Token ${token}`, "content-type": "application/json" }, body: JSON.stringify(body) });
      assert.equal(answer.status, 400, name);
      const refused = Object.keys(await answer.json());
      const asked = await page.evaluate(() => [...document.querySelectorAll("main .entry [name]")].map((field) => field.name));
      // What the form does not ask for it sends along or leaves out, and the API may want it. At a secret that was typed it is told that it is to be typed again.
      const told = new Set([...refused.filter((field) => asked.includes(field)), ...shown.secrets.filter((field) => typed[field])]);
      assert.deepEqual(shown.wrong.toSorted(), [...told].toSorted(), `${name}, ${text.length} letters`);
    }
  }
});

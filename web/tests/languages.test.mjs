// The console in other languages: Hindi as its readers use it, and a language that is none, right to left, which shows every text that was
// forgotten: whatever a person may read is written in its letters, but for names, numbers and codes.
import assert from "node:assert/strict";
import { accessible, adminPassword, logIn, openPart, scene } from "./harness.mjs";

// Names that are there from the start, and names of programs and units.
const names = /\b(admin|administrator|operator|viewer|system|default|Auto add|Ver|Department|Location|Not Authorized|Position|muster|SQLite|UTC|Etc|[KMGT]iB|Chrome|Linux)\b|\bPostgreSQL [\d.]+( \([^)]*\))?/g;
// Serial numbers, addresses, words of the wire and tags.
const codes = /\b\w+=\S*|\b[A-Z][A-Z0-9_]+\b|\/[\w./-]+/g;

/** What can be read or heard on the page and is in plain letters. */
async function forgotten(page) {
  const texts = await page.evaluate(() => {
    const data = "body [lang], [translate=no], code, kbd, .pin, .sn, script, style, template, noscript, input, textarea";
    const found = [document.title];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const node = walker.currentNode;
      const parent = node.parentElement;
      if (node.data.trim() && !parent.closest(data) && (parent.tagName === "OPTION" || parent.checkVisibility())) found.push(node.data.trim());
    }
    for (const attribute of ["aria-label", "title", "placeholder", "alt"]) {
      for (const element of document.body.querySelectorAll(`[${attribute}]:not([translate=no])`)) found.push(element.getAttribute(attribute));
    }
    return found;
  });
  return texts.filter((text) => /[A-Za-z]{2}/.test(text.replaceAll(names, "").replaceAll(codes, "")));
}

/** The page is mirrored, reads well, and is nowhere wider than the window. */
async function isMirrored(page, path) {
  assert.equal(await page.evaluate(() => getComputedStyle(document.body).direction), "rtl", path);
  assert.deepEqual(await forgotten(page), [], path);
  await accessible(page, { inTheDark: false }); // colours are the same in every language
  const wide = page.viewportSize();
  for (const width of [wide.width, 390]) {
    await page.setViewportSize({ width, height: wide.height });
    const beyond = await page.evaluate(() => {
      const all = document.documentElement;
      const out = [...document.body.querySelectorAll("*")].filter((one) => one.getBoundingClientRect().left < -1 && !one.closest(".wide, .menu, .unseen, .skip, thead, svg"));
      return all.scrollWidth > all.clientWidth ? out.slice(0, 3).map((one) => one.outerHTML.slice(0, 200)) : [];
    });
    assert.deepEqual(beyond, [], `${path} at ${width}`);
  }
  await page.setViewportSize(wide);
}

const speakBackwards = ({ context, server }) => context.addCookies([{ name: "muster_language", value: "ar-XB", url: server.url }]);

/** A terminal let in on the live page, with a person and two punches; `live(moment)` is called while the terminal waits and when the punches are there. */
async function terminalWithPerson({ page, server }, live) {
  const tell = (table, body) => fetch(`${server.url}/iclock/cdata?SN=7700000001&table=${table}&Stamp=1`, { method: "POST", body });
  const call = () => fetch(`${server.url}/iclock/cdata?SN=7700000001&options=all&pushver=2.4.1`);
  await call();
  await page.goto("/live");
  await live("/live, waiting");
  await page.locator("#authorise input[name=area_name]").fill("第一");
  await page.locator("#terminals button").click();
  await page.getByRole("status").filter({ hasText: "第一" }).waitFor();
  await call();
  await tell("OPERLOG", "OPLOG 4\t14\t2026-01-15 08:00:00\t0\t0\t0\t0\nUSER PIN=7\tName=王\tPri=0\tPasswd=\tCard=\tGrp=1\nFP PIN=7\tFID=1\tSize=4\tValid=1\tTMP=AAAA\n");
  await tell("ATTLOG", "7\t2026-01-15 08:00:00\t0\t1\t0\t0\n8\t2026-01-15 08:01:00\t1\t15\t0\t0\n");
  await page.locator("#punches tr:nth-of-type(2)").waitFor();
  await live("/live");
}

/** The first record of a list. */
async function firstOf(page, list) {
  await page.goto(`/${list}`);
  return (await page.locator("table.list td a").first().getAttribute("href")).split("/").pop();
}

scene("no text is forgotten, and every page can be mirrored", async ({ page, context, server, accept }) => {
  await speakBackwards({ context, server });
  await page.goto("/sign-in");
  await isMirrored(page, "/sign-in");
  accept(/status of 422/);
  await page.fill("input[name=username]", "admin");
  await page.fill("input[name=password]", "0");
  await page.press("input[name=password]", "Enter");
  await page.locator("#refused").waitFor();
  await isMirrored(page, "a wrong password");
  await logIn(page);

  // The live page stays in the language while it goes on.
  await terminalWithPerson({ page, server }, async (moment) => {
    await page.locator("#connection[data-state=connected]").waitFor();
    await isMirrored(page, moment);
  });

  // To the right of what it leads to.
  const [menu, main] = [await page.locator("nav.menu").boundingBox(), await page.locator("main").boundingBox()];
  assert.ok(menu.x > main.x, "the menu stands where a reader begins");

  const [employee, terminal] = [await firstOf(page, "employees"), await firstOf(page, "terminals")];
  const menuLinks = await page.locator("nav.menu a").evaluateAll((links) => links.map((link) => link.getAttribute("href")));
  const forms = ["employees", "departments", "areas", "positions", "locations", "resignations", "terminals", "public-messages", "private-messages", "clients", "users", "roles"];
  const audited = new Set(["/audit", "/audit/1"]);
  const pages = [
    ...menuLinks.filter((link) => !audited.has(link)),
    ...forms.map((list) => `/${list}/new`),
    `/employees/${employee}`, `/employees/${employee}/punches`, `/employees/${employee}/photo`, "/employees/import", "/areas/tree",
    `/terminals/${terminal}`, `/terminals/${terminal}/form`, "/users/1", "/roles/2", "/account", "/search?q=7", "/search?q=00", "/work", "/system?check",
    "/employees?search=nobody0", "/employees?columns=emp_code",
  ];
  for (const path of pages) {
    await page.goto(path);
    await isMirrored(page, path);
  }
  // Of the audit's rows only the words are ours: members and values are as they were written.
  for (const path of audited) {
    await page.goto(path);
    for (const cell of await page.locator("tbody td:nth-child(n+6), tbody th, h1, title").all()) await cell.evaluate((one) => one.setAttribute("translate", "no"));
    await page.evaluate(() => (document.title = "⟦⟧"));
    await isMirrored(page, path);
  }
});

scene("what asks first, what is refused and what is not there can be mirrored", async ({ page, context, server, accept }) => {
  await speakBackwards({ context, server });
  accept(/status of 422/);
  await logIn(page);
  await terminalWithPerson({ page, server }, () => {});
  const terminal = await firstOf(page, "terminals");
  await page.goto("/employees");
  await page.locator("td.tick input").first().check();
  assert.match(await page.locator("#remove").textContent(), /⟦.*1.*⟧/);
  await page.locator("#remove").click();
  await isMirrored(page, "/employees/remove");
  for (const act of ["reboot", "enroll_remotely", "clear_all"]) {
    await page.goto(`/terminals/${terminal}`);
    await page.locator(`button[value=${act}]`).click();
    await page.locator("form .buttons").waitFor();
    await isMirrored(page, act);
  }
  await page.goto("/employees/new");
  await page.locator("#emp_code").fill("1 1");
  await page.getByRole("tab").nth(1).click();
  await page.locator("#department").selectOption({ index: 1 });
  await page.getByRole("tab").nth(2).click();
  await page.locator("#area").selectOption({ index: 1 });
  await page.locator("form.record button").click();
  await page.locator(".problem").first().waitFor();
  await isMirrored(page, "a refused form");
  await page.goto("/employees");
  await page.locator(".liking summary").click();
  await page.locator("#view-name").fill(" ");
  await page.locator("form.named button").click();
  await page.locator(".liking .problem").waitFor();
  await isMirrored(page, "a view without a name");
  await page.goto("/employees/import");
  await page.locator("#import_file").setInputFiles({ name: "九", mimeType: "text/csv", buffer: Buffer.from("emp_code,first_name,department,area\n9 002,王,77,2\n") });
  await page.locator("button[value=check]").click();
  await page.locator("#outcome table").waitFor();
  await isMirrored(page, "a file with bad rows");
  await page.goto("/work");
  await isMirrored(page, "a work that has ended");
  await page.goto("/account");
  await page.locator("form[action='/account/second-factor'] input[name=password]").fill(adminPassword);
  await page.locator("form[action='/account/second-factor'] button").click();
  await page.locator("#secret").waitFor();
  await isMirrored(page, "a second factor");
  await page.goto("/departments");
  await page.locator("td.tick input").first().check();
  await page.locator("#remove").click();
  await page.locator("button.danger").click();
  await page.getByRole("alert").waitFor();
  await page.locator("main ul.names").evaluate((names) => names.remove());
  assert.deepEqual((await forgotten(page)).filter((text) => !text.includes("1")), []);
  accept(/status of 404/);
  await page.goto("/employees/999999");
  await isMirrored(page, "a page that is not there");
});

scene("a clerk chooses Hindi, and reads why a form is refused", async ({ page, accept }) => {
  await page.goto("/sign-in");
  await page.getByRole("button", { name: "हिन्दी" }).click();
  await page.getByRole("heading", { name: "साइन इन" }).waitFor();
  await accessible(page);
  await page.getByLabel("उपयोगकर्ता नाम").fill("admin");
  await page.getByLabel("पासवर्ड").fill(adminPassword);
  await page.getByRole("button", { name: "साइन इन" }).click();
  await page.getByRole("navigation", { name: "पृष्ठ" }).getByRole("link", { name: "कर्मचारी" }).click();
  await page.getByRole("link", { name: "नया कर्मचारी" }).click();
  accept(/status of 422/);
  await page.locator("#emp_code").fill("10 01");
  await openPart(page, "कार्य");
  await page.locator("#department").selectOption({ label: "Department (1)" });
  await openPart(page, "टर्मिनल और क्षेत्र");
  await page.locator("#area").selectOption({ label: "Not Authorized (1)" });
  await page.getByRole("button", { name: "सहेजें" }).click();
  await page.locator(".entry", { has: page.locator("#emp_code") }).getByText("मान्य मान दर्ज करें।").waitFor();
  await accessible(page);
  await page.goto("/live");
  await page.locator("#connection").getByText("जुड़ा हुआ").waitFor();
  await page.getByRole("button", { name: "रोकें" }).click();
  await page.getByRole("button", { name: "जारी रखें" }).waitFor();

  // The choice is kept with the user: a browser that was told nothing has it, too.
  await page.goto("/account");
  await page.getByLabel("कंसोल की भाषा").selectOption("hi");
  await page.getByRole("button", { name: "सहेजें" }).click();
  await page.getByRole("status").filter({ hasText: "सहेजा गया।" }).waitFor();
  await accessible(page);
  await page.context().clearCookies({ name: "muster_language" });
  await page.goto("/");
  await page.getByRole("heading", { name: "आज", exact: false }).first().waitFor();
  await page.goto("/account");
  await page.getByLabel("कंसोल की भाषा").selectOption("en");
  await page.getByRole("button", { name: "सहेजें" }).click();
  await page.getByRole("status").filter({ hasText: "Saved." }).waitFor();
});

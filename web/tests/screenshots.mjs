// Pictures of every page of the console with demonstration data: wide and on a telephone, light and dark; of some of them in Hindi and in
// the language that is none, right to left.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { adminPassword, logIn, openBrowser, openPage, startServer, until } from "./harness.mjs";

const folder = fileURLToPath(new URL("../../screenshots", import.meta.url));
const wide = { viewport: { width: 1280, height: 800 } };
const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
const looks = {
  "wide": { ...wide, colorScheme: "light" },
  "wide-dark": { ...wide, colorScheme: "dark" },
  "phone": { ...phone, colorScheme: "light" },
  "phone-dark": { ...phone, colorScheme: "dark" },
};

/** What the README shows, as much of it as a window holds. */
const inReadme = { "start": "today", "live": "live", "employees": "employees", "terminals-one": "terminal" };

/** The last link on a page that fits. */
const last = (page, pattern) => page.locator("main a").evaluateAll((links, pattern) => links.map((link) => link.getAttribute("href")).findLast((href) => new RegExp(pattern).test(href)), pattern);

/** The pages that the menu does not lead to: what hangs on the last row of each list. */
async function further(page, links) {
  const found = new Set(["/account", "/work", "/search?q=a", "/presence?who=in", "/presence?who=absent"]);
  for (const link of links) {
    await page.goto(link);
    for (const pattern of [`^${link}/\\d+$`, `^${link}/new$`, `^${link}/tree$`, `^${link}/import$`]) {
      const href = link !== "/" && (await last(page, pattern));
      if (href) found.add(href);
    }
  }
  for (const href of [...found]) {
    if (!/^\/(employees|terminals|users)\/\d+$/.test(href)) continue;
    await page.goto(href);
    const others = await page.locator("main a").evaluateAll((links) => links.map((link) => link.getAttribute("href")));
    for (const other of others) if (other.startsWith(`${href}/`)) found.add(other);
  }
  return [...found];
}

/** Makes an API client; its token stands there then, once. */
async function makeClient(page, name) {
  await page.goto("/clients/new");
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("See: Employees").check();
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("heading", { name: `The token of ${name}` }).waitFor();
}

/** What only a form leads to: an act before it is done, a removal, a file looked through. */
const steps = {
  "act": async (page) => {
    await page.goto("/employees");
    await page.locator("input[name=rows]").first().check();
    await page.getByLabel("With ticked").selectOption("Put into areas");
    await page.locator("#do").click();
    await page.locator("#area_code").waitFor();
  },
  "removal": async (page) => {
    await page.goto("/employees");
    await page.locator("input[name=rows]").first().check();
    await page.locator("#remove").click();
    await page.getByRole("heading", { name: "Remove this employee?" }).waitFor();
  },
  "columns-and-views": async (page) => {
    await page.goto("/employees");
    await page.getByText("Columns and views").click();
  },
  "refused": async (page) => {
    await page.goto("/employees/new");
    await page.locator("#emp_code").fill("not a code");
    await page.locator("main form").evaluate((form) => ((form.noValidate = true), form.requestSubmit()));
    await page.locator(".entry.wrong").first().waitFor();
  },
  "token": (page) => makeClient(page, `Reports ${crypto.randomUUID().slice(0, 4)}`),
  "second-factor": async (page) => {
    await page.goto("/account");
    const form = page.locator("form[action='/account/second-factor']");
    // In the looks after the first it is begun already.
    if (await form.count()) {
      await form.locator("input[name=password]").fill(adminPassword);
      await form.locator("button").click();
    }
    await page.locator("#secret").waitFor();
  },
  "looked-through": async (page) => {
    await page.goto("/employees/import");
    await page.locator("#import_file").setInputFiles({ name: "people.csv", mimeType: "text/csv", buffer: Buffer.from("emp_code,first_name,department,area\n9001,Asha,1,2\n9 002,Ben,77,2\n") });
    await page.locator("button[value=check]").click();
    await page.getByRole("alert").waitFor();
  },
};

// In other languages some pages stand for all.
const some = ["/", "/live", "/employees", "/employees/new", "/terminals", "/transactions", "/roles/new", "/account", "/system"];
for (const language of ["hi", "ar-XB"]) {
  for (const look of ["wide", "phone"]) looks[`${language}-${look}`] = { ...looks[look], language };
}

mkdirSync(folder, { recursive: true });
const complaints = [];
const server = await startServer({ command: "demo" });
let browser;
try {
  browser = await openBrowser();
  let pages = [];
  for (const [look, { language, ...options }] of Object.entries(looks)) {
    const { context, page, problems, accept } = await openPage(browser, server, options);
    accept(/status of 422/);
    if (language) await context.addCookies([{ name: "muster_language", value: language, url: server.url }]);
    const take = async (name) => {
      const width = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      if (width > 0) complaints.push(`${look} ${name} is ${width} dots too wide`);
      await page.screenshot({ path: join(folder, `${look}-${name}.png`), fullPage: true });
      if (look === "wide" && inReadme[name]) await page.screenshot({ path: join(folder, `readme-${inReadme[name]}.png`) });
    };
    await page.goto("/");
    await take("login");
    await logIn(page);
    if (!pages.length) {
      await page.goto("/live");
      await until("the demonstration has punches", () => page.locator("#punches tr:nth-of-type(9)").count(), 120);
      await makeClient(page, "Payroll");
      const links = await page.$$eval("nav a[href^='/']", (found) => [...new Set(found.map((link) => link.getAttribute("href")))]);
      pages = [...links, ...(await further(page, links))];
    }
    for (const link of language ? some : pages) {
      await page.goto(link, { waitUntil: "load" });
      if (link === "/live") await page.waitForSelector("#punches tr:nth-of-type(9)", { timeout: 120_000 });
      await take(link.replace(/^\/|\/$/g, "").replace(/\d+/g, "one").replace(/[^\w]+/g, "-") || "start");
    }
    // The steps find their way by English words.
    for (const [name, step] of language ? [] : Object.entries(steps)) {
      await step(page);
      await take(name);
    }
    console.log(`${look}: done`);
    complaints.push(...problems);
    await context.close();
  }
} finally {
  await browser?.close();
  await server.stop();
}
if (complaints.length) {
  console.error(`The browser complained:\n  ${[...new Set(complaints)].join("\n  ")}`);
  process.exitCode = 1;
}

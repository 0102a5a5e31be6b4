// Pictures of every page that the console's menu leads to, with demonstration data: wide and narrow, light and dark; of some of them in Hindi
// and in the language that is none, right to left.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { logIn, openBrowser, openPage, startServer } from "./harness.mjs";

const folder = fileURLToPath(new URL("../../screenshots", import.meta.url));
const looks = {
  "wide": { viewport: { width: 1280, height: 800 }, colorScheme: "light" },
  "wide-dark": { viewport: { width: 1280, height: 800 }, colorScheme: "dark" },
  "narrow": { viewport: { width: 390, height: 844 }, colorScheme: "light" },
};

// In other languages some pages stand for all.
const some = ["/", "/live", "/employees", "/employees/new", "/terminals", "/transactions", "/roles/new", "/account", "/system"];
for (const language of ["hi", "ar-XB"]) {
  for (const look of ["wide", "narrow"]) looks[`${language}-${look}`] = { ...looks[look], language };
}

mkdirSync(folder, { recursive: true });
const complaints = [];
const server = await startServer({ command: "demo" });
let browser;
try {
  browser = await openBrowser();
  for (const [look, { language, ...options }] of Object.entries(looks)) {
    const { context, page, problems } = await openPage(browser, server, options);
    if (language) await context.addCookies([{ name: "muster_language", value: language, url: server.url }]);
    await page.goto("/");
    await page.screenshot({ path: join(folder, `${look}-login.png`), fullPage: true });
    await logIn(page);
    const links = language ? some : await page.$$eval("nav a[href^='/']", (found) => found.map((link) => link.getAttribute("href")));
    for (const link of new Set(links.map((href) => href.split("#")[0]))) {
      await page.goto(link, { waitUntil: "load" });
      if (link === "/live") await page.waitForSelector("#punches tr:nth-of-type(9)", { timeout: 120_000 });
      const name = link.replace(/^\/|\/$/g, "").replace(/[^\w]+/g, "-") || "start";
      await page.screenshot({ path: join(folder, `${look}-${name}.png`), fullPage: true });
      console.log(`${look} ${link}`);
    }
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

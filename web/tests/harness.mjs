// What every browser test stands on: a server of its own with an empty database, and a browser whose complaints fail the test.
//
//   import { scene } from "./harness.mjs";
//   scene("a punch appears without a reload", async ({ page, server }) => { … });
//
// A scene is played once on SQLite and once on PostgreSQL (when TEST_POSTGRES is set), and fails by itself when
// the browser reports an error, when a page asks another host for anything, or when the server does not end properly.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import axe from "axe-core";
import { chromium } from "playwright-core";

const root = fileURLToPath(new URL("../..", import.meta.url));
export const program = resolve(root, process.env.TEST_MUSTER ?? "target/debug/muster");
const evidence = join(root, "target", "browser");
const pictureFolder = join(root, "screenshots");
export const adminPassword = "Harness-9-door-lamp";

/** Where accessibility is not looked at, for it was in the same scene: what a page is made of does not depend on the database. */
const sameMarkup = new WeakSet();

/** Registers a test on each database. `steps` gets { page, context, server, database, accept }. */
export function scene(name, options, steps) {
  if (typeof options === "function") [options, steps] = [{}, options];
  const databases = process.env.TEST_POSTGRES ? ["sqlite", "postgres"] : ["sqlite"];
  for (const database of databases) {
    test(`${name} (${database})`, { timeout: 180_000 }, async () => {
      const server = await startServer({ database, ...options.server });
      let browser;
      try {
        browser = await openBrowser();
        const { context, page, problems, accept } = await openPage(browser, server, options.page);
        if (database !== databases[0]) sameMarkup.add(context);
        try {
          await steps({ page, context, server, database, accept });
          if (problems.length) throw new Error(`the browser complained:\n  ${problems.join("\n  ")}`);
        } catch (error) {
          mkdirSync(evidence, { recursive: true });
          const picture = join(evidence, `${name} ${database}.png`.replace(/[^\w.-]+/g, "-"));
          await page.screenshot({ path: picture, fullPage: true }).catch(() => {});
          error.message += `\npicture: ${picture}\nbrowser: ${problems.join("; ") || "no complaint"}\nserver:\n${server.output().slice(-4000)}`;
          throw error;
        }
      } finally {
        await browser?.close();
        await server.stop();
      }
    });
  }
}

/** Starts `muster COMMAND` on a free port with an empty database, and waits until it is ready. */
export async function startServer({ command = "serve", database = "sqlite", args = [], env = {} } = {}) {
  const folder = mkdtempSync(join(tmpdir(), "muster-browser-"));
  const own = database === "postgres" ? createDatabase() : null;
  const child = spawn(program, [command, "--data-dir", folder, "--listen", "127.0.0.1:0", ...args], {
    cwd: folder,
    env: {
      ...withoutOptions(process.env),
      MUSTER_ADMIN_PASSWORD: adminPassword,
      // The scenes say what day it is in UTC.
      MUSTER_ZONE: "UTC",
      ...(own && { MUSTER_DATABASE_URL: own.url }),
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let printed = "";
  const ended = once(child, "close").catch((error) => [error.message]);
  const kill = () => child.kill("SIGKILL");
  const abandon = () => {
    kill();
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  };
  process.on("exit", abandon);

  const stop = async () => {
    const late = setTimeout(kill, 15_000);
    child.kill("SIGTERM");
    const [code, signal] = await ended;
    clearTimeout(late);
    process.off("exit", abandon);
    own?.drop();
    rmSync(folder, { recursive: true, force: true });
    if (code !== 0) throw new Error(`the server did not end properly (${code ?? signal}):\n${printed.slice(-4000)}`);
  };

  try {
    const url = await new Promise((found, refused) => {
      const read = (bytes) => {
        printed += bytes;
        const line = /listening on (https?:\/\/[^\s/]+)/.exec(printed);
        if (line) found(line[1]);
      };
      child.stdout.on("data", read);
      child.stderr.on("data", read);
      ended.then(([code]) => refused(new Error(`the server ended while starting (${code}):\n${printed}`)));
      setTimeout(() => refused(new Error(`the server named no address within 60 seconds:\n${printed}`)), 60_000).unref();
    });
    await until(`${url}/readyz answers 200`, async () => (await fetch(`${url}/readyz`)).status === 200);
    return { url, folder, stop, output: () => printed };
  } catch (error) {
    await stop().catch(() => {});
    throw error;
  }
}

/** Chromium, which asks nobody on the internet for anything. */
export function openBrowser() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    headless: true,
    args: [
      "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync",
    ],
  });
}

/**
 * A page of the server's console. `problems` gathers what the browser complained of;
 * `accept(/pattern/)` takes back what a test means to happen: an answer 4xx is an error in the browser's eyes.
 */
export async function openPage(browser, server, options = {}) {
  const context = await browser.newContext({ baseURL: server.url, viewport: { width: 1280, height: 800 }, ...options });
  context.setDefaultTimeout(15_000);
  const problems = [];
  const accepted = [];
  const complain = (text) => accepted.some((pattern) => pattern.test(text)) || problems.push(text);
  context.on("console", (message) => {
    if (message.type() === "error") complain(`console: ${message.text()} (${message.location().url})`);
  });
  context.on("weberror", (error) => complain(`page: ${error.error().stack ?? error.error()}`));
  context.on("request", (request) => {
    const { protocol, origin } = new URL(request.url());
    if (protocol.startsWith("http") && origin !== server.url) complain(`request to another host: ${request.url()}`);
  });
  const page = await context.newPage();
  const accept = (pattern) => {
    accepted.push(pattern);
    for (let i = problems.length; i-- > 0; ) if (pattern.test(problems[i])) problems.splice(i, 1);
  };
  return { context, page, problems, accept };
}

/** Logs in through the page, as a person does. */
export async function logIn(page, { username = "admin", password = adminPassword } = {}) {
  await page.goto("/");
  await page.fill("input[name=username]", username);
  await page.fill("input[name=password]", password);
  await Promise.all([page.waitForURL((url) => !url.pathname.includes("sign-in")), page.press("input[name=password]", "Enter")]);
}

/** Puts a terminal that waits into a new area. */
export async function authorise(page, sn, area) {
  await page.goto("/live");
  const row = page.locator("#terminals > li", { hasText: sn });
  await page.getByLabel("New area").fill(area);
  await row.getByRole("button", { name: "Authorise" }).click();
  await page.getByRole("status").filter({ hasText: `is authorised in ${area}` }).waitFor();
}

/** Opens a part of a long form. */
export function openPart(page, name) {
  return page.getByRole("tablist").getByRole("tab", { name }).click();
}

/** Makes an employee of the first department and an area, through the form. */
export async function hire(page, { code, name, area }) {
  await page.goto("/employees/new");
  await page.locator("#emp_code").fill(code);
  await page.getByLabel("First name").fill(name);
  await openPart(page, "Work");
  await page.locator("#department").selectOption({ label: "Department (1)" });
  await openPart(page, "Terminals and areas");
  await page.locator("#area").selectOption({ label: area });
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("status").filter({ hasText: "Saved." }).waitFor();
}

/** Fails when a rule of accessibility is broken on the page as it is: light, and in what the dark changes, which is colours alone. */
export async function accessible(page, { inTheDark = true } = {}) {
  if (sameMarkup.has(page.context())) return;
  await page.evaluate(axe.source);
  const broken = async (runOnly) => {
    const options = { resultTypes: ["violations"], ...(runOnly && { runOnly }) };
    const { violations } = await page.evaluate((options) => window.axe.run(options), options);
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`);
  };
  assert.deepEqual(await broken(), []);
  if (!inTheDark) return;
  await page.emulateMedia({ colorScheme: "dark" });
  assert.deepEqual(await broken(["color-contrast", "link-in-text-block"]), [], "in the dark");
  await page.emulateMedia({ colorScheme: null });
}

/** With SCREENSHOTS set, the page light, dark and on a telephone, as files in screenshots/. */
export async function pictures(page, name) {
  if (!process.env.SCREENSHOTS) return;
  mkdirSync(pictureFolder, { recursive: true });
  const wide = page.viewportSize();
  for (const [look, colorScheme, viewport] of [
    ["light", "light", wide],
    ["dark", "dark", wide],
    ["phone", "light", { width: 390, height: 844 }],
  ]) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize(viewport);
    await page.screenshot({ path: join(pictureFolder, `${name}-${look}.png`), fullPage: true });
  }
  await page.emulateMedia({ colorScheme: null });
  await page.setViewportSize(wide);
}

/** Tries again until `attempt` returns something true; what it throws meanwhile is the reason given when time is up. */
export async function until(what, attempt, seconds = 30) {
  const end = Date.now() + seconds * 1000;
  let reason = "";
  while (Date.now() < end) {
    try {
      const result = await attempt();
      if (result) return result;
    } catch (error) {
      reason = `: ${error.message}`;
    }
    await new Promise((wake) => setTimeout(wake, 100));
  }
  throw new Error(`not within ${seconds} seconds: ${what}${reason}`);
}

/** The environment without the server's own options, which whoever runs the tests may have set for another server. */
function withoutOptions(env) {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith("MUSTER_")));
}

/** A new, empty database on the PostgreSQL server for tests. */
function createDatabase() {
  const name = `browser_${process.pid}_${(createDatabase.made = (createDatabase.made ?? 0) + 1)}`;
  const url = new URL(process.env.TEST_POSTGRES);
  const psql = process.env.TEST_POSTGRES_BIN ? join(process.env.TEST_POSTGRES_BIN, "psql") : "psql";
  const run = (sql) => execFileSync(psql, [process.env.TEST_POSTGRES, "-qXc", sql], { stdio: ["ignore", "pipe", "inherit"] });
  run(`create database ${name}`);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => run(`drop database if exists ${name} with (force)`) };
}

// A test run that is stopped takes its servers along: the listeners for "exit" above end them.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => process.exit(1));

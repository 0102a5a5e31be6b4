// live-memory.mjs [MINUTES]: what the browser needs for the live page while fifty punches a second come in. Each minute one line: the page's
// JavaScript heap after a collection, the memory of the process that shows it (all of it, and what is its own), and of the whole browser. The first
// line is of an empty page: what the browser needs for itself.
import { readFileSync } from "node:fs";
import { logIn, openBrowser, openPage, startServer } from "./harness.mjs";
import { terminal } from "./terminal.mjs";

const minutes = Number(process.argv[2] ?? 10);
const perSecond = 50;
const line = 150; // MiB, of the process that shows the page, and of what the whole browser needs more than for an empty page
const terminals = 10;

/** MiB of a process: resident, and its share of what several use. */
function memory(pid) {
  const number = (file, name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(readFileSync(`/proc/${pid}/${file}`, "utf8"))?.[1] ?? 0) / 1024;
  return { resident: number("status", "VmRSS"), own: number("smaps_rollup", "Pss") };
}

const server = await startServer({ env: { MUSTER_TERMINALS__ADMISSION: "open" } });
let browser;
try {
  browser = await openBrowser();
  const { page, problems } = await openPage(browser, server);
  const gates = Array.from({ length: terminals }, (_, number) => terminal(server, `GATE${number}`));
  for (const gate of gates) await gate.hello();
  const tab = await page.context().newCDPSession(page);
  const whole = await browser.newBrowserCDPSession();
  await tab.send("Performance.enable");

  const look = async (minute, punches) => {
    await tab.send("HeapProfiler.collectGarbage");
    const { metrics } = await tab.send("Performance.getMetrics");
    const of = (name) => metrics.find((metric) => metric.name === name)?.value ?? 0;
    const { processInfo } = await whole.send("SystemInfo.getProcessInfo");
    const all = processInfo.map(({ type, id }) => ({ type, ...memory(id) }));
    // The one that shows the page has grown most; others wait without one.
    const shown = all.filter(({ type }) => type === "renderer").reduce((one, other) => (other.own > one.own ? other : one));
    const mib = (value) => value.toFixed(1).padStart(9);
    const together = all.reduce((sum, { own }) => sum + own, 0);
    console.log(`${String(minute).padStart(6)}${String(punches).padStart(9)}${mib(of("JSHeapUsedSize") / (1 << 20))}${String(of("Nodes")).padStart(9)}${mib(shown.resident)}${mib(shown.own)}${mib(together)}`);
    return { page: shown.own, browser: together };
  };

  console.log("minute  punches heap MiB    nodes page MiB  its own  browser");
  await page.goto("about:blank");
  const empty = await look("empty", 0);
  await logIn(page);
  await page.goto("/live");
  await page.locator("#connection[data-state=connected]").waitFor();
  let last = await look(0, 0);
  let sent = 0;
  const day = Date.UTC(2026, 0, 15);
  for (let minute = 1; minute <= minutes; minute++) {
    const end = Date.now() + 60_000;
    for (let next = Date.now(); next < end; next += 1000) {
      await new Promise((go) => setTimeout(go, Math.max(0, next - Date.now())));
      const rows = Array.from({ length: perSecond }, () => `${1000 + (sent % 5000)}\t${new Date(day + ++sent * 1000).toISOString().slice(0, 19).replace("T", " ")}\t${sent % 2}\t1\t0\t0\t0`);
      await Promise.all(gates.map((gate, number) => gate.punches(...rows.filter((_, place) => place % terminals === number))));
    }
    last = await look(minute, sent);
  }
  const rows = await page.locator("#punches > tr").count();
  const more = last.browser - empty.browser;
  const isWithin = last.page <= line && more <= line;
  console.log(`${rows} rows are shown; the page's process has ${last.page.toFixed(0)} MiB, the browser ${more.toFixed(0)} more than with an empty page: ${isWithin ? "within" : "OVER"} the line of ${line}`);
  if (problems.length) throw new Error(problems.join("\n"));
  if (!isWithin) process.exitCode = 1;
} finally {
  await browser?.close();
  await server.stop();
}

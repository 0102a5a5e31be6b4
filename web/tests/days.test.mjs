// Whole days: the first one of a server, one of somebody who hires and dismisses, and one on which two thousand people come in a file.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { accessible, authorise, hire, logIn, program, scene, until } from "./harness.mjs";
import { terminal } from "./terminal.mjs";

const today = () => new Date().toISOString().slice(0, 10);

scene("from the first start to the first live punch", async ({ page, server }) => {
  await logIn(page);
  await page.getByRole("heading", { name: "First steps" }).waitFor();
  const { host } = new URL(server.url);
  const simulated = spawn(program, ["simulate", "--server", host, "--terminals", "1", "--rate", "600", "--faultless", "--prefix", "FRONT"], { stdio: "ignore" });
  const ended = once(simulated, "close");
  try {
    await page.locator(".steps > .done").first().waitFor();
    const link = page.getByRole("link", { name: "Authorise it" });
    await link.click();
    await page.locator("#terminals > li", { hasText: "FRONT" }).getByText("Waiting", { exact: true }).waitFor();
    await authorise(page, "FRONT", "Front door");
    await page.locator("#punches > tr").first().waitFor({ timeout: 60_000 });
    await accessible(page);
    await page.goto("/");
    await page.getByRole("heading", { name: "First steps" }).waitFor();
    await page.goto("/unregister");
    await page.locator("table.list").getByRole("link", { name: "New employee…" }).first().waitFor();
  } finally {
    simulated.kill("SIGINT");
    await ended;
  }
});

scene("somebody is hired, enrolled at a terminal, punches, and leaves", async ({ page, server }) => {
  const gate = terminal(server, "GATE01");
  await gate.hello();
  await logIn(page);
  await page.goto("/users/new");
  await page.getByLabel("User name").fill("ines");
  await page.getByLabel("Role").selectOption({ label: "operator" });
  await page.getByLabel("Password").fill("lamp oil and rope");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("cell", { name: "ines" }).waitFor();
  await page.getByRole("button", { name: "Sign out" }).click();
  await logIn(page, { username: "ines", password: "lamp oil and rope" });
  await authorise(page, "GATE01", "Gate");
  await until("the terminal is let in", async () => (await gate.hello()).status === 200);

  // Hired: the terminal is told by itself.
  await hire(page, { code: "7", name: "Asha", area: "Gate (2)" });
  assert.ok((await gate.obey()).some((command) => /USERINFO PIN=7\tName=Asha/.test(command)));

  // Enrolled from here: the terminal asks for her finger and brings what it took.
  await page.goto("/terminals");
  await page.getByRole("link", { name: "GATE01" }).click();
  await page.getByRole("button", { name: "Enrol somebody…" }).click();
  await page.locator("#emp_code").fill("7");
  await page.locator("#emp_code-who", { hasText: "7 Asha" }).waitFor();
  await page.locator("#bio_type").selectOption({ label: "Finger" });
  await page.locator("#finger").selectOption({ label: "Right index" });
  await accessible(page);
  await page.getByRole("button", { name: "Enrol somebody" }).click();
  await page.getByRole("status").filter({ hasText: "Enrol somebody (7 Asha): queued." }).waitFor();
  const told = await gate.obey(async (command) => {
    if (command.startsWith("ENROLL_FP")) await gate.bring("OPERLOG", "FP PIN=7\tFID=6\tSize=8\tValid=1\tTMP=SGVsbG8x");
  });
  assert.ok(told.some((command) => /^ENROLL_FP PIN=7\tFID=6/.test(command)), told.join("\n"));
  await page.locator("#commands").getByText("ENROLL_FP").waitFor();
  await page.goto("/biometrics");
  await page.locator("table.list").getByText("Fingerprint").waitFor();

  // She punches, and is in.
  await gate.punches(`7\t${today()} 08:30:00\t0\t1\t0\t0\t0`);
  await page.goto("/transactions");
  await page.locator("table.list tbody tr", { hasText: "Asha" }).waitFor();
  await page.goto("/employees");
  await page.getByRole("link", { name: "7", exact: true }).click();
  await page.getByRole("link", { name: "Punches and terminals" }).click();
  await page.locator(".month").getByText("08:30").waitFor();
  await accessible(page);

  // She leaves: the terminal is told to forget her, and she can be asked back.
  await page.goto("/employees");
  await page.getByRole("checkbox", { name: "7 Asha" }).check();
  await page.getByLabel("With ticked").selectOption("Resign");
  await page.getByRole("button", { name: "Go on with 1…" }).click();
  await page.locator("#resign_date").fill(today());
  await page.locator("#resign_type").selectOption({ label: "Quit" });
  await page.getByRole("button", { name: "Resign", exact: true }).click();
  await page.getByRole("status").filter({ hasText: "Resign: Done." }).waitFor();
  await page.getByText("None yet.").waitFor();
  const forgets = await gate.obey();
  assert.ok(forgets.some((command) => /DELETE USERINFO PIN=7/.test(command)), forgets.join("\n"));
  await page.goto("/holdings");
  await page.getByText("None yet.").waitFor();
  await page.goto("/resignations");
  await page.getByRole("cell", { name: "Asha", exact: true }).waitFor();
  await page.goto("/transactions");
  await page.locator("table.list tbody tr", { hasText: "Asha" }).waitFor();
});

scene("two thousand people come in a file, and its page is left meanwhile", async ({ page, accept }) => {
  await logIn(page);
  await page.goto("/employees/import");
  const people = Array.from({ length: 2000 }, (_, number) => `${number + 1},Person ${number + 1},1,1`);
  const file = { name: "people.csv", mimeType: "text/csv", buffer: Buffer.from(`emp_code,first_name,department,area\n${people.join("\n")}\n`) };
  await page.getByLabel("File: Excel, CSV or text").setInputFiles(file);
  await page.getByRole("button", { name: "Look it through" }).click();
  const store = page.getByRole("button", { name: "Import 2000 rows" });
  await store.waitFor({ timeout: 60_000 });

  // Whoever began it hears no more of it there, and goes elsewhere.
  accept(/ERR_FAILED/);
  await page.route("**/work/*", (route) => route.abort());
  const begun = page.waitForResponse((answer) => answer.request().method() === "POST");
  await store.click();
  assert.equal((await begun).status(), 303);
  await page.unroute("**/work/*");
  await page.goto("/departments");
  const told = page.getByRole("list", { name: "Your work" }).getByRole("link");
  await told.filter({ hasText: "people.csv: imported" }).waitFor({ timeout: 90_000 });
  await accessible(page);
  await told.click();
  await page.getByText("Imported: 2000 new, 0 changed, 0 left as they are.").waitFor();
  assert.equal(await told.count(), 0);
  await accessible(page);
  await page.getByRole("link", { name: "To the list" }).click();
  await page.getByText("1 to 50 of 2000").waitFor();
  await page.goto("/work");
  await page.getByRole("link", { name: "people.csv: imported" }).waitFor();
  await accessible(page);
});

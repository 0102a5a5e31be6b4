// What a page weighs: all that it fetches when nothing of it is kept yet, unpacked. Whoever looks after a gate may sit at the far end
// of a slow line, and the company behind it may be large: three hundred terminals in three hundred areas, fifty of them waiting.
import assert from "node:assert/strict";
import { adminPassword, logIn, scene } from "./harness.mjs";
import { terminal } from "./terminal.mjs";

const heaviest = 200_000; // bytes

scene("no page weighs more than 200 kB with everything it fetches", async ({ page, context, server }) => {
  const login = await fetch(`${server.url}/api-token-auth/`, { method: "POST", body: new URLSearchParams({ username: "admin", password: adminPassword }) });
  const { token } = await login.json();
  const make = async (path, body) => {
    const answer = await fetch(server.url + path, { method: "POST", headers: { authorization: `Token ${token}`, "content-type": "application/json" }, body: JSON.stringify(body) });
    assert.equal(answer.status, 201, await answer.text());
  };
  await make("/personnel/api/areas/", { area_code: "2", area_name: "Head office and everything that belongs to it" });
  for (let number = 3; number <= 300; number++) await make("/personnel/api/areas/", { area_code: String(number), area_name: `Hall ${number} at the river`, parent_area: "2" });
  const sns = Array.from({ length: 300 }, (_, number) => `GATE${String(number + 1).padStart(9, "0")}`);
  for (const [place, sn] of sns.entries()) {
    if (place < 250) await make("/iclock/api/terminals/", { sn, alias: `The gate of hall ${place + 2}`, ip_address: "10.0.0.9", area: String(place + 2), terminal_tz: 0, heartbeat: 10 });
    const gate = terminal(server, sn);
    await gate.hello();
    if (place < 250) await gate.bring("options", "~DeviceName=SpeedFace-V5L,FWVersion=ZAM180-NF-Ver1.1.17,UserCount=1118,FPCount=2400,FaceCount=1100,TransactionCount=95000");
  }
  for (let number = 0; number < 100; number++) {
    await make("/personnel/api/employees/", { emp_code: String(100_000 + number), first_name: "Venkatanarasimha", last_name: `Balasubramanian ${number}`, department: "1", area: ["1", "2"], card_no: String(7_000_000_000 + number), hire_date: "2020-01-01" });
  }
  const today = new Date().toISOString().slice(0, 10);
  const punches = Array.from({ length: 100 }, (_, number) => `${100_000 + number}\t${today} 00:00:${String(number % 60).padStart(2, "0")}\t0\t1\t0\t0\n`);
  const brought = await fetch(`${server.url}/iclock/cdata?SN=GATE000000001&table=ATTLOG&Stamp=1`, { method: "POST", body: punches.join("") });
  assert.equal(brought.status, 200);

  await logIn(page);
  const menu = await page.getByRole("navigation", { name: "Pages" }).getByRole("link").evaluateAll((links) => links.map((link) => link.getAttribute("href")));
  const network = await context.newCDPSession(page);
  await network.send("Network.setCacheDisabled", { cacheDisabled: true });
  await page.goto("/employees?page_size=100");
  const person = await page.locator("table.list tbody a").first().getAttribute("href");
  const beside = [...menu, "/employees?page_size=100", "/transactions?page_size=100", "/employees/new", person, `${person.split("?")[0]}/punches`, "/presence?who=came", "/terminals?page_size=100", "/terminals/1000001", "/terminals/1000001/form", "/users/new", "/account", "/areas/tree", "/employees/import"];
  for (const path of beside) {
    const fetched = new Set();
    const note = (request) => request.resourceType() !== "eventsource" && fetched.add(request.url()); // that never ends
    page.on("request", note);
    await page.goto(path, { waitUntil: "load" });
    page.off("request", note);
    // Asked for once more: a browser may have let go of what it was answered.
    let weight = 0;
    for (const url of fetched) weight += (await (await context.request.get(url)).body()).length;
    const pieces = fetched.size;
    if (process.env.WEIGHTS) console.log(String(weight).padStart(8), String(pieces).padStart(3), path);
    assert.ok(pieces > 3, `${path} came with its styles and scripts: ${pieces}`);
    assert.ok(weight <= heaviest, `${path} weighs ${weight} bytes`);
  }
});

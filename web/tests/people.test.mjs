// People by the dozen: from a file that is looked through first, moved together, photographed, resigned, written to.
import assert from "node:assert/strict";
import { accessible, authorise, hire, logIn, pictures, scene, until } from "./harness.mjs";
import { terminal } from "./terminal.mjs";

const rows = (page) => page.locator("table.list tbody tr");
const file = (text) => ({ name: "people.csv", mimeType: "text/csv", buffer: Buffer.from(text) });

async function makeArea(page, code, name) {
  await page.goto("/areas/new");
  await page.locator("#area_code").fill(code);
  await page.locator("#area_name").fill(name);
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("status").filter({ hasText: "Saved." }).waitFor();
}

scene("people are taken in from a file, and the rest of their day", async ({ page, server, accept }) => {
  accept(/status of 422/);
  await logIn(page);
  await makeArea(page, "2", "Gate");
  await makeArea(page, "3", "Yard");
  await page.goto("/employees");
  await page.getByRole("link", { name: "Import a file" }).click();
  await accessible(page);

  // What is bad is named, and nothing is stored; the same file put right is taken in without being asked for twice.
  const choose = (text) => page.getByLabel("File: Excel, CSV or text").setInputFiles(file(text));
  await choose("emp_code,first_name,department,area\n7,Asha,1,2\n8 8,Ben,1,2\n9,Chen,9,2\n");
  await page.getByRole("button", { name: "Look it through" }).click();
  await page.getByRole("alert").filter({ hasText: "2 problems in the file" }).waitFor();
  assert.equal(await rows(page).count(), 2);
  await accessible(page);
  await pictures(page, "import-bad");
  const people = Array.from({ length: 30 }, (_, number) => `${number + 7},Person ${number},1,2`);
  await choose(`emp_code,first_name,department,area\n${people.join("\n")}\n`);
  await page.getByRole("button", { name: "Look it through" }).click();
  await page.getByText("All rows are good: 30 new").waitFor();
  await pictures(page, "import-good");
  await page.getByRole("button", { name: "Import 30 rows" }).click();
  await page.getByRole("status").filter({ hasText: "Imported: 30 new" }).waitFor();
  await page.getByRole("link", { name: "To the list" }).click();
  await page.getByText("1 to 30 of 30").waitFor();

  // Two go to the yard.
  await page.getByRole("checkbox", { name: "7 Person 0" }).check();
  await page.getByRole("checkbox", { name: "8 Person 1", exact: true }).check();
  await page.getByLabel("With ticked").selectOption("Put into areas");
  await accessible(page);
  await pictures(page, "employees");
  await page.getByRole("button", { name: "Go on with 2…" }).click();
  await page.getByRole("heading", { name: "Put into areas: these 2?" }).waitFor();
  await page.locator("#area_code").selectOption({ label: "Yard (3)" });
  await accessible(page);
  await pictures(page, "employees-act");
  await page.getByRole("button", { name: "Put into areas" }).click();
  await page.getByRole("status").filter({ hasText: "Put into areas, 2 of them: Done." }).waitFor();
  assert.equal(await page.getByRole("cell", { name: "Yard", exact: true }).count(), 2);

  // One is photographed.
  await page.getByRole("link", { name: "7", exact: true }).click();
  await accessible(page);
  await pictures(page, "employee");
  await page.getByRole("link", { name: "Photo" }).click();
  await accessible(page);
  const png = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64");
  const put = async (buffer, prepare = () => {}) => {
    await page.getByLabel("JPEG or PNG").setInputFiles({ name: "face.png", mimeType: "image/png", buffer });
    await page.locator("#crop").waitFor();
    await prepare();
    // So that what is told then is told of this one.
    await page.getByRole("status").evaluateAll((told) => told.forEach((one) => one.remove()));
    await page.getByRole("button", { name: "Put it in place" }).click();
    await page.getByRole("status").filter({ hasText: "Saved." }).waitFor();
    await page.waitForURL(/done=saved/);
    return page.locator("img.portrait").evaluate(async (image) => {
      const bytes = await (await fetch(image.src, { cache: "reload" })).blob();
      const picture = await createImageBitmap(bytes);
      const canvas = new OffscreenCanvas(picture.width, picture.height);
      const pen = canvas.getContext("2d");
      pen.drawImage(picture, 0, 0);
      const [red, green, blue] = pen.getImageData(picture.width / 2, picture.height / 2, 1, 1).data;
      return { size: [picture.width, picture.height], colour: red > 200 ? "red" : blue > 200 ? "blue" : green };
    });
  };
  assert.deepEqual((await put(png)).size, [1, 1]);
  // A wide picture, red on the left and blue on the right, is cut to what was dragged into the middle.
  const wide = await page.evaluate(async () => {
    const canvas = new OffscreenCanvas(1600, 600);
    const pen = canvas.getContext("2d");
    for (const [colour, at] of [["red", 0], ["blue", 800]]) (pen.fillStyle = colour), pen.fillRect(at, 0, 800, 600);
    return [...new Uint8Array(await (await canvas.convertToBlob()).arrayBuffer())];
  });
  const canvas = page.locator("#crop canvas");
  const dragged = async () => {
    await accessible(page);
    await pictures(page, "photo-crop");
    await canvas.hover({ position: { x: 20, y: 100 } });
    await page.mouse.down();
    await canvas.hover({ position: { x: 220, y: 100 } });
    await page.mouse.up();
  };
  assert.deepEqual(await put(Buffer.from(wide), dragged), { size: [450, 600], colour: "red" });
  const pressed = async () => {
    await page.getByLabel("How large").fill("2");
    await canvas.focus();
    for (let step = 0; step < 40; step++) await page.keyboard.press("ArrowRight");
  };
  assert.deepEqual(await put(Buffer.from(wide), pressed), { size: [225, 300], colour: "blue" });
  const whole = () => page.getByRole("checkbox", { name: "Take the whole picture" }).check();
  assert.deepEqual((await put(Buffer.from(wide), whole)).size, [800, 300]); // as large as the server keeps it

  // She punches at the gate: her face is on the live page, and the yard alone shows nothing.
  await fetch(`${server.url}/iclock/cdata?SN=GATE01&options=all&pushver=2.4.1`);
  await page.goto("/live");
  const terminal = page.locator("#terminals > li", { hasText: "GATE01" });
  await page.locator("#authorise select[name=area_id]").selectOption({ label: "Gate" });
  await terminal.getByRole("button", { name: "Authorise" }).click();
  await page.getByRole("status").filter({ hasText: "is authorised in Gate" }).waitFor();
  await fetch(`${server.url}/iclock/cdata?SN=GATE01&options=all&pushver=2.4.1`);
  await fetch(`${server.url}/iclock/cdata?SN=GATE01&table=ATTLOG&Stamp=1`, { method: "POST", body: "7\t2026-01-15 08:00:00\t0\t15\n99\t2026-01-15 08:01:00\t0\t1\n" });
  const punch = page.locator("#punches tr", { hasText: "Person 0" });
  await punch.locator("img.face").waitFor();
  await punch.getByText("Face", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Sound" }).click();
  await page.locator("#sound[aria-pressed=true]").waitFor();
  await accessible(page);
  await page.locator("#area").selectOption("Yard");
  await punch.waitFor({ state: "hidden" });
  await page.locator("#area").selectOption("Gate");
  await punch.waitFor();
  await pictures(page, "live-photo");

  // From the punch to her page, and from there to that day and to the terminal.
  await punch.getByRole("link", { name: "Person 0" }).click();
  await page.getByRole("heading", { name: "7 Person 0" }).waitFor();
  await page.locator(".headed img").waitFor();
  await page.goto(`${page.url()}?month=2026-01`);
  await accessible(page);
  await pictures(page, "person");
  await page.getByRole("link", { name: "All punches of this person" }).waitFor();
  await page.getByRole("link", { name: "Punches of 2026-01-15" }).click();
  await page.getByText("1 to 1 of 1").waitFor();
  await accessible(page);
  await rows(page).first().getByRole("link", { name: "Auto add" }).click();
  await page.waitForURL(/\/terminals\/\d+$/);

  // Whoever 99 is gets that code.
  await page.goto("/unregister");
  await accessible(page);
  await page.getByRole("link", { name: "New employee…" }).click();
  assert.equal(await page.locator("#emp_code").inputValue(), "99");

  // She leaves, and is asked back; somebody else gets a message.
  await page.goto("/resignations");
  await page.getByRole("link", { name: "New resignation" }).click();
  await accessible(page);
  await page.locator("#employee").fill("7");
  await page.locator("#employee-who", { hasText: "7 Person 0" }).waitFor();
  await page.locator("#resign_date").fill("2026-01-20");
  await page.locator("#resign_type").selectOption({ label: "Quit" });
  await pictures(page, "resignation");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("checkbox", { name: "7 Person 0" }).check();
  await page.getByLabel("With ticked").selectOption("Hire again");
  await page.getByRole("button", { name: "Go on with 1…" }).click();
  await page.getByRole("button", { name: "Hire again" }).click();
  await page.getByRole("status").filter({ hasText: "Hire again: Done." }).waitFor();
  await page.getByText("None yet.").waitFor();
  await page.goto("/public-messages/new");
  await accessible(page);
  await page.locator("#terminal").selectOption({ label: "Auto add (GATE01)" });
  await page.locator("input#content").fill("The canteen is closed");
  await page.locator("#start_time").fill("2026-01-20T08:00");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("cell", { name: "The canteen is closed" }).waitFor();
});

for (const javaScriptEnabled of [true, false]) {
  scene(`who is meant by a code is shown before a PIN becomes his, with${javaScriptEnabled ? "" : "out"} JavaScript`, { page: { javaScriptEnabled } }, async ({ page, server }) => {
    await logIn(page);
    const login = await page.request.post("/api/api-token-auth/", { form: { username: "admin", password: "Harness-9-door-lamp" } });
    const { token } = await login.json();
    for (const [emp_code, first_name] of [["7", "Asha"], ["78", "Ben"]]) {
      const headers = { authorization: `Token ${token}`, "content-type": "application/json" };
      const answer = await fetch(`${server.url}/personnel/api/employees/`, { method: "POST", headers, body: JSON.stringify({ emp_code, first_name, department: "1", area: ["1"] }) });
      assert.equal(answer.status, 201);
    }
    const gate = terminal(server, "GATE01");
    await gate.hello();
    await authorise(page, "GATE01", "Gate");
    await gate.hello();
    await gate.punches("79\t2026-01-15 08:00:00\t0\t1\t0\t0\t0");
    await page.goto("/unregister");
    await page.locator("td.tick input").first().check();
    if (javaScriptEnabled) await page.getByLabel("With ticked").selectOption("Assign to an employee");
    else await page.locator("select[name=act]").selectOption("assign");
    await page.locator("#do").click();

    const who = page.locator("#employee-who");
    const assign = page.getByRole("button", { name: "Assign to an employee", exact: true });
    if (javaScriptEnabled) {
      await page.locator("#employee").fill("ash");
      await page.locator("#employee-found option[value='7']").waitFor({ state: "attached" });
      assert.equal(await who.textContent(), "");
      await page.locator("#employee").fill("78");
      await who.filter({ hasText: "78 Ben" }).waitFor();
      await page.locator("#employee").fill("7");
      await who.filter({ hasText: "7 Asha" }).waitFor();
    } else {
      await page.locator("#employee").fill("7");
      await assign.click();
      await page.getByText("Nothing is done yet.").waitFor();
      assert.equal(await who.textContent(), "7 Asha");
    }
    if (javaScriptEnabled) await accessible(page);
    await pictures(page, `whose-pin-${javaScriptEnabled ? "with" : "without"}-script`);
    await assign.click();
    await page.getByRole("status").filter({ hasText: "Assign to an employee (7 Asha): they stand in Transactions." }).waitFor();
    await page.goto("/transactions");
    await page.locator("table.list tbody tr", { hasText: "Asha" }).waitFor();
  });
}

scene("the photo a terminal takes at a punch comes to whoever looks, and to nobody who may not see punches", async ({ page, context, server, accept }) => {
  await logIn(page);
  const gate = terminal(server, "GATE01");
  await gate.hello();
  await authorise(page, "GATE01", "Gate");
  await gate.hello();
  await hire(page, { code: "7", name: "Asha", area: "Gate (2)" });
  await page.goto("/live");
  await page.locator("#connection[data-state=connected]").waitFor();
  await page.evaluate(() => (window.sameDocument = true));
  await gate.punches("7\t2026-01-15 08:00:00\t0\t15", "7\t2026-01-15 17:00:00\t1\t15");
  const punch = page.locator("#punches tr", { hasText: "08:00:00" });
  await punch.waitFor();
  assert.equal(await page.locator("#punches .beside").count(), 0);

  // It comes a moment later, and the row that is there leads to it.
  const jpeg = await page.evaluate(async () => {
    const canvas = new OffscreenCanvas(320, 240);
    const pen = canvas.getContext("2d");
    for (const [colour, at] of [["teal", 0], ["orange", 160]]) (pen.fillStyle = colour), pen.fillRect(at, 0, 160, 240);
    return [...new Uint8Array(await (await canvas.convertToBlob({ type: "image/jpeg" })).arrayBuffer())];
  });
  assert.equal((await gate.photo("20260115080000-7", Buffer.from(jpeg))).status, 200);
  await punch.getByRole("link", { name: "Photo: 08:00:00 7" }).waitFor();
  assert.equal(await page.locator("#punches tr").count(), 2);
  assert.equal(await page.evaluate(() => window.sameDocument), true);
  await accessible(page);
  await pictures(page, "live-photo");

  // Whoever looks into a punch goes to it from the list, and back to where he was in it.
  await page.goto("/transactions?emp_code=7");
  assert.equal(await page.locator("table.list .beside").count(), 1);
  await accessible(page);
  await pictures(page, "transactions-photo");
  await page.getByRole("link", { name: /^Photo: 2026-01-15 08:00:00/ }).click();
  const image = page.getByRole("figure", { name: "Taken at the punch" }).getByRole("img");
  await until("the picture is seen", () => image.evaluate((seen) => seen.naturalWidth === 320));
  await page.getByRole("definition").filter({ hasText: "Face" }).waitFor();
  await accessible(page);
  await pictures(page, "punch-photo");
  const address = new URL(page.url()).pathname;
  await page.locator(".back").getByRole("link", { name: "Transactions" }).click();
  await page.waitForURL(/\/transactions\?emp_code=7$/);
  await page.getByRole("link", { name: "7", exact: true }).first().click();
  await page.getByRole("link", { name: "Photo: 2026-01-15 08:00:00" }).waitFor();
  await accessible(page);
  await pictures(page, "person-photo");

  // Somebody who may see terminals alone.
  await page.goto("/roles/new");
  await page.getByLabel("Name").fill("Gardener");
  const ticked = page.locator("input[name=rights]:checked");
  while (await ticked.count()) await ticked.first().uncheck();
  await page.getByLabel("See: Terminals").check();
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("link", { name: "Gardener" }).waitFor();
  await page.goto("/users/new");
  await page.getByLabel("User name").fill("gardener");
  await page.getByLabel("Role").selectOption({ label: "Gardener" });
  await page.getByLabel("Password").fill("lamp oil and rope");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("cell", { name: "gardener", exact: true }).waitFor();
  accept(/status of 403/);
  await context.clearCookies();
  await logIn(page, { username: "gardener", password: "lamp oil and rope" });
  for (const path of [address, address.replace("photo", "picture")]) {
    assert.equal((await page.goto(path)).status(), 403, path);
  }
});

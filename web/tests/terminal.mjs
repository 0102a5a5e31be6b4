// A terminal as far as a browser test needs one: it calls, brings what it has, and does what it is told.
import { request } from "node:http";

/** Speaks to the server over a connection of its own each time. */
export function terminal(server, sn) {
  const ask = (method, path, body) =>
    new Promise((done, failed) => {
      const sent = request(`${server.url}/iclock/${path}`, { method, agent: false }, async (answer) => {
        let text = "";
        for await (const bytes of answer) text += bytes;
        done({ status: answer.statusCode, text });
      });
      sent.on("error", failed).end(body);
    });
  const lines = (rows) => rows.map((row) => `${row}\n`).join("");
  const bring = (table, ...rows) => ask("POST", `cdata?SN=${sn}&table=${table}&Stamp=9999`, lines(rows));
  return {
    hello: () => ask("GET", `cdata?SN=${sn}&options=all&pushver=2.4.1`),
    punches: (...rows) => bring("ATTLOG", ...rows),
    bring,
    /** The photo it took at a punch, named YYYYMMDDhhmmss-PIN. */
    photo: (name, jpeg) => ask("POST", `cdata?SN=${sn}&table=ATTPHOTO&Stamp=9999`, Buffer.concat([Buffer.from(`PIN=${name}.jpg\nSN=${sn}\nsize=${jpeg.length}\nCMD=realupload\0`), jpeg])),
    /** Asks until nothing is left and does it; `also` may bring something first. Returns what it was told. */
    async obey(also = async () => {}) {
      const told = [];
      for (;;) {
        const { text } = await ask("GET", `getrequest?SN=${sn}`);
        const commands = [...text.matchAll(/^C:(\d+):(.*)$/gm)];
        if (!commands.length) return told;
        for (const [, , command] of commands) await also(command);
        told.push(...commands.map(([, , command]) => command));
        await ask("POST", `devicecmd?SN=${sn}`, lines(commands.map(([, id, command]) => `ID=${id}&Return=0&CMD=${command.split(" ")[0]}`)));
      }
    },
  };
}

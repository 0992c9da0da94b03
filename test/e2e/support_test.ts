import { assertEquals, assertRejects } from "@std/assert";
import { e2e, poll, run, startNginx, withNetns } from "./support.ts";

e2e("startNginx logs what curl asked between two namespaces over IPv4 and IPv6", {
  needs: ["netns", "nginx", "curl"],
}, async () => {
  await withNetns(async (client, server) => {
    await using nginx = await startNginx(
      `server { listen 80; listen [::]:80; location / { return 200 "hello"; } }`,
      server,
    );
    for (const host of [server.address4, `[${server.address6}]`]) {
      const answer = await run(...client.inside("curl", ["-sg", `http://${host}/a?b`]));
      assertEquals(answer, { code: 0, stdout: "hello", stderr: "" });
    }
    const log = await poll("two log lines", async () => {
      const entries = await nginx.log();
      return entries.length === 2 ? entries : undefined;
    });
    assertEquals(log.map(({ time: _, ...entry }) => entry), [
      { host: "10.77.0.2", method: "GET", uri: "/a?b", status: 200, bodyBytes: 5 },
      { host: "[fd77::2]", method: "GET", uri: "/a?b", status: 200, bodyBytes: 5 },
    ]);
  });
  const left = await run("ip", ["netns", "list"]);
  assertEquals(left.stdout.includes(`ts${Deno.pid}`), false, "namespaces are left behind");
});

e2e(
  "startNginx reports nginx's own words when the configuration is wrong",
  { needs: ["nginx"] },
  async () => {
    await assertRejects(() => startNginx("bogus;"), Error, "unknown directive");
  },
);

Deno.test("poll names what it waited for when it gives up", async () => {
  await assertRejects(() => poll("the impossible", () => false, 0), Error, "waiting for the impossible");
});

/** The live screen on a real terminal, watching real traffic on loopback, and how it is left. */

import { assert, assertEquals, assertLess, assertMatch, assertNotMatch } from "@std/assert";
import { programArguments } from "./net.ts";
import { e2e, poll } from "./support.ts";
import { RealTerminal, type TerminalOptions } from "./terminal.ts";

const needs = ["root", "tmux", "stty"];
const wholeSizes = [[80, 24], [200, 50], [40, 10]] as const;
const root = decodeURIComponent(new URL("../../", import.meta.url).pathname);

/** A web server on loopback. */
interface Site extends AsyncDisposable {
  readonly port: number;
  /** Sends `count` requests and waits for the answers. */
  visit(count: number, host?: string, path?: string): Promise<void>;
}

function openSite(): Site {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const isMissing = new URL(request.url).pathname.startsWith("/missing");
    return new Response("here\n", { status: isMissing ? 404 : 200 });
  });
  const { port } = server.addr;
  return {
    port,
    async visit(count, host = "shop.example", path = "/cart/items") {
      for (let n = 0; n < count; n++) {
        using connection = await Deno.connect({ hostname: "127.0.0.1", port });
        const request = `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
        await connection.write(new TextEncoder().encode(request));
        const buffer = new Uint8Array(4096);
        while (await connection.read(buffer) !== null);
      }
    },
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** A terminal in whose directory the program starts as `./watch`, through `run.sh` as `./watch-run`. */
async function openTerminal(options: TerminalOptions = {}): Promise<RealTerminal> {
  const terminal = await RealTerminal.open(options);
  const deno = Deno.execPath();
  const crash = ["run", "--preload", `${root}test/e2e/crash.ts`];
  const commands = {
    watch: [deno, ...programArguments([])],
    "watch-run": ["sh", `${root}scripts/run.sh`],
    "watch-crash": [deno, ...crash, ...programArguments([]).slice(1)],
  };
  for (const [name, command] of Object.entries(commands)) {
    const words = command.map((word) => `'${word}'`).join(" ");
    const script = `#!/bin/sh\necho $$ >pid\nexec ${words} "$@"\n`;
    await Deno.writeTextFile(`${terminal.directory}/${name}`, script, { mode: 0o755 });
  }
  return terminal;
}

/** A whole screen of so many rows, from header to footer: no line was so long that the terminal wrapped it. */
function wholeScreen(rows: number): RegExp {
  return new RegExp(`^trafficsniffer .*(\n.*){${rows - 2}}\nq quit[^\n]*$`);
}

/** The process that the last script became. */
async function processOf({ directory }: RealTerminal): Promise<number> {
  return Number(await Deno.readTextFile(`${directory}/pid`));
}

e2e("the screen fits terminals of three sizes, resized while running, and follows the traffic", {
  needs,
}, async () => {
  await using site = openSite();
  await using terminal = await openTerminal();
  await terminal.command(`./watch -i lo -p ${site.port} -n 1s --window 4s`);
  await terminal.see(/Requests +0 .*\n[^]*Alerts {2}none[^]*q quit/);
  await site.visit(20);
  await site.visit(10, "api.example", "/v1/users");
  await site.visit(1, "api.example", "/missing/x");

  const firing = await terminal.see(/Requests +31 +Hosts +2 +Sections +3 +Paths +3/);
  assertMatch(firing, /^trafficsniffer {2}lo .* live \d+s {2}every 1s {2}\d\d:\d\d:\d\d UTC\n/);
  assertMatch(firing, /Per host +15\.5 +Clients +1 +Errors +1/);
  assertMatch(firing, /Busiest host shop\.example {2}20 \(64\.5%\)/);
  assertMatch(firing, /Busiest path shop\.example\/cart\/items {2}20 \(64\.5%\)/);
  assertMatch(
    firing,
    /Alerts {2}1 firing\n ▲ firing +\d\d:\d\d:\d\d .* requests 31 > 10 {2}in 4s {2}peak 31/,
  );
  assertMatch(firing, /Capture {2}310 packets, /);
  assertMatch(
    firing,
    /Kernel drops 0 +Interface drops 0 +TCP gaps 0\n +Unparsed +0 +Unpaired +0 +Evicted +0/,
  );
  assertMatch(firing, /\n shop\.example +20 +64\.5%/);
  assertMatch(firing, /\n api\.example +11 +35\.5% .* 10 +1 /);
  assertMatch(firing, /Sections of shop\.example .*\n \/cart +20/);
  assertMatch(firing, /\n api\.example\/v1 +10 +32\.3%/);

  const resolved = await terminal.see(
    /Alerts {2}1 resolved\n ✓ resolved +\d\d:\d\d:\d\d {2}→ \d\d:\d\d:\d\d /,
  );
  assertMatch(resolved, /peak 31/);

  for (const [columns, rows] of [...wholeSizes, wholeSizes[0]]) {
    await terminal.resize(columns, rows);
    const screen = await terminal.see(wholeScreen(rows));
    for (const wanted of [/Requests +31 +Hosts +2/, /Busiest host shop\.example/, /✓ resolved/]) {
      assertMatch(screen, wanted, `${columns}×${rows}:\n${screen}`);
    }
    assertMatch(screen, rows > 10 ? /Sections of shop\.example/ : /Losses {2}none/);
  }

  await site.visit(11, "blog.example", "/");
  await terminal.see(/Alerts {2}1 firing, 1 resolved\n ▲ firing .*\n ✓ resolved/);
  await terminal.press("q");
  assertEquals(await terminal.exitCode(), 0);
});

e2e("the screen fits a resized terminal at once, long before the next interval", { needs }, async () => {
  await using site = openSite();
  await using terminal = await openTerminal();
  await terminal.command(`./watch -i lo -p ${site.port} -n 10m`);
  await terminal.see(wholeScreen(24));
  for (const [columns, rows] of [...wholeSizes, [60, 5], [1, 1], [300, 80]] as const) {
    await terminal.resize(columns, rows);
    if (rows > 1) await terminal.see(wholeScreen(rows), 3000);
  }
  await terminal.press("q");
  assertEquals(await terminal.exitCode(), 0);
});

/** The frames that were written, in order. */
async function framesIn(file: string): Promise<string[]> {
  return (await Deno.readTextFile(file)).split("\x1b[?2026h").slice(1);
}

/** The rows that a frame writes to. */
function rowsOf(frame: string): number[] {
  // deno-lint-ignore no-control-regex -- cursor positions
  return [...frame.matchAll(/\x1b\[(\d+);1H/g)].map((match) => Number(match[1]));
}

e2e("the screen rewrites only lines that changed, at every interval, and clears only when resized", {
  needs,
}, async () => {
  await using site = openSite();
  await using terminal = await openTerminal();
  await terminal.command(`./watch -i lo -p ${site.port} -n 1s`);
  await terminal.see(/q quit/);

  const quiet = `${terminal.directory}/quiet`;
  await terminal.record(quiet);
  const begin = performance.now();
  await poll("three frames", async () => (await framesIn(quiet)).length >= 3);
  const took = performance.now() - begin;
  assert(took > 1500 && took < 8000, `three frames took ${took} ms`);
  for (const frame of await framesIn(quiet)) {
    assertEquals(rowsOf(frame), [1], "only the header has changed");
    assertLess(frame.length, 200);
  }

  await site.visit(3);
  await terminal.see(/Requests +3 /);
  const busy = (await framesIn(quiet)).at(-1)!;
  assert(rowsOf(busy).includes(2));
  assert(!rowsOf(busy).includes(24), "the footer has not changed");
  assertNotMatch(await Deno.readTextFile(quiet), /\[[23]?J|1049/);

  await terminal.resize(100, 30);
  await terminal.see(wholeScreen(30));
  const frames = await framesIn(quiet);
  const resized = frames.findIndex((frame) => frame.includes("\x1b[2J"));
  assertEquals(rowsOf(frames[resized]!), Array.from({ length: 30 }, (_, row) => row + 1));
  await poll("a frame after it", async () => (await framesIn(quiet)).length > resized + 1);
  assert((await framesIn(quiet)).slice(resized + 1).every((frame) => !frame.includes("\x1b[2J")));
  await terminal.press("q");
  assertEquals(await terminal.exitCode(), 0);
});

e2e("arrow keys move through alerts that do not fit", { needs }, async () => {
  await using site = openSite();
  await using terminal = await openTerminal({ columns: 40, rows: 10 });
  await terminal.command(`./watch -i lo -p ${site.port} -n 1s --window 1s --threshold 0`);
  for (const resolved of [1, 2, 3, 4]) {
    if (resolved === 1) await terminal.see(/q quit/);
    await site.visit(1);
    await terminal.see(new RegExp(`Alerts {2}${resolved} resolved`));
  }
  await terminal.see(/1–2 of 4/);
  await terminal.press("Down");
  await terminal.see(/2–3 of 4/);
  await terminal.press("End");
  await terminal.see(/3–4 of 4/);
  await terminal.press("Up");
  await terminal.see(/2–3 of 4/);
  await terminal.press("q");
  assertEquals(await terminal.exitCode(), 0);
  assertEquals((await terminal.history()).match(/✓ resolved/g)?.length, 4);
});

for (const script of ["./watch", "./watch-run"]) {
  const how = script === "./watch" ? "" : " through run.sh";
  e2e(`Ctrl-Z suspends the screen${how}, and fg brings it back with what came meanwhile`, {
    needs,
  }, async () => {
    await using site = openSite();
    await using terminal = await openTerminal();
    await terminal.command("echo before");
    const before = await terminal.state();
    await terminal.command(`${script} -i lo -p ${site.port} -n 1s`);
    await terminal.see(/Requests +0 /);
    const during = await terminal.state();
    assertEquals([during.cursor, during.alternate], [false, true]);
    assert(during.modes !== before.modes);

    await terminal.press("C-z");
    assertEquals(await terminal.exitCode(), 128 + 20);
    assertEquals(await terminal.state(), before);
    await terminal.see(/before\n/);
    await site.visit(5);
    await terminal.command("echo $((6 * 7))");
    await terminal.see(/\n42\n/);

    await terminal.command("fg");
    await terminal.see(/^trafficsniffer[^]*q quit/, 2000);
    assertEquals(await terminal.state(), during);
    await terminal.see(/Requests +5 /, 3000);
    await terminal.press("C-z");
    await terminal.exitCode();
    await terminal.command("fg");
    await terminal.see(/^trafficsniffer/);
    await terminal.press("q");
    assertEquals(await terminal.exitCode(), 0);
    assertEquals(await terminal.state(), before);
  });
}

e2e("the terminal is given back on every way out, with the last report and every alert", {
  needs,
}, async (context) => {
  await using site = openSite();
  await using terminal = await openTerminal({ columns: 120, rows: 40 });
  const before = await terminal.state();
  assertEquals([before.cursor, before.alternate], [true, false]);

  const kill = async (signal: Deno.Signal) => Deno.kill(await processOf(terminal), signal);
  type Way = [name: string, leave: () => unknown, options?: string, code?: number, script?: string];
  const crashed = 1;
  const ways: Way[] = [
    ["q", () => terminal.press("q")],
    ["Ctrl-C", () => terminal.press("C-c")],
    ["SIGTERM", () => kill("SIGTERM")],
    ["SIGHUP", () => kill("SIGHUP")],
    ["the end of --duration", () => {}, "--duration 4s"],
    ["the end of --count", () => {}, "--count 120"],
    ["q with --fail-on-alert", () => terminal.press("q"), "--fail-on-alert", 3],
    ["Ctrl-C through run.sh", () => terminal.press("C-c"), "", 0, "./watch-run"],
    ["an exception", () => kill("SIGUSR1"), "", crashed, "./watch-crash"],
    ["a rejection", () => kill("SIGUSR2"), "", crashed, "./watch-crash"],
  ];
  for (const [name, leave, options = "", code = 0, script = "./watch"] of ways) {
    await context.step(name, async () => {
      await terminal.clear();
      await terminal.command(`${script} -i lo -p ${site.port} -n 1s ${options}`);
      await terminal.see(/q quit/);
      await site.visit(12);
      if (options.startsWith("--count")) await terminal.exitCode();
      else await terminal.see(/Requests +12 [^]*▲ firing/);
      await leave();
      assertEquals(await terminal.exitCode(), code);
      assertEquals(await terminal.state(), before);
      const left = await terminal.history();
      if (code === crashed) {
        assertMatch(left, /\ntrafficsniffer: this should not have happened, .*: Error: made to crash\n/);
        assertNotMatch(left, /at file:|Uncaught/);
      }
      assertMatch(left, /\d UTC {2}lo {2}ended after \d+m?s/);
      assertMatch(
        left,
        /Requests +12 [^]*Alerts {2}1 firing\n {2}▲ firing [^]*shop\.example\/cart\/items +12/,
      );
    });
  }
});

e2e("a silent device does not hold up the interval, --duration, Ctrl-C or q", { needs }, async (context) => {
  await using site = openSite();
  await using terminal = await openTerminal();
  const ways: [name: string, options: string, leave: () => unknown][] = [
    ["q", "", () => terminal.press("q")],
    ["Ctrl-C", "", () => terminal.press("C-c")],
    ["--duration", "--duration 3s", () => {}],
  ];
  for (const [name, options, leave] of ways) {
    await context.step(name, async () => {
      await terminal.clear();
      await terminal.command(`./watch -i lo -p ${site.port} -n 500ms ${options}`);
      await terminal.see(/live 1s /);
      await terminal.see(/live 2s /);
      await leave();
      assertEquals(await terminal.exitCode(3000), 0);
      assertMatch(await terminal.history(), /ended after \d+s[^]*Requests +0 /);
    });
  }
});

e2e("the program ends when its terminal is closed", { needs }, async () => {
  await using site = openSite();
  await using terminal = await openTerminal();
  await terminal.command(`./watch -i lo -p ${site.port} -n 1s`);
  await terminal.see(/q quit/);
  const process = await processOf(terminal);
  assert((await Deno.stat(`/proc/${process}`)).isDirectory);
  await terminal.hangUp();
  await poll("its end", () => Deno.stat(`/proc/${process}`).then(() => false, () => true), 3000);
});

e2e("a screen whose reader goes away leaves the terminal's modes as they were", { needs }, async () => {
  await using site = openSite();
  await using terminal = await openTerminal();
  const { modes } = await terminal.state();
  await terminal.command(`./watch -i lo -p ${site.port} -n 500ms -o screen | head -c 20 >/dev/null`);
  await poll("raw modes", async () => (await terminal.state()).modes !== modes);
  await terminal.exitCode();
  assertEquals((await terminal.state()).modes, modes);
  assertNotMatch(await terminal.history(), /trafficsniffer: /);
});

e2e("keys come from the terminal while a capture comes through standard input", {
  needs: [...needs, "tcpdump"],
}, async () => {
  await using site = openSite();
  await using terminal = await openTerminal();
  const before = await terminal.state();
  const tcpdump = `tcpdump -i lo -U -w - tcp port ${site.port} 2>tcpdump.log`;
  await terminal.command(`${tcpdump} | ./watch -r - -p ${site.port} -n 1s`);
  await terminal.see(/Requests +0 /);
  await poll(
    "tcpdump",
    async () => /listening/.test(await Deno.readTextFile(`${terminal.directory}/tcpdump.log`)),
  );
  await site.visit(11);
  await terminal.see(/Requests +11 [^]*▲ firing/, 3000);

  await terminal.press("C-z");
  await terminal.exitCode();
  assertEquals(await terminal.state(), before);
  await terminal.command("fg");
  await terminal.see(/^trafficsniffer/);

  await terminal.press("q");
  await poll("the program's end", async () => !(await terminal.state()).alternate, 2000);
  // tcpdump notices with its next packet.
  await site.visit(2);
  assertEquals(await terminal.exitCode(), 0);
  assertEquals(await terminal.state(), before);
  assertMatch(await terminal.history(), /Requests +11 [^]*▲ firing/);
});

e2e("the screen has colours, unless NO_COLOR is set", { needs }, async () => {
  await using site = openSite();
  for (const plain of [false, true]) {
    await using terminal = await openTerminal({ environment: plain ? { NO_COLOR: "1" } : {} });
    await terminal.command(`./watch -i lo -p ${site.port} -n 1s`);
    await terminal.see(/q quit/);
    await site.visit(11);
    await terminal.see(/▲ firing/);
    // deno-lint-ignore no-control-regex -- SGR sequences
    const attributes = (await terminal.colored()).match(/\x1b\[[0-9;]*m/g) ?? [];
    if (plain) assertEquals(attributes, []);
    else assert(attributes.some((attribute) => /[[;]31[;m]/.test(attribute)), "red for the alert");
    await terminal.press("q");
    assertEquals(await terminal.exitCode(), 0);
  }
});

e2e("the screen and the last report are ASCII in the C locale", { needs }, async () => {
  await using site = openSite();
  await using terminal = await openTerminal({ locale: "C" });
  await terminal.command(`./watch -i lo -p ${site.port} -n 1s --window 1s`);
  await terminal.see(/q quit {2}up\/down alerts/);
  await site.visit(11, "日本語.example", "/ü");
  assertNotMatch(await terminal.see(/- resolved +\S+ {2}to \S+ .* requests \d+ <= 10/), /[^\n -~]/);
  await terminal.press("q");
  assertEquals(await terminal.exitCode(), 0);
  assertNotMatch(await terminal.history(), /[^\n -~]/);
});

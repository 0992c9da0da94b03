/**
 * Live capture: what is dropped and what a packet costs at rising rates, and whether the screen answers when there is
 * more than anyone can take.
 *
 * @module
 */

import { type Namespace, withNetns } from "../../test/e2e/support.ts";
import { CONNECTIONS, inNamespace, type Input, startServer, wrkCommand, wrkScript } from "./inputs.ts";
import { type Bench, lastReport } from "./options.ts";
import { Background, BenchError, cpuSeconds, mustRun, sleep } from "./process.ts";
import { median } from "./statistics.ts";
import type { Row } from "./table.ts";
import { LEAVES, REDRAWS, Terminal } from "./terminal.ts";

/** The kernel's buffer of every sniffer that lets it be chosen, in MiB; the least there is for the overload. */
const BUFFER = 64, OVERLOAD_BUFFER = 1;
const SECONDS = 4, QUICK_SECONDS = 1;
const MOST_KEY_MILLISECONDS = 100;
const KEYS = 20, QUICK_KEYS = 5;
/** The start of the small capture that is sent again and again. */
const REPLAYED_PACKETS = 300_000;

/** A source of traffic from one namespace to the other, at one rate. */
interface Traffic {
  readonly name: string;
  readonly command: readonly string[];
  /** In the client's namespace unless said: only there do frames arrive at the other end. */
  readonly from: Namespace;
}

/** Something that captures on a device. */
interface Sniffer {
  readonly name: string;
  readonly command: readonly string[];
  /** What it says when it is ready. */
  readonly ready: RegExp;
  /** What it saw and lost, when it has ended. */
  outcome(said: { stdout: string; stderr: string }): { packets: number; dropped: number | undefined };
}

interface Outcome {
  readonly packets: number;
  /** `undefined` where the sniffer does not say. */
  readonly dropped: number | undefined;
  /** While there was traffic. */
  readonly cpuSeconds: number;
  /** How long there was. */
  readonly trafficSeconds: number;
}

export async function live(bench: Bench, small: Input): Promise<Row[]> {
  const rows: Row[] = [];
  await withNetns(async (client, server) => {
    await using _nginx = await startServer(server);
    // tcpreplay keeps it in memory, once for each of it.
    const part = `${bench.scratch}/replay.pcap`;
    await mustRun(["tcpdump", "-Z", "root", "-r", small.file, "-c", `${REPLAYED_PACKETS}`, "-w", part]);
    for (const traffic of await rising(bench, part, client, server)) {
      bench.note(`live: ${traffic.name}`);
      rows.push(...await compare(sniffers(bench, server.device), traffic, server));
    }
    if (!bench.has("tcpreplay")) return;
    if (bench.has("script")) rows.push(...await overload(bench, part, client, server));
  });
  return rows;
}

/** What is sent: requests over more and more connections, then the small capture faster and faster. */
async function rising(
  bench: Bench,
  replayed: string,
  client: Namespace,
  server: Namespace,
): Promise<Traffic[]> {
  const seconds = bench.quick ? QUICK_SECONDS : SECONDS;
  const script = `${bench.scratch}/live.lua`;
  await Deno.writeTextFile(script, wrkScript(Number.MAX_SAFE_INTEGER));
  const connections = bench.quick ? [CONNECTIONS] : [1, 8, CONNECTIONS, 512];
  const rates = bench.quick ? [100_000] : [100_000, 200_000, 400_000, 600_000];
  const replay = (name: string, speed: readonly string[]): Traffic => ({
    name: `replay ${name}`,
    command: [
      ...["tcpreplay", "-q", "-K", "--no-flow-stats", "--loop=1000", `--duration=${seconds}`, ...speed],
      ...["-i", client.device, replayed],
    ],
    from: client,
  });
  return [
    ...connections.map((count): Traffic => ({
      name: `wrk with ${count} ${count === 1 ? "connection" : "connections"}`,
      command: wrkCommand(server, script, count, seconds),
      from: client,
    })),
    ...bench.has("tcpreplay")
      ? [
        ...rates.map((rate) => replay(`at ${rate.toLocaleString("en-US")}/s`, [`--pps=${rate}`])),
        replay("at full speed", ["--topspeed"]),
      ]
      : [],
  ];
}

function sniffers(bench: Bench, device: string): Sniffer[] {
  return [
    {
      name: "tcpdump",
      command: [
        "tcpdump",
        "-Z",
        "root",
        "-i",
        device,
        "-B",
        `${BUFFER * 1024}`,
        "-w",
        "/dev/null",
        "tcp port 80",
      ],
      ready: /listening on/,
      outcome: ({ stderr }) => ({
        packets: Number(/^(\d+) packets? captured/m.exec(stderr)?.[1]),
        dropped: Number(/^(\d+) packets? dropped by kernel/m.exec(stderr)?.[1]),
      }),
    },
    {
      name: "this program",
      command: [...bench.program, "-i", device, "-B", `${BUFFER}`, "-o", "json"],
      ready: /watching/,
      outcome: ({ stdout }) => {
        const { packets, droppedByKernel } = lastReport(stdout).capture;
        return { packets, dropped: droppedByKernel };
      },
    },
    // Its buffer cannot be chosen, so only its cost is looked at. It does not count packets but messages.
    ...bench.has("httpry")
      ? [{
        name: "httpry",
        command: ["httpry", "-i", device, "-o", "/dev/null", "tcp port 80"],
        ready: /Writing output/,
        outcome: ({ stderr }: { stderr: string }) => ({
          packets: Number(/(\d+) packets? received/.exec(stderr)?.[1] ?? NaN),
          dropped: undefined,
        }),
      }]
      : [],
  ];
}

/** The same traffic before each sniffer in turn. */
async function compare(sniffers: readonly Sniffer[], traffic: Traffic, at: Namespace): Promise<Row[]> {
  const outcomes: Record<string, Outcome> = {};
  for (const sniffer of sniffers) outcomes[sniffer.name] = await sniff(sniffer, traffic, at);
  const ours = outcomes["this program"], floor = outcomes["tcpdump"];
  if (ours === undefined || floor === undefined) {
    throw new BenchError("tcpdump and this program were not run");
  }
  return [
    ...Object.entries(outcomes).map(([name, outcome]): Row => ({
      section: "live",
      name: `${traffic.name}: ${name}`,
      figures: {
        packetsPerSecond: outcome.packets / outcome.trafficSeconds,
        ...outcome.dropped !== undefined && { dropped: outcome.dropped },
        cpuPacketMicroseconds: outcome.cpuSeconds / outcome.packets * 1e6,
      },
    })),
    {
      section: "live",
      name: `${traffic.name}: dropped`,
      result: ours.dropped ?? NaN,
      unit: "packets",
      // Where the floor drops, too, nothing is asked.
      ...floor.dropped === 0 && { target: { atMost: 0 } },
    },
  ];
}

async function sniff(sniffer: Sniffer, traffic: Traffic, at: Namespace): Promise<Outcome> {
  await using running = new Background(inNamespace(at, sniffer.command));
  await running.said(sniffer.ready);
  await sleep(300);
  const before = cpuSeconds(running.pid);
  const said = await mustRun(inNamespace(traffic.from, traffic.command));
  // What waits in buffers is still to be paid for.
  await sleep(700);
  const cpu = cpuSeconds(running.pid) - before;
  running.kill("SIGINT");
  // Some tools end with another code than 0 when they are interrupted, which is no failure.
  await running.end;
  const outcome = sniffer.outcome(running);
  if (!(outcome.packets > 0)) throw new BenchError(`${sniffer.name} saw nothing: ${running.stderr.trim()}`);
  // Without the time that it takes to begin.
  const seconds = Number(/(?:sent|requests) in ([\d.]+)/.exec(said)?.[1]);
  return { ...outcome, cpuSeconds: cpu, trafficSeconds: seconds };
}

/** Everything that can be sent, from as many processes as there are processors, before the screen with the least buffer. */
async function overload(
  bench: Bench,
  replayed: string,
  client: Namespace,
  server: Namespace,
): Promise<Row[]> {
  bench.note("live: the screen at overload");
  await using terminal = new Terminal(inNamespace(server, [
    ...[...bench.program, "-i", server.device, "-B", `${OVERLOAD_BUFFER}`, "-o", "screen", "-n", "1s"],
  ]));
  await terminal.see("Kernel drops");
  const replay = [
    "tcpreplay",
    "-q",
    "-K",
    "--no-flow-stats",
    "--loop=1000",
    "--topspeed",
    "-i",
    client.device,
  ];
  await using replays = new AsyncDisposableStack();
  for (let i = 0; i < navigator.hardwareConcurrency; i++) {
    replays.use(new Background(inNamespace(client, [...replay, replayed])));
  }
  await sleep(bench.quick ? 3000 : 6000);
  // Ctrl-L draws everything anew, which nothing else does. What the terminal itself takes to echo is in every answer.
  await using bare = new Terminal(["cat"]);
  const keys: number[] = [], echoes: number[] = [];
  for (let i = 0; i < (bench.quick ? QUICK_KEYS : KEYS); i++) {
    echoes.push(await bare.press("x", "x"));
    keys.push(await terminal.press("\x0c", REDRAWS));
    await sleep(130 + i * 7);
  }
  // Where traffic alone does not outrun the program, a stall of the whole process makes the kernel's buffer overflow.
  await stall(bench.program.at(-1)!, terminal);
  await sleep(2500);
  keys.push(await terminal.press("\x0c", REDRAWS));
  const dropped = terminal.text.match(/Kernel drops\s+([\d,]+)/g)?.at(-1)?.replace(/^.*\s/, "") ?? "";
  const quit = await terminal.press("q", LEAVES);
  return [
    {
      section: "live",
      name: "overload: the screen",
      figures: {
        keyMedianMilliseconds: median(keys),
        slowestEchoMilliseconds: Math.max(...echoes),
        quitMilliseconds: quit,
        dropped: Number(dropped.replaceAll(",", "")),
      },
    },
    {
      section: "live",
      name: "overload: slowest answer to a key",
      result: Math.max(...keys, quit),
      unit: "ms",
      target: { atMost: MOST_KEY_MILLISECONDS },
    },
    {
      section: "live",
      name: "overload: drops that the screen shows",
      result: Number(dropped.replaceAll(",", "")),
      unit: "packets",
      target: { atLeast: 1 },
    },
  ];
}

/** Stops the program that draws the screen for a second. */
async function stall(program: string, terminal: Terminal): Promise<void> {
  const signal = (name: string) => mustRun(["pkill", `-${name}`, "-f", `${program} .* -o screen`]);
  await signal("STOP");
  await sleep(1000);
  await signal("CONT");
  terminal.resume();
}

/**
 * The captures that are read: real requests of wrk to nginx over a link between two network namespaces.
 *
 * @module
 */

import { type Namespace, startNginx, withNetns } from "../../test/e2e/support.ts";
import { Background, BenchError, sleep } from "./process.ts";

export const inputNames = ["small", "large", "short"] as const;
export type InputName = typeof inputNames[number];

/** A capture file and what is in it. */
export interface Input {
  readonly name: InputName;
  readonly file: string;
  readonly packets: number;
  readonly bytes: number;
  /** Requests that nginx answered. */
  readonly requests: number;
}

interface Recipe {
  readonly requests: number;
  readonly quickRequests: number;
  /** Responses of 10 to 60 kB instead of a few bytes. */
  readonly large?: boolean;
  /** A connection a request. */
  readonly close?: boolean;
}

const recipes: Readonly<Record<InputName, Recipe>> = {
  small: { requests: 2_200_000, quickRequests: 300_000 },
  large: { requests: 25_000, quickRequests: 10_000, large: true },
  short: { requests: 100_000, quickRequests: 50_000, close: true },
};

export const CONNECTIONS = 64;
const HOSTS = 50;
const SECTIONS = 97;
const PATHS = 40_000;
const LEAST_KB = 10, MOST_KB = 60;

/** tcpdump's buffer while a capture is made, in KiB. */
const BUFFER = 200_000;
const ATTEMPTS = 3;
/** The longest that the requests of an input may take, in seconds. */
const PATIENCE = 600;

/** The inputs in `directory`; those that are not there are made, with `note` told of it. */
export async function prepareInputs(
  directory: string,
  quick: boolean,
  note: (text: string) => void,
): Promise<Input[]> {
  const inputs: Input[] = [];
  for (const name of inputNames) {
    const file = `${directory}/${name}${quick ? "-quick" : ""}.pcap`;
    const description = await Deno.readTextFile(`${file}.json`).catch(() => undefined);
    if (description !== undefined) {
      inputs.push({ ...JSON.parse(description), file });
      continue;
    }
    note(`making the input ${name}`);
    const input = await makeInput(name, file, quick);
    await Deno.writeTextFile(`${file}.json`, JSON.stringify(input));
    inputs.push(input);
  }
  return inputs;
}

async function makeInput(name: InputName, file: string, quick: boolean): Promise<Input> {
  const recipe = recipes[name];
  const requests = quick ? recipe.quickRequests : recipe.requests;
  for (let attempt = 1;; attempt++) {
    const input = await capture(name, file, requests, recipe);
    if (input !== undefined) return input;
    if (attempt === ATTEMPTS) {
      throw new BenchError(`tcpdump dropped packets ${ATTEMPTS} times: is the machine busy?`);
    }
  }
}

/** One capture of all traffic of a run of wrk; `undefined` when packets are missing. */
async function capture(
  name: InputName,
  file: string,
  wanted: number,
  recipe: Recipe,
): Promise<Input | undefined> {
  const log = `${file}.log`, script = `${file}.lua`;
  let said = "";
  try {
    await Deno.writeTextFile(script, wrkScript(wanted, recipe));
    await withNetns(async (client, server) => {
      // When it has ended, nginx has written its whole log.
      await using _nginx = await startServer(server, log);
      await using tcpdump = new Background(inNamespace(server, [
        ...["tcpdump", "-Z", "root", "-i", server.device, "-B", `${BUFFER}`, "-w", file, "tcp port 80"],
      ]));
      await tcpdump.said(/listening on/);
      // It would wait for its time to be over.
      await using wrk = new Background(
        inNamespace(client, wrkCommand(server, script, CONNECTIONS, PATIENCE)),
      );
      await wrk.said(/all sent/, PATIENCE);
      await sleep(1000);
      tcpdump.kill("SIGINT");
      await tcpdump.end;
      said = tcpdump.stderr;
    });
    const packets = Number(/^(\d+) packets? captured/m.exec(said)?.[1]);
    if (!/^0 packets dropped by kernel/m.test(said)) return undefined;
    const { size: bytes } = await Deno.stat(file);
    const { size: requests } = await Deno.stat(log);
    return { name, file, packets, bytes, requests };
  } finally {
    for (const path of [log, script]) await Deno.remove(path).catch(() => {});
  }
}

/** Starts nginx, which answers everything, in a namespace. Its log has one byte a request, so its size counts them. */
export async function startServer(namespace: Namespace, log?: string): Promise<AsyncDisposable> {
  const nginx = await startNginx(
    `
      log_format one escape=none "";
      server {
        listen 80 backlog=4096;
        access_log ${log === undefined ? "off" : `${log} one buffer=64k`};
        keepalive_requests 100000000;
        location / { return 200 "hello world, a small body\\n"; }
        location /large/ { rewrite ^ /$arg_kb break; }
      }
    `,
    namespace,
  );
  for (let kb = LEAST_KB; kb <= MOST_KB; kb++) {
    await Deno.writeTextFile(`${nginx.directory}/www/${kb}`, "0123456789".repeat(kb * 100));
  }
  return nginx;
}

/** A command to run in a namespace. */
export function inNamespace(namespace: Namespace, [command = "", ...args]: readonly string[]): string[] {
  return namespace.inside(command, args).flat();
}

export function wrkCommand(
  server: Namespace,
  script: string,
  connections: number,
  seconds: number,
): string[] {
  return [
    ...["wrk", "-t", "1", "-c", `${connections}`, "-d", `${seconds}s`, "-s", script],
    `http://${server.address4}/`,
  ];
}

/**
 * What wrk sends: `requests` in all, to 50 hosts with 40,000 paths in 97 sections, each with another query. A path has
 * always the same host.
 */
export function wrkScript(requests: number, { large = false, close = false }: Partial<Recipe> = {}): string {
  const path = large
    ? `"/large/s" .. i % ${SECTIONS} .. "/item/" .. i .. "?kb=" .. ${LEAST_KB} + i % ${
      MOST_KB - LEAST_KB + 1
    } .. "&q=" .. n`
    : `"/s" .. i % ${SECTIONS} .. "/item/" .. i .. "?q=" .. n`;
  return `
local n = 0
${close ? 'wrk.headers["Connection"] = "close"' : ""}
request = function()
  n = n + 1
  if n == ${requests} + 1 then
    io.stderr:write("all sent\\n")
    wrk.thread:stop()
  end
  local i = n % ${PATHS}
  wrk.headers["Host"] = "host" .. i % ${HOSTS} .. ".example"
  return wrk.format("GET", ${path})
end
`;
}

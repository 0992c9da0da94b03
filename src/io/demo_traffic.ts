/**
 * A web server and its clients on loopback, for the demonstration.
 *
 * @module
 */

import type { DemoTraffic } from "../app/ports.ts";
import { CaptureError } from "../errors.ts";

const HOSTS = ["shop.example", "shop.example", "shop.example", "api.example", "api.example", "blog.example"];
const PATHS = [
  "/",
  "/products/lamp",
  "/products/chair",
  "/cart",
  "/api/v1/orders",
  "/api/v1/users/7",
  "/static/app.css",
  "/posts/2",
  "/missing",
];

/** A calm stretch, then a rush: milliseconds each lasts, and between two requests. */
const PHASES = [{ lasts: 12_000, pause: 400 }, { lasts: 6_000, pause: 25 }] as const;

/** Starts the server; requests are sent once {@link DemoTraffic.start} is called. */
export function startDemoTraffic(): DemoTraffic {
  const server = serve();
  const stopped = new AbortController();
  let sending: Promise<void> = Promise.resolve();
  return {
    port: server.addr.port,
    start() {
      sending = sendRequests(server.addr.port, stopped.signal);
    },
    async stop() {
      stopped.abort();
      await sending;
      await server.shutdown();
    },
  };
}

function serve(): Deno.HttpServer<Deno.NetAddr> {
  try {
    return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, respond);
  } catch (error) {
    const message = error instanceof Deno.errors.NotCapable
      ? "the demonstration needs Deno's --allow-net=127.0.0.1"
      : `the demonstration's server cannot start: ${error}`;
    throw new CaptureError("permission", "demo", message);
  }
}

/** Answers as a site would: mostly well, sometimes late, sometimes not. */
async function respond(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  if (pathname.startsWith("/api")) await delay(5 + Math.random() * 60);
  if (pathname === "/missing") return new Response("no such page\n", { status: 404 });
  if (pathname === "/cart" && Math.random() < 0.2) return new Response("try again\n", { status: 503 });
  return new Response(`this is ${pathname}\n`.repeat(1 + Math.floor(Math.random() * 50)));
}

async function sendRequests(port: number, stopped: AbortSignal): Promise<void> {
  const started = Date.now();
  const cycle = PHASES.reduce((sum, phase) => sum + phase.lasts, 0);
  while (!stopped.aborted) {
    const at = (Date.now() - started) % cycle;
    await delay(at < PHASES[0].lasts ? PHASES[0].pause : PHASES[1].pause);
    sendRequest(port, pick(HOSTS), pick(PATHS)).catch(() => {
      // The server is being stopped.
    });
  }
}

/** One request on a connection of its own: `fetch` would not let the host be chosen. */
async function sendRequest(port: number, host: string, path: string): Promise<void> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const request = `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: demo\r\nConnection: close\r\n\r\n`;
  await connection.write(new TextEncoder().encode(request));
  const buffer = new Uint8Array(4096);
  while (await connection.read(buffer) !== null);
}

function pick(list: readonly string[]): string {
  return list[Math.floor(Math.random() * list.length)]!;
}

function delay(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/**
 * Single exchanges as what a reader sees: rows of a list, and what is known of one.
 *
 * @module
 */

import { type Phase, PHASES } from "../network/opening.ts";
import type { ExchangeFigures } from "../stats/report.ts";
import { type Clean, column, type Field, field, span, type Table, withoutEmptyColumns } from "./elements.ts";
import { bytes, counted, decimal, timeSeenFrom } from "./format.ts";

/** Priorities of the phases' columns, in the order of the phases. */
const phasePriorities = { dns: 5, arp: 8, connect: 6, send: 9, wait: 3, receive: 7 } as const;

/**
 * A row an exchange: when it began, its length, status and client, what was asked for, and its `phases`, with a
 * question mark behind those whose times are not to be trusted.
 */
export function tabulateExchanges(
  title: string,
  exchanges: readonly ExchangeFigures[],
  today: string,
  clean: Clean,
  phases: readonly Phase[] = PHASES,
): Table {
  const rows = exchanges.map((exchange) => [
    span(timeSeenFrom(today, exchange.startedAt, 3)),
    span(decimal(exchange.totalMs)),
    span(statusOf(exchange), exchange.status >= 500 ? "warning" : "plain"),
    span(clean(exchange.client)),
    span(requestOf(exchange, clean)),
    ...phases.map((phase) => {
      const seen = exchange.phases.find((one) => one.phase === phase);
      if (!seen) return span("");
      return exchange.untrusted.includes(phase)
        ? span(`${decimal(seen.ms)}?`, "warning")
        : span(decimal(seen.ms));
    }),
  ]);
  return withoutEmptyColumns({
    columns: [
      column(title, "left", 0),
      column("ms", "right", 0),
      column("status", "right", 1),
      column("client", "left", 4),
      column("request", "left", 0, true),
      ...phases.map((phase) => column(phase, "right", phasePriorities[phase])),
    ],
    rows,
  });
}

/** The status, or a dash while none was seen. */
export function statusOf({ status }: ExchangeFigures): string {
  return status === 0 ? "-" : String(status);
}

/** What was asked for, in one line. */
export function requestOf({ method, host, path }: ExchangeFigures, clean: Clean): string {
  return clean(`${method} ${host}${path}`);
}

/** What is known of an exchange besides its times, the most important first. */
export function describeExchange(exchange: ExchangeFigures, clean: Clean): Field[] {
  const { client, clientPort, clientMac, clientGateway, clientOnLink } = exchange;
  const { server, serverPort, serverMac, serverGateway, serverOnLink } = exchange;
  const facts = [
    field("Client", clean(endpoint(client, clientPort) + place(clientMac, clientOnLink, clientGateway))),
    field("Server", clean(endpoint(server, serverPort) + place(serverMac, serverOnLink, serverGateway))),
  ];
  if (exchange.dnsName !== undefined) {
    const by = exchange.dnsServer === undefined ? "" : ` by ${exchange.dnsServer}`;
    facts.push(field("DNS", clean(exchange.dnsName + by)));
  }
  facts.push(field("Connection", connectionOf(exchange)));
  if (exchange.untrusted.length > 0) {
    facts.push(field("Not to be trusted", clean(exchange.untrusted.join(", ")), "warning"));
  }
  facts.push(
    lossesOf(exchange),
    field("Bodies", `${bytes(exchange.requestBytes)} sent, ${bytes(exchange.responseBytes)} received`),
  );
  return facts;
}

function endpoint(address: string, port: number): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Where an end is, behind its address. The link layer address is that of the gateway if there is one. */
function place(mac: string | undefined, onLink: boolean | undefined, gateway: string | undefined): string {
  const words = [];
  if (gateway !== undefined) words.push(`via ${gateway}`);
  else if (onLink === true) words.push("on link");
  else if (onLink === false) words.push("not on link");
  if (mac !== undefined) words.push(mac);
  return words.map((word) => `, ${word}`).join("");
}

function connectionOf({ reused }: ExchangeFigures): string {
  if (reused === undefined) return "opened before it was seen";
  return reused ? "reused" : "new";
}

function lossesOf({ retransmissions, gaps }: ExchangeFigures): Field {
  const losses = [];
  if (retransmissions > 0) losses.push(counted(retransmissions, "retransmission"));
  if (gaps > 0) losses.push(counted(gaps, "gap"));
  return losses.length > 0 ? field("Losses", losses.join(", "), "warning") : field("Losses", "none", "faint");
}

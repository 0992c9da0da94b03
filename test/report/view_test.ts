import { assertEquals } from "@std/assert";
import type { Table } from "../../src/report/elements.ts";
import { makeView } from "../../src/report/view.ts";
import { liveStatus, sampleAddressAlert, sampleAlert, sampleReport } from "./sample_report.ts";

const unicode = { unicode: true };

function texts(table: Table): string[][] {
  return table.rows.map((row) => row.map((cell) => cell.text));
}

function headings(table: Table): string[] {
  return table.columns.map((column) => column.heading);
}

Deno.test("makeView lists every alert, newest first, with its recovery", () => {
  const report = sampleReport();
  report.alerts = Array.from(
    { length: 60 },
    (_, minute) => sampleAlert(`08:${String(minute).padStart(2, "0")}:00`, "09:00:00", 1, 3, 11),
  );
  const rows = texts(makeView(report, liveStatus, unicode).alerts);
  assertEquals(rows.length, 60);
  assertEquals(rows[0]?.slice(0, 7), [
    "✓ resolved",
    "08:59:00",
    "→ 09:00:00",
    "1s",
    "requests 3 ≤ 10",
    "in 2m",
    "peak 11",
  ]);
  assertEquals(rows[59]?.[1], "08:00:00");
});

Deno.test("makeView says when an alert fired while packets were lost", () => {
  const report = sampleReport();
  const [alert] = report.alerts;
  alert!.losses = { ...alert!.losses, droppedByKernel: 7 };
  report.alerts = [alert!];
  const [row] = makeView(report, liveStatus, unicode).alerts.rows;
  assertEquals(row?.filter((cell) => cell.tone === "warning").map((cell) => cell.text), ["losses 7"]);
});

Deno.test("makeView warns of losses that are not zero", () => {
  const { losses } = makeView(sampleReport(), liveStatus, unicode);
  assertEquals(losses.map(({ label, value }) => [label, value.text, value.tone]), [
    ["Kernel drops", "0", "faint"],
    ["Interface drops", "0", "faint"],
    ["TCP gaps", "2", "warning"],
    ["Unparsed", "0", "faint"],
    ["Unpaired", "14", "warning"],
    ["Evicted", "0", "faint"],
  ]);
});

Deno.test("makeView marks what is estimated, in totals and tables", () => {
  const view = makeView(sampleReport(), liveStatus, unicode);
  const total = (label: string) => view.totals.find((field) => field.label === label)?.value.text;
  assertEquals([total("Hosts"), total("Paths")], ["12", "~20,118"]);
  assertEquals(texts(view.paths)[0]?.[1], "~1,203");
  assertEquals(texts(view.hosts)[0]?.[1], "4,321");
  assertEquals(view.distinctError, "0.8%");
});

Deno.test("makeView says by how much the counts of a list may be too low", () => {
  const report = sampleReport();
  report.totals.errorBounds = { hosts: 0, sections: 1_234, paths: 12 };
  const view = makeView(report, liveStatus, unicode);
  const notes = (table: Table) => table.columns.flatMap((column) => column.notes);
  assertEquals(notes(view.hosts), []);
  assertEquals(notes(view.paths), ["counts may be up to 12 too low", "up to 12 too low", "≤12 too low"]);
  for (const table of [view.sections, view.topHostSections]) {
    assertEquals(notes(table), [
      "counts may be up to 1,234 too low",
      "up to 1,234 too low",
      "≤1,234 too low",
    ]);
  }
  delete report.totals.errorBounds;
  delete report.totals.distinctError;
  const exact = makeView(report, liveStatus, unicode);
  assertEquals([notes(exact.paths), exact.distinctError], [[], ""]);
});

Deno.test("makeView shows status classes only where some were seen", () => {
  const report = sampleReport();
  report.totals.requests = 2;
  report.hosts = [{
    host: "a",
    requests: 2,
    share: 1,
    requestsPerSecond: 1,
    status: { "2xx": 1, "1xx": 1 },
    errorRate: 0,
    bytes: 0,
  }];
  const { hosts } = makeView(report, liveStatus, unicode);
  assertEquals(headings(hosts), ["Hosts", "requests", "share", "per s", "2xx", "other"]);
  assertEquals(texts(hosts), [["a", "2", "100.0%", "1.0", "1", "1"]]);
});

Deno.test("makeView gives the same share for the same requests in every table", () => {
  const report = sampleReport();
  report.totals.requests = 81;
  report.hosts = [{
    host: "a",
    requests: 10,
    share: 0.1235,
    requestsPerSecond: 1,
    status: {},
    errorRate: 0,
    bytes: 0,
  }];
  report.sections = [{ ...report.hosts[0]!, section: "/b" }];
  report.paths = [{ host: "a", path: "/b/c", requests: 10 }];
  const view = makeView(report, liveStatus, unicode);
  for (const table of [view.hosts, view.sections, view.paths]) assertEquals(texts(table)[0]?.[2], "12.3%");
  assertEquals(view.highlights.map(({ value }) => value.text), ["a  10 (12.3%)", "a/b/c  ~10 (12.3%)"]);
});

Deno.test("makeView of a report without traffic has no highlights and says there are no alerts", () => {
  const report = sampleReport();
  report.hosts =
    report.sections =
    report.paths =
    report.topHostSections =
    report.alerts =
      [];
  const view = makeView(report, liveStatus, unicode);
  assertEquals(view.highlights, []);
  assertEquals(view.alertSummary.map((span) => span.text), ["none"]);
  assertEquals(view.topHostSections.columns[0]?.heading, "Sections of the busiest host");
});

Deno.test("makeView gives the period of a run that is over", () => {
  const view = makeView(sampleReport(), { ...liveStatus, state: "ended" }, unicode);
  assertEquals(view.highlights[0]?.value.text, "2026-03-14 09:29:45 to 09:31:54 UTC (2m9s)");
  assertEquals(view.status, ["ended after 2m10s"]);
});

Deno.test("makeView gives bytes and the rates of each window", () => {
  const fields = makeView(sampleReport(), liveStatus, unicode).rates;
  assertEquals(fields.map(({ label, value }) => `${label} ${value.text}`), [
    "Bodies 92.5 MiB",
    "Per second now 98.2",
    "1m 78.6",
    "5m 68.7",
    "15m 68.7",
  ]);
});

Deno.test("makeView gives the error share behind the errors, if there are any", () => {
  const report = sampleReport();
  const errors = () => makeView(report, liveStatus, unicode).totals.at(-1)?.value.text;
  assertEquals(errors(), "116 (0.9%)");
  Object.assign(report.totals, { errors: 0, errorRate: 0 });
  assertEquals(errors(), "0");
});

Deno.test("makeView sanitises every text of the report", () => {
  const report = sampleReport();
  const bad = "\x1b]0;x\x07";
  report.source = { interface: bad, filter: bad, linkType: bad };
  report.hosts[0]!.host = bad;
  report.sections[0]!.section = bad;
  report.topHostSections[0]!.section = bad;
  report.paths[0]!.path = bad;
  report.clients[0]!.client = bad;
  Object.assign(report.slowest[0]!, { client: bad, path: bad });
  const { dns, gateways } = report.network!;
  Object.assign(dns.servers[0]!, { server: bad, topNames: [{ name: bad, queries: 1 }] });
  Object.assign(gateways[0]!, { address: bad, mac: bad });
  report.alerts.push(sampleAddressAlert("09:31:43", [bad]));
  report.alerts.at(-1)!.message = bad;
  Object.assign(report.alerts[2]!, {
    metric: bad,
    rule: bad,
    window: bad,
    contributors: [{ by: "host", key: bad, value: 1 }],
  });
  const shown = JSON.stringify(makeView(report, { ...liveStatus, until: bad }, unicode));
  assertEquals(shown.includes("\\u001b"), false);
  assertEquals(shown.split("\\\\x1b]0;x\\\\x07").length - 1, 24);
});

/**
 * Alerts as what a reader sees.
 *
 * @module
 */

import type { AlertFigures, Report } from "../stats/report.ts";
import {
  type Clean,
  column,
  type Span,
  span,
  type Table,
  type Tone,
  withoutEmptyColumns,
} from "./elements.ts";
import { count, duration, timeSeenFrom } from "./format.ts";
import type { Marks } from "./marks.ts";
import { cut } from "./sanitize.ts";

/** Longer addresses are cut, lest one takes the room of all reasons. */
const addressColumns = 20;

/** How many fire and how many did. */
export function summarizeAlerts(alerts: readonly AlertFigures[]): Span[] {
  if (alerts.length === 0) return [span("none", "faint")];
  const firing = alerts.filter((alert) => alert.state === "firing").length;
  const resolved = alerts.length - firing;
  const summary: Span[] = [];
  if (firing > 0) summary.push(span(`${count(firing)} firing`, "alarm"));
  if (firing > 0 && resolved > 0) summary.push(span(", "));
  if (resolved > 0) summary.push(span(`${count(resolved)} resolved`));
  return summary;
}

/** State, start, end, length, reason, window, peak, losses, rule and details, which need no headings. */
export function tabulateAlerts(report: Report, marks: Marks, clean: Clean): Table {
  const today = report.period.end ?? report.generatedAt;
  const newestFirst = report.alerts.toSorted((a, b) =>
    Number(a.startedAt < b.startedAt) - Number(a.startedAt > b.startedAt)
  );
  const rows = newestFirst.map((alert) => {
    const firing = alert.state === "firing";
    const ended = alert.resolvedAt === undefined
      ? ""
      : `${marks.until} ${timeSeenFrom(today, alert.resolvedAt)}`;
    const story = alert.metric === "addressChanges"
      ? tellAddressChanges(alert, marks, clean)
      : tellThreshold(alert, marks, clean);
    const lost = Object.values(alert.losses).reduce((sum, losses) => sum + losses, 0);
    return [
      firing ? span(`${marks.firing} firing`, "alarm") : span(`${marks.resolved} resolved`, "good"),
      span(timeSeenFrom(today, alert.startedAt)),
      span(ended),
      span(duration(alert.durationSeconds)),
      span(story.reason, firing ? story.tone : "plain"),
      span(`in ${clean(alert.window)}`),
      span(story.peak),
      span(lost > 0 ? `losses ${count(lost)}` : "", "warning"),
      span(story.rule),
      span(story.details, "faint"),
    ];
  });
  return withoutEmptyColumns({
    columns: [
      column("", "left", 0),
      column("", "left", 0),
      column("", "left", 1),
      column("", "right", 3),
      column("", "left", 2),
      column("", "left", 4),
      column("", "left", 5),
      column("", "left", 6),
      column("", "left", 8),
      column("", "left", 7, true),
    ],
    rows,
  });
}

/** What differs with the kind of alert. */
interface Story {
  readonly reason: string;
  /** Of the reason, while the alert fires. */
  readonly tone: Tone;
  readonly peak: string;
  readonly rule: string;
  readonly details: string;
}

/** Of a metric that is above its threshold, or no longer. */
function tellThreshold(alert: AlertFigures, marks: Marks, clean: Clean): Story {
  const sign = alert.state === "firing" ? ">" : marks.atMost;
  return {
    reason: `${clean(alert.metric)} ${count(alert.value)} ${sign} ${count(alert.threshold)}`,
    tone: "plain",
    peak: `peak ${count(alert.peak)}`,
    rule: clean(alert.rule),
    details: clean(alert.contributors.map(({ key, value }) => `${key} ${count(value)}`).join(", ")),
  };
}

/** Of a change, which is worth an alert by itself: what changed says more than how often. */
function tellAddressChanges(alert: AlertFigures, marks: Marks, clean: Clean): Story {
  const keys = alert.contributors.map(({ key }) => key);
  const address = cut(clean(keys[0]?.split(" ", 1)[0] ?? "an address"), addressColumns, marks.ellipsis);
  const others = keys.length > 1 ? ` +${count(keys.length - 1)}` : "";
  return {
    reason: `${address}${others} changed MAC`,
    tone: "alarm",
    peak: alert.peak > 1 ? `peak ${count(alert.peak)}` : "",
    // The details say it.
    rule: "",
    details: clean(keys.length > 1 ? keys.join(", ").replaceAll("→", marks.until) : alert.message),
  };
}

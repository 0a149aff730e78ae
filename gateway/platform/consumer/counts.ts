/** What a consumer counts: for its lines, and for /metrics (Prometheus). */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Misunderstood } from '../received.ts';

export interface Counts {
  /** New in the database. */
  events: number;
  duplicates: number;
  /** Gaps that were asked for; that a campus could not fill. */
  asked: number;
  passed: number;
  receipts: number;
  /** What is no event, no note. */
  misunderstood: number;
  /** Of campuses that may send nothing any more. */
  withdrawn: number;
}

export type Counting = ReturnType<typeof createCounting>;

/** `now`: what is looked at when /metrics is. */
export function createCounting(
  registry: Registry,
  now: { readonly waiting: () => number; readonly storing: () => boolean },
) {
  const counts: Counts = {
    events: 0,
    duplicates: 0,
    asked: 0,
    passed: 0,
    receipts: 0,
    misunderstood: 0,
    withdrawn: 0,
  };
  const registers = [registry];
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Counter({ name: `campus_city_consumer_${name}_total`, help, labelNames, registers });
  const events = counter('events', 'Events that this instance stored, each new');
  const duplicates = counter('duplicates', 'Events that came again');
  const gaps = counter('gaps', 'Gaps: asked, by a replay; passed, that a campus could not fill', ['what']);
  const receipts = counter('receipts', 'Receipts that the broker took');
  const misunderstood = counter('misunderstood', 'Messages that are none of the contract', ['reason']);
  const withdrawn = counter(
    'withdrawn',
    'Events of campuses that are withdrawn: neither stored nor confirmed',
  );
  const seconds = new Histogram({
    name: 'campus_city_consumer_commit_seconds',
    help: 'From a batch to its commit',
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
    registers,
  });
  new Gauge({
    name: 'campus_city_consumer_waiting',
    help: 'Events that wait for their commit',
    registers,
    collect() {
      this.set(now.waiting());
    },
  });
  new Gauge({
    name: 'campus_city_consumer_storing',
    help: '1 while the database takes what comes',
    registers,
    collect() {
      this.set(Number(now.storing()));
    },
  });
  return {
    counts: counts as Readonly<Counts>,
    onCommit(fresh: number, again: number, ms: number) {
      counts.events += fresh;
      counts.duplicates += again;
      events.inc(fresh);
      duplicates.inc(again);
      seconds.observe(ms / 1000);
    },
    onAsked() {
      counts.asked++;
      gaps.inc({ what: 'asked' });
    },
    onPassed() {
      counts.passed++;
      gaps.inc({ what: 'passed' });
    },
    onReceipt() {
      counts.receipts++;
      receipts.inc();
    },
    onWithdrawn() {
      counts.withdrawn++;
      withdrawn.inc();
    },
    onMisunderstood(reason: Misunderstood | 'no note') {
      counts.misunderstood++;
      misunderstood.inc({ reason });
    },
  };
}

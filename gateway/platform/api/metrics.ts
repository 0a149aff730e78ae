/** What an instance of the platform counts, for /metrics (Prometheus). */
import { Counter, Gauge, Registry } from 'prom-client';
import { version } from '../../version.ts';
import type { ActOutcome, OverviewView } from '../views.ts';
import type { ActName } from './acts.ts';

/** How the broker is, as the consumer has it. */
export interface SourceState {
  readonly connected: boolean;
  readonly reason?: string;
  /** false: the database takes nothing. */
  readonly storing?: boolean;
  /** What else the consumer says of itself, such as how far it is behind. */
  readonly [more: string]: unknown;
}

export type CityMetrics = ReturnType<typeof createCityMetrics>;

/** `registry`: with what else its process counts. */
export function createCityMetrics(registry = new Registry()) {
  const registers = [registry];
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Gauge({ name: `campus_city_${name}`, help, labelNames, registers });
  gauge('build_info', 'Always 1: which version runs, and on which Node', ['version', 'node']).set(
    { version, node: process.versions.node },
    1,
  );
  const turned = new Counter({
    name: 'campus_connections_turned_total',
    help: 'Connections that could not stay: let go for a newer one (shed), or no descriptor was left',
    labelNames: ['listener', 'why'],
    registers,
  });
  const acts = new Counter({
    name: 'campus_city_acts_total',
    help: 'What operators did with alarms, and what became of it',
    labelNames: ['action', 'outcome'],
    registers,
  });
  const database = gauge('database_up', '1 while the database answers');
  const source = gauge('source_connected', '1 while this instance is connected to the broker');
  const pages = gauge('pages', 'Pages that look');
  const campuses = gauge('campuses', 'Campuses, by their state', ['state']);
  const alarms = gauge('alarms', 'Alarms: that stand; of those, that nobody has taken', ['which']);
  const gaps = gauge('gaps', 'Gaps in the chains: open; lost, that could not be filled', ['state']);
  const rate = gauge('events_per_second', 'Events stored, by all instances');
  const stored = gauge('events_stored', 'Events in the database');
  const latency = {
    p50: gauge('alarm_latency_p50_seconds', 'Of alarms of the last hour, to the commit: the median'),
    p99: gauge('alarm_latency_p99_seconds', 'Of alarms of the last hour, to the commit: 99 of 100'),
  };
  const show = (overview: OverviewView) => {
    for (const [state, count] of Object.entries(overview.campuses))
      if (state !== 'total') campuses.set({ state }, count);
    for (const [which, count] of Object.entries(overview.alarms)) alarms.set({ which }, count);
    for (const [state, count] of Object.entries(overview.gaps)) gaps.set({ state }, count);
    rate.set(overview.events.perSecond);
    stored.set(overview.events.stored);
    latency.p50.set(overview.latency.p50 / 1000);
    latency.p99.set(overview.latency.p99 / 1000);
  };
  return {
    registry,
    turned,
    countAct: (action: ActName, outcome: ActOutcome) =>
      acts.inc({ action, outcome: outcome.done ? 'done' : outcome.reason }),
    /** `overview` undefined: the database does not answer, and what is of it is as it was. */
    async read(
      overview: OverviewView | undefined,
      now: SourceState & { readonly pages: number },
    ): Promise<string> {
      database.set(Number(overview !== undefined));
      source.set(Number(now.connected));
      pages.set(now.pages);
      if (overview !== undefined) show(overview);
      return await registry.metrics();
    },
  };
}

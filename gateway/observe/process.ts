/** What the gateway's process takes: memory, CPU, handles, garbage, and how late its event loop is. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { collectDefaultMetrics, Gauge, type Registry } from 'prom-client';

/** Wakes this often to see how late it is. */
const LOOP_RESOLUTION_MS = 10;
/** prom-client's own monitor, which nobody can end, wakes once in 24 days instead. */
const NEVER_MS = 2 ** 31 - 1;

/** Gauges that are named as only counters may be; what they sum up is there by kind without them. */
const NO_COUNTERS = /^nodejs_active_.*_total$/;
/** Not as a label: `quantile` is one of summaries alone, which these are none of. */
const LATENESS = [
  ['p50', 50],
  ['p99', 99],
  ['max', 100],
] as const;

/** Registries that have them: what prom-client watches nobody can end, and a config that changes makes no second of it. */
const watched = new WeakMap<Registry, ReturnType<typeof monitorEventLoopDelay>>();

/** Adds them to a registry, once. Only the event loop is watched all the time, until `close`. */
export function watchProcess(registry: Registry): { close(): void } {
  const delay = watched.get(registry) ?? addTo(registry);
  delay.enable();
  return { close: () => delay.disable() };
}

function addTo(registry: Registry) {
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: NEVER_MS });
  for (const { name } of registry.getMetricsAsArray())
    if (name.startsWith('nodejs_eventloop_lag') || NO_COUNTERS.test(name)) registry.removeSingleMetric(name);

  const delay = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
  watched.set(registry, delay);
  // Each look at the metrics begins a new window; the first of them looks for all.
  const look = () => {
    for (const [i, [, percentile]] of LATENESS.entries()) {
      // Of its own timer: it is called late by that much more than its resolution.
      const lateMs = delay.percentile(percentile) / 1e6 - LOOP_RESOLUTION_MS;
      gauges[i]?.set(Math.max(0, lateMs) / 1000);
    }
    delay.reset();
  };
  const gauges = LATENESS.map(
    ([name], i) =>
      new Gauge({
        name: `campus_event_loop_delay_${name}_seconds`,
        help: `How late the event loop was since the last look: ${name}`,
        registers: [registry],
        ...(i === 0 && { collect: look }),
      }),
  );
  return delay;
}

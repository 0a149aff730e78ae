/** What the gateway's process takes: memory, CPU, handles, garbage, and how late its event loop is. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { collectDefaultMetrics, Gauge, type Registry } from 'prom-client';

/** Wakes this often to see how late it is. */
const LOOP_RESOLUTION_MS = 10;
/** prom-client's own monitor, which nobody can end, wakes once in 24 days instead. */
const NEVER_MS = 2 ** 31 - 1;

/** Adds them to a registry. Only the event loop is watched all the time, until `close`. */
export function watchProcess(registry: Registry): { close(): void } {
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: NEVER_MS });
  for (const { name } of registry.getMetricsAsArray())
    if (name.startsWith('nodejs_eventloop_lag')) registry.removeSingleMetric(name);

  const delay = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
  delay.enable();
  new Gauge({
    name: 'campus_event_loop_delay_seconds',
    help: 'How late the event loop was since the last look',
    labelNames: ['quantile'],
    registers: [registry],
    // Each look at the metrics begins a new window.
    collect() {
      for (const quantile of [0.5, 0.99, 1]) {
        // Of its own timer: it is called late by that much more than its resolution.
        const lateMs = delay.percentile(quantile * 100) / 1e6 - LOOP_RESOLUTION_MS;
        this.set({ quantile }, Math.max(0, lateMs) / 1000);
      }
      delay.reset();
    },
  });
  return { close: () => delay.disable() };
}

/**
 * The names of all metrics keep to Prometheus' conventions (https://prometheus.io/docs/practices/naming/): the rules that
 * `promtool check metrics` knows, which tests/foreign/promtool.test.ts asks itself.
 */
import { Registry } from 'prom-client';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createMetrics } from '../../gateway/observe/metrics.ts';
import { watchProcess } from '../../gateway/observe/process.ts';
import { version } from '../../gateway/version.ts';

interface One {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly labelNames?: readonly string[];
}

/** Not base units, or base units cut short. */
const UNITS =
  /_(milliseconds|microseconds|nanoseconds|minutes|hours|days|weeks|bits|kilobytes|megabytes|gigabytes|fahrenheit|s|ms|us|ns|sec|b|kb|mb|gb|tb|pb|m|h|d)(_|$)/;

function lint({ name, help, type, labelNames = [] }: One): string[] {
  const found: string[] = [];
  const rule = (isBroken: boolean, what: string) => {
    if (isBroken) found.push(`${name}: ${what}`);
  };
  rule(help.trim() === '', 'no help');
  rule(name.endsWith('_total') !== (type === 'counter'), 'counters alone end in _total');
  rule(type !== 'histogram' && /_(bucket|count|sum)$/.test(name), 'the suffix of a histogram');
  rule(UNITS.test(name.replace(/_total$/, '')), 'no base unit');
  rule(/(^|_)(counter|gauge|histogram|summary)(_|$)/.test(name), 'its type in its name');
  rule(!/^[a-z][a-z0-9_]*$/.test(name), 'not in snake case');
  for (const label of labelNames) {
    rule(!/^[a-z][a-z0-9_]*$/.test(label), `label ${label} not in snake case`);
    rule(label === 'le' && type !== 'histogram', 'le is a label of histograms');
    rule(label === 'quantile' && type !== 'summary', 'quantile is a label of summaries');
  }
  return found;
}

describe('metrics', () => {
  it('have names, units, types and help by the conventions', () => {
    const { registry } = createMetrics();
    const watching = watchProcess(registry);
    onTestFinished(() => watching.close());
    const all = registry.getMetricsAsArray() as unknown as One[];
    expect(all.map(({ name }) => name)).toEqual(expect.arrayContaining(['campus_events_total']));
    expect(all.flatMap(lint)).toEqual([]);
  });

  it('are found wrong where they are', () => {
    const wrong: One[] = [
      { name: 'campus_certificate_days', help: 'x', type: 'gauge' },
      { name: 'nodejs_active_handles_total', help: 'x', type: 'gauge' },
      { name: 'campus_events', help: 'x', type: 'counter' },
      { name: 'campus_delay_seconds', help: 'x', type: 'gauge', labelNames: ['quantile'] },
      { name: 'campus_delay_ms', help: 'x', type: 'gauge' },
      { name: 'campus_x', help: '', type: 'gauge' },
    ];
    for (const one of wrong) expect(lint(one), one.name).toHaveLength(1);
  });

  it('tell which version runs', async () => {
    const { registry } = createMetrics();
    expect(registry).toBeInstanceOf(Registry);
    expect(await registry.metrics()).toContain(
      `campus_build_info{version="${version}",node="${process.versions.node}"} 1`,
    );
  });
});

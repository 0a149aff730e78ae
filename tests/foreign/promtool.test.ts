/** What /metrics answers, to Prometheus' own lint, and the alerts on it, to Prometheus' own tests of rules. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { parse, stringify } from 'yaml';
import { createMetrics } from '../../gateway/observe/metrics.ts';
import { watchProcess } from '../../gateway/observe/process.ts';
import { temporaryDirectory } from '../helpers.ts';
import { need } from '../system/tools.ts';

const ALERTS = join(import.meta.dirname, '../../docs/prometheus-alerts.yaml');

function everything() {
  const { registry } = createMetrics();
  const watching = watchProcess(registry);
  onTestFinished(() => watching.close());
  return registry;
}

it('promtool finds nothing wrong with any metric', async (context) => {
  need(context, 'promtool');
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
    input: await everything().metrics(),
    encoding: 'utf8',
  });
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
});

it('the alerts of docs/prometheus-alerts.yaml are about metrics that there are', () => {
  const { groups } = parse(readFileSync(ALERTS, 'utf8')) as { groups: { rules: { expr: string }[] }[] };
  const named = groups.flatMap(({ rules }) => rules.flatMap(({ expr }) => expr.match(/campus_\w+/g) ?? []));
  const names = everything()
    .getMetricsAsArray()
    .map(({ name }) => name);
  expect(named.length).toBeGreaterThan(8);
  expect(named.filter((name) => !names.includes(name))).toEqual([]);
});

it('they sound when they should, and not before', (context) => {
  need(context, 'promtool');
  const labels = { instance: 'school', job: 'campus-gateway' };
  const series = (name: string, more: object, values: string) => ({
    series: `${name}${JSON.stringify({ ...labels, ...more }).replace(/"(\w+)":/g, '$1=')}`,
    values,
  });
  const sounds = (alertname: string, at: string, more: object | undefined) => ({
    ...{ eval_time: at, alertname },
    exp_alerts: more === undefined ? [] : [{ exp_labels: { ...labels, ...more } }],
  });
  const file = join(temporaryDirectory(), 'test.yaml');
  const quiet = (alertname: string, at: string) => sounds(alertname, at, undefined);
  const test = {
    interval: '1m',
    input_series: [
      series('campus_uplink_connected', { uplink: 'police' }, '1 1 0x20'),
      series('campus_uplink_connected', { uplink: 'education' }, '1x25'),
      series('campus_append_failures_total', {}, '0x9 1x15'),
      series(
        'campus_certificate_not_after_timestamp_seconds',
        { uplink: 'police', whose: 'broker' },
        `${40 * 86_400}x25`,
      ),
    ],
    alert_rule_test: [
      quiet('CampusPlatformAway', '6m'),
      sounds('CampusPlatformAway', '8m', { uplink: 'police' }),
      quiet('CampusDiskRefusesEvents', '9m'),
      sounds('CampusDiskRefusesEvents', '12m', {}),
      quiet('CampusCertificateEnds', '10m'),
    ],
  };
  // What an alert says in words is not what is tried here.
  const bare = parse(readFileSync(ALERTS, 'utf8')) as { groups: { rules: { annotations?: unknown }[] }[] };
  for (const { rules } of bare.groups) for (const rule of rules) delete rule.annotations;
  const rules = file.replace('test.yaml', 'rules.yaml');
  writeFileSync(rules, stringify(bare));
  writeFileSync(file, stringify({ rule_files: [rules], tests: [test] }));
  const { status, stdout, stderr } = spawnSync('promtool', ['test', 'rules', file], { encoding: 'utf8' });
  expect(status, stdout + stderr).toBe(0);
  expect(spawnSync('promtool', ['check', 'rules', ALERTS]).status).toBe(0);
});

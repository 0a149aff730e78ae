/** What /metrics answers, to Prometheus' own lint, and the alerts on it, to Prometheus' own tests of rules. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { parse, stringify } from 'yaml';
import { createMetrics } from '../../gateway/observe/metrics.ts';
import { watchProcess } from '../../gateway/observe/process.ts';
import { createCityMetrics } from '../../gateway/platform/api/metrics.ts';
import { createCounting } from '../../gateway/platform/consumer/counts.ts';
import { temporaryDirectory } from '../helpers.ts';
import { need } from '../system/tools.ts';

const ALERTS = join(import.meta.dirname, '../../docs/prometheus-alerts.yaml');

function everything() {
  const { registry } = createMetrics();
  const watching = watchProcess(registry);
  onTestFinished(() => watching.close());
  return registry;
}

/** Of the platform of a city, with what its consumer counts. */
function ofCity() {
  const { registry } = createCityMetrics();
  createCounting(registry, { waiting: () => 0, storing: () => true });
  return registry;
}

it.for([
  ['a gateway', everything],
  ['a city', ofCity],
] as const)('promtool finds nothing wrong with any metric of %s', async ([, registry], context) => {
  need(context, 'promtool');
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
    input: await registry().metrics(),
    encoding: 'utf8',
  });
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
});

/** Labels that Prometheus itself puts on what it scrapes, and on histograms. */
const OF_PROMETHEUS = ['instance', 'job', 'le'];
const DASHBOARD = join(import.meta.dirname, '../../docs/grafana-dashboard.json');

interface Panel {
  readonly id: number;
  readonly title: string;
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}
interface Dashboard {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly definition?: string }[] };
}
const dashboard = JSON.parse(readFileSync(DASHBOARD, 'utf8')) as Dashboard;
/** As Grafana puts its variables in. */
const filledIn = (expr: string) =>
  expr.replaceAll('$__rate_interval', '1m').replaceAll('$instance', 'school-1:9464|school-2:9464');
const targets = dashboard.panels.flatMap(({ targets: of = [] }) => of);

/** Metrics named in an expression that we do not have, and labels that those we have do not bear. */
function strangeIn(expr: string, words = ''): string[] {
  const all = everything().getMetricsAsArray() as unknown as { name: string; labelNames?: string[] }[];
  const labelsOf = new Map(all.map(({ name, labelNames = [] }) => [name, labelNames]));
  const named = expr.match(/\b(campus|process|nodejs)_\w+/g) ?? [];
  const own = named.map((name) => name.replace(/_bucket$/, ''));
  const labels = [
    ...[...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(/,\s*/)),
    ...[...expr.matchAll(/[{,](\w+)=~?"/g)].map(([, label = '']) => label),
    ...[...words.matchAll(/\{\{\s*(?:\$labels\.)?(\w+)\s*\}\}/g)].map(([, label = '']) => label),
  ];
  const known = [...OF_PROMETHEUS, ...own.flatMap((name) => labelsOf.get(name) ?? [])];
  return [...own.filter((name) => !labelsOf.has(name)), ...labels.filter((label) => !known.includes(label))];
}

it('the alerts of docs/prometheus-alerts.yaml are about metrics and labels that there are', () => {
  const { groups } = parse(readFileSync(ALERTS, 'utf8')) as {
    groups: { rules: { expr: string; annotations: { summary: string } }[] }[];
  };
  const rules = groups.flatMap(({ rules: of }) => of);
  expect(rules.length).toBeGreaterThan(12);
  for (const { expr, annotations } of rules) expect(strangeIn(expr, annotations.summary), expr).toEqual([]);
  // Were one wrong, this would see it.
  expect(
    strangeIn('sum by (platform) (campus_uplinks_connected{lane="urgent"})', '{{ $labels.whose }}'),
  ).toEqual(['campus_uplinks_connected', 'platform', 'lane', 'whose']);
});

it('each panel of the dashboard of docs/ asks for metrics and labels that there are', () => {
  expect(targets.length).toBeGreaterThan(15);
  for (const { expr, legendFormat } of targets) expect(strangeIn(expr, legendFormat), expr).toEqual([]);
  for (const { definition = '' } of dashboard.templating.list) expect(strangeIn(definition)).toEqual([]);
  expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
});

it('promtool can read each expression of the dashboard', (context) => {
  need(context, 'promtool');
  const file = join(temporaryDirectory(), 'dashboard.yaml');
  const check = (exprs: readonly string[]) => {
    const rules = exprs.map((expr, i) => ({ record: `panel:${i}`, expr: filledIn(expr) }));
    writeFileSync(file, stringify({ groups: [{ name: 'dashboard', rules }] }));
    return spawnSync('promtool', ['check', 'rules', file], { encoding: 'utf8' });
  };
  const { status, stdout, stderr } = check(targets.map(({ expr }) => expr));
  expect(status, stdout + stderr).toBe(0);
  expect(stdout).toContain(`${targets.length} rules found`);
  expect(check(['rate(campus_delivered_total)']).status).not.toBe(0);
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
        'campus_uplink_oldest_undelivered_age_seconds',
        { uplink: 'police', lane: 'urgent' },
        '0 0 60x20',
      ),
      series('campus_uplink_oldest_undelivered_age_seconds', { uplink: 'police', lane: 'bulk' }, '60x25'),
      series('campus_uplink_backlog_events', { uplink: 'police', lane: 'normal' }, '9000+1000x60'),
      series('campus_uplink_backlog_events', { uplink: 'education', lane: 'normal' }, '90000-1000x60'),
      series('process_start_time_seconds', {}, '1 2 3 4 5x20'),
      series('campus_notifications_total', { contact: 'guard', outcome: 'told' }, '0 1 2 3x20'),
      series('campus_notifications_total', { contact: 'head', outcome: 'given-up' }, '0x4 1x20'),
      series('campus_backup_timestamp_seconds', { campus: 'x' }, `${-4 * 86_400}x25`),
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
      quiet('CampusAlarmsWait', '1m'),
      sounds('CampusAlarmsWait', '3m', { uplink: 'police', lane: 'urgent' }),
      quiet('CampusBacklogGrows', '10m'),
      sounds('CampusBacklogGrows', '20m', { uplink: 'police' }),
      sounds('CampusBackupOld', '1m', { campus: 'x' }),
      quiet('CampusPeopleNotTold', '3m'),
      sounds('CampusPeopleNotTold', '8m', { contact: 'head', outcome: 'given-up' }),
      quiet('CampusGatewayRestarts', '2m'),
      sounds('CampusGatewayRestarts', '5m', {}),
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

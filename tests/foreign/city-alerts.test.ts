/** The alerts of docs/city, to Prometheus' own tests of rules. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { stringify } from 'yaml';
import { createCityMetrics } from '../../gateway/platform/api/metrics.ts';
import { temporaryDirectory } from '../helpers.ts';
import { need } from '../system/tools.ts';

const ALERTS = join(import.meta.dirname, '../../docs/city/prometheus-alerts.yaml');

it('are about metrics that there are', () => {
  const there = createCityMetrics()
    .registry.getMetricsAsArray()
    .map(({ name }) => name);
  const named = readFileSync(ALERTS, 'utf8').match(/\bcampus_city_\w+/g) ?? [];
  expect(named.length).toBeGreaterThan(8);
  expect(named.filter((name) => !there.includes(name))).toEqual([]);
});

it('sound when they should, and not before', (context) => {
  need(context, 'promtool');
  const labels = 'instance="a",job="campus-city"';
  const series = (name: string, more: string, values: string) => ({
    series: `${name}{${labels}${more}}`,
    values,
  });
  const sounds = (alertname: string, at: string, exp_labels?: object) => ({
    ...{ alertname, eval_time: at, exp_alerts: exp_labels === undefined ? [] : [{ exp_labels }] },
  });
  const here = { instance: 'a', job: 'campus-city' };
  const test = {
    interval: '1m',
    input_series: [
      series('up', '', '1x9 0x20'),
      series('campus_city_database_up', '', '1x9 0x20'),
      series('campus_city_source_connected', '', '1x30'),
      series('campus_city_campuses', ',state="online"', '1500x9 1300x20'),
      series('campus_city_campuses', ',state="silent"', '0x9 200x20'),
      series('campus_city_gaps', ',state="open"', '1x30'),
      series('campus_city_gaps', ',state="lost"', '0x9 1x20'),
      series('campus_city_alarm_latency_p99_seconds', '', '1x9 9x20'),
      series('campus_city_alarms', ',which="untaken"', '0x30'),
      series('campus_city_events_per_second', '', '3000x9 0x20'),
    ],
    alert_rule_test: [
      sounds('CityInstanceAway', '9m'),
      sounds('CityInstanceAway', '14m', here),
      sounds('CityHasNoPlatform', '12m', {}),
      sounds('CityDatabaseAway', '12m', here),
      sounds('CityBrokerAway', '25m'),
      sounds('CityManyCampusesSilent', '9m'),
      sounds('CityManyCampusesSilent', '12m', {}),
      sounds('CityCampusSilent', '12m'),
      sounds('CityCampusSilent', '22m', {}),
      sounds('CityGapsOpen', '12m', {}),
      sounds('CityEventsLost', '9m'),
      sounds('CityEventsLost', '12m', { ...here, state: 'lost' }),
      sounds('CityAlarmsLate', '9m'),
      sounds('CityAlarmsLate', '16m', {}),
      sounds('CityAlarmsUntaken', '25m'),
      sounds('CityNothingComes', '25m', {}),
    ],
  };
  const file = join(temporaryDirectory(), 'test.yaml');
  // Only whether they sound: what they say is read by people.
  const [text, rules] = [
    readFileSync(ALERTS, 'utf8').replace(/^ +annotations: .*\n/gm, ''),
    join(file, '../rules.yaml'),
  ];
  writeFileSync(rules, text);
  writeFileSync(file, stringify({ rule_files: [rules], evaluation_interval: '1m', tests: [test] }));
  const { status, stdout, stderr } = spawnSync('promtool', ['test', 'rules', file], { encoding: 'utf8' });
  expect(status, stdout + stderr).toBe(0);
  expect(spawnSync('promtool', ['check', 'rules', ALERTS]).status).toBe(0);
});

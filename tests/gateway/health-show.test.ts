/** How /health reads for people. */
import { expect, it } from 'vitest';
import { showHealth } from '../../gateway/cli/health/show.ts';

const since = '2026-11-24T08:12:30.412Z';
const at = (line: string) => line.replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, 'THEN');

it('says of each device whether it answers, since when, why not, and what stands at it', () => {
  const word = { kind: 'fault', cause: 'blind', since, reason: 'it gives no events' };
  const lines = showHealth({
    ...{ healthy: true, version: '1.2.3', startedAt: since },
    uplinks: {
      police: { state: 'connecting', reason: 'ECONNREFUSED', backlog: 3, oldestUndelivered: since },
    },
    devices: { yard: true, panel: false, kiosk: null, new: null },
    links: {
      yard: { since },
      panel: { since, reason: 'silent', parts: ['1001'] },
      kiosk: { since, reason: 'gone' },
    },
    areas: { walls: 'disarmed', block: 'armed' },
    standing: { faults: 1, alarms: 1, devices: { yard: [word], block: [{ kind: 'tamper', since }] } },
  });
  expect([...lines].map(at)).toEqual([
    'campus-gateway 1.2.3, runs since THEN',
    '✓ it takes alarms: the disk is good',
    '✗ platform police is not connected, 3 wait since THEN: ECONNREFUSED',
    '✓ yard answers since THEN',
    '    ! fault (blind) since THEN: it gives no events',
    '✗ panel (1001) does not answer since THEN: silent',
    '? kiosk was not heard of since the start; before that: gone',
    '? new was not heard of since the start',
    '○ area walls is disarmed: of its zones only those alarm that always do',
    '! block',
    '    ! tamper since THEN',
    '1 faults and 1 alarms stand',
  ]);
});

it('says why the disk takes nothing; an older gateway, which says less, is shown so far', () => {
  expect([...showHealth({ healthy: false, journal: { reason: 'full' }, devices: { yard: true } })]).toEqual([
    'campus-gateway ',
    '✗ the disk takes no events: full',
    '✓ yard answers',
  ]);
});

it('says of a platform since when it knows us, how its clock goes, and what it has of us', () => {
  const lines = (channel: object) => [
    ...showHealth({ uplinks: { police: { state: 'connected', channel } } }),
  ];
  expect(
    lines({
      registered: { since, until: since },
      clockOffsetMs: -5100,
      subscriptions: [{ to: 'Catalog', until: since }],
      streams: [{ camera: 'gate', kind: 'live', since, to: '10.1.1.9:15060' }],
      ids: { '45030000001340000001': 'panel/3' },
    }).map(at),
  ).toEqual([
    'campus-gateway ',
    '✗ the disk takes no events',
    '✓ platform police is connected',
    '    registered since THEN, until THEN',
    '    ! its clock is 5.1 s behind this one',
    '    subscribed to Catalog, until THEN',
    '    live: gate -> 10.1.1.9:15060 since THEN',
    '    1 ids of what is here (--json)',
  ]);
  expect(lines({ clockOffsetMs: -8 * 3_600_000 })).toContain('    ! its clock is 8.0 h behind this one');
  expect(lines({ clockOffsetMs: 4900 })).toContain('    its clock is 4.9 s ahead of this one');
});

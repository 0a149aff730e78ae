/** The one colour of the header: what it may not hide. */
import { describe, expect, it } from 'vitest';
import { overviewOf, type Told } from '../../gateway/console/overview.ts';

const NOW = Date.parse('2026-11-28T08:00:00Z');
const well: Told = {
  healthy: true,
  journal: { low: [], unsaved: 0 },
  uplinks: { police: { state: 'connected', backlog: 0 } },
  devices: { panel: true, camera: null },
  standing: { alarms: 0, faults: 0, devices: {} },
};
const look = (more: Partial<Told>, alarms = 0, synchronised: boolean | null = true) => {
  const { level, because } = overviewOf({ ...well, ...more }, alarms, synchronised, NOW);
  return { level, because: because.map(({ cause, count, of }) => `${cause} ${count} ${of.join()}`.trim()) };
};

describe('how the whole is', () => {
  it('is well where nothing is wrong, and where nothing is known of a clock', () => {
    expect(look({})).toEqual({ level: 'good', because: [] });
    expect(look({}, 0, null).level).toBe('good');
  });

  it.each<[string, Partial<Told>, string, string]>([
    ['a disk that refuses', { healthy: false }, 'bad', 'disk-refuses 1'],
    ['alarms in memory alone', { journal: { unsaved: 2 } }, 'bad', 'events-unsaved 2'],
    ['a disk that is nearly full', { journal: { low: ['space'] } }, 'warn', 'disk-low 1 space'],
    ['a device that does not answer', { devices: { panel: false } }, 'warn', 'devices-offline 1 panel'],
    [
      'a platform that is away',
      { uplinks: { police: { state: 'connecting', backlog: 0 } } },
      'warn',
      'platform-away 1 police',
    ],
    [
      'a platform that is connected, and gets nothing',
      { uplinks: { police: { state: 'connected', backlog: 1, oldestUndelivered: '2026-11-28T07:58:59Z' } } },
      'bad',
      'platform-behind 1 police',
    ],
    [
      'a fault that stands at a device that answers',
      { standing: { alarms: 0, faults: 3, devices: { panel: [{ kind: 'power' }] } } },
      'warn',
      'faults-standing 3 panel',
    ],
  ])('is worse for %s', (_what, more, level, why) => {
    expect(look(more)).toEqual({ level, because: [why] });
  });

  it('is not worse for what is on its way', () => {
    const uplinks = {
      police: { state: 'connected', backlog: 1, oldestUndelivered: '2026-11-28T07:59:30Z' },
    };
    expect(look({ uplinks }).level).toBe('good');
  });

  it('is an alarm while one stands, whatever else is wrong, and all of it is said', () => {
    expect(look({ healthy: false, devices: { panel: false } }, 1, false)).toEqual({
      level: 'alarm',
      because: ['alarms-standing 1', 'disk-refuses 1', 'devices-offline 1 panel', 'clock-unsynchronised 1'],
    });
  });
});

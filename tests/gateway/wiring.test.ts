/** The gateway as a whole: what its parts must hear of each other, whatever starts first. */
import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Clock, systemClock } from '../../drivers/contract/clock.ts';
import { readConfig } from '../../gateway/check.ts';
import { startGateway } from '../../gateway/main.ts';
import { startFences } from '../../simulators/fence.ts';
import { fastClock } from '../clocks.ts';
import { freePort, silentLog, stream, temporaryDirectory } from '../helpers.ts';

const SIREN = 5;

async function school(directory: string, port: number, time: Clock, arm: boolean, more: object = {}) {
  const file = join(directory, 'campus.yaml');
  const config = {
    campus: { id: '4503000001', name: '一中' },
    dataDir: join(directory, 'data'),
    devices: [
      {
        id: 'indoor',
        driver: 'modbus',
        connection: { tcp: `127.0.0.1:${port}` },
        profile: 'io-8zone',
        poll: '200ms',
        timeout: '5s',
        zones: [{ zone: 1, id: 'door' }],
        outputs: [{ id: 'siren', kind: 'siren', coil: SIREN }],
      },
    ],
    areas: [
      {
        id: 'school',
        zones: [{ device: 'indoor', zone: 1, type: 'delayed' }],
        entryDelay: '20s',
        exitDelay: '0s',
        schedule: arm ? [{ at: '00:00', do: 'arm' }] : [],
      },
    ],
    rules: [
      {
        id: 'siren',
        do: [{ target: 'indoor', action: 'activate', arguments: { output: 'siren' }, for: '60s' }],
      },
    ],
    ...more,
  };
  writeFileSync(file, JSON.stringify(config));
  const read = readConfig(file);
  if ('errors' in read) throw new Error(JSON.stringify(read.errors));
  const events = stream<string>();
  const trace = {
    stored: ({ type, data }: { type: string; data: Readonly<Record<string, unknown>> }) =>
      void events.push(`${type.slice('cn.campus.'.length)} ${JSON.stringify(data['details'] ?? {})}`),
  };
  const gateway = await startGateway({ config: read.config, log: silentLog, trace, time });
  onTestFinished(async () => await gateway.close());
  return { gateway, events };
}

async function ioModule(port: number) {
  const switched = stream<string>();
  const [module] = await startFences({
    end: { listen: { host: '127.0.0.1', port } },
    framing: 'tcp',
    units: [{ id: 'io', unit: 1, model: 'io-8zone' }],
    switched: (coil, on) => switched.push(`${coil} ${on}`),
  });
  if (module === undefined) throw new Error('no module');
  onTestFinished(async () => await module.close());
  return { module, switched };
}

describe('a power cut during an entry delay', () => {
  it('does not silence the siren: the alarm comes after the restart, and its rule waits for the line', async () => {
    const directory = temporaryDirectory();
    const port = await freePort();
    // One clock over the restart; 20 times as fast as the machine's.
    const time = fastClock(20);
    const first = await ioModule(port);
    const before = await school(directory, port, time, true);
    await before.events.find((one) => one.startsWith('device.online'));
    await first.module.do('trip 1');
    await before.events.find((one) => one.startsWith('arming.entry-started'));
    // The mains are gone: the gateway and the module.
    await before.gateway.close();
    await first.module.close();
    await time.wait(20_000);
    const after = await school(directory, port, time, false);
    await after.events.find((one) => one.startsWith('alarm.raised'));
    // The module comes back later than the gateway.
    await time.wait(3000);
    const second = await ioModule(port);
    await second.switched.find((one) => one === `${SIREN} true`);
    await after.events.find((one) => one.startsWith('command.done') && one.includes('"action":"activate"'));
  });
});

describe('a data folder that was copied', () => {
  it('is told in an event and in /health, with the damaged journals that lie in it', async () => {
    const directory = temporaryDirectory();
    const status = { port: await freePort() };
    const first = await school(directory, await freePort(), systemClock, false, { status });
    const healthOf = async () => {
      const answer = await fetch(`http://127.0.0.1:${status.port}/health`);
      const { journal, standing } = (await answer.json()) as Record<string, Record<string, unknown>>;
      expect(standing).toEqual({ faults: 0, alarms: 0, devices: {} });
      return journal as Record<string, unknown>;
    };
    const { id, renumbered } = await healthOf();
    expect(renumbered).toBeUndefined();
    await first.gateway.close();
    const copy = temporaryDirectory();
    cpSync(join(directory, 'data'), join(copy, 'data'), { recursive: true });
    const damaged = 'journal.damaged-20261124T080000Z.sqlite';
    writeFileSync(join(copy, 'data', damaged), '');
    const second = await school(copy, await freePort(), systemClock, false, { status });
    const journal = await healthOf();
    expect(journal).toMatchObject({
      renumbered: { reason: 'folder-copied', before: id, journal: journal['id'] },
      damaged: [damaged],
    });
    const told = await second.events.find((event) => event.startsWith('gateway.journal-renumbered'));
    expect(JSON.parse(told.slice(told.indexOf('{')))).toMatchObject({ reason: 'folder-copied', before: id });
  });
});

import { describe, expect, it, onTestFinished } from 'vitest';
import { receiver } from '../../drivers/receiver/driver.ts';
import { startCampus } from '../../simulators/campus.ts';
import { receiverProtocols } from '../../simulators/kinds.ts';
import { type ReceiverOptions, startReceiver } from '../../simulators/receiver.ts';
import { fakeHost, freePort, stream } from '../helpers.ts';

const accounts = [{ account: '1234' }, { account: '5678' }];

/** The gateway's side: a port that the receiver connects to, or one of the receiver's that the gateway opens. */
async function gateway(way: 'listen' | 'serialServer', more: Partial<ReceiverOptions> = {}) {
  const port = await freePort();
  const address = { host: '127.0.0.1', port };
  const acknowledged = stream<string>();
  const start = async () => {
    const simulated = await startReceiver({
      end: way === 'listen' ? { dial: address } : { listen: address },
      account: '1234',
      retry: 50,
      heartbeat: 50,
      acknowledged: acknowledged.push,
      ...more,
    });
    onTestFinished(() => simulated.close());
    return simulated;
  };
  const before = way === 'serialServer' ? await start() : undefined;
  const end = way === 'listen' ? { listen: address } : { connection: { serialServer: `127.0.0.1:${port}` } };
  const options = receiver.options.parse({ ...end, accounts, supervision: '400ms' });
  const fake = fakeHost();
  const session = await receiver.open([{ id: 'center', driver: 'receiver', options }], fake.host);
  onTestFinished(() => session.close());
  const { do: act } = before ?? (await start());
  return { ...fake, act, acknowledged };
}

describe.each(receiverProtocols)('a simulated %s', (protocol) => {
  it.each(['listen', 'serialServer'] as const)(
    'is understood over %s, in Contact ID and SIA',
    async (way) => {
      for (const format of ['cid', 'sia'] as const) {
        const { reports, act, acknowledged } = await gateway(way, { protocol, format });
        await act('press 9');
        expect(await reports.next()).toMatchObject({ kind: 'panic', state: 'raised', zone: { number: 9 } });
        await act('account 5678');
        await act('fire 2');
        expect(await reports.next()).toMatchObject({ kind: 'fire', details: { account: '5678' } });
        await act('line-fault 2');
        expect(await reports.next()).toMatchObject({
          kind: 'fault',
          cause: 'phone-line',
          zone: { number: 2 },
        });
        await act('line-restore 2');
        expect(await reports.next()).toMatchObject({ kind: 'fault', state: 'restored', zone: { number: 2 } });
        for (let i = 0; i < 4; i++) await acknowledged.next();
      }
    },
  );
});

describe('a simulated receiver in trouble', () => {
  it('corrupts lines, which have no check sum: none vanishes, those of a wrong account neither', async () => {
    const { act, acknowledged, reports } = await gateway('serialServer', { heartbeat: 0 });
    await act('corrupt 3');
    for (let zone = 1; zone <= 10; zone++) await act(`trip ${zone}`);
    for (let zone = 1; zone <= 10; zone++) await acknowledged.next();
    const alarms = reports.rest().filter(({ kind }) => kind === 'perimeter');
    expect(new Set(alarms.map(({ zone }) => zone?.number)).size).toBe(10);
    expect(new Set(alarms.map(({ details }) => details?.['account'])).size).toBe(2);
  });

  it('says again what it missed the acknowledgement of: one event', async () => {
    const { act, acknowledged, reports } = await gateway('serialServer', { heartbeat: 0 });
    await act('lose-ack');
    await act('press 9');
    await acknowledged.next();
    expect(reports.rest()).toHaveLength(1);
  });

  it('delivers what happened while the wire was cut', async () => {
    const { act, acknowledged, reports } = await gateway('listen');
    await act('cut');
    await act('press 2');
    await act('mend');
    expect(await acknowledged.next()).toBe('5011 181234E12001002');
    expect(await reports.next()).toMatchObject({ kind: 'panic', zone: { number: 2 } });
  });

  it('is found silent, and back', async () => {
    const { act, links } = await gateway('listen');
    expect(await links.next()).toMatchObject({ state: 'online' });
    await act('cut');
    expect(await links.next()).toMatchObject({ state: 'offline' });
    await act('mend');
    expect(await links.next()).toMatchObject({ state: 'online' });
  });
});

it('stands in a simulated campus, whoever connects to whom; one on a serial port is said to be left out', async () => {
  const port = await freePort();
  const served = await freePort();
  const ends = {
    dials: { listen: { port } },
    served: { connection: { serialServer: `127.0.0.1:${served}` } },
    serial: { connection: { serial: '/dev/ttyS9' } },
  };
  const devices = Object.entries(ends).map(([id, end]) => ({
    id,
    driver: 'receiver',
    options: receiver.options.parse({ ...end, accounts }),
  }));
  const campus = await startCampus(devices, () => Buffer.alloc(16));
  onTestFinished(() => campus.close());
  expect(campus.simulators.map(({ id }) => id)).toEqual(['dials', 'served']);
  expect(campus.skipped).toEqual([expect.stringMatching(/^serial is on a port of this machine/)]);
});

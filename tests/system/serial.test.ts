import { describe, expect, it, onTestFinished } from 'vitest';
import { modbus } from '../../drivers/modbus/driver.ts';
import { receiver } from '../../drivers/receiver/driver.ts';
import { wiegand } from '../../drivers/wiegand/driver.ts';
import { startFences } from '../../simulators/fence.ts';
import { receiverProtocols } from '../../simulators/kinds.ts';
import { startReader } from '../../simulators/reader.ts';
import { startReceiver } from '../../simulators/receiver.ts';
import { device } from '../drivers/modbus-peer.ts';
import { fakeHost, freePort, stream } from '../helpers.ts';
import { need, ptyPair } from './tools.ts';

const fenceDevice = (connection: object, unit = 1) =>
  device(connection, unit, `fence-${unit}`, { poll: '50ms', timeout: '300ms' });

/** Where the device is, and how the gateway reaches it: a pty pair, or a serial server's TCP. */
async function wireOf(kind: 'serial' | 'serialServer') {
  if (kind === 'serialServer') {
    const port = await freePort();
    return {
      end: { listen: { host: '127.0.0.1', port } },
      connection: { serialServer: `127.0.0.1:${port}` },
    };
  }
  const { a, b } = await ptyPair();
  return { end: { serial: a, baudRate: 9600 }, connection: { serial: b, baudRate: 9600 } };
}

describe.each(['serial', 'serialServer'] as const)('over %s', (kind) => {
  it('two fences on one line report what happens to each', async (context) => {
    if (kind === 'serial') need(context, 'socat');
    const { end, connection } = await wireOf(kind);
    const fences = await startFences({
      end,
      framing: 'rtu',
      units: [1, 2].map((unit) => ({ id: `fence-${unit}`, unit, model: 'pulse-fence-2zone' as const })),
    });
    onTestFinished(() => fences[0]?.close());
    const { host, reports } = fakeHost();
    const session = await modbus.open([fenceDevice(connection, 1), fenceDevice(connection, 2)], host);
    onTestFinished(() => session.close());
    for (const [i, fence] of fences.entries()) {
      await reports.find(({ initial, device }) => initial === true && device === fence.id).catch(() => {});
      await fence.do('trip 1');
      const raised = await reports.find(({ initial }) => initial !== true);
      expect(raised).toMatchObject({
        device: `fence-${i + 1}`,
        cause: 'touched',
        state: 'raised',
        details: { kilovolts: 6.5 },
      });
      if (i === 0) reports.push({ device: 'fence-2', kind: 'fence', state: 'restored', initial: true });
    }
  });

  it('alarm receivers of each kind are acknowledged what is on disk, and say again what was lost', async (context) => {
    if (kind === 'serial') need(context, 'socat');
    for (const protocol of receiverProtocols) {
      const { end, connection } = await wireOf(kind);
      const acknowledged = stream<string>();
      const simulated = await startReceiver({
        end,
        protocol,
        account: '1234',
        retry: 200,
        heartbeat: 0,
        acknowledged: acknowledged.push,
      });
      onTestFinished(() => simulated.close());
      const { host, reports } = fakeHost();
      const options = receiver.options.parse({ connection, accounts: [{ account: '1234' }] });
      const session = await receiver.open([{ id: 'center', driver: 'receiver', options }], host);
      onTestFinished(() => session.close());
      await simulated.do('lose-ack');
      for (const zone of [1, 2, 3]) await simulated.do(`press ${zone}`);
      for (let i = 0; i < 3; i++) await acknowledged.next();
      expect(reports.rest()).toMatchObject([1, 2, 3].map((number) => ({ kind: 'panic', zone: { number } })));
    }
  });

  it('a reader reports cards, with garbage between them', async (context) => {
    if (kind === 'serial') need(context, 'socat');
    const { end, connection } = await wireOf(kind);
    const reader = await startReader({ end, format: 'wiegand26' });
    onTestFinished(() => reader.close());
    const { host, reports, links } = fakeHost();
    const options = wiegand.options.parse({ connection, format: 'wiegand26' });
    const session = await wiegand.open([{ id: 'gate', driver: 'wiegand', options }], host);
    onTestFinished(() => session.close());
    await links.next();
    await reader.do('card 1');
    expect((await reports.next()).credential).toEqual({ format: 'wiegand26', facility: 1, number: '1' });
    await reader.do('garbage');
    // The next card ends the garbage's line; the one after is whole in any case.
    await reader.do('card 2');
    await reader.do('card 3');
    expect(await reports.find(({ credential }) => credential?.number === '3')).toBeDefined();
  });
});

describe('a serial device that vanishes', () => {
  it('ends the session; after it is plugged in again a new session works', async (context) => {
    need(context, 'socat');
    const pty = await ptyPair();
    const cards = stream<string>();
    const open = async () => {
      const fake = fakeHost();
      const options = wiegand.options.parse({ connection: { serial: pty.b }, format: 'ascii' });
      const session = await wiegand.open([{ id: 'gate', driver: 'wiegand', options }], fake.host);
      void (async () => {
        for (;;) cards.push((await fake.reports.next()).credential?.number ?? '');
      })();
      return session;
    };
    const first = await open();
    await pty.unplug();
    await expect(first.ended).rejects.toMatchObject({ code: 'E_LINE_LOST' });
    await expect(open()).rejects.toMatchObject({ code: 'E_LINE_REFUSED' });
    await pty.plug();
    const second = await open();
    onTestFinished(() => second.close());
    const reader = await startReader({ end: { serial: pty.a, baudRate: 9600 }, format: 'ascii' });
    onTestFinished(() => reader.close());
    await reader.do('card 12345678');
    expect(await cards.next()).toBe('12345678');
  });
});

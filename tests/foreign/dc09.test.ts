/**
 * DC-09 with the receiver of ioBroker (npm iobroker.sia), which people run at home: our simulated panel reports to it, and
 * our receiver answers as it does. Of the package only its receiver is run: package.json leaves out what its adapter
 * needs beside it.
 */
import type { EventEmitter } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { dc09 } from '../../drivers/dc09/driver.ts';
import { startPanel } from '../../simulators/panel.ts';
import { fakeHost, freePort, stream, temporaryDirectory } from '../helpers.ts';
import { until } from '../system/tools.ts';

interface Told {
  readonly id: string;
  readonly seq: string;
  readonly act: string;
  readonly data_message: string;
  readonly ts: string;
}
interface Account {
  readonly accountnumber: string;
  readonly aes: boolean;
  readonly password?: string;
}
/** What of it is used here, as its package has it. */
interface Receiver extends EventEmitter {
  setAccounts(accounts: readonly Account[]): void;
  serverStartTCP(): void;
  serverStartUDP(): void;
  readonly servertcp: { close(): void; readonly listening: boolean };
  readonly serverudp: { close(): void };
  crc16str(text: string): number;
  encrypt_hex(key: string, text: string): string;
  decrypt_hex(key: string, hex: string): string;
  parseSIA(frame: Buffer): Told;
  createACK(told: Told): Buffer;
}
const { sia: ForeignReceiver } = createRequire(import.meta.url)('iobroker.sia/build/lib/sia.js') as {
  sia: new (options: { host: string; port: number; timeout: number; sockend: boolean }) => Receiver;
};
const KEYS = {
  16: '0123456789ABCDEF',
  24: '0123456789ABCDEFGHIJKLMN',
  32: '0123456789ABCDEFGHIJKLMNOPQRSTUV',
};

async function receiver(account: Account) {
  const port = await freePort();
  // Seconds that a time may be off.
  const one = new ForeignReceiver({ host: '127.0.0.1', port, timeout: 20, sockend: true });
  one.setAccounts([account]);
  const told = stream<Told>();
  const refused = stream<string>();
  one.on('error', () => {});
  one.on('sia', (good: Told | undefined, wrong: string | undefined) => {
    if (good === undefined) refused.push(wrong ?? '');
    else told.push(good);
  });
  one.serverStartTCP();
  one.serverStartUDP();
  onTestFinished(() => {
    one.servertcp.close();
    one.serverudp.close();
  });
  await until('it listens', () => one.servertcp.listening);
  return { one, port, told, refused };
}

describe('our simulated panel, to the receiver of ioBroker', () => {
  const panels = (['tcp', 'udp'] as const).flatMap((transport) =>
    (['sia', 'cid'] as const).flatMap((format) =>
      ([undefined, 16, 24, 32] as const).map((bytes) => ({ transport, format, bytes })),
    ),
  );
  it.each(panels)(
    'is understood and acknowledged: $transport, $format, key of $bytes bytes',
    async ({ transport, format, bytes }) => {
      const password = bytes === undefined ? undefined : KEYS[bytes];
      const { port, told } = await receiver({
        accountnumber: '1234',
        aes: bytes !== undefined,
        ...(password && { password }),
      });
      const acknowledged = stream<number>();
      const panel = startPanel({
        host: '127.0.0.1',
        port,
        transport,
        format,
        account: '1234',
        firstSequence: 42,
        ...(password && { key: Buffer.from(password) }),
        acknowledged: ({ sequence }) => acknowledged.push(sequence),
      });
      onTestFinished(() => panel.close());
      await panel.do('press 9');
      const star = bytes === undefined ? '' : '*';
      const { id, seq, act, data_message } = await told.next();
      expect({ id, seq, act }).toEqual({
        id: `${star}${format === 'sia' ? 'SIA-DCS' : 'ADM-CID'}`,
        seq: '0042',
        act: '1234',
      });
      expect(data_message).toBe(format === 'sia' ? '#1234|Nri1/PA9' : '#1234|1120 01 009');
      expect(await acknowledged.next()).toBe(42);
    },
  );

  it('gets an alarm through although it refuses the link test, which it does not know', async () => {
    const { port, told, refused } = await receiver({ accountnumber: '1234', aes: false });
    const panel = startPanel({ host: '127.0.0.1', port, account: '1234', supervision: 60_000, retry: 200 });
    onTestFinished(() => panel.close());
    expect(await refused.next()).toMatch(/Incorrect format of data/);
    await panel.report('#1234|Nri1/PA9');
    expect(await told.next()).toMatchObject({ data_message: '#1234|Nri1/PA9' });
  });

  it('with a clock that is wrong sets it by its NAK, and is acknowledged', async () => {
    const { port, told, refused } = await receiver({ accountnumber: '1234', aes: true, password: KEYS[16] });
    const panel = startPanel({
      host: '127.0.0.1',
      port,
      account: '1234',
      key: Buffer.from(KEYS[16]),
      retry: 200,
    });
    onTestFinished(() => panel.close());
    await panel.do('drift -2h');
    const done = panel.report('#1234|Nri1/BA1');
    expect(await refused.next()).toMatch(/to old/);
    expect(await told.next()).toMatchObject({ data_message: '#1234|Nri1/BA1' });
    await done;
  });
});

/** A frame whose text is written by hand after DC-09; CRC, length and encryption are ioBroker's. */
function frameOf(one: Receiver, text: string, form: 'digits' | 'bytes' = 'digits'): Buffer {
  const crc = one.crc16str(text);
  const length = text.length.toString(16).toUpperCase().padStart(4, '0');
  const check =
    form === 'digits'
      ? Buffer.from(crc.toString(16).toUpperCase().padStart(4, '0'))
      : Buffer.of(crc >> 8, crc & 255);
  return Buffer.concat([Buffer.of(0x0a), check, Buffer.from(`${length}${text}\r`, 'latin1')]);
}
/** DC-09 5.4.4: GMT. */
const stamp = () => {
  const [date = '', time = ''] = new Date().toISOString().split(/[T.]/);
  const [year, month, day] = date.split('-');
  return `_${time},${month}-${day}-${year}`;
};

describe('our receiver, beside that of ioBroker', () => {
  const ours = async (account: object) => {
    const port = await freePort();
    const options = dc09.options.parse({ listen: { host: '127.0.0.1', port }, accounts: [account] });
    const { host, reports } = fakeHost();
    const session = await dc09.open([{ id: 'panel', driver: 'dc09', options }], host);
    onTestFinished(() => session.close());
    const ask = (frame: Buffer) => {
      const { promise, resolve } = Promise.withResolvers<Buffer>();
      const socket = connect(port, '127.0.0.1', () => socket.write(frame));
      socket.once('data', resolve);
      onTestFinished(() => void socket.destroy());
      return promise;
    };
    return { reports, ask };
  };

  it.each([
    ['"SIA-DCS"0001R1L0#1234[#1234|Nri1/BA1]', 'digits'],
    ['"SIA-DCS"9999L0#1234[#1234|Nri1/PA9]', 'digits'],
    ['"SIA-DCS"0003RABCDEFL012345#1234[#1234|Nri1/BA3]', 'digits'],
    ['"ADM-CID"0004R1L0#1234[#1234|1130 01 004]', 'digits'],
    ['"SIA-DCS"0005R1L0#1234[#1234|Nri1/BA1]', 'bytes'],
    ['"ADM-CID"0006R1L0#1234[#1234|1120 01 009]', 'bytes'],
  ] as const)('answers %s, its CRC in %s, to the byte as it does', async (text, form) => {
    const { one } = await receiver({ accountnumber: '1234', aes: false });
    const { ask, reports } = await ours({ account: '1234' });
    const frame = frameOf(one, `${text}${stamp()}`, form);
    expect((await ask(frame)).toString('latin1')).toBe(one.createACK(one.parseSIA(frame)).toString('latin1'));
    expect(await reports.next()).toMatchObject({ state: 'raised' });
  });

  it.each([16, 24, 32] as const)(
    'opens what it encrypts with %i bytes, and its answer is opened by it',
    async (bytes) => {
      const password = KEYS[bytes];
      const { one } = await receiver({ accountnumber: '1234', aes: true, password });
      const keyFile = join(temporaryDirectory(), 'key');
      writeFileSync(keyFile, Buffer.from(password));
      const { ask, reports } = await ours({ account: '1234', keyFile });
      const secret = `|#1234|Nri1/PA9]${stamp()}`;
      // DC-09 5.4.5: a pad of anything but | [ ] before, to whole blocks.
      const padded = 'x'.repeat(16 - (secret.length % 16)) + secret;
      // Its cipher adds a block of its own padding, as another program's would not.
      const hex = one
        .encrypt_hex(password, padded)
        .slice(0, padded.length * 2)
        .toUpperCase();
      const answer = await ask(frameOf(one, `"*SIA-DCS"0007R1L0#1234[${hex}`));
      expect(await reports.next()).toMatchObject({ kind: 'panic', state: 'raised' });
      const [, head, inside = ''] =
        /^\n[0-9A-F]{8}("\*ACK"0007R1L0#1234)\[([0-9A-F]+)\r$/.exec(answer.toString('latin1')) ?? [];
      expect(head, answer.toString('latin1')).toBeDefined();
      const opened = one.decrypt_hex(password, inside);
      expect(opened).toMatch(/^[^|[\]]*\|\]_\d\d:\d\d:\d\d,\d\d-\d\d-\d{4}$/);
    },
  );
});

import { execFileSync } from 'node:child_process';
import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Clock } from '../../drivers/contract/clock.ts';
import { wiegand } from '../../drivers/wiegand/driver.ts';
import { keyboardDecoder } from '../../drivers/wiegand/keyboard.ts';
import { fastClock, manualClock } from '../clocks.ts';
import { fakeHost, tcpServer, temporaryDirectory } from '../helpers.ts';

const CARD = '\x0262E3086CED08\x03';

async function reader(options: object = {}, time?: Clock) {
  const { port, sockets } = await tcpServer();
  const fake = fakeHost(undefined, time);
  const parsed = wiegand.options.parse({
    connection: { serialServer: `127.0.0.1:${port}` },
    format: 'rdm6300',
    ...options,
  });
  const session = await wiegand.open([{ id: 'gate', driver: 'wiegand', options: parsed }], fake.host);
  onTestFinished(() => session.close());
  return { ...fake, session, socket: await sockets.next() };
}

describe('a reader with keys behind a Wiegand converter', () => {
  // Bursts of 4 and of 8 bits as HID publishes them: 2 5 8 0 #, then * 9 4 #.
  it.each([
    ['4 bits', '0010 0101 1000 0000 1011', '0011 1010 1001 0100 1011'],
    [
      '8 bits',
      '11010010 10100101 01111000 11110000 01001011',
      '11000011 01011010 01101001 10110100 01001011',
    ],
  ])('of %s says codes, and its cards are cards', async (_name, first, second) => {
    const { socket, reports } = await reader({ format: 'wiegand26' });
    const lines = (bits: string) =>
      bits
        .split(' ')
        .map((one) => `${one}\r\n`)
        .join('');
    socket.write(lines(first));
    expect(await reports.next()).toEqual({
      device: 'gate',
      kind: 'credential',
      state: 'raised',
      code: '2580',
    });
    socket.write(lines(second));
    expect(await reports.next()).toMatchObject({ code: '94' });
    socket.write(lines('11101000111100010010011010'));
    expect(await reports.next()).toMatchObject({ credential: { facility: 209, number: '57933' } });
  });
});

describe('a reader behind a serial server', () => {
  it('reports each card, its bounces as one, and other cards between them', async () => {
    const { socket, reports, links } = await reader();
    expect(await links.next()).toMatchObject({ device: 'gate', state: 'online' });
    socket.write(`${CARD}${CARD}${CARD}\x020000000001${'01'}\x03${CARD}`);
    const first = await reports.next();
    expect(first).toMatchObject({
      kind: 'credential',
      credential: { format: 'em4100', facility: 0x62, number: '3808980205' },
    });
    expect((await reports.next()).credential?.number).toBe('1');
    socket.write(`\x020000000002${'02'}\x03`);
    expect((await reports.next()).credential?.number).toBe('2');
  });

  it('counts the same card again once the bounce time is over', async () => {
    const time = manualClock();
    const { socket, reports } = await reader({ bounce: '2s' }, time);
    for (let i = 0; i < 2; i++) {
      socket.write(CARD);
      await reports.next();
      await time.advance(2000);
    }
  });

  it('counts garbage and a torn card, and takes the next one', async () => {
    const { socket, reports, discards } = await reader({}, fastClock(10));
    socket.write('garbage');
    expect(await discards.next()).toMatchObject({ reason: 'noise', bytes: 7 });
    socket.write('\x0262E3');
    expect(await discards.next()).toMatchObject({ reason: 'torn', bytes: 5 });
    socket.write(CARD);
    expect((await reports.next()).kind).toBe('credential');
  });

  it('ends its session when the line is gone', async () => {
    const { socket, session } = await reader();
    socket.destroy();
    await expect(session.ended).rejects.toMatchObject({ code: 'E_LINE_LOST' });
  });
});

describe('a reader that types', () => {
  /** struct input_event: a press and a release of each key, each followed by EV_SYN, as the kernel gives them. */
  const event = (type: number, code: number, value: number) => {
    const bytes = Buffer.alloc(24);
    bytes.writeUInt16LE(type, 16);
    bytes.writeUInt16LE(code, 18);
    bytes.writeInt32LE(value, 20);
    return bytes;
  };
  const press = (code: number) =>
    Buffer.concat([
      event(4, 4, 458_782),
      event(1, code, 1),
      event(0, 0, 0),
      event(1, code, 0),
      event(0, 0, 0),
    ]);
  // KEY_0, KEY_1, KEY_9, KEY_A and KEY_ENTER of linux/input-event-codes.h.
  const CARD_0019A = [11, 11, 2, 10, 30, 28].map(press);

  it('is read from its device, and is gone when that is', async () => {
    const device = join(temporaryDirectory(), 'event0');
    execFileSync('mkfifo', [device]);
    const { host, reports } = fakeHost();
    const options = wiegand.options.parse({ connection: { keyboard: device } });
    const opening = wiegand.open([{ id: 'desk', driver: 'wiegand', options }], host);
    const session = await opening;
    onTestFinished(() => session.close());
    const kernel = openSync(device, 'w');
    writeSync(kernel, Buffer.concat(CARD_0019A));
    expect(await reports.next()).toMatchObject({
      device: 'desk',
      credential: { format: 'keyboard', number: '0019A' },
    });
    closeSync(kernel);
    await expect(session.ended).rejects.toMatchObject({ code: 'E_LINE_LOST' });
  });

  it('that is not there is told', async () => {
    const { host } = fakeHost();
    const options = wiegand.options.parse({ connection: { keyboard: '/dev/input/none' } });
    const opening = wiegand.open([{ id: 'desk', driver: 'wiegand', options }], host);
    await expect(opening).rejects.toMatchObject({ code: 'E_LINE_REFUSED' });
  });

  it('does not take for a card what somebody types by hand', () => {
    // struct input_event of Linux: seconds and microseconds, then type 1 (EV_KEY), the key's code, 1 (pressed).
    const pressAt = (code: number, ms: number) => {
      const bytes = press(code);
      for (let record = 0; record < bytes.length; record += 24) {
        bytes.writeBigInt64LE(BigInt(1_764_000_000 + Math.floor(ms / 1000)), record);
        bytes.writeBigInt64LE(BigInt((ms % 1000) * 1000), record + 8);
      }
      return bytes;
    };
    // 0012345 and Enter.
    const codes = [11, 11, 2, 3, 4, 5, 6, 28];
    const decoder = keyboardDecoder();
    const at = (gapMs: number) => codes.flatMap((code, i) => decoder.push(pressAt(code, 990 + i * gapMs)));
    expect(at(20)).toEqual([{ frame: { format: 'keyboard', number: '0012345' } }]);
    expect(at(120)).toEqual([{ discarded: 7, reason: 'typed by hand' }]);
    expect(at(8)).toEqual([{ frame: { format: 'keyboard', number: '0012345' } }]);
  });

  it('types its own comma, colon and point; with another key among them it is no card', () => {
    // KEY_1 2, KEY_COMMA 51, KEY_2 3, KEY_7 8, KEY_0 11, KEY_6 7, KEY_SEMICOLON 39 (with shift, the colon), KEY_EQUAL 13.
    const typed = (...codes: number[]) => {
      const decoder = keyboardDecoder();
      return [...codes, 28].flatMap((code) => decoder.push(press(code)));
    };
    // Without its comma 111,27706 would be the card 11127706, which somebody else may have.
    expect(typed(2, 2, 2, 51, 3, 8, 8, 11, 7)).toEqual([
      { frame: { format: 'keyboard', facility: 111, number: '27706' } },
    ]);
    expect(typed(11, 5, 39, 2, 3, 39, 6, 7)).toEqual([{ frame: { format: 'keyboard', number: '266838' } }]);
    expect(typed(2, 2, 2, 13, 3, 8, 8, 11, 7)).toEqual([
      { discarded: 1, reason: 'a key that no card has' },
      { discarded: 8, reason: 'not a card number' },
    ]);
  });

  it('finds the next card after other keys, half a card and any bytes', () => {
    const decoder = keyboardDecoder();
    expect(decoder.push(press(59))).toEqual([{ discarded: 1, reason: 'a key that no card has' }]);
    decoder.push(press(2));
    expect(decoder.silence()).toEqual([{ discarded: 1, reason: 'torn' }]);
    const card = { frame: { format: 'keyboard', number: '0019A' } };
    expect(CARD_0019A.flatMap((bytes) => decoder.push(bytes))).toEqual([card]);
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ minLength: 24, maxLength: 24 })), (records) => {
        const other = keyboardDecoder();
        for (const record of records) other.push(record);
        other.push(press(28));
        expect(CARD_0019A.flatMap((bytes) => other.push(bytes))).toEqual([card]);
      }),
    );
  });
});

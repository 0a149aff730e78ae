/** Simulated OSDP readers, to a panel that shares no code with them: what IEC 60839-11-5 and SIA OSDP 2.2 say of a reader. */
import { createCipheriv } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type OsdpReader, startOsdpReaders } from '../../simulators/osdp.ts';
import { freePort, stream } from '../helpers.ts';

const OWN_KEY = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex');
const FACTORY_KEY = Buffer.from('303132333435363738393a3b3c3d3e3f', 'hex');
const [POLL, ID, CAP, LSTAT, ISTAT, OSTAT, RSTAT, OUT, LED] = [
  0x60, 0x61, 0x62, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69,
];
const [BUZ, TEXT, COMSET, KEYSET, CHLNG, SCRYPT] = [0x6a, 0x6b, 0x6e, 0x75, 0x76, 0x77];

function crc(bytes: Buffer): Buffer {
  let value = 0x1d0f;
  for (const byte of bytes) {
    value ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) value = ((value << 1) ^ ((value & 0x8000) === 0 ? 0 : 0x1021)) & 0xffff;
  }
  return Buffer.of(value & 255, value >> 8);
}
const sum = (bytes: Buffer) => Buffer.of(-bytes.reduce((total, byte) => total + byte, 0) & 255);

interface Asked {
  readonly data?: string;
  readonly address?: number;
  readonly checksum?: boolean;
  /** The security block, without its length. */
  readonly block?: string;
}
/** The bytes of an answer, taken apart. */
interface Answer {
  readonly hex: string;
  readonly address: number;
  readonly number: number;
  readonly checksum: boolean;
  readonly block: string;
  readonly code: number;
  readonly data: string;
}

function questionOf(
  number: number,
  code: number,
  { data = '', address = 5, checksum = false, block = '' }: Asked,
) {
  const blocked = block === '' ? '' : (block.length / 2 + 1).toString(16).padStart(2, '0') + block;
  const rest = Buffer.concat([Buffer.from(blocked, 'hex'), Buffer.of(code), Buffer.from(data, 'hex')]);
  const length = 5 + rest.length + (checksum ? 1 : 2);
  const control = number | (checksum ? 0 : 4) | (block === '' ? 0 : 8);
  const head = Buffer.concat([Buffer.of(0x53, address, length & 255, length >> 8, control), rest]);
  return Buffer.concat([Buffer.of(0xff), head, checksum ? sum(head) : crc(head)]);
}

function answerOf(bytes: Buffer): Answer {
  const control = bytes[4] ?? 0;
  const checksum = (control & 4) === 0;
  const body = bytes.subarray(0, checksum ? -1 : -2);
  expect(bytes.subarray(body.length), bytes.toString('hex')).toEqual(checksum ? sum(body) : crc(body));
  expect(bytes.readUInt16LE(2)).toBe(bytes.length);
  const at = 5 + ((control & 8) === 0 ? 0 : (body[5] ?? 0));
  return {
    hex: bytes.toString('hex'),
    address: bytes[1] ?? 0,
    number: control & 3,
    checksum,
    block: body.subarray(6, at).toString('hex'),
    code: body[at] ?? 0,
    data: body.subarray(at + 1).toString('hex'),
  };
}

/** Readers on a line and a panel at its other end. */
async function line(...readers: readonly Omit<OsdpReader, 'id'>[]) {
  const port = await freePort();
  const did: string[] = [];
  const simulators = await startOsdpReaders({
    end: { listen: { host: '127.0.0.1', port } },
    readers: readers.map((reader) => ({ ...reader, id: `reader-${reader.address}` })),
    did: (_id, what) => did.push(what),
    shown: (_id, text) => did.push(`text ${text}`),
  });
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  onTestFinished(async () => {
    socket.destroy();
    for (const one of simulators) await one.close();
  });
  const heard = stream<Buffer>();
  socket.on('data', heard.push);
  const write = (question: Buffer) => void socket.write(question);
  const bytes = (question: Buffer): Promise<Buffer> => {
    write(question);
    return heard.next();
  };
  const ask = async (number: number, code: number, asked: Asked = {}): Promise<Answer> =>
    answerOf(await bytes(questionOf(number, code, asked)));
  const [first] = simulators;
  return { ask, bytes, write, did, act: (action: string) => first?.do(action) };
}

/** The numbers of the next questions. */
const turn = (first: number) => {
  let number = first - 1;
  return () => {
    number = (number % 3) + 1;
    return number;
  };
};
const nak = (error: number) => ({ code: 0x41, data: error.toString(16).padStart(2, '0') });

describe('a reader in clear', () => {
  it('says who it is, what it can, and how its parts are', async () => {
    const { ask, act } = await line({ address: 5 });
    expect(await ask(0, POLL)).toMatchObject({ address: 0x85, number: 0, code: 0x40, data: '' });
    expect(await ask(1, ID, { data: '00' })).toMatchObject({
      code: 0x45,
      data: expect.stringMatching(/^.{24}$/),
    });
    const abilities = (await ask(2, CAP, { data: '00' })).data.match(/.{6}/g) ?? [];
    // Two inputs, two outputs, and 8: CRC.
    expect(abilities).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^01..02$/),
        expect.stringMatching(/^02..02$/),
        '080100',
      ]),
    );
    expect(await ask(3, LSTAT)).toMatchObject({ code: 0x48, data: '0000' });
    expect(await ask(1, ISTAT)).toMatchObject({ code: 0x49, data: '0000' });
    expect(await ask(2, OSTAT)).toMatchObject({ code: 0x4a, data: '0000' });
    expect(await ask(3, RSTAT)).toMatchObject({ code: 0x4b, data: '00' });
    await act('head-tamper');
    expect(await ask(1, POLL)).toMatchObject({ code: 0x4b, data: '02' });
    expect(await ask(2, RSTAT)).toMatchObject({ data: '02' });
  });

  it('tells what its relays are: of one command or several, for good or for a time', async () => {
    const { ask, did } = await line({ address: 5 });
    await ask(0, POLL);
    // Both on in one command.
    expect(await ask(1, OUT, { data: '0002000001020000' })).toMatchObject({ code: 0x40 });
    expect(await ask(2, OSTAT)).toMatchObject({ data: '0101' });
    // 0: off for good; 1: off for 0.5 s, then what it was.
    expect(await ask(3, OUT, { data: '0001000001060500' })).toMatchObject({ code: 0x40 });
    expect(await ask(1, OSTAT)).toMatchObject({ data: '0000' });
    const turns = turn(2);
    while ((await ask(turns(), OSTAT)).data === '0000');
    expect(await ask(turns(), OSTAT)).toMatchObject({ data: '0001' });
    expect(did.slice(0, 2)).toEqual(['output 0 on', 'output 1 on']);
    // One that it has not: nothing of it is done.
    expect(await ask(turns(), OUT, { data: '0002000007020000' })).toMatchObject(nak(9));
    expect(await ask(turns(), OSTAT)).toMatchObject({ data: '0001' });
  });

  it('shows what rests and what is for a time', async () => {
    const { ask, did } = await line({ address: 5 });
    await ask(0, LED, { data: '000002010002003200000000'.padEnd(28, '0') });
    await ask(1, LED, { data: '0000000000000000000101000100' });
    await ask(2, BUZ, { data: '0002010103' });
    await ask(3, TEXT, { data: `0001000101024f4b` });
    expect(did).toEqual(['led green', 'led rests red', 'buzzer 3', 'text OK']);
  });

  it('refuses what it does not know, what is too short, and what is out of turn', async () => {
    const { ask } = await line({ address: 5 });
    expect(await ask(2, POLL)).toMatchObject(nak(4));
    await ask(0, POLL);
    expect(await ask(1, 0x7f)).toMatchObject(nak(3));
    for (const [i, code] of [OUT, LED, BUZ, TEXT, COMSET].entries())
      expect(await ask([2, 3, 1][i % 3] as number, code, { data: '00' }), String(code)).toMatchObject(nak(2));
    expect(await ask(1, KEYSET, { data: `0110${OWN_KEY.toString('hex')}` })).toMatchObject(nak(6));
  });

  it('answers the same number with the same answer, and tells again what nobody heard', async () => {
    const { ask, act } = await line({ address: 5 });
    await ask(0, POLL);
    await act('card 1234');
    const card = await ask(1, POLL);
    expect(card).toMatchObject({ code: 0x50 });
    expect(await ask(1, POLL)).toEqual(card);
    expect(await ask(0, POLL)).toMatchObject({ code: 0x50, data: card.data });
    expect(await ask(1, POLL)).toMatchObject({ code: 0x40 });
  });

  it('answers checksums with checksums, whatever came before', async () => {
    const { ask, bytes } = await line({ address: 0 });
    // The frames of the standard: their checks are 44 and C066.
    expect(answerOf(await bytes(Buffer.from('5300080000610044', 'hex')))).toMatchObject({
      checksum: true,
      code: 0x45,
    });
    expect(answerOf(await bytes(Buffer.from('53000900046100c066', 'hex')))).toMatchObject({
      checksum: false,
      code: 0x45,
    });
    expect(await ask(1, POLL, { address: 0, checksum: true })).toMatchObject({ checksum: true, code: 0x40 });
    expect(await ask(2, 0x7f, { address: 0, checksum: true })).toMatchObject({ checksum: true, ...nak(3) });
  });

  it('that knows checksums only says so, and takes a CRC for a wrong check', async () => {
    const { ask } = await line({ address: 5, checksum: true });
    expect(await ask(0, POLL)).toMatchObject({ checksum: true, ...nak(1) });
    expect(await ask(0, CAP, { data: '00', checksum: true })).toMatchObject({
      checksum: true,
      data: expect.stringMatching(/^(......)*080000/),
    });
  });
});

describe('the address of everybody', () => {
  it('is answered under it, and a reader takes another address and speed there', async () => {
    const { ask, bytes, write } = await line({ address: 5 });
    expect(await ask(0, ID, { address: 0x7f, data: '00' })).toMatchObject({ address: 0xff, code: 0x45 });
    // The frame of the standard: address 0, 9600 baud.
    const set = answerOf(await bytes(Buffer.from('537f0d00046e00802500006e38', 'hex')));
    expect(set).toMatchObject({ address: 0xff, code: 0x54, data: '0080250000' });
    // The old address is nobody's: the first answer is to the second question.
    write(questionOf(0, POLL, { address: 5 }));
    expect(await ask(0, POLL, { address: 0 })).toMatchObject({ address: 0x80 });
    // 7F is nobody's own, and 1200 baud no speed of the standard.
    expect(await ask(1, COMSET, { address: 0, data: '7f80250000' })).toMatchObject({ data: '0080250000' });
    expect(await ask(2, COMSET, { address: 0, data: '03b0040000' })).toMatchObject({ data: '0080250000' });
    expect(await ask(3, POLL, { address: 0 })).toMatchObject({ code: 0x40 });
  });

  it('makes the readers of a line talk at once, which nobody understands', async () => {
    const { bytes } = await line({ address: 5 }, { address: 6, checksum: true });
    const heard = await bytes(questionOf(0, ID, { address: 0x7f, data: '00' }));
    expect(() => answerOf(heard)).toThrow();
  });
});

const cipher = (key: Buffer, block: Buffer) => {
  const aes = createCipheriv('aes-128-ecb', key, null).setAutoPadding(false);
  return Buffer.concat([aes.update(block), aes.final()]);
};
/** Annex D: the session's key, and what each end proves with it. */
const RANDOM = Buffer.from('b0b1b2b3b4b5b6b7', 'hex');
const sessionKey = (key: Buffer) =>
  cipher(key, Buffer.concat([Buffer.of(1, 0x82), RANDOM.subarray(0, 6), Buffer.alloc(8)]));

describe('a reader with a key of its own', () => {
  it('says in clear who it is and what it can, and refuses the rest', async () => {
    const { ask, act, did } = await line({ address: 5, key: OWN_KEY });
    await act('card 7');
    expect(await ask(0, ID, { data: '00' })).toMatchObject({ code: 0x45, block: '' });
    expect(await ask(1, CAP, { data: '00' })).toMatchObject({ code: 0x46, block: '' });
    const rest = [
      [POLL, ''],
      [LSTAT, ''],
      [OSTAT, ''],
      [OUT, '00020000'],
      [BUZ, '0002010103'],
      [KEYSET, `0110${OWN_KEY.toString('hex')}`],
      [0x7f, ''],
    ] as const;
    for (const [i, [code, data]] of rest.entries())
      expect(await ask([2, 3, 1][i % 3] as number, code, { data }), code.toString(16)).toMatchObject(nak(6));
    expect(did).toEqual([]);
    // The standard allows COMSET, too.
    expect(await ask(0, COMSET, { data: '0580250000' })).toMatchObject({ code: 0x54 });
  });

  it('proves its own key, and refuses a session under the key that everybody knows', async () => {
    const { ask } = await line({ address: 5, key: OWN_KEY });
    const challenge = (block: string) => ask(0, CHLNG, { block, data: RANDOM.toString('hex') });
    expect(await challenge('1100')).toMatchObject(nak(6));
    const own = await challenge('1101');
    expect(own).toMatchObject({ code: 0x76, block: '1201' });
    const said = Buffer.from(own.data, 'hex');
    const readers = said.subarray(8, 16);
    expect(said.subarray(16)).toEqual(cipher(sessionKey(OWN_KEY), Buffer.concat([RANDOM, readers])));
    // A panel with the other key.
    const wrong = cipher(sessionKey(FACTORY_KEY), Buffer.concat([readers, RANDOM])).toString('hex');
    expect(await ask(1, SCRYPT, { block: '1301', data: wrong })).toMatchObject(nak(6));
    expect(await ask(2, POLL)).toMatchObject(nak(6));
    const again = Buffer.from((await challenge('1101')).data, 'hex').subarray(8, 16);
    const right = cipher(sessionKey(OWN_KEY), Buffer.concat([again, RANDOM])).toString('hex');
    expect(await ask(1, SCRYPT, { block: '1301', data: right })).toMatchObject({ code: 0x78, block: '1401' });
    // In a session nothing in clear.
    expect(await ask(2, POLL)).toMatchObject(nak(6));
  });

  it('has none from the factory: the key that everybody knows, and that is what it says', async () => {
    const { ask } = await line({ address: 5 });
    const answer = await ask(0, CHLNG, { block: '1100', data: RANDOM.toString('hex') });
    expect(answer).toMatchObject({ code: 0x76, block: '1200' });
    const said = Buffer.from(answer.data, 'hex');
    expect(said.subarray(16)).toEqual(
      cipher(sessionKey(FACTORY_KEY), Buffer.concat([RANDOM, said.subarray(8, 16)])),
    );
  });
});

describe('a reader in trouble', () => {
  it('is busy under the number 0 or that of the question, and answers it in the end', async () => {
    const { ask, act } = await line({ address: 5 });
    await ask(0, POLL);
    await act('card 5');
    await act('busy 500ms');
    expect(await ask(1, POLL)).toMatchObject({ number: 0, code: 0x79, data: '' });
    let answer = await ask(1, POLL);
    while (answer.code === 0x79) answer = await ask(1, POLL);
    expect(answer).toMatchObject({ number: 1, code: 0x50 });
    await act('busy 500ms own');
    expect(await ask(2, POLL)).toMatchObject({ number: 2, code: 0x79 });
  });

  it('refuses once with the code that it is told, and answers late', async () => {
    const { ask, act } = await line({ address: 5 });
    await ask(0, POLL);
    await act('refuse 1');
    expect(await ask(1, POLL)).toMatchObject(nak(1));
    expect(await ask(1, POLL)).toMatchObject({ code: 0x40 });
    await act('late 100ms');
    const begun = performance.now();
    expect(await ask(2, POLL)).toMatchObject({ code: 0x40 });
    expect(performance.now() - begun).toBeGreaterThan(95);
  });
});

import { Duplex } from 'node:stream';
import fc from 'fast-check';
import { MqttClient } from 'mqtt';
import { generate, type Packet } from 'mqtt-packet';
import { describe, expect, it } from 'vitest';
import { checkedStream } from '../../drivers/platforms/mqtt/checked.ts';
import { packetReader } from '../../drivers/platforms/mqtt/codec.ts';
import { manualClock } from '../clocks.ts';
import { runs } from '../fuzz.ts';

const hex = (text: string) => Buffer.from(text.replace(/\s/g, ''), 'hex');
/** CONNACK of MQTT 5 without properties. */
const connack5 = hex('20 03 00 00 00');
const connack4 = hex('20 02 00 00');

/** What a reader passes on and what it objects to, the bytes in one piece after a CONNACK. */
function read(version: 5 | 4, bytes: Buffer, maximum = 1000) {
  const connack = version === 5 ? connack5 : connack4;
  const { packets, violation } = packetReader(version, maximum).push(Buffer.concat([connack, bytes]));
  return { passed: packets?.subarray(connack.length) ?? Buffer.alloc(0), violation };
}

/** As mqtt-packet, which is not ours, writes them. */
const written = (version: 5 | 4): readonly Buffer[] => {
  const properties = version === 5;
  const make = (packet: Packet) => generate(packet, { protocolVersion: version });
  const message = {
    cmd: 'publish',
    dup: false,
    retain: true,
    topic: 'a/b',
    payload: '中'.repeat(50),
  } as const;
  return [
    make({ ...message, qos: 0 }),
    make({ ...message, qos: 1, messageId: 7 }),
    make({
      ...message,
      qos: 1,
      messageId: 65_535,
      ...(properties && {
        properties: {
          responseTopic: 'r/s',
          correlationData: Buffer.from('c'),
          contentType: 'application/json',
          messageExpiryInterval: 60,
          payloadFormatIndicator: true,
          subscriptionIdentifier: 300,
          userProperties: { a: ['1', '2'], b: '3' },
        },
      }),
    }),
    make({ cmd: 'puback', messageId: 1, reasonCode: 0 }),
    make({ cmd: 'suback', messageId: 2, granted: [1, 128] }),
    make({ cmd: 'pingresp' }),
    ...(properties
      ? [
          make({ cmd: 'puback', messageId: 1, reasonCode: 0x87, properties: { reasonString: 'no' } }),
          make({ cmd: 'disconnect', reasonCode: 0x8b, properties: { reasonString: 'bye' } }),
        ]
      : []),
  ];
};

describe.each([5, 4] as const)('the packets of a broker, version %i', (version) => {
  const connack = generate(
    {
      cmd: 'connack',
      sessionPresent: false,
      reasonCode: 0,
      returnCode: 0,
      ...(version === 5 && {
        properties: { receiveMaximum: 20, serverKeepAlive: 30, assignedClientIdentifier: 'x' },
      }),
    },
    { protocolVersion: version },
  );

  it('pass as they came, however they are cut', () => {
    const all = Buffer.concat([connack, ...written(version)]);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1 }), (sizes) => {
        const reader = packetReader(version, 1000);
        const passed: Buffer[] = [];
        for (let at = 0, i = 0; at < all.length; i++) {
          const size = sizes[i % sizes.length] as number;
          const { packets, violation } = reader.push(all.subarray(at, at + size));
          expect(violation).toBeUndefined();
          if (packets !== undefined) passed.push(packets);
          at += size;
        }
        expect(Buffer.concat(passed).equals(all)).toBe(true);
      }),
    );
  });

  it('pass before one that is wrong, and none after it', () => {
    const good = written(version)[1] as Buffer;
    const { passed, violation } = read(version, Buffer.concat([good, hex('f0 00'), good]));
    expect(passed.equals(good)).toBe(true);
    expect(violation).toBeDefined();
  });

  it('of any size are told from one that is too large by their first bytes', () => {
    const topic = 'campus/command/gateway';
    const header = (remaining: string) => Buffer.concat([hex(`30 ${remaining} 0016`), Buffer.from(topic)]);
    // 1000 bytes with header and length (2.1.4): 997 after two bytes of length.
    expect(read(version, header('e5 07')).violation).toBeUndefined();
    expect(read(version, header('e6 07')).violation).toMatchObject({ size: 1001, topic });
    // 250 MB; as large as can be said.
    expect(read(version, header('80 e5 9a 77')).violation).toMatchObject({ topic });
    expect(read(version, header('ff ff ff 7f')).violation).toMatchObject({ size: 268_435_460, topic });
  });

  it.each([
    // Types that clients send, reserved ones, and halves of QoS 2, which nobody asked for (2.1.2, 3.3.1.2).
    ['CONNECT', '10 00'],
    ['a second CONNACK', '20 02 00 00'],
    ['PUBLISH with QoS 2', '34 05 0001 61 0001'],
    ['PUBLISH with QoS 3', '36 05 0001 61 0001'],
    ['PUBREC', '50 02 0001'],
    ['PUBREL', '62 02 0001'],
    ['PUBCOMP', '70 02 0001'],
    ['SUBSCRIBE', '82 06 0001 0001 61 01'],
    ['UNSUBACK', 'b0 02 0001'],
    ['PINGREQ', 'c0 00'],
    ['type 0', '00 00'],
    ['type 15', 'f0 00'],
    // Lengths (1.5.5).
    ['a length of five bytes', '30 80 80 80 80 01'],
    // PUBLISH (3.3): MQTT.js reads on in the next packet, or throws at its own PUBACK.
    ['PUBLISH without a topic', '30 00'],
    ['PUBLISH whose topic is longer than it', '30 03 0009 61'],
    ['PUBLISH with an empty topic', '30 03 0000 00'],
    ['PUBLISH without its packet id', '32 03 0001 61'],
    ['PUBLISH with half of a packet id', '32 04 0001 61 00'],
    ['PUBLISH with packet id 0', '32 05 0001 61 0000'],
    // PUBACK, SUBACK, PINGRESP.
    ['PUBACK without an id', '40 00'],
    ['PUBACK with id 0', '40 02 0000'],
    ['PUBACK with flags', '41 02 0001'],
    ['SUBACK without a code', '90 02 0001'],
    ['PINGRESP with a body', 'd0 01 00'],
  ])('that say %s end the connection', (_name, bytes) => {
    const { passed, violation } = read(version, Buffer.concat([hex(bytes), Buffer.alloc(8)]));
    expect(passed).toHaveLength(0);
    expect(violation?.reason).toBeDefined();
  });

  it('are a CONNACK first', () => {
    for (const bytes of ['30 04 0001 61 00', 'd0 00', '40 02 0001', '21 02 00 00', '20 02 02 00', '20 00'])
      expect(packetReader(version, 1000).push(hex(bytes)).violation).toBeDefined();
  });

  it('cost no more than their bytes: one byte at a time, or all at once', { timeout: 10_000 }, () => {
    const reader = packetReader(version, 262_144);
    reader.push(version === 5 ? connack5 : connack4);
    const body = Buffer.alloc(262_136);
    body.writeUInt16BE(1);
    const large = Buffer.concat([hex('30 f8 ff 0f'), body]);
    let early = 0;
    for (let at = 0; at < large.length - 1; at++)
      if (reader.push(large.subarray(at, at + 1)).packets !== undefined) early++;
    expect(early).toBe(0);
    expect(reader.push(large.subarray(-1)).packets).toHaveLength(large.length);
    const many = Buffer.concat(Array.from({ length: 100_000 }, () => hex('40 02 0001')));
    expect(reader.push(many).packets).toHaveLength(many.length);
  });
});

describe('the properties of MQTT 5', () => {
  const publish = (properties: string) => {
    const bytes = hex(properties);
    const rest = Buffer.concat([hex('0001 61'), Buffer.from([bytes.length]), bytes, Buffer.from('payload')]);
    return read(5, Buffer.concat([Buffer.from([0x30, rest.length]), rest]));
  };
  it('that are right pass', () => {
    // A response topic, two user properties of one name, two subscription identifiers.
    expect(publish('08 0001 72 26 0001 61 0001 62 26 0001 61 0001 63 0b 01 0b 02').violation).toBeUndefined();
  });
  it.each([
    ['a response topic twice: MQTT.js makes an array of it', '08 0001 72 08 0001 73'],
    ['correlation data twice', '09 0001 72 09 0001 73'],
    ['a text that ends beyond them', '08 0009 72'],
    ['half of a number', '02 0000'],
    ['an unknown one', '63 00'],
    ['a topic alias, which was not offered', '23 0001'],
    ['a pair without a value', '26 0001 61'],
  ])('%s: malformed', (_name, properties) => {
    expect(publish(properties)).toMatchObject({
      passed: Buffer.alloc(0),
      violation: { reason: 'a malformed packet' },
    });
  });
  it('that are longer than the packet are malformed', () => {
    expect(read(5, hex('30 05 0001 61 7f 00')).violation).toBeDefined();
  });
  it.each([
    ['receive maximum 0 (3.2.2.3.3)', '20 06 00 00 03 21 0000'],
    ['maximum packet size 0 (3.2.2.3.6)', '20 08 00 00 05 27 00000000'],
    ['half of a keepalive: MQTT.js throws', '20 05 00 00 02 13 00'],
    ['two receive maximums', '20 09 00 00 06 21 0001 21 0002'],
    ['no properties, and success', '20 02 00 00'],
  ])('of a CONNACK, %s', (_name, bytes) => {
    expect(packetReader(5, 1000).push(hex(bytes)).violation).toBeDefined();
  });
  it('may be missing where a broker of 3.1.1 refuses MQTT 5', () => {
    expect(packetReader(5, 1000).push(hex('20 02 00 01'))).toEqual({ packets: hex('20 02 00 01') });
  });
});

/** Whole packets with some bytes changed, cut or repeated, after a good CONNACK. */
const broken = (version: 5 | 4) =>
  fc
    .array(
      fc.record({
        of: fc.constantFrom(...written(version)),
        changes: fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 4 }),
        cut: fc.option(fc.nat({ max: 20 })),
      }),
      { maxLength: 6 },
    )
    .map((packets) =>
      Buffer.concat([
        version === 5 ? connack5 : connack4,
        ...packets.map(({ of, changes, cut }) => {
          const bytes = Buffer.from(of);
          for (const [at, value] of changes) bytes[at % bytes.length] = value;
          return bytes.subarray(0, cut ?? bytes.length);
        }),
      ]),
    );

/** MQTT.js alone throws at these, which ends the process: an answer to no packet id, and a keepalive of -1. */
const killing = [
  Buffer.concat([connack5, hex('32 03 0001 61')]),
  Buffer.concat([connack4, hex('32 03 0001 61')]),
  hex('20 05 00 00 02 13 00'),
];

describe.each([5, 4] as const)('MQTT.js over a checked stream, version %i', (version) => {
  it('throws at nothing that a broker sends, and gives texts for texts', { timeout: 60_000 }, async () => {
    const thrown: unknown[] = [];
    const note = (error: unknown) => void thrown.push(error);
    process.on('uncaughtException', note);
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(broken(version), fc.uint8Array({ maxLength: 200 }).map(Buffer.from)),
        async (bytes) => {
          const below = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
          const checked = checkedStream(below, version, 1000);
          const client = new MqttClient(() => checked as never, {
            protocolId: 'MQTT',
            protocolVersion: version,
            reconnectPeriod: 0,
            keepalive: 10,
          });
          client.on('error', () => checked.destroy());
          client.on('message', (_topic, _payload, { properties = {} }) => {
            expect(['string', 'undefined']).toContain(typeof properties.responseTopic);
            expect(Buffer.isBuffer(properties.correlationData ?? Buffer.alloc(0))).toBe(true);
          });
          below.push(bytes);
          for (let i = 0; i < 4; i++) await new Promise(setImmediate);
          client.end(true);
          client.keepaliveManager?.destroy();
          expect(thrown).toEqual([]);
        },
      ),
      { numRuns: runs(400), examples: killing.map((bytes): [Buffer] => [bytes]) },
    );
    process.off('uncaughtException', note);
  });
});

it('a flood of small messages leaves each turn of the event loop to others', async () => {
  const below = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
  const checked = checkedStream(below, 5, 100_000);
  const flood = Buffer.concat([
    connack5,
    ...Array.from({ length: 20_000 }, () => hex('30 05 0001 61 00 78')),
  ]);
  let got = 0;
  let most = 0;
  let ofTurn = 0;
  checked.on('data', (chunk: Buffer) => {
    got += chunk.length;
    ofTurn += chunk.length;
  });
  below.push(flood);
  while (got < flood.length) {
    ofTurn = 0;
    await new Promise(setImmediate);
    most = Math.max(most, ofTurn);
  }
  expect(got).toBe(flood.length);
  expect(most).toBeLessThanOrEqual(4096);
});

it('what came before a broker closed is read to its end', async () => {
  const below = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
  const checked = checkedStream(below, 5, 100_000);
  const bytes = Buffer.concat([connack5, ...Array.from({ length: 2000 }, () => hex('30 05 0001 61 00 78'))]);
  below.push(bytes);
  below.push(null);
  let got = 0;
  for await (const chunk of checked) got += (chunk as Buffer).length;
  expect(got).toBe(bytes.length);
});

it('a flood goes on no faster than its pace, and what follows it is not lost', async () => {
  const clock = manualClock();
  const below = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
  const checked = checkedStream(below, 5, 100_000, clock);
  let got = 0;
  checked.on('data', (chunk: Buffer) => {
    got += chunk.length;
  });
  const flood = Buffer.concat([
    connack5,
    ...Array.from({ length: 300_000 }, () => hex('30 05 0001 61 00 78')),
  ]);
  below.push(flood);
  const settle = async () => {
    for (let before = -1; before !== got; await new Promise(setImmediate)) {
      before = got;
      for (let i = 0; i < 5; i++) await new Promise(setImmediate);
    }
  };
  await settle();
  // Half a megabyte at once, and 256 KB a second after it.
  expect(got).toBeGreaterThan(500_000);
  expect(got).toBeLessThan(530_000);
  const atOnce = got;
  await clock.advance(1000);
  await settle();
  expect(got - atOnce).toBeGreaterThan(250_000);
  expect(got - atOnce).toBeLessThan(262_000);
  await clock.advance(10_000);
  await settle();
  expect(got).toBe(flood.length);
});

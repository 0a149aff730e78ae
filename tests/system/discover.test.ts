/** Discovery of simulated devices over real sockets, and of who talks nonsense. */
import { connect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startFaceTerminal } from '../../simulators/face-terminal.ts';
import { startFences } from '../../simulators/fence.ts';
import { startOsdpReaders } from '../../simulators/osdp.ts';
import { startPanel } from '../../simulators/panel.ts';
import { peer as modbusPeer } from '../drivers/modbus-peer.ts';
import { checked, look, serialServer } from '../gateway/discovering.ts';
import { eventually, freePort } from '../helpers.ts';

describe('discovery', () => {
  it('finds Modbus TCP, and RTU where a serial server was expected to be one', async () => {
    const { connection } = await modbusPeer();
    const port = await freePort();
    const fences = await startFences({
      end: { listen: { host: '127.0.0.1', port } },
      framing: 'rtu',
      units: [{ id: 'east', unit: 3, model: 'pulse-fence-2zone' }],
    });
    onTestFinished(async () => void (await Promise.all(fences.map((one) => one.close()))));
    const tcpPort = Number(connection.tcp.split(':')[1]);
    const { found, steps } = await look({
      ways: ['modbus'],
      nets: ['127.0.0.1/32'],
      tcpPorts: [tcpPort, port, await freePort()],
      lastUnit: 4,
    });
    expect(found.map(({ device }) => device)).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ driver: 'modbus', connection, unit: 1 }),
        expect.objectContaining({
          driver: 'modbus',
          connection: { serialServer: `127.0.0.1:${port}` },
          unit: 3,
        }),
      ]),
    );
    expect(found).toHaveLength(2);
    expect(steps.at(-1)).toEqual({ done: 3, total: 3 });
    expect(checked(found)).toEqual([]);
  });

  it('finds each OSDP reader of a line, by everybody’s address first', async () => {
    const port = await freePort();
    const readers = await startOsdpReaders({
      end: { listen: { host: '127.0.0.1', port } },
      readers: [
        { id: 'in', address: 0 },
        { id: 'out', address: 4 },
      ],
    });
    onTestFinished(async () => void (await readers[0]?.close()));
    const { found } = await look(
      { ways: ['serial'], ports: [], serialServers: [{ host: '127.0.0.1', port }] },
      2,
    );
    expect(found.map(({ device }) => [device['driver'], device['address']])).toEqual([
      ['osdp', 0],
      ['osdp', 4],
    ]);
    expect(checked(found)).toEqual([]);
  });
});

describe('a line of a serial server', () => {
  it('takes its own words, given back, for nobody', async () => {
    const { at } = await serialServer((socket) => void socket.pipe(socket));
    const serial = { ports: [], serialServers: [at], lastUnit: 2 };
    const { found, notes } = await look({
      ways: ['serial', 'modbus'],
      nets: ['127.0.0.1'],
      tcpPorts: [at.port],
      ...serial,
    });
    expect([found, notes]).toEqual([[], [expect.stringContaining('something answered that cannot be read')]]);
  });

  it('bears whatever anybody says', async () => {
    const { at } = await serialServer((socket) => {
      socket.write(Buffer.from('5011 184455', 'latin1'));
      socket.on('data', () => void socket.write(Buffer.alloc(3000, 0x01)));
    });
    const serial = { ports: [], serialServers: [at], lastUnit: 2 };
    const { found } = await look({
      ways: ['serial', 'modbus'],
      nets: ['127.0.0.1'],
      tcpPorts: [at.port],
      ...serial,
    });
    expect(found).toEqual([]);
  });

  it('reads, and never writes nor speaks to everybody', async () => {
    const { at, sent } = await serialServer();
    const { notes } = await look({ ways: ['serial'], ports: [], serialServers: [at], lastUnit: 3 });
    expect(notes).toEqual([expect.stringContaining('nobody talks or answers')]);
    const bytes = sent();
    // OSDP begins with 53; what is left is Modbus, eight bytes a question.
    const asked = [...bytes.toString('latin1').matchAll(/[\x01-\x03]\x03\0\0\0\x01../gs)].map(([one]) => one);
    // Unit 1 twice.
    expect(asked).toHaveLength(4);
    expect(bytes.indexOf(Buffer.from([0, 3, 0, 0]))).toBeLessThan(0);
    // ID (61) and POLL (60) are all that readers are asked.
    const codes = [...bytes.toString('latin1').matchAll(/\x53\x7f[\s\S]{3}([\s\S])/g)].map(([, code = '']) =>
      code.charCodeAt(0),
    );
    expect(new Set(codes)).toEqual(new Set([0x61, 0x60]));
  });
});

describe('who knocks', () => {
  it('is heard, and nothing is taken from him', async () => {
    const port = await freePort();
    const looking = look({ ways: ['knock'], listen: [port], forMs: 60_000 }, 3);
    const to = { host: '127.0.0.1', port };
    const panels = [
      startPanel({ ...to, account: '8312', retry: 100 }),
      startPanel({ ...to, account: 'ABCD', retry: 100, key: Buffer.alloc(16, 3), transport: 'udp' }),
    ];
    const terminal = await startFaceTerminal({ kind: 'hikvision', to: `http://127.0.0.1:${port}/events` });
    onTestFinished(async () => {
      for (const one of [...panels, terminal]) await one.close();
    });
    let taken = 0;
    for (const one of panels)
      void one.report('#8312|Nri1/BA1').then(
        () => taken++,
        () => {},
      );
    await terminal.do('heartbeat');
    const { found } = await looking;
    expect(found.map(({ device }) => device)).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          driver: 'dc09',
          listen: { host: '0.0.0.0', port },
          accounts: [{ account: '8312' }],
        }),
        expect.objectContaining({ accounts: [{ account: 'ABCD', keyFile: 'secrets/panel-ABCD' }] }),
        expect.objectContaining({ driver: 'http-push', profile: 'hikvision-face', from: ['127.0.0.1'] }),
      ]),
    );
    expect(taken).toBe(0);
    expect(checked(found.filter(({ driver }) => driver === 'dc09'))).toEqual([]);
  });

  it('is borne, whatever he says', async () => {
    const port = await freePort();
    const looking = look({ ways: ['knock'], listen: [port], forMs: 60_000 }, 1);
    const say = (bytes: Buffer) =>
      eventually(
        () =>
          new Promise<string>((resolve, reject) => {
            const socket = connect(port, '127.0.0.1', () => socket.end(bytes));
            let text = '';
            socket.on('data', (chunk: Buffer) => {
              text += chunk.toString('latin1');
            });
            // Who says too much is cut off; who comes before it listens comes again.
            socket.on('error', (error: NodeJS.ErrnoException) => {
              if (error.code === 'ECONNREFUSED') reject(error);
            });
            socket.on('close', () => resolve(text));
          }),
      );
    const long = Buffer.from(`GET /${'x'.repeat(100_000)} HTTP/1.1\r\n\r\n`);
    await Promise.all([say(long), say(Buffer.alloc(200_000, 0x0a)), say(Buffer.from('\n0000"SIA-DCS"[#'))]);
    expect(await say(Buffer.from('GET /iclock/cdata?SN=AB%20C HTTP/1.1\r\n\r\n'))).toContain('503');
    const { found, notes } = await looking;
    expect(found.map(({ device }) => device)).toEqual([
      expect.objectContaining({ profile: 'zkteco-push', serial: 'AB' }),
    ]);
    expect(notes.length).toBeLessThan(4);
  });
});

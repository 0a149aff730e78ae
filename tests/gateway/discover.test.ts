import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { readConfig } from '../../gateway/check.ts';
import { discoverAll } from '../../gateway/cli/discover/all.ts';
import { type DiscoverOptions, yamlLineOf } from '../../gateway/cli/discover/found.ts';
import { hostsOf } from '../../gateway/cli/discover/net.ts';
import { startPeer } from '../drivers/onvif-peer.ts';
import { freePort, temporaryDirectory } from '../helpers.ts';
import { checked, look, serialServer } from './discovering.ts';
import { clock, run } from './terminal.ts';

describe('the hosts of a range', () => {
  it('are without its own address and its broadcast', () => {
    expect(hostsOf(['192.168.7.0/30'])).toEqual(['192.168.7.1', '192.168.7.2']);
    expect(hostsOf(['192.168.7.9/24'])).toHaveLength(254);
    expect(hostsOf(['10.0.0.0/22'])).toHaveLength(1022);
    expect(() => hostsOf(['10.0.0.0/21'])).toThrow('at most 1022 addresses (/22)');
    expect(hostsOf(['10.0.0.4', 'fence.local', '10.0.0.4/32', '10.0.0.6/31'])).toEqual([
      '10.0.0.4',
      'fence.local',
      '10.0.0.6',
      '10.0.0.7',
    ]);
  });

  it.each([
    ['10.0.0.0/8', '/22'],
    ['224.0.0.0/24', 'multicast'],
    ['255.255.255.255', 'broadcast'],
    ['0.0.0.0', 'reserved'],
    ['10.0.0.300', 'an address'],
    ['10.0.0.1/33', '/32'],
    ['10.0.0.1/', '/32'],
    ['fence/24', 'an address'],
  ])('are refused of %s', async (net, words) => {
    const { status, stderr } = await run('discover', 'modbus', '--net', net);
    expect([status, stderr]).toEqual([2, expect.stringContaining(words)]);
  });
});

describe('a line', () => {
  it.each([
    ['RDM6300', Buffer.from('\x020A001234567A\x03', 'latin1'), 'wiegand', { format: 'rdm6300' }],
    ['ASCII', Buffer.from('0012345678\r\n'), 'wiegand', { format: 'ascii' }],
    ['bits', Buffer.from('10000000100000000000000010\r\n'), 'wiegand', { format: 'wiegand26' }],
    [
      'a Sur-Gard',
      Buffer.from('5011 18ABCDE13001005\x14', 'latin1'),
      'receiver',
      { accounts: [{ account: 'ABCD' }] },
    ],
  ])('finds what talks by itself, and talks to none: %s', async (_, bytes, driver, more) => {
    const { at, sent } = await serialServer((socket) => void socket.write(bytes));
    const { found } = await look({ ways: ['serial'], ports: [], serialServers: [at] });
    expect(found.map(({ device }) => device)).toEqual([expect.objectContaining({ driver, ...more })]);
    expect(JSON.stringify(found)).not.toContain('12345678');
    expect(sent()).toHaveLength(0);
    expect(checked(found)).toEqual([]);
  });

  it.each([
    // A poll of address 0, and a read of unit 1, by their standards.
    ['OSDP', Buffer.from('530008000460ebaa', 'hex')],
    ['Modbus', Buffer.from('010300000001840a', 'hex')],
    ['cannot be read', Buffer.from('ff00fe81', 'hex')],
  ])('asks nothing on a line where somebody talks: %s', async (words, bytes) => {
    const { at, sent } = await serialServer((socket) => void socket.write(bytes));
    const { found, notes } = await look({ ways: ['serial'], ports: [], serialServers: [at] });
    expect([found, notes]).toEqual([[], [expect.stringContaining(words)]]);
    expect(sent()).toHaveLength(0);
  });

  it('that is not there is said once, in words', async () => {
    const { stderr } = await run('discover', 'serial', '--serial', '/dev/nosuch', '--for', '100ms');
    expect(stderr.split('\n')[0]).toBe(
      '/dev/nosuch: there is no such port: look at its name (ls /dev/serial/by-id) and its plug',
    );
    expect(await run('osdp', 'find', '/dev/nosuch')).toMatchObject({
      status: 3,
      stderr: expect.stringMatching(
        /^osdp: \/dev\/nosuch cannot be opened: there is no such port: [^\n]+\n$/,
      ),
    });
  });

  it('leaves alone what the config has', async () => {
    const { at, sent } = await serialServer();
    const folder = temporaryDirectory();
    const file = join(folder, 'campus.yaml');
    writeFileSync(
      file,
      `campus: { id: "4503000001", name: 一中 }\ndevices:\n  - { id: gate, driver: osdp, connection: { serialServer: "127.0.0.1:${at.port}" }, address: 0 }\n`,
    );
    const server = `127.0.0.1:${at.port}`;
    const { status, stderr } = await run('discover', '--server', server, '--config', file, '--for', '100ms');
    expect([status, stderr]).toEqual([1, expect.stringContaining("it is gate's in the config")]);
    expect(sent()).toHaveLength(0);
    const { found, notes } = await look({
      ways: ['modbus'],
      nets: ['127.0.0.1'],
      tcpPorts: [at.port],
      config: (readConfig(file) as { config: NonNullable<DiscoverOptions['config']> }).config,
    });
    expect([found, notes]).toEqual([[], [expect.stringContaining("it is gate's")]]);
    expect(sent()).toHaveLength(0);
  });
});

describe('a network that is not there', () => {
  it('is said once', async () => {
    const notes: string[] = [];
    const asked = discoverAll(
      { ways: ['onvif'], interface: 'nosuch', forMs: 100, clock, signal: new AbortController().signal },
      { found() {}, progress() {}, note: ({ en }) => void notes.push(en) },
    );
    await expect(asked).rejects.toThrow('there is no network interface nosuch');
    expect(notes).toEqual([]);
    const { status, stderr } = await run('discover', '--interface', 'nosuch');
    expect([status, stderr]).toEqual([
      2,
      expect.stringMatching(/^discover: --interface "nosuch": one of .*lo/),
    ]);
  });
});

describe('who knocks', () => {
  it('is not waited for where nobody listens and no gateway runs', async () => {
    const file = join(temporaryDirectory(), 'campus.yaml');
    writeFileSync(file, `campus: { id: "4503000001", name: 一中 }\nstatus: { port: ${await freePort()} }\n`);
    for (const config of ['none', file])
      expect(await run('discover', 'knock', '--config', config)).toMatchObject({
        status: 2,
        stderr: expect.stringContaining('say where to listen, by --listen 5100'),
      });
  });

  it('is asked for of a gateway that runs', async () => {
    const { at, file } = await gatewayThatHeard('account 4711 from 10.0.0.77');
    const { config } = readConfig(file) as { config: NonNullable<DiscoverOptions['config']> };
    const { found, notes } = await look({ ways: ['knock'], listen: [at.port], config });
    expect(notes).toEqual([expect.stringContaining("panels's in the config")]);
    expect(found.map((one) => parse(yamlLineOf(one))[0])).toEqual([
      {
        id: 'panel-4711',
        driver: 'dc09',
        listen: { host: '127.0.0.1', port: at.port },
        accounts: [{ account: '4711' }],
      },
    ]);
  });

  it('is not heard where another program has the port, which is said', async () => {
    const { at } = await serialServer();
    const { notes } = await look({ ways: ['knock'], listen: [at.port] });
    expect(notes).toEqual([expect.stringContaining('another program has it')]);
  });
});

/** What answers at `status` of a config, as a gateway does that heard somebody. */
async function gatewayThatHeard(detail: string) {
  const body = JSON.stringify({ healthy: true, lastDiscarded: { panels: { 'unknown account': detail } } });
  const { at } = await serialServer((socket) =>
    socket.end(
      `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    ),
  );
  const panels = await freePort();
  const file = join(temporaryDirectory(), 'campus.yaml');
  writeFileSync(
    file,
    `campus: { id: "4503000001", name: 一中 }\nstatus: { port: ${at.port} }\ndevices:\n  - { id: panels, driver: dc09, listen: { port: ${panels} }, accounts: [{ account: "1234" }] }\n`,
  );
  return { at: { port: panels }, file };
}

describe('the channels of a recorder', () => {
  it('are each a device, by the password that is given', async () => {
    const recorder = await startPeer({
      password: 'x1',
      profiles: [
        ['P1', 'VSC_1', 'VS_1'],
        ['P2', 'VSC_2', 'VS_2'],
        ['P3', 'VSC_2', 'VS_2'],
      ],
    });
    const file = join(temporaryDirectory(), 'cameras');
    writeFileSync(file, 'x1\n', { mode: 0o600 });
    const { lookIntoRecorder } = await import('../../drivers/onvif/recorder.ts');
    const place = { host: '127.0.0.1', port: recorder.port };
    const login = { username: 'admin', passwordFile: file };
    expect((await lookIntoRecorder(place, login, clock)).channels).toEqual(['VS_1', 'VS_2']);
    writeFileSync(file, 'wrong\n');
    await expect(lookIntoRecorder(place, login, clock)).rejects.toThrow('password');
  });

  it('are not asked of who wants the password in clear: anybody may say that it is a recorder', async () => {
    const heard: string[] = [];
    const rogue = createHttpServer((request, response) => {
      heard.push(request.headers.authorization ?? '');
      response.writeHead(401, { 'www-authenticate': 'Basic realm="camera"' }).end();
    });
    await once(rogue.listen(0, '127.0.0.1'), 'listening');
    onTestFinished(() => void rogue.close());
    const file = join(temporaryDirectory(), 'cameras');
    writeFileSync(file, 'x1\n', { mode: 0o600 });
    const { lookIntoRecorder } = await import('../../drivers/onvif/recorder.ts');
    const place = { host: '127.0.0.1', port: (rogue.address() as AddressInfo).port };
    await expect(lookIntoRecorder(place, { username: 'admin', passwordFile: file }, clock)).rejects.toThrow();
    expect(new Set(heard)).toEqual(new Set(['']));
  });
});

/** What the doctor finds on a machine and its network, and how the console asks for it. */
import { once } from 'node:events';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { configSchema } from '../../config/schema.ts';
import { systemClock } from '../../drivers/contract/clock.ts';
import { createDoctor } from '../../gateway/doctor/index.ts';
import { examineMachine, memoryFindings, readChrony } from '../../gateway/doctor/machine.ts';
import { nameFindings, neededHosts, serialFindings, wayFindings } from '../../gateway/doctor/network.ts';
import { findingsOf } from '../../gateway/doctor/running.ts';
import { freePort, temporaryDirectory } from '../helpers.ts';

const wordsOf = (found: readonly { is: string; about: string; en: string }[]) =>
  found.map(({ is, about, en }) => `${is} ${about}: ${en}`).join('\n');

describe('the clock', () => {
  // As chronyc(1) of chrony 4.3 shows it in its manual.
  const tracking = (time: string, leap: string) =>
    `Reference ID    : CB00710F (ntp1.example.net)
Stratum         : 3
Ref time (UTC)  : Fri Jan 27 09:49:17 2017
System time     : ${time} of NTP time
Last offset     : -0.000001632 seconds
Leap status     : ${leap}
`;
  it('is read out of what chrony says', () => {
    expect(readChrony(tracking('0.000006523 seconds slow', 'Normal'))).toEqual({
      synchronised: true,
      offS: -0.000006523,
    });
    expect(readChrony(tracking('7.5 seconds fast', 'Not synchronised'))).toEqual({
      synchronised: false,
      offS: 7.5,
    });
    expect(readChrony('506 Cannot talk to daemon\n')).toBeUndefined();
  });
});

describe('the machine', () => {
  it('is looked at without a trace, and what is open to others is named with what mends it', async () => {
    const directory = temporaryDirectory();
    chmodSync(directory, 0o755);
    const dataDir = join(directory, 'data');
    mkdirSync(dataDir, { mode: 0o700 });
    const file = join(directory, 'campus.yaml');
    writeFileSync(join(directory, 'secret'), 'x\n');
    chmodSync(join(directory, 'secret'), 0o644);
    writeFileSync(file, 'contacts: [{ id: a, by: wecom, urlFile: secret }]\n');
    const of = { file, dataDir, timezone: 'Asia/Shanghai', lowDisk: 1e18, needsVideo: false, gently: true };
    const said = wordsOf(await examineMachine(of, systemClock));
    expect(said).toMatch(/note files: .*secret \(mode 0644\) can be read by .*; run: chmod go= /);
    expect(said).toMatch(/bad disk: .* GB are free, less than `retention.lowDisk`/);
    expect(said).not.toContain(' video: ');
  });
});

describe('the memory', () => {
  const kernel = { total: 8e9, free: 50e6 };
  const said = (meminfo: string | undefined, memory = kernel) => wordsOf(memoryFindings(meminfo, memory));

  it('is what the kernel says can be had, not what is free', () => {
    const meminfo = (kB: number) => `MemTotal:  8000000 kB\nMemFree:  9 kB\nMemAvailable:   ${kB} kB\n`;
    expect(said(meminfo(4_000_000))).toBe('good memory: 4.1 of 8.2 GB of memory are free');
    expect(said(meminfo(200_000))).toMatch(/^note memory: 0\.2 of .*: stop what else runs/);
    expect(said(meminfo(50_000))).toMatch(/^bad memory: 0\.1 of .*: the kernel will end programs/);
  });

  it('is looked at within the unit, too, where /proc has no meminfo', () => {
    expect(said(undefined, { ...kernel, free: 1e9 })).toBe('good memory: 1.0 of 8.0 GB of memory are free');
    expect(said(undefined)).toMatch(/^note memory: of 8\.0 GB .* cannot be seen from within the service/);
  });
});

describe('the network', () => {
  it('says which names are not known, for whom, and where nobody listens', async () => {
    const server = createServer();
    await once(server.listen(0, '127.0.0.1'), 'listening');
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const closed = await freePort();
    const config = {
      uplinks: [{ id: 'city', options: { url: 'mqtts://broker.invalid' } }],
      devices: [
        { id: 'io', driver: 'modbus', options: { connection: { tcp: { host: '127.0.0.1', port } } } },
        {
          id: 'fence',
          driver: 'modbus',
          options: { connection: { tcp: { host: '127.0.0.1', port: closed } } },
        },
        { id: 'panel', driver: 'dc09', options: { listen: { host: '0.0.0.0', port: 5100 } } },
      ],
      contacts: [],
    } as never;
    const needed = neededHosts(config);
    expect(needed).toEqual([
      { about: 'platforms', of: 'city', host: 'broker.invalid', port: 8883 },
      { about: 'devices', of: 'io', host: '127.0.0.1', port },
      { about: 'devices', of: 'fence', host: '127.0.0.1', port: closed },
    ]);
    expect(wordsOf(await nameFindings(needed, systemClock))).toMatch(
      /^bad names: broker\.invalid \(city\) is no name that is known here \(E\w+\)/,
    );
    const ways = await wayFindings(needed.slice(1), systemClock);
    expect(wordsOf(ways)).toMatch(
      /^good devices: io: .* takes connections\nbad devices: fence: .*ECONNREFUSED/,
    );
  });

  it('looks for serial lines, and does not open them', () => {
    const devices = [{ id: 'reader', driver: 'osdp', options: { connection: { serial: '/dev/ttyNONE' } } }];
    expect(wordsOf(serialFindings(devices as never))).toMatch(
      /^bad devices: reader: there is no \/dev\/ttyNONE/,
    );
  });
});

describe('a gateway that runs', () => {
  const told = {
    uplinks: { city: { state: 'connecting', reason: 'ECONNREFUSED', backlog: 3 } },
    devices: { a: true, b: false, c: null },
    links: { b: { reason: 'no poll answered', parts: ['12ab'] } },
    standing: { devices: { a: [{ kind: 'battery' }] } },
    contacts: { guards: { reason: '93000: invalid webhook url' } },
  };

  it('is taken at its word', () => {
    expect(wordsOf(findingsOf(told, 0))).toMatch(
      new RegExp(
        [
          'bad platforms: city: is not connected \\(ECONNREFUSED\\); 3 events wait',
          'note devices: a: battery stands.*',
          'bad devices: b \\(12ab\\): does not answer \\(no poll answered\\).*',
          'note devices: c: was not heard of.*',
          'bad contacts: guards: cannot be told',
        ].join('[^]*'),
      ),
    );
  });

  it('is not said to be well where it is connected and what is sent stays unconfirmed', () => {
    const city = { state: 'connected', backlog: 2, oldestUndelivered: '2026-11-29T03:00:00.000Z' };
    const words = (time: string) => wordsOf(findingsOf({ uplinks: { city } }, Date.parse(time)));
    expect(words('2026-11-29T03:00:30Z')).toMatch(/^good platforms: city: is connected; 2 events wait$/m);
    expect(words('2026-11-29T03:05:00Z')).toMatch(
      /^note platforms: city: is connected; 2 events wait, the oldest since 2026-11-29T03:00:00.000Z: .*receipts/m,
    );
  });

  it('is examined once for all who ask meanwhile', async () => {
    const directory = temporaryDirectory();
    const file = join(directory, 'campus.yaml');
    writeFileSync(file, 'campus: { id: "45001", name: x }\n');
    const config = {
      ...configSchema.parse({ campus: { id: '45001', name: 'x' } }),
      file,
      dataDir: directory,
      devices: [],
    };
    let asked = 0;
    const doctor = createDoctor(() => config as never, {
      health: async () => {
        asked++;
        return { healthy: true, details: told };
      },
      time: systemClock,
    });
    onTestFinished(async () => await doctor[Symbol.asyncDispose]());
    expect(doctor.last()).toBeUndefined();
    const [one, other] = await Promise.all([doctor.examine(), doctor.examine()]);
    expect(asked).toBe(1);
    expect(other).toBe(one);
    expect(doctor.last()).toBe(one);
    expect(new Set(one.findings.map(({ about }) => about))).toContain('disk');
    expect(one.findings.at(-1)?.about).toBe('contacts');
  });
});

it('says that a gateway without platforms tells nobody; an older one, which says less, is believed', () => {
  expect(wordsOf(findingsOf({ uplinks: {} }, 0))).toMatch(/^note platforms: the config has none: nobody/);
  expect(findingsOf({}, 0)).toEqual([]);
});

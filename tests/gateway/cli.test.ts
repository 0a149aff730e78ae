/** The command line inside this process: what is not about processes. */

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readMatch } from '../../gateway/cli/discover/cameras.ts';
import { yamlLineOf } from '../../gateway/cli/discover/found.ts';
import { startCamera } from '../../simulators/camera.ts';
import { startOsdpReaders } from '../../simulators/osdp.ts';
import { freePort, temporaryDirectory } from '../helpers.ts';
import { speakChinese } from '../language.ts';
import { run } from './terminal.ts';

describe('the command line', () => {
  it.each([
    'init',
    'run',
    'reload',
    'check',
    'simulate',
    'watch',
    'demo',
    'journal',
    'doctor',
    'osdp',
    'credentials',
    'points',
    'completion',
    'discover',
    'gb28181',
    'health',
    'users',
    'enrol',
    'conform',
    'platform',
  ])('helps with %s', async (command) => {
    expect(await run(command, '--help')).toMatchObject({
      status: 0,
      stdout: expect.stringContaining(`campus-gateway ${command}`),
    });
    expect((await run('--help')).stdout).toContain(`\n  ${command} `);
  });

  it('says what it does not understand, with status 2', async () => {
    expect(await run('discvoer')).toEqual({
      status: 2,
      stdout: '',
      stderr: 'there is no command discvoer; did you mean discover?\n',
    });
    expect(await run('telephone')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('there are: init, run, reload, check'),
    });
    expect(await run('run', '--port', '1')).toMatchObject({ status: 2 });
    expect(await run('simulate', 'toaster')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining(
        'panel, receiver, fence, reader, osdp, sign, face, camera, gb28181-platform, viid or campus',
      ),
    });
  });

  it('measures the disk of what is above a folder that the first start makes', async () => {
    const above = temporaryDirectory();
    const { stdout } = await run('doctor', '--disk', join(above, 'not/there'));
    expect(stdout.split('\n')[0]).toMatch(new RegExp(`^${above}: `));
    expect(stdout).toContain(`! disk: ${above}/not/there is not there yet, `);
    expect(stdout).toContain(`the disk of ${above} was measured\n`);
  });

  it('checks a file: status 0 and a sentence, or status 1 and every error', async () => {
    const file = join(temporaryDirectory(), 'c.yaml');
    writeFileSync(file, 'campus: { id: "4503000001", name: x }\n');
    expect(await run('check', file)).toMatchObject({ status: 0, stdout: expect.stringContaining('good') });
    writeFileSync(file, 'campus: { id: 1 }\nfoo: 1\n');
    const bad = await run('check', file);
    expect(bad.status).toBe(1);
    expect(bad.stderr.trim().split('\n')).toEqual([
      expect.stringContaining('c.yaml:1:1: campus.name: missing'),
      expect.stringContaining('c.yaml:1:11: campus.id: 1: a text is needed'),
      expect.stringContaining('c.yaml:2:1: foo: unknown key'),
      expect.stringContaining('3 errors'),
    ]);
  });
});

/** A config that no gateway has run with. */
function bare() {
  const directory = temporaryDirectory();
  const file = join(directory, 'c.yaml');
  writeFileSync(file, 'campus: { id: "4503000001", name: x }\nledger: {}\n');
  return { file, dataDir: join(directory, 'data') };
}

describe('what is typed wrongly', () => {
  it.each([
    [['points', 'replace', 'FILE', 'nodev', 'host=1'], /there is no device nodev; there are: none/],
    [['points', 'replcae', 'FILE'], /export, import or replace; did you mean replace\?/],
    [['discover', 'foo'], /there is no discover foo; there are: onvif, mdns/],
    [['discover', 'onivf'], /did you mean onvif\?/],
    [['journal', 'inspct', 'FILE'], /destroy-damaged or lower\?; did you mean inspect\?/],
    [['ledger', 'FILE', 'lits'], /there is no ledger lits; did you mean list\?/],
    [['simulate', 'panle'], /did you mean panel\?/],
    [['walk-test', 'FILE', '--area', 'nosuch'], /no area nosuch, for \S+c\.yaml has none: leave --area out/],
    [['modbus', 'read', 'FILE', 'fence'], /there is no Modbus device fence; there are none/],
    [['osdp', 'provision', 'FILE', 'gate'], /no OSDP reader: gate; there are none/],
    [['check', 'FILE', 'other'], /"other" is one word too many/],
  ])('says what is wrong, and where all options stand, but not all of them: %j', async (args, words) => {
    const [command = ''] = args;
    const { status, stdout, stderr } = await run(...args.map((one) => (one === 'FILE' ? bare().file : one)));
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    const [sentence, ...more] = stderr.split('\n');
    expect(sentence).toMatch(words);
    expect(more).toEqual([`campus-gateway ${command} --help   its options and examples`, '']);
  });

  it('shows all of a command to who names nothing else, and the line that leads there in Chinese, too', async () => {
    expect((await run('check')).stderr).toContain('campus-gateway check FILE');
    speakChinese();
    expect((await run('discover', 'foo')).stderr).toBe(
      'discover: 没有 discover foo；可用：onvif、mdns、serial、modbus、knock\ncampus-gateway discover --help   选项与示例\n',
    );
  });

  it.each([
    ['journal', 'inspect', 'FILE'],
    ['journal', 'verify', 'FILE'],
    ['journal', 'erase', 'FILE', '--card', '1'],
    ['journal', 'lower', 'FILE', '--to', '3'],
    ['ledger', 'FILE', 'list'],
    ['backup', 'FILE', '--to', '/tmp/', '--plain'],
  ])('says before the first start that there was none, and where it looked: %s %s %s', async (...args) => {
    const { file, dataDir } = bare();
    const { status, stderr } = await run(...args.map((one) => (one === 'FILE' ? file : one)));
    expect(status).toBe(3);
    expect(stderr).toContain(`no gateway has run with ${file} yet: ${dataDir} `);
    expect(existsSync(dataDir)).toBe(false);
  });

  it.each([
    ['add', '--what', 'x', '--deadline', '2026-13-40'],
    ['device', 'panel', '--warranty', '2026-02-30'],
  ])('knows no such day: ledger %s', async (...args) => {
    const { status, stderr } = await run('ledger', bare().file, ...args);
    expect(status).toBe(2);
    expect(stderr).toMatch(
      /^ledger: --\w+ "2026[^\n]+no such day; write year-month-day, such as 2026-12-05\n$/,
    );
  });
});

describe('ledger', () => {
  it('answers in words, and writes over no file', async () => {
    const folder = temporaryDirectory();
    const file = join(folder, 'campus.yaml');
    const yard = { id: 'yard', driver: 'onvif', host: '10.0.0.9' };
    const campus = { id: '45001', name: 'x' };
    writeFileSync(file, JSON.stringify({ campus, dataDir: folder, ledger: {}, devices: [yard] }));
    const notes = ['--place', 'Hall', '--warranty', '2028-08-20'];
    expect(await run('ledger', file, 'device', 'yard', ...notes)).toMatchObject({
      status: 0,
      stdout: 'yard\n  place: Hall\n  warranty until: 2028-08-20\n',
    });
    const json = await run('ledger', file, 'device', 'yard', '--json');
    expect(JSON.parse(json.stdout)).toMatchObject({ id: 'yard', notes: { place: 'Hall' } });
    const out = join(folder, 'd.csv');
    expect((await run('ledger', file, 'export', 'devices', '--to', out)).status).toBe(0);
    expect(await run('ledger', file, 'export', 'devices', '--to', out)).toMatchObject({
      status: 3,
      stderr: `ledger: ${out} is there already: name another file, or remove it\n`,
    });
  });
});

describe('simulate panel', () => {
  it('says what comes of what it sends', async () => {
    const to = `127.0.0.1:${await freePort()}`;
    expect(await run('simulate', 'panel', '--to', to, '--do', 'press 9', '--for', '5s')).toMatchObject({
      status: 1,
      stderr: 'panel 1234: 1 messages came to nobody: is there a gateway that listens for it?\n',
      stdout: `panel 1234 is simulated; type help\nno connection to ${to} (ECONNREFUSED); tried again\n`,
    });
  });
});

describe('credentials', () => {
  it('puts a good list in the place of the old one, and says what is wrong with another', async () => {
    const directory = temporaryDirectory();
    const file = join(directory, 'campus.yaml');
    const list = join(directory, 'cards.csv');
    writeFileSync(list, 'number,holder\n1,a\n');
    const access = { credentialsFile: 'cards.csv' };
    writeFileSync(file, JSON.stringify({ campus: { id: '45001', name: 'x' }, access }));
    const next = join(directory, 'next.csv');
    writeFileSync(next, 'number,holder,groups\n1,a,\n2,,\n3,b,nobody\n');
    const refused = await run('credentials', 'import', file, next);
    expect(refused.status).toBe(1);
    expect(refused.stderr.split('\n')).toEqual([
      `${next}:3: holder is missing`,
      `${next}:4: there is no group nobody; there are: none`,
      '',
    ]);
    expect(readFileSync(list, 'utf8')).toBe('number,holder\n1,a\n');
    writeFileSync(next, 'number,holder\n1,a\n2,b\n');
    expect(await run('credentials', 'check', file, next)).toMatchObject({
      status: 0,
      stdout: '2 cards, nothing wrong\n',
    });
    expect(await run('credentials', 'import', file, next)).toMatchObject({ status: 0 });
    expect(readFileSync(list, 'utf8')).toBe('number,holder\n1,a\n2,b\n');
    writeFileSync(next, 'number,holder,pin\n1,a,2580\n,b,947302\n');
    expect(await run('credentials', 'import', file, next)).toMatchObject({ status: 0 });
    expect(readFileSync(list, 'utf8')).toMatch(
      /^number,holder,pin\n1,a,"\$scrypt\$ln=14,r=8,p=1\$[^\n]+"\n,b,"\$scrypt[^\n]+"\n$/,
    );
    expect(await run('credentials', 'check', file, list)).toMatchObject({ status: 0 });
    expect(await run('credentials', 'import', file)).toMatchObject({ status: 2 });
  });

  const firstList = (pin: string) => {
    const directory = temporaryDirectory();
    const [file, list, next] = ['campus.yaml', 'cards.csv', 'next.csv'].map((name) => join(directory, name));
    const access = { credentialsFile: 'cards.csv' };
    writeFileSync(file as string, JSON.stringify({ campus: { id: '45001', name: 'x' }, access }));
    writeFileSync(next as string, `number,holder,pin\n1,a,${pin}\n`, { mode: 0o644 });
    return { file, list, next } as { file: string; list: string; next: string };
  };
  const modeOf = (file: string) => (statSync(file).mode & 0o777).toString(8);

  it.each(['', '2580'])('puts a first list there, its owner\'s alone (PIN "%s")', async (pin) => {
    const { file, list, next } = firstList(pin);
    expect(await run('credentials', 'check', file, next)).toMatchObject({ status: 0 });
    expect(await run('credentials', 'import', file, next)).toMatchObject({ status: 0, stderr: '' });
    expect(modeOf(list)).toBe('600');
    expect(await run('check', file)).toMatchObject({ status: 0 });
  });

  it.runIf(process.getuid?.() === 0)(
    'puts a first list there that the group of the folder reads',
    async () => {
      const { file, list, next } = firstList('');
      chownSync(dirname(list), 0, 65_534);
      expect(await run('credentials', 'import', file, next)).toMatchObject({ status: 0, stderr: '' });
      expect([statSync(list).uid, statSync(list).gid, modeOf(list)]).toEqual([0, 65_534, '640']);
    },
  );

  it.each([0o600, 0o640, 0o644])('leaves the mode of the list as it was (%o)', async (mode) => {
    const { file, list, next } = firstList('2580');
    writeFileSync(list, 'number,holder\n1,a\n');
    chmodSync(list, mode);
    // What a torn import left.
    writeFileSync(`${list}.new`, 'number', { mode: 0o666 });
    expect(await run('credentials', 'import', file, next)).toMatchObject({ status: 0 });
    expect(modeOf(list)).toBe(mode.toString(8));
  });

  it('puts a good list in the place of one that is wrong', async () => {
    const { file, list, next } = firstList('');
    writeFileSync(list, 'number\n1\n');
    expect(await run('credentials', 'import', file, next)).toMatchObject({ status: 0 });
    expect(readFileSync(list, 'utf8')).toBe(readFileSync(next, 'utf8'));
  });
});

describe('osdp', () => {
  it('gives readers their keys, once, and says which did not take them', async () => {
    const port = await freePort();
    const readers = await startOsdpReaders({
      end: { listen: { host: '127.0.0.1', port } },
      readers: [
        { id: 'in', address: 0 },
        { id: 'out', address: 1, key: Buffer.alloc(16, 9) },
      ],
    });
    onTestFinished(() => readers[0]?.close());
    const directory = temporaryDirectory();
    const file = join(directory, 'campus.yaml');
    const reader = (id: string, address: number) => ({
      id,
      driver: 'osdp',
      connection: { serialServer: `127.0.0.1:${port}` },
      address,
      keyFile: `secrets/${id}.scbk`,
    });
    writeFileSync(
      file,
      JSON.stringify({ campus: { id: '45001', name: 'x' }, devices: [reader('in', 0), reader('out', 1)] }),
    );
    const provision = async (...names: string[]) => {
      const { status, stdout } = await run('osdp', 'provision', file, ...names);
      return { status, lines: stdout.trimEnd().split('\n') };
    };
    const first = await provision('in');
    expect(first).toMatchObject({
      status: 0,
      lines: [
        /in\.scbk: made/,
        /out\.scbk: made/,
        /in: has the key from the factory.* who listens/,
        '✓ in: got its key',
      ].map(matching),
    });
    const key = readFileSync(join(directory, 'secrets/in.scbk'), 'utf8');
    expect(key).toMatch(/^[0-9a-f]{32}\n$/);
    expect(statSync(join(directory, 'secrets/in.scbk')).mode & 0o777).toBe(0o600);
    const second = await provision();
    expect(second.lines).toEqual([
      '✓ in: has its key already',
      expect.stringMatching(/✗ out: has another key: reset it/),
    ]);
    expect(second.status).toBe(1);
    expect(readFileSync(join(directory, 'secrets/in.scbk'), 'utf8')).toBe(key);
    expect(await run('osdp', 'set-line', file, 'in', '--address', '5', '--baud', '38400')).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('address: 5, baudRate: 38400'),
    });
    expect(await run('osdp', 'provision', file, 'nobody')).toMatchObject({ status: 2 });
  });
});
const matching = (pattern: RegExp | string) =>
  typeof pattern === 'string' ? pattern : expect.stringMatching(pattern);

/** Whether what is sent to a group comes back. */
async function hasMulticast(): Promise<boolean> {
  const socket = createSocket({ type: 'udp4', reuseAddr: true });
  onTestFinished(() => void socket.close());
  try {
    socket.bind(0);
    await once(socket, 'listening');
    socket.addMembership('239.255.255.251');
    const heard = once(socket, 'message', { signal: AbortSignal.timeout(1000) });
    socket.send('here', socket.address().port, '239.255.255.251');
    await heard;
    return true;
  } catch {
    return false;
  }
}

describe('discover', () => {
  it.each([
    ['http://10.0.0.1/onvif/device_service', 'host: 10.0.0.1, username'],
    ['http://10.0.0.1:8080/onvif/device_service', 'host: 10.0.0.1, port: 8080, username'],
    ['https://10.0.0.1/onvif/device_service', 'host: 10.0.0.1, tls: {}, username'],
    ['http://[fd00::1]/onvif/device_service', 'host: fd00::1, username'],
    ['urn:uuid:1 http://10.0.0.2/x', 'host: 10.0.0.2, username'],
  ])('makes of %s a device of the config with %s', (addresses, words) => {
    const camera = readMatch({ addresses, scopes: '' });
    expect(camera && yamlLineOf(camera)).toContain(words);
    expect(readMatch({ addresses: 'urn:uuid:1', scopes: '' })).toBeUndefined();
  });

  it('finds cameras, and gives what to write into the config', async (context) => {
    if (!(await hasMulticast())) context.skip('this machine has no multicast');
    const [port, rtspPort] = [await freePort(), await freePort()];
    const camera = await startCamera({ port, rtspPort, discovery: true });
    onTestFinished(() => camera.close());
    const { status, stdout } = await run('discover', 'onvif', '--for', '3s');
    expect(status).toBe(0);
    const lines = stdout.split('\n');
    expect(lines).toContain(
      `- { id: camera-127-0-0-1-${port}, name: Simulated SC-1, driver: onvif, host: 127.0.0.1, port: ${port}, username: admin, passwordFile: secrets/cameras } # ONVIF SC-1`,
    );
  });
});

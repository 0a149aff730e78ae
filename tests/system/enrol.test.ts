/**
 * A gateway from its code to its end: enrolled by the command line over HTTPS, let in by a real mosquitto that asks for
 * certificates, renewed while events flow, withdrawn, and refused.
 */
import { execFile } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { connect } from 'mqtt';
import { describe, expect, it, onTestFinished, type TestContext } from 'vitest';
import { parse, stringify } from 'yaml';
import { systemClock } from '../../drivers/contract/clock.ts';
import { startAuthority } from '../../gateway/platform/authority/running.ts';
import { openDatabase } from '../../gateway/platform/database/connection.ts';
import { freePort, silentLog, temporaryDirectory } from '../helpers.ts';
import { startProcess, stopProcess } from '../processes.ts';
import { rig } from './faults/rig.ts';
import { hasPostgres, postgres } from './postgres.ts';
import { isCityRun, mosquitto, need, until } from './tools.ts';

const CAMPUS = '4503000001';
const run = promisify(execFile);
const entry = join(import.meta.dirname, '../../gateway/campus-gateway.js');

/** What a command printed, and how it ended. */
async function command(...args: string[]) {
  const env = { ...process.env, CAMPUS_LANG: 'en' };
  return await run(process.execPath, [entry, ...args], { env }).then(
    ({ stdout, stderr }) => ({ status: 0, stdout, stderr }),
    ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({
      status: code,
      stdout,
      stderr,
    }),
  );
}

/** A tool of the authority. @returns what it printed. */
async function tool(...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await command('platform', ...args);
  expect(stderr.includes('Error') ? stderr : status).toBe(0);
  return stdout;
}

/** A platform that enrols over HTTPS, and a broker that lets in who it enrolled. */
async function city(context: TestContext, life: string) {
  need(context, 'mosquitto', 'openssl');
  if (!hasPostgres()) context.skip('postgresql is not installed');
  const { url } = await postgres();
  const dataDir = temporaryDirectory();
  const of = ['--database', url, '--data', dataDir];
  await tool('authority', 'certificate', 'localhost', '127.0.0.1', '--out', dataDir, ...of);
  await tool('authority', 'list', ...of);
  const file = (name: string) => join(dataDir, name);
  const ca = file('authority/authority.pem');
  writeFileSync(file('acl'), 'topic readwrite #\npattern readwrite campus/v1/%u/#\n');
  const plain = await freePort();
  const broker = await mosquitto([
    ...[`cafile ${ca}`, `certfile ${file('localhost.pem')}`, `keyfile ${file('localhost.key')}`],
    ...[
      'require_certificate true',
      'use_identity_as_username true',
      `crlfile ${file('authority/revoked.pem')}`,
    ],
    ...[`acl_file ${file('acl')}`, `listener ${plain} 127.0.0.1`],
  ]);
  await tool('uplink', `mqtts://localhost:${broker.port}`, ...of);
  const port = await freePort();
  const plainUrl = `mqtt://127.0.0.1:${plain}`;
  const page = ['--data', dataDir, '--listen', `127.0.0.1:${port}`, '--name', 'localhost'];
  const { log } = await startProcess(
    process.execPath,
    [entry, 'platform', '--events', plainUrl, '--database', url, ...page, '--certificate-life', life],
    /the page of the city is there/,
    (own) => onTestFinished(() => stopProcess(own)),
  );
  return {
    ...{ broker, of, log, url, dataDir, plain: plainUrl, address: `https://localhost:${port}` },
    codeFor: async () => /(\w{5}-){3}\w{5}/.exec(await tool('codes', CAMPUS, ...of))?.[0] ?? '',
  };
}

/** The same authority, in this process: what the platform signs with it. */
async function authorityOf({ url, dataDir }: { readonly url: string; readonly dataDir: string }) {
  const database = openDatabase(url, { time: systemClock, log: silentLog }, 2);
  onTestFinished(() => database.close());
  const running = await startAuthority({ dataDir, database, time: systemClock, log: silentLog });
  onTestFinished(() => running.close());
  return { ...running, query: database.query };
}

/** The config of a gateway that has no platform yet. */
function bareCampus(id = CAMPUS) {
  const directory = temporaryDirectory();
  const file = join(directory, 'campus.yaml');
  const config = { campus: { id, name: '一中' }, dataDir: './data', uplinks: [], devices: [] };
  writeFileSync(file, `# kept\n${stringify(config)}`);
  return { directory, file, data: join(directory, 'data') };
}

type Written = { uplinks: Record<string, unknown>[] };
/** The uplink that `enrol` wrote, with its files where they are. */
function writtenUplink({ directory, file }: ReturnType<typeof bareCampus>) {
  const [{ tls, enrolmentFile, id: _id, ...uplink } = {}] = (parse(readFileSync(file, 'utf8')) as Written)
    .uplinks;
  const files = Object.entries(tls as Record<string, string>).map(([key, name]) => [
    key,
    join(directory, name),
  ]);
  return { ...uplink, tls: Object.fromEntries(files), enrolmentFile: join(directory, String(enrolmentFile)) };
}

describe('campus-gateway enrol', { timeout: 180_000 }, () => {
  it('writes a key, a certificate and an uplink, and leaves all else as it was', async (context) => {
    const { address, codeFor } = await city(context, '1h');
    const campus = bareCampus();
    const code = await codeFor();
    const before = readFileSync(campus.file, 'utf8');
    const typo = await command(
      'enrol',
      address,
      campus.file,
      '--code',
      code.replace(/.$/, (one) => (one === 'A' ? 'B' : 'A')),
    );
    expect(typo).toMatchObject({ status: 2, stderr: expect.stringContaining('typo') });
    const other = await command('enrol', address, bareCampus('4503000002').file, '--code', code);
    expect(other).toMatchObject({ status: 1, stderr: expect.stringContaining('another campus') });
    expect(await command('enrol', address, campus.file, '--code', code, '--dry-run')).toMatchObject({
      status: 0,
    });
    expect(readFileSync(campus.file, 'utf8')).toBe(before);
    const done = await command('enrol', address, campus.file, '--code', code);
    expect(done).toMatchObject({ status: 0, stdout: expect.stringContaining('is right') });
    const written = readFileSync(campus.file, 'utf8');
    expect(written).toContain('# kept');
    for (const name of ['enrolment.police.pem', 'enrolment.police.json'])
      expect((statSync(join(campus.data, name)).mode & 0o777).toString(8)).toBe('600');
    expect(await command('check', campus.file)).toMatchObject({ status: 0 });
    // The same again changes nothing; another machine gets nothing for it.
    expect(await command('enrol', address, campus.file, '--code', code)).toMatchObject({ status: 0 });
    const copy = await command('enrol', address, bareCampus().file, '--code', code);
    expect(copy).toMatchObject({ status: 1, stderr: expect.stringContaining('used already') });
    expect(readFileSync(campus.file, 'utf8')).toBe(written);
    expect(await command('enrol', '--renew', campus.file)).toMatchObject({ status: 0 });
    // A plain listener of somebody between, and one that does not know the code.
    expect(await command('enrol', 'http://platform.example', campus.file, '--code', code)).toMatchObject({
      stderr: expect.stringContaining('https://'),
    });
  });

  it('sends the code to nobody who does not know it', async (context) => {
    const { codeFor } = await city(context, '1h');
    const other = await city(context, '1h');
    const campus = bareCampus();
    const refused = await command('enrol', other.address, campus.file, '--code', await codeFor());
    expect(refused).toMatchObject({ status: 1, stderr: expect.stringContaining('no such code') });
  });
});

/** What the gateway answers to an operator who takes an alarm: unsigned, and with the platform's signature. */
async function take(
  plain: string,
  alarm: object | undefined,
  sign: (command: { target: string; audience: string }) => Promise<object>,
) {
  const client = connect(plain);
  onTestFinished(() => void client.end(true));
  const replies: Record<string, unknown>[] = [];
  client.on('message', (_topic, payload) => {
    const reply = JSON.parse(payload.toString()) as Record<string, unknown>;
    if (String(reply['id']).startsWith('take-')) replies.push(reply);
  });
  await client.subscribeAsync(`campus/v1/${CAMPUS}/reply/#`, { qos: 1 });
  const { id: event, sequence } = alarm as { readonly id: string; readonly sequence: string };
  const command = {
    ...{ action: 'acknowledge', target: 'gateway', audience: CAMPUS },
    arguments: { event, sequence, by: '王' },
  };
  const say = (message: object) =>
    client.publishAsync(`campus/v1/${CAMPUS}/command/gateway`, JSON.stringify(message), { qos: 1 });
  await say({ ...command, id: 'take-0', issuer: 'platform' });
  const signed = { ...command, id: 'take-1' };
  await say(await sign(signed));
  await until('both are answered', () => replies.length === 2);
  return replies;
}

describe('the tools of an authority', { timeout: 180_000 }, () => {
  it('make codes for a whole city, and the next key of commands', async (context) => {
    const { of, plain, url } = await city(context, '1h');
    const database = openDatabase(url, { time: systemClock, log: silentLog }, 1);
    onTestFinished(() => database.close());
    const list = join(temporaryDirectory(), 'campuses.csv');
    const numbers = Array.from({ length: 1500 }, (_, i) => String(4_503_000_001 + i));
    writeFileSync(list, `number;name\r\n${numbers.map((one) => `${one};"中学"`).join('\r\n')}\r\n`);
    const from = performance.now();
    const lines = (await tool('codes', '--file', list, '--csv', ...of)).trim().split('\r\n');
    process.stdout.write(`1,500 codes in ${Math.round(performance.now() - from)} ms\n`);
    expect(lines).toHaveLength(1501);
    expect(new Set(lines.slice(1).map((line) => line.split(',')[1])).size).toBe(1500);
    expect(lines.slice(1).map((line) => line.split(',')[0])).toEqual(numbers);
    const campuses = (await tool('campuses', '--json', ...of)).trim().split('\n');
    expect(JSON.parse(campuses[0] ?? '')).toMatchObject({ campus: '4503000001', state: 'invited' });
    expect((await tool('keys', 'rotate', '--overlap', '30d', ...of)).trim().split('\n')).toEqual([
      expect.stringMatching(/believed until/),
      expect.stringMatching(/signs from/),
    ]);
    expect(await tool('authority', 'ca', ...of)).toMatch(/^-----BEGIN CERTIFICATE-----/);
    expect(await command('platform', 'codes', '12', ...of)).toMatchObject({ status: 2 });
    // Nobody knows it; then it is known by what came of it, with a certificate that was made elsewhere.
    const withdraw = () => command('platform', 'withdraw', '4503999999', ...of);
    expect(await withdraw()).toMatchObject({ status: 1 });
    const client = connect(plain);
    onTestFinished(() => void client.end(true));
    await client.publishAsync('campus/v1/4503999999/presence', '{"state":"online"}', {
      qos: 1,
      retain: true,
    });
    const rows = () => database.query("SELECT withdrawn_at FROM campus WHERE number = '4503999999'");
    await until('it is known', async () => (await rows()).length === 1);
    for (let again = 0; again < 2; again++)
      expect(await withdraw()).toMatchObject({
        ...{ status: 0, stdout: expect.stringContaining('never issued 4503999999 a certificate') },
      });
    expect(await rows()).toEqual([{ withdrawn_at: expect.anything() }]);
    expect(await tool('campuses', ...of)).toMatch(/4503999999 {2}withdrawn/);
  });
});

describe.runIf(isCityRun)('an enrolled gateway', { timeout: 300_000 }, () => {
  it('delivers, renews its certificate without a loss, obeys a signed word, and is refused once withdrawn', async (context) => {
    const made = await city(context, '40s');
    const { address, broker, codeFor, of, plain, log } = made;
    const own = bareCampus();
    expect(await command('enrol', address, own.file, '--code', await codeFor())).toMatchObject({ status: 0 });
    const { urls: [url = ''] = [], ...uplink } = writtenUplink(own) as { urls?: string[] };
    const campus = await rig({ url, platformUrl: plain, uplink, dataDir: own.data, pace: 50 });
    campus.start();
    await until('events arrive', () => campus.events.length > 50);
    const certificate = () => readFileSync(join(own.data, 'enrolment.police.pem'), 'utf8');
    const first = certificate();
    const connections = () =>
      broker.log().filter((line) => line.includes(`New client connected`) && line.includes(`u'${CAMPUS}'`))
        .length;
    expect(connections()).toBe(1);

    const { authority, query } = await authorityOf(made);
    const alarm = campus.events.find(({ type }) => type === 'cn.campus.alarm.raised');
    const [unsigned, signed] = await take(
      plain,
      alarm,
      async (one) => (await authority()?.signCommand(one)) ?? {},
    );
    expect(unsigned).toMatchObject({ id: 'take-0', done: false, reason: expect.stringContaining('signed') });
    expect(signed).toMatchObject({ id: 'take-1', done: true });

    await until('it is renewed', () => certificate() !== first, 60_000);
    await until('it is connected with the new one', () => connections() > 1, 60_000);
    const renewals = 'campus_enrolment_renewals_total{uplink="police",outcome="done"}';
    expect(await campus.metric(renewals)).toBeGreaterThan(0);
    expect(await campus.settle('renewed')).toMatchObject({ lost: [], twice: 0 });

    campus.start();
    await tool('withdraw', CAMPUS, '--reason', 'closed', ...of);
    // It is connected still, and says what it says to nobody.
    const told = () => log.some((line) => line.includes('a campus that is withdrawn'));
    await until('the platform confirms nothing of it', told, 30_000);
    await broker.stop();
    await broker.start();
    type State = { readonly state?: string; readonly reason?: string; readonly backlog?: number };
    const health = async () => {
      const { uplinks, enrolments } = (await campus.health()) as unknown as Record<
        string,
        { police?: State }
      >;
      return { uplink: uplinks?.['police'], enrolment: enrolments?.['police'] };
    };
    const isWithdrawn = async () => (await health()).enrolment?.state === 'withdrawn';
    await until('it says that it is withdrawn', isWithdrawn, 60_000);
    const isRefused = async () => /revoked/.test((await health()).uplink?.reason ?? '');
    await until('the broker refuses it', isRefused, 60_000);
    process.stdout.write(`${JSON.stringify(await health())}\n`);
    expect(await tool('campuses', ...of)).toMatch(/4503000001 {2}withdrawn .*closed/);
    expect(await query('SELECT number FROM campus WHERE withdrawn_at IS NOT NULL')).toEqual([
      { number: CAMPUS },
    ]);
    expect(await command('enrol', '--renew', own.file)).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('withdrawn this campus'),
    });

    // Another code, beside the gateway that runs: it takes the new certificate up, and what it kept comes.
    expect(await command('enrol', address, own.file, '--code', await codeFor())).toMatchObject({ status: 0 });
    await until('it is let in again', async () => (await health()).uplink?.state === 'connected', 90_000);
    expect(await campus.settle('enrolled again')).toMatchObject({ lost: [], twice: 0 });
    await until('the platform confirms it', async () => (await health()).uplink?.backlog === 0, 60_000);
  });
});

/** The doctor at a real mosquitto that lets a gateway say and hear some things only, with TLS of its own authority. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { temporaryDirectory } from '../helpers.ts';
import { mosquitto, need } from './tools.ts';

const PREFIX = 'campus/v1/4503000001';
const RIGHTS = `user gateway
topic write ${PREFIX}/event/alarm/#
topic readwrite ${PREFIX}/state/#
topic read ${PREFIX}/ack
topic read ${PREFIX}/notice/+
`;

function openssl(directory: string, ...args: string[]) {
  execFileSync('openssl', args, { cwd: directory, stdio: 'pipe' });
}

async function school(uplink: object = {}, password = 'right', scheme = 'mqtts') {
  const directory = temporaryDirectory();
  const own = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '20'];
  const named = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  openssl(directory, 'req', '-x509', ...own, '-keyout', 'key', '-out', 'pem', ...named);
  execFileSync('mosquitto_passwd', ['-b', '-c', join(directory, 'users'), 'gateway', 'right']);
  writeFileSync(join(directory, 'rights'), RIGHTS);
  writeFileSync(join(directory, 'pw'), `${password}\n`, { mode: 0o600 });
  const secure = [`certfile ${join(directory, 'pem')}`, `keyfile ${join(directory, 'key')}`];
  const broker = await mosquitto([
    ...(scheme === 'mqtts' ? secure : []),
    'allow_anonymous false',
    `password_file ${join(directory, 'users')}`,
    `acl_file ${join(directory, 'rights')}`,
  ]);
  const config = join(directory, 'campus.yaml');
  const city = {
    ...{ id: 'city', url: `${scheme}://localhost:${broker.port}`, username: 'gateway', passwordFile: 'pw' },
    ...(scheme === 'mqtts' && { tls: { caFile: 'pem' } }),
    ...{ events: ['alarm.*', 'device.*'], receipts: true, ...uplink },
  };
  writeFileSync(
    config,
    stringify({ campus: { id: '4503000001', name: 'T' }, dataDir: 'data', uplinks: [city] }),
    { mode: 0o600 },
  );
  // A process: the limits of a connection are of the machine's own time.
  const program = join(import.meta.dirname, '../../gateway/campus-gateway.js');
  const env = { ...process.env, CAMPUS_LANG: 'en' };
  const child = spawn(process.execPath, [program, 'doctor', config], { env });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    stdout += piece;
  });
  const [status] = (await once(child, 'close')) as [number];
  const told = stdout.split('\n').filter((line) => line.includes('platforms: city'));
  const logins = broker.log().filter((line) => /New client connected|not authorised|bad user/i.test(line));
  return { status, told: told.join('\n'), logins };
}

describe('the doctor at a broker', { timeout: 60_000 }, () => {
  it('says what may be said and heard, topic by topic, and when the certificate ends', async (context) => {
    need(context, 'mosquitto', 'mosquitto_passwd', 'openssl');
    const { status, told } = await school();
    expect(status).toBe(1);
    expect(told).toMatch(/^✓ platforms: city: mqtts:\S+: it lets us in \(MQTT 5\)$/m);
    expect(told).toMatch(
      /^! platforms: city: mqtts:\S+: its certificate ends in (19|20) days: ask for a new one now$/m,
    );
    expect(told).toMatch(
      new RegExp(`^✗ .*it takes nothing at ${PREFIX}/event/device/doctor \\(.*\\): ask`, 'm'),
    );
    expect(told).toMatch(new RegExp(`^✓ .*it takes and gives back: ${PREFIX}/state/doctor$`, 'm'));
    expect(told).toMatch(new RegExp(`^✓ .*it takes: ${PREFIX}/event/alarm/doctor$`, 'm'));
    expect(told).toMatch(/^! .*no receipt stands at \S+\/ack yet/m);
  });

  it('says of MQTT 3.1.1, which has no word for a refusal, what cannot be seen', async (context) => {
    need(context, 'mosquitto', 'mosquitto_passwd', 'openssl');
    const { told } = await school({ mqttVersion: '3.1.1' });
    expect(told).toMatch(/it lets us in \(MQTT 3\.1\.1\)/);
    expect(told).toMatch(/^! .*whether it passes on .*event\/device\/doctor.* cannot be seen/m);
  });

  it('shows a wrong password once, and an authority that nobody knows', async (context) => {
    need(context, 'mosquitto', 'mosquitto_passwd', 'openssl');
    const wrong = await school({}, 'wrong');
    expect(wrong.status).toBe(1);
    expect(wrong.told).toMatch(
      /^✗ .*it refuses who we are: look at `username`, `passwordFile`.*not tried again$/m,
    );
    expect(wrong.logins.length).toBeLessThanOrEqual(1);
    const unknown = await school({ tls: {} });
    expect(unknown.told).toMatch(/^✗ .*signed by nobody that is known here: put .* into `tls\.caFile`$/m);
  });
});

/** One node of each broker as docs/city tells to set it up: TLS, certificates of campuses, what each may. */
import { execFileSync, spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { systemClock } from '../../../drivers/contract/clock.ts';
import { sourceFor } from '../../../gateway/platform/sources/index.ts';
import { freePort, silentLog, temporaryDirectory } from '../../helpers.ts';
import { startProcess, stopProcess } from '../../processes.ts';
import { configOf } from './cluster.ts';

const docs = join(import.meta.dirname, '../../../docs/city');
const PASSWORD = 'of-the-platform';

/** The source of `campus-gateway platform` itself, as the user `platform`. */
export interface PlatformAtBroker {
  /** `topic payload` of what it was brought. */
  readonly heard: readonly string[];
  publish(topic: string, payload: string): Promise<unknown>;
}
export interface Secured {
  readonly port: number;
  readonly platform: PlatformAtBroker;
  /** Takes the rights of a campus away, as docs/city.md says. */
  withdraw(campus: string): Promise<void>;
}

export interface Authority {
  file(name: string): string;
  /** docs/city/ca.sh */
  run(...args: string[]): string;
}
/** The city's authority, by docs/city/ca.sh. */
export function authority(): Authority {
  const folder = join(temporaryDirectory(), 'ca');
  const run = (...args: string[]) =>
    execFileSync('sh', [join(docs, 'ca.sh'), ...args], {
      encoding: 'utf8',
      env: { ...process.env, CA: folder, CA_PASSWORD: 'of-the-authority' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  run('init');
  run('broker', 'localhost', '127.0.0.1');
  return { run, file: (name) => join(folder, name) };
}

async function running(program: Parameters<typeof startProcess>): Promise<() => void> {
  const { child } = await startProcess(...program);
  onTestFinished(() => stopProcess(child, 'SIGKILL'));
  return () => void child.kill('SIGHUP');
}
const notLeft = () => {};

async function platformAt(url: string, ca: Authority): Promise<PlatformAtBroker> {
  const heard: string[] = [];
  const hear = (topic: string, payload: Uint8Array) => void heard.push(`${topic} ${Buffer.from(payload)}`);
  const open = await sourceFor(url);
  const source = await open(
    {
      ...{ url, group: 'platform', name: 'platform-1', root: 'campus/v1', receipts: true },
      ...{ username: 'platform', password: PASSWORD, ca: readFileSync(ca.file('ca.crt')) },
    },
    {
      onEvent: async (topic, payload) => hear(topic, payload),
      onNote: hear,
      onState() {},
      ...{ time: systemClock, log: silentLog, signal: new AbortController().signal },
    },
  );
  onTestFinished(() => source.close());
  return { heard, publish: (topic, payload) => source.publish(topic, payload) };
}

export async function mosquittoByDocs(ca: Authority): Promise<Secured> {
  const folder = temporaryDirectory();
  const [port, ofPlatform] = await Promise.all([freePort(), freePort()]);
  const text = configOf('mosquitto.conf', {
    'listener 8883': `user root\nlog_dest stderr\nlistener ${port} 127.0.0.1`,
    'listener 8884': `listener ${ofPlatform} 127.0.0.1`,
    '/etc/mosquitto/certs/ca.crl': join(folder, 'ca.crl'),
    '/etc/mosquitto/certs/broker': ca.file('localhost'),
    '/etc/mosquitto/certs': ca.file('.'),
    '/etc/mosquitto/passwords': join(folder, 'passwords'),
    '/etc/mosquitto/campus.acl': join(folder, 'campus.acl'),
  });
  // As on Debian: its own file says where what it keeps is, and takes up ours.
  const debian = `persistence true\npersistence_location ${folder}/\ninclude_dir ${join(folder, 'conf.d')}\n`;
  writeFileSync(join(folder, 'mosquitto.conf'), debian);
  mkdirSync(join(folder, 'conf.d'));
  writeFileSync(join(folder, 'conf.d/city.conf'), text);
  copyFileSync(ca.file('ca.crl'), join(folder, 'ca.crl'));
  const acl = readFileSync(join(docs, 'mosquitto.acl'), 'utf8');
  writeFileSync(join(folder, 'campus.acl'), acl);
  execFileSync('mosquitto_passwd', ['-b', '-c', join(folder, 'passwords'), 'platform', PASSWORD]);
  const args = ['-c', join(folder, 'mosquitto.conf')];
  const reload = await running(['mosquitto', args, /mosquitto version .* running/, notLeft]);
  return {
    port,
    platform: await platformAt(`mqtts://localhost:${ofPlatform}`, ca),
    async withdraw(campus) {
      copyFileSync(ca.file('ca.crl'), join(folder, 'ca.crl'));
      const denied = acl.replace(/^# (?=user 4503000099|topic deny)/gm, '').replaceAll('4503000099', campus);
      writeFileSync(join(folder, 'campus.acl'), denied);
      reload();
    },
  };
}

export async function rabbitmqByDocs(ca: Authority, campuses: readonly string[]): Promise<Secured> {
  const home = temporaryDirectory();
  const ports = await Promise.all([freePort(), freePort(), freePort(), freePort()]);
  const [amqps, mqtts, distribution, epmd] = ports;
  const tls = configOf('rabbitmq-tls.conf', {
    'ssl.default = 8883': `ssl.default = 127.0.0.1:${mqtts}`,
    'ssl.default = 5671': `ssl.default = 127.0.0.1:${amqps}`,
    '/etc/rabbitmq/certs/ca.crt': ca.file('ca.crt'),
    '/etc/rabbitmq/certs/broker': ca.file('localhost'),
  });
  mkdirSync(join(home, 'conf.d'));
  const plain = readFileSync(join(docs, 'rabbitmq.conf'), 'utf8').replace(/^cluster_.*\n/gm, '');
  writeFileSync(join(home, 'rabbitmq.conf'), plain);
  writeFileSync(join(home, 'conf.d', 'tls.conf'), tls);
  writeFileSync(join(home, 'plugins'), '[rabbitmq_mqtt].\n');
  const env = {
    ...{ HOME: home, RABBITMQ_NODENAME: `city${mqtts}@localhost`, RABBITMQ_LOGS: '-' },
    RABBITMQ_CONFIG_FILE: join(home, 'rabbitmq.conf'),
    RABBITMQ_CONFIG_FILES: join(home, 'conf.d'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(home, 'plugins'),
    RABBITMQ_MNESIA_BASE: join(home, 'db'),
    RABBITMQ_LOG_BASE: join(home, 'log'),
    RABBITMQ_DIST_PORT: String(distribution),
    ...{ ERL_EPMD_ADDRESS: '127.0.0.1', ERL_EPMD_PORT: String(epmd) },
    // Erlang takes the place of the script, or it outlives it.
    RUNNING_UNDER_SYSTEMD: 'true',
    ERL_CRASH_DUMP_SECONDS: '0',
  };
  onTestFinished(() => void spawn('epmd', ['-port', String(epmd), '-kill'], { stdio: 'ignore' }));
  const command = ['-c', 'exec /usr/lib/rabbitmq/bin/rabbitmq-server 1>&2'];
  await running(['/bin/sh', command, /Server startup complete/, notLeft, env]);
  const rabbitmqctl = (...args: string[]) =>
    execFileSync('/usr/lib/rabbitmq/bin/rabbitmqctl', args, {
      env: { ...process.env, ...env },
      stdio: 'pipe',
    });
  const users = execFileSync('sh', [join(docs, 'rabbitmq-users.sh')], { input: `${campuses.join('\n')}\n` });
  writeFileSync(join(home, 'campuses.json'), users);
  rabbitmqctl('import_definitions', join(home, 'campuses.json'));
  const page = readFileSync(join(docs, '../city.md'), 'utf8');
  for (const [, line = ''] of page.matchAll(
    /^sudo rabbitmqctl ((?:add_user|set_(?:topic_)?permissions) .*)$/gm,
  ))
    rabbitmqctl(...wordsOf(line.replace('PASSWORD', PASSWORD)));
  return {
    port: mqtts,
    platform: await platformAt(`amqps://localhost:${amqps}`, ca),
    async withdraw(campus) {
      rabbitmqctl('delete_user', campus);
      rabbitmqctl('close_all_user_connections', campus, 'withdrawn');
    },
  };
}

/** A line of a shell with single quotes, in its words. */
const wordsOf = (line: string): string[] =>
  [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');

export async function natsByDocs(ca: Authority, campuses: readonly string[]): Promise<Secured> {
  const folder = temporaryDirectory();
  const [own, mqtts, monitor] = await Promise.all([freePort(), freePort(), freePort()]);
  // One node has no cluster, and one copy of what it keeps.
  const alone = configOf('nats.conf', {
    '0.0.0.0:4222': `127.0.0.1:${own}`,
    '127.0.0.1:8222': `127.0.0.1:${monitor}`,
    '/var/lib/nats': folder,
  }).replace(/^cluster \{[^}]*\}/m, '');
  writeFileSync(join(folder, 'nats.conf'), alone);
  const tls = configOf('nats-tls.conf', {
    '0.0.0.0:8883': `127.0.0.1:${mqtts}`,
    'stream_replicas: 3': 'stream_replicas: 1',
    '/etc/nats/certs/ca.crt': ca.file('ca.crt'),
    '/etc/nats/certs/broker': ca.file('localhost'),
  });
  writeFileSync(join(folder, 'nats-tls.conf'), tls);
  const allow = (those: readonly string[]) =>
    writeFileSync(
      join(folder, 'users.conf'),
      execFileSync('sh', [join(docs, 'nats-users.sh')], {
        input: `${those.join('\n')}\n`,
        env: { ...process.env, PLATFORM_PASSWORD: PASSWORD },
      }),
    );
  allow(campuses);
  const args = ['-c', join(folder, 'nats-tls.conf')];
  const reload = await running(['nats-server', args, /Server is ready/, notLeft]);
  return {
    port: mqtts,
    platform: await platformAt(`tls://localhost:${own}`, ca),
    async withdraw(campus) {
      allow(campuses.filter((one) => one !== campus));
      reload();
    },
  };
}

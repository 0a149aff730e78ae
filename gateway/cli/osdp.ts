import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { parse } from 'yaml';
import { say } from '../../config/language.ts';
import type { Device, Outcome } from '../../drivers/contract/driver.ts';
import { superviseDevices } from '../main.ts';
import { createLog } from '../observe/log.ts';
import { type Command, configOrErrors, UsageError } from './command.ts';

export const osdp: Command = {
  name: 'osdp',
  summary: ['Give OSDP readers their keys and their addresses', '为 OSDP 读卡器设置密钥和地址'],
  usage: `campus-gateway osdp provision CONFIG [DEVICE...]
campus-gateway osdp set-line  CONFIG DEVICE --address N --baud N

  provision   Gives each reader with a keyFile its own key, over the one that every reader has from the factory.
              A key file that is not there is made (random, readable by its owner alone). A reader that has its
              key already is left alone; one that has another key must be reset first, by its maker's instructions.
  set-line    Gives a reader another address or baud rate; the config must then say the same.
  DEVICE      default: all of the config

Stop the gateway first: it holds the line. Do this where nobody listens: the key travels under a key that
everybody knows.

  campus-gateway osdp provision /etc/campus-gateway/campus.yaml gate-in`,

  async run(args) {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: { address: { type: 'string' }, baud: { type: 'string' } },
    });
    const [what, file, ...names] = positionals;
    if ((what !== 'provision' && what !== 'set-line') || file === undefined)
      throw new UsageError(
        say('provision or set-line, and a config file', 'provision 或 set-line，及配置文件'),
      );
    if (what === 'provision') makeKeys(file);
    const config = configOrErrors(file);
    if (config === undefined) return 1;
    const readers = config.devices.filter(
      ({ id, driver }) => driver === 'osdp' && (names.length === 0 || names.includes(id)),
    );
    const unknown = names.filter((name) => !readers.some(({ id }) => id === name));
    if (unknown.length > 0)
      throw new UsageError(
        say(`no OSDP reader: ${unknown.join(', ')}`, `没有 OSDP 读卡器：${unknown.join('、')}`),
      );
    if (what === 'set-line') {
      const [reader] = readers;
      if (
        names.length !== 1 ||
        reader === undefined ||
        values.address === undefined ||
        values.baud === undefined
      )
        throw new UsageError(say('one DEVICE, --address and --baud', '一个设备、--address 和 --baud'));
      const wanted = { address: Number(values.address), baudRate: Number(values.baud) };
      const outcome = await tell(reader, 'set-line', wanted);
      if (!outcome.done) return report(reader.id, false, outcome.reason);
      const words = `address: ${wanted.address}, baudRate: ${wanted.baudRate}`;
      return report(
        reader.id,
        true,
        say(`done; now write in the config: ${words}`, `完成；请在配置中写入：${words}`),
      );
    }
    let failures = 0;
    for (const reader of readers.filter(hasKey)) failures += await provision(reader);
    return failures === 0 ? 0 : 1;
  },
};

interface ReaderOptions {
  readonly keyFile?: string;
}
const hasKey = ({ options }: Device) => (options as ReaderOptions).keyFile !== undefined;
/** A reader answers within 0.2 s; a line of 127 readers that are away is not what this waits for. */
const ANSWER_MS = 3000;

/** Makes the key files that a config names and that are not there. What is wrong with the config is told later. */
function makeKeys(file: string) {
  let raw: { devices?: unknown } | null;
  try {
    raw = parse(readFileSync(file, 'utf8')) as typeof raw;
  } catch {
    return;
  }
  for (const device of Array.isArray(raw?.devices) ? raw.devices : []) {
    const { driver, keyFile } = (device ?? {}) as Record<string, unknown>;
    if (driver !== 'osdp' || typeof keyFile !== 'string') continue;
    const path = resolve(dirname(resolve(file)), keyFile);
    if (existsSync(path)) continue;
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(path, `${randomBytes(16).toString('hex')}\n`, { mode: 0o600, flag: 'wx' });
    process.stdout.write(`${path}: ${say('made', '已生成')}\n`);
  }
}

function report(id: string, good: boolean, words: string): 0 | 1 {
  process.stdout.write(`${good ? '✓' : '✗'} ${id}: ${words}\n`);
  return good ? 0 : 1;
}

/** Opens the reader's line, waits until it answers, and does something there. undefined: it does not answer so. */
async function at<T>(reader: Device, work: (execute: Execute) => Promise<T>): Promise<T | undefined> {
  const supervisor = superviseDevices([reader], createLog('fatal'));
  try {
    const until = performance.now() + ANSWER_MS;
    while (supervisor.online(reader.id) !== true) {
      if (performance.now() > until) return undefined;
      await delay(20);
    }
    return await work((action, wanted) =>
      supervisor.execute({ id: action, device: reader.id, action, arguments: wanted }),
    );
  } finally {
    await supervisor.close();
  }
}
type Execute = (action: string, wanted: Readonly<Record<string, unknown>>) => Promise<Outcome>;

const silent = (reader: Device): Outcome => ({
  done: false,
  reason: say(`${reader.id} does not answer`, `${reader.id} 无应答`),
});
const tell = async (reader: Device, action: string, wanted: Readonly<Record<string, unknown>>) =>
  (await at(reader, (execute) => execute(action, wanted))) ?? silent(reader);

async function provision(reader: Device): Promise<0 | 1> {
  const answers = async () => true;
  if ((await at(reader, answers)) === true)
    return report(reader.id, true, say('has its key already', '已有其密钥'));
  const { keyFile, ...rest } = reader.options as ReaderOptions;
  const key = readFileSync(keyFile ?? '', 'utf8').trim();
  const asFromFactory = { ...reader, options: { ...rest, defaultKey: true } };
  const set = await at(asFromFactory, (execute) => execute('set-key', { key }));
  if (set === undefined)
    return report(
      reader.id,
      false,
      say(
        'does not answer, or has another key: check its wiring and address, or reset it by its maker’s instructions',
        '无应答或已有其他密钥：请检查接线与地址，或按厂家说明复位',
      ),
    );
  if (!set.done) return report(reader.id, false, set.reason);
  if ((await at(reader, answers)) === true) return report(reader.id, true, say('got its key', '密钥已写入'));
  return report(
    reader.id,
    false,
    say('took the key, and does not answer under it', '已接收密钥，但用该密钥无应答'),
  );
}

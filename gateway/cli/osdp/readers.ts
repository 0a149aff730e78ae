/** Readers without a gateway around them: given their keys, their addresses and baud rates. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import { say } from '../../../config/language.ts';
import type { Clock } from '../../../drivers/contract/clock.ts';
import type { Device, Driver, Outcome } from '../../../drivers/contract/driver.ts';
import { drivers } from '../../../drivers/index.ts';
import { startSupervisor } from '../../devices/supervisor.ts';
import { createLog } from '../../observe/log.ts';
import { createMetrics } from '../../observe/metrics.ts';
import type { Terminal } from '../command.ts';

interface ReaderOptions {
  readonly keyFile?: string;
}
const hasKey = ({ options }: Device) => (options as ReaderOptions).keyFile !== undefined;
/** A reader answers within 0.2 s; a line of 127 readers that are away is not what this waits for. */
const ANSWER_MS = 3000;

/** Makes the key files that a config names and that are not there. What is wrong with the config is told later. */
export function makeKeys(file: string, { stdout }: Terminal) {
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
    stdout.write(`${path}: ${say('made', '已生成')}\n`);
  }
}

function report({ stdout }: Terminal, id: string, good: boolean, words: string): 0 | 1 {
  stdout.write(`${good ? '✓' : '✗'} ${id}: ${words}\n`);
  return good ? 0 : 1;
}

/** Opens the reader's line, waits until it answers, and does something there. undefined: it does not answer so. */
async function at<T>(
  reader: Device,
  clock: Clock,
  work: (execute: Execute) => Promise<T>,
): Promise<T | undefined> {
  // No gateway is around it: what it observes goes nowhere.
  const supervisor = startSupervisor([reader], {
    drivers: drivers as readonly Driver[],
    record: async () => ({ sequence: null, id: null, repeated: true }),
    keep: async () => '',
    time: clock,
    log: createLog('fatal'),
    metrics: createMetrics(),
  });
  try {
    const until = clock.elapsed() + ANSWER_MS;
    while (supervisor.online(reader.id) !== true) {
      if (clock.elapsed() > until) return undefined;
      await clock.wait(20);
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
/** @returns the exit status. */
export async function setLine(
  reader: Device,
  wanted: { readonly address: number; readonly baudRate: number },
  terminal: Terminal,
): Promise<0 | 1> {
  const set = await at(reader, terminal.clock, (execute) => execute('set-line', wanted));
  const outcome = set ?? silent(reader);
  if (!outcome.done) return report(terminal, reader.id, false, outcome.reason);
  const words = `address: ${wanted.address}, baudRate: ${wanted.baudRate}`;
  const done = say(`done; now write in the config: ${words}`, `完成；请在配置中写入：${words}`);
  return report(terminal, reader.id, true, done);
}

/** @returns the exit status: 1 where some reader has not got its key. */
export async function provisionReaders(readers: readonly Device[], terminal: Terminal): Promise<0 | 1> {
  let failures = 0;
  for (const reader of readers.filter(hasKey)) failures += await provision(reader, terminal);
  return failures === 0 ? 0 : 1;
}

async function provision(reader: Device, terminal: Terminal): Promise<0 | 1> {
  const answers = async () => true;
  const tell = (good: boolean, words: string) => report(terminal, reader.id, good, words);
  if ((await at(reader, terminal.clock, answers)) === true)
    return tell(true, say('has its key already', '已有其密钥'));
  const { keyFile, ...rest } = reader.options as ReaderOptions;
  const key = readFileSync(keyFile ?? '', 'utf8').trim();
  const asFromFactory = { ...reader, options: { ...rest, defaultKey: true } };
  const set = await at(asFromFactory, terminal.clock, (execute) => execute('set-key', { key }));
  if (set === undefined)
    return tell(
      false,
      say(
        'does not answer, or has another key: check its wiring and address, or reset it by its maker’s instructions',
        '无应答或已有其他密钥：请检查接线与地址，或按厂家说明复位',
      ),
    );
  if (!set.done) return tell(false, set.reason);
  if ((await at(reader, terminal.clock, answers)) === true)
    return tell(true, say('got its key', '密钥已写入'));
  return tell(false, say('took the key, and does not answer under it', '已接收密钥，但用该密钥无应答'));
}

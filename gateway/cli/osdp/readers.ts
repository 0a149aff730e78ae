/** Readers without a gateway around them: given their keys, their addresses and baud rates. */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import { say } from '../../../config/language.ts';
import type { Clock } from '../../../drivers/contract/clock.ts';
import type { Device, Driver, Outcome } from '../../../drivers/contract/driver.ts';
import { CONFIG_FILE_MAX, readTextOf, SECRET_FILE_MAX } from '../../../drivers/files.ts';
import { drivers } from '../../../drivers/index.ts';
import { startSupervisor } from '../../devices/supervisor.ts';
import { makeFolder, writePrivate } from '../../lifecycle/private-files.ts';
import { createLog } from '../../observe/log.ts';
import { createMetrics } from '../../observe/metrics.ts';
import { printable } from '../../printable.ts';
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
    raw = parse(readTextOf(file, CONFIG_FILE_MAX)) as typeof raw;
  } catch {
    return;
  }
  for (const device of Array.isArray(raw?.devices) ? raw.devices : []) {
    const { driver, keyFile } = (device ?? {}) as Record<string, unknown>;
    if (driver !== 'osdp' || typeof keyFile !== 'string') continue;
    const path = resolve(dirname(resolve(file)), keyFile);
    if (existsSync(path)) continue;
    makeFolder(dirname(path));
    writePrivate(path, `${randomBytes(16).toString('hex')}\n`);
    stdout.write(`${path}: ${say('made', '已生成')}\n`);
  }
}

function report({ stdout }: Terminal, id: string, good: boolean, words: string): 0 | 1 {
  stdout.write(`${good ? '✓' : '✗'} ${id}: ${printable(words)}\n`);
  return good ? 0 : 1;
}

/** What came of it: what `work` made, or why the reader cannot be spoken with; undefined: it does not answer. */
type Met<T> = { readonly made: T } | { readonly refusal: string | undefined };

/** Opens the reader's line, waits until it answers, and does something there. */
async function at<T>(reader: Device, clock: Clock, work: (execute: Execute) => Promise<T>): Promise<Met<T>> {
  let refusal: string | undefined;
  const supervisor = startSupervisor([reader], {
    drivers: drivers as readonly Driver[],
    // No gateway is around it: of what it observes only what is wrong with its key goes anywhere.
    async record({ kind, state, cause }) {
      if (kind === 'fault' && state === 'raised' && cause !== 'default-key') refusal = cause;
      return { sequence: null, id: null, repeated: true };
    },
    keep: async () => '',
    isolated: () => Promise.reject(new Error('nothing is read apart here')),
    time: clock,
    log: createLog('fatal'),
    metrics: createMetrics(),
  });
  try {
    const until = clock.elapsed() + ANSWER_MS;
    while (supervisor.online(reader.id) !== true) {
      if (clock.elapsed() > until) return { refusal };
      await clock.wait(20);
    }
    const made = await work((action, wanted) =>
      supervisor.execute({ id: action, device: reader.id, action, arguments: wanted }),
    );
    return { made };
  } finally {
    await supervisor.close();
  }
}
type Execute = (action: string, wanted: Readonly<Record<string, unknown>>) => Promise<Outcome>;

/** Why a reader cannot be spoken with, in the words of an operator. */
function refusalOf(refusal: string | undefined): string {
  switch (refusal) {
    case 'wrong-key':
      return say('has another key: reset it by its maker’s instructions', '使用其他密钥：请按厂家说明复位');
    case 'factory-key':
      return say('still has the key from the factory', '仍使用出厂密钥');
    case 'no-secure-channel':
      return say('does not take the secure channel', '不支持安全通道');
    case 'needs-key':
      return say('demands the secure channel: it needs a keyFile', '要求安全通道：需要 keyFile');
    default:
      return say('does not answer: check its wiring and address', '无应答：请检查接线与地址');
  }
}
/** @returns the exit status. */
export async function setLine(
  reader: Device,
  wanted: { readonly address: number; readonly baudRate: number },
  terminal: Terminal,
): Promise<0 | 1> {
  const set = await at(reader, terminal.clock, (execute) => execute('set-line', wanted));
  if ('refusal' in set) return report(terminal, reader.id, false, refusalOf(set.refusal));
  if (!set.made.done) return report(terminal, reader.id, false, set.made.reason);
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

/**
 * Its own key goes over the wire inside a secure session and never otherwise (the driver sees to that). What the reader
 * said to it is not believed, one way or the other: some acknowledge in clear, or not at all. What counts is a new
 * session under the new key.
 */
async function provision(reader: Device, terminal: Terminal): Promise<0 | 1> {
  const tell = (good: boolean, words: string) => report(terminal, reader.id, good, words);
  const { keyFile, ...rest } = reader.options as ReaderOptions;
  const key = readTextOf(keyFile ?? '', SECRET_FILE_MAX).trim();
  const asFromFactory = { ...reader, options: { ...rest, defaultKey: true } };
  const found = await at(reader, terminal.clock, async () => true);
  if ('made' in found) return tell(true, say('has its key already', '已有其密钥'));
  const set = await at(asFromFactory, terminal.clock, (execute) => {
    const aloud = say(
      'has the key from the factory: its own is sent under that now, and who listens on the line can read it',
      '使用出厂密钥：现以该密钥发送新密钥，线路上的监听者可读取',
    );
    terminal.stdout.write(`… ${reader.id}: ${aloud}\n`);
    return execute('set-key', { key });
  });
  if ('refusal' in set) {
    // One that has a key of its own may refuse a session under the factory's altogether (D.7): it said what it has before.
    const why = found.refusal === 'wrong-key' ? found.refusal : set.refusal;
    return tell(false, refusalOf(why));
  }
  if ('made' in (await at(reader, terminal.clock, async () => true)))
    return tell(true, say('got its key', '密钥已写入'));
  if (!set.made.done && set.made.unknown !== true) return tell(false, set.made.reason);
  const back = await at(asFromFactory, terminal.clock, async () => true);
  return tell(
    false,
    'made' in back
      ? say('did not take the key: it still has the one from the factory', '未接收密钥：仍使用出厂密钥')
      : say(
          `took the key, perhaps, and now answers under neither; ${refusalOf(back.refusal)}`,
          `密钥可能已接收，但两种密钥均无应答；${refusalOf(back.refusal)}`,
        ),
  );
}

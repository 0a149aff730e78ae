/**
 * A config that changed, taken up while the gateway runs. SIGHUP, the command line, systemd and the console take one road:
 * check (in a thread apart), difference, then only what changed restarts (take-up.ts). What is wrong changes nothing, and so
 * does what cannot be started: half of a config is none that anybody wrote.
 */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { ConfigError } from '../../config/load.ts';
import type { Config } from '../../config/schema.ts';
import type { Clock } from '../../drivers/contract/clock.ts';
import type { Log } from '../../drivers/contract/driver.ts';
import { CONFIG_FILE_MAX, loadBytesOf } from '../../drivers/files.ts';
import { noteConfig, noteRefusedConfig } from '../commands/audit.ts';
import type {
  ConfigApplied,
  ConfigDifference,
  ConfigMistake,
  Reloading,
} from '../console/contract/config.ts';
import type { Journal } from '../journal/index.ts';
import { createIsolated } from '../lifecycle/isolated.ts';
import { replaceFile } from '../lifecycle/replace-file.ts';
import type { WallClock } from '../observe/clock.ts';
import { isoOf } from '../road/event.ts';
import type { ReadApart, readApart, ToRead } from './apart.ts';
import { differenceOf } from './difference.ts';
import type { TakeUp } from './take-up.ts';
import { hashOf, openVersions, type Versions } from './versions.ts';

interface Words {
  readonly en: string;
  readonly zh: string;
}

/** What came of a reload, for /health and the console. Nothing of the config but names of sections, ids and keys. */
export interface Reloaded {
  /** From 1, since the start. */
  readonly number: number;
  /** RFC 3339. */
  readonly at: string;
  readonly by: string;
  readonly done: boolean;
  readonly changes: readonly Words[];
  readonly errors: readonly Words[];
  readonly why?: Words;
  readonly version?: string;
}

export interface Reload extends Reloading {
  /** Reads the config's file again and takes it up. `by`: who asked, where that is known. Never rejects. */
  reload(by?: string): Promise<ConfigApplied>;
  /** For who has this machine (observe/local.ts). */
  readonly acts: Readonly<Record<'reload' | 'config-difference' | 'config-versions', Act>>;
  /** The last one since the start. */
  last(): Reloaded | undefined;
  /** Keeps the config that it starts with as a version. Never rejects. */
  begin(): Promise<void>;
  /** Resolves when none is under way. */
  close(): Promise<void>;
}

type Act = (given: unknown) => Promise<object>;
const asked = z.strictObject({ by: z.string().min(1).max(100) });

export interface ReloadContext {
  readonly takeUp: Pick<TakeUp<never>, 'config' | 'take'>;
  /** Ports that another config needs and another program has. */
  readonly takenPorts: (next: Config) => Promise<readonly Words[]>;
  /** Whether the gateway was started with simulators that its console drives. */
  readonly hasSimulators: boolean;
  readonly journal: Pick<Journal, 'audit' | 'auditChange'>;
  readonly clock: Pick<WallClock, 'now'>;
  readonly time: Clock;
  readonly log: Log;
}

/** Who did it, where nobody said. */
const SIGNAL = 'signal';
const START = 'start';
/** What asked for the new config gets its answer before the part that answers is made anew. */
const ANSWER_MS = 1000;
/** A config of 4 MB on a slow machine. */
const READ_MS = 60_000;
const READ_HEAP_MB = 400;
/** More stand in nobody's hand. */
const WAITING_MAX = 8;

const nothing = { changes: [], errors: [] } satisfies ConfigDifference;
const failed = (why: Words): ConfigApplied => ({ ...nothing, done: false, why });
const same = (text: string): Words => ({ en: text, zh: text });

type Read =
  | { readonly refused: ConfigDifference }
  | {
      readonly next: Config;
      readonly difference: ConfigDifference;
      readonly forgiven: readonly ConfigError[];
    };

export function createReload(started: Config, context: ReloadContext): Reload {
  const { file, dataDir } = started;
  const versions = openVersions(dataDir);
  const read = createReading(file, context);
  const { last, note } = createNotes(file, context);
  const queue = createQueue();
  const { takeRead, write, keep, taken } = createTaking(file, context, { versions, read: read.read, queue });

  const takeFile = async (by: string) => {
    const bytes = await loadBytesOf(file, CONFIG_FILE_MAX);
    return await takeRead(bytes, await read.read(bytes), by);
  };
  const reload = (by = SIGNAL) =>
    queue.inTurn(async () => {
      // What it fails with is told and noted as what is wrong in it: nobody waits for the answer to a signal.
      const applied = await takeFile(by).catch((error: Error) => failed(unreadable(error)));
      return await note(applied, by);
    });
  const list = async () => {
    const all = await versions.list();
    const now = all.find(({ sha256 }) => sha256 === taken());
    return all.map((version) => ({ ...version, isTaken: version === now }));
  };
  const differenceTo = async (bytes: Uint8Array): Promise<ConfigDifference> => {
    const found = await read.read(bytes).catch((error: Error) => ({
      refused: { ...nothing, why: same(error.message) },
    }));
    return 'refused' in found ? found.refused : found.difference;
  };
  const apply = (bytes: Uint8Array, by: string) =>
    queue.inTurn(async () => await note(await write(bytes, by), by));
  return {
    async begin() {
      const bytes = await loadBytesOf(file, CONFIG_FILE_MAX).catch(() => undefined);
      if (bytes !== undefined) await keep(bytes, START);
    },
    reload,
    last,
    versions: list,
    text: async (name) => (await versions.load(name))?.toString(),
    difference: async (text) => await differenceTo(Buffer.from(text)),
    acts: {
      reload: async (given) => await reload(asked.parse(given).by),
      'config-difference': async () => await differenceTo(await loadBytesOf(file, CONFIG_FILE_MAX)),
      'config-versions': async () => ({ versions: await list() }),
    },
    apply: (text, by) => apply(Buffer.from(text), by),
    async back(name, by) {
      const bytes = await versions.load(name).catch(() => undefined);
      if (bytes === undefined) return failed({ en: `there is no version ${name}`, zh: `没有版本 ${name}` });
      return await apply(bytes, by);
    },
    async close() {
      await queue.settled();
      await read.close();
    },
  };
}

/** One after the other, and no more than a few. */
function createQueue() {
  let waiting = 0;
  let turn: Promise<unknown> = Promise.resolve();
  /** Of the last one what is done once it is answered. */
  let rest: Promise<unknown> = Promise.resolve();
  return {
    /** Never rejects. */
    inTurn(run: () => Promise<ConfigApplied>): Promise<ConfigApplied> {
      if (waiting >= WAITING_MAX)
        return Promise.resolve(
          failed({
            en: 'others are being taken up: try again in a while',
            zh: '正在应用其他配置，请稍后再试',
          }),
        );
      waiting++;
      const done = turn
        .then(() => rest)
        .then(run)
        .catch((error: Error) => failed(same(error.message)));
      turn = done.finally(() => waiting--);
      return done;
    },
    /** The next one waits for it too. */
    afterwards(run: () => Promise<unknown>) {
      rest = run();
    },
    async settled() {
      await turn;
      await rest;
    },
  };
}

/** What came of each, for /health, the log and the audit. */
function createNotes(file: string, { journal, clock, time, log }: ReloadContext) {
  let number = 0;
  let last: Reloaded | undefined;
  return {
    last: () => last,
    async note(applied: ConfigApplied, by: string): Promise<ConfigApplied> {
      const { done, changes, errors, why, version } = applied;
      const more = { ...(why && { why }), ...(version !== undefined && { version }) };
      const short = { changes: changes.map(wordsOf), errors: errors.map(placedWords(file)) };
      last = { number: ++number, at: isoOf(time.wall()), by, done, ...short, ...more };
      if (done) {
        const told = { by, ...more, changes: changes.map(({ en }) => en) };
        const sentence =
          changes.length > 0
            ? 'another config was taken up'
            : 'the config was read again: nothing had changed';
        log.info(told, sentence);
        await noteConfig(file, journal, clock, log, told);
      } else {
        const refused = { by, errors: short.errors.map(({ en }) => en), ...(why && { why: why.en }) };
        log.error(refused, 'the changed config was refused; the gateway goes on with the one it has');
        await noteRefusedConfig(refused, file, journal, clock, log);
      }
      return applied;
    },
  };
}

/** What is done with a config that was read. */
function createTaking(
  file: string,
  { takeUp, time, log }: ReloadContext,
  {
    versions,
    read,
    queue,
  }: {
    readonly versions: Versions;
    readonly read: (bytes: Uint8Array) => Promise<Read>;
    readonly queue: ReturnType<typeof createQueue>;
  },
) {
  /** The hash of what is in force. */
  let taken = hashAtStart(file);
  const keep = async (bytes: Uint8Array, by: string): Promise<string | undefined> => {
    try {
      return (await versions.keep(bytes, { at: isoOf(time.wall()), by })).name;
    } catch (error) {
      log.warn({ error: (error as Error).message }, 'a version of the config could not be kept');
      return undefined;
    }
  };
  /** Who asked is answered first. */
  const later = (rest: () => Promise<void>) =>
    queue.afterwards(() =>
      time
        .wait(ANSWER_MS)
        .then(rest)
        .catch((error: Error) =>
          log.error({ error: error.message }, 'the console cannot run with the new config'),
        ),
    );
  const takeRead = async (
    bytes: Uint8Array,
    found: Read,
    by: string,
    afterwards?: typeof later,
  ): Promise<ConfigApplied> => {
    if ('refused' in found) return { ...found.refused, done: false };
    const { next, difference, forgiven } = found;
    for (const one of forgiven)
      log.error(
        { ...one },
        'a list of the school cannot be used, and what it says is not known until it is right',
      );
    try {
      if (difference.changes.length > 0) await takeUp.take(next, afterwards);
    } catch (error) {
      // Some errors say it in Chinese, too.
      const { message, zh: inChinese = message } = error as Error & { readonly zh?: string };
      const en = `it was right and could not be started, so the old config came back: ${message}`;
      const zh = `配置正确但无法启动，已恢复原配置：${inChinese}`;
      return { ...difference, done: false, why: { en, zh } };
    }
    taken = hashOf(bytes);
    const version = await keep(bytes, by);
    return { ...difference, done: true, ...(version !== undefined && { version }) };
  };
  return {
    taken: () => taken,
    keep,
    takeRead,
    /** Writes it to the file, takes it up, and puts back what was there where that fails. */
    async write(bytes: Uint8Array, by: string): Promise<ConfigApplied> {
      const found = await read(bytes);
      if ('refused' in found) return { ...found.refused, done: false };
      const before = await loadBytesOf(file, CONFIG_FILE_MAX).catch(() => undefined);
      // What somebody wrote there and nobody took up would be gone.
      if (before !== undefined && hashOf(before) !== taken) await keep(before, 'file');
      try {
        replaceFile(file, bytes);
      } catch (error) {
        return failed(unwritable(file, error as Error));
      }
      const applied = await takeRead(bytes, found, by, later);
      if (!applied.done && before !== undefined) replaceFile(file, before);
      return applied;
    },
  };
}

const wordsOf = ({ en, zh }: Words): Words => ({ en, zh });
const placedWords =
  (config: string) =>
  ({ file = config, line, column, en, zh }: ConfigMistake): Words => ({
    en: `${file}:${line}:${column}: ${en}`,
    zh: `${file}:${line}:${column}: ${zh}`,
  });

const unwritable = (file: string, { message }: Error): Words => ({
  en: `${file} cannot be written by the gateway's user (${message}): write it as root, then campus-gateway reload ${file}`,
  zh: `网关用户无法写入 ${file}（${message}）：请以 root 写入后执行 campus-gateway reload ${file}`,
});

const unreadable = ({ message }: Error): Words => ({
  en: `the config could not be read: ${message}`,
  zh: `无法读取配置：${message}`,
});

function hashAtStart(file: string): string | undefined {
  try {
    return hashOf(readFileSync(file));
  } catch {
    return undefined;
  }
}

/** Reads and checks in a thread apart, and looks whether it can be taken up. */
function createReading(file: string, { takeUp, takenPorts, hasSimulators, time }: ReloadContext) {
  const isolated = createIsolated({ time, deadlineMs: READ_MS, heapMb: READ_HEAP_MB });
  const module = new URL('./apart.ts', import.meta.url).href;
  const name = 'readApart' satisfies (typeof readApart)['name'];
  return {
    async read(bytes: Uint8Array): Promise<Read> {
      if (bytes.length > CONFIG_FILE_MAX)
        return { refused: { ...nothing, why: same(`a config has at most ${CONFIG_FILE_MAX} bytes`) } };
      const input: ToRead = { file, bytes };
      const found = (await isolated.run({ module, name, input })) as ReadApart;
      if ('mistakes' in found) return { refused: { changes: [], errors: [...found.mistakes] } };
      const { config: next, forgiven } = found;
      const changes = differenceOf(takeUp.config, next);
      const [why] = [...whyNot(takeUp.config, next, hasSimulators), ...(await takenPorts(next))];
      if (why !== undefined) return { refused: { changes, errors: [], why } };
      return { next, difference: { changes, errors: [] }, forgiven };
    },
    close: isolated.close,
  };
}

/** What another config cannot change while the gateway runs. */
function whyNot(now: Config, next: Config, hasSimulators: boolean): Words[] {
  const found: Words[] = [];
  const restart = 'systemctl restart campus-gateway';
  if (now.campus.id !== next.campus.id)
    found.push({
      en: `campus.id is another one: platforms know every event and receipt by it. For another campus, begin with another data folder and restart (${restart})`,
      zh: `campus.id 已更改：平台以此识别所有事件和回执。更换校园请使用新的数据目录并重启（${restart}）`,
    });
  if (now.dataDir !== next.dataDir)
    found.push({
      en: `dataDir is another one: the journal cannot be moved while alarms are written to it. Stop the gateway, move the folder, and start it (${restart})`,
      zh: `dataDir 已更改：写入报警时不能移动日志。请停止网关，移动目录后再启动（${restart}）`,
    });
  if (next.console?.simulators === true && !hasSimulators)
    found.push({
      en: `console.simulators is set: simulators are made at the start only (${restart})`,
      zh: `已设置 console.simulators：模拟器仅在启动时创建（${restart}）`,
    });
  return found;
}

/** Runs the platform until Ctrl-C, and says what comes. */
import type { Event } from '../../../config/catalogue/events.ts';
import { say } from '../../../config/language.ts';
import { createLog } from '../../observe/log.ts';
import type { Received, SourceOptions } from '../../platform/contract.ts';
import { type Platform, startPlatform } from '../../platform/index.ts';
import { hidden, SourceError, sourceFor } from '../../platform/sources/index.ts';
import { printable } from '../../printable.ts';
import { type Terminal, untilStopped } from '../command.ts';
import { ValueError } from '../values.ts';
import { eventLine } from '../watch/event-line.ts';
import type { WantedPage } from './page-options.ts';

const COUNT_EVERY_MS = 10_000;

type StartPage = typeof import('./page.ts').startPage;

export interface Wanted {
  readonly source: SourceOptions;
  readonly database: string;
  /** No line an event. */
  readonly quiet: boolean;
  readonly page: WantedPage | undefined;
  /** Of the certificates that campuses get, ms. */
  readonly certificateLifeMs: number | undefined;
  /** Months before this one whose events are kept; undefined: all. */
  readonly keepMonths: number | undefined;
}

/** @throws SourceError, StoreError; ValueError where the address is of no broker that is known. */
export async function runPlatform(wanted: Wanted, terminal: Terminal): Promise<void> {
  const { source, database, quiet, page } = wanted;
  await sourceFor(source.url).catch((error: Error) => {
    throw error instanceof SourceError ? new ValueError(`--events ${error.message}`) : error;
  });
  const tell = (sentence: string) => void terminal.stderr.write(`${printable(sentence)}\n`);
  const stopped = untilStopped(terminal);
  const base = { database, time: terminal.clock, log: createLog('info') };
  const starting = startPlatform({
    ...{ source, ...base, dataDir: page?.dataDir, certificateLifeMs: wanted.certificateLifeMs },
    keepMonths: wanted.keepMonths,
    ...(!quiet && { onStored: (fresh) => show(fresh, terminal) }),
  });
  // A broker that answers nothing is not waited for.
  const platform = await Promise.race([starting, stopped]);
  if (typeof platform === 'string') {
    void starting.then((late) => late.close()).catch(() => {});
    return;
  }
  tell(
    say(
      `storing ${source.root}/+ of ${hidden(source.url)} in ${nameOf(database)}`,
      `正在把 ${hidden(source.url)} 的 ${source.root}/+ 存入 ${nameOf(database)}`,
    ),
  );
  const closePage = page && (await beginPage(page, platform, base));
  const counting = terminal.clock.every(COUNT_EVERY_MS, () => tell(countsOf(platform)));
  await stopped;
  counting.stop();
  await closePage?.();
  await platform.close();
  tell(countsOf(platform));
}

/** Without its page it does not go on: who asked for one would wait. */
async function beginPage(page: WantedPage, platform: Platform, base: Parameters<StartPage>[2]) {
  const { startPage } = await import('./page.ts');
  try {
    return await startPage(page, platform, base);
  } catch (error) {
    await platform.close();
    throw error;
  }
}

/** Without what lets in. */
const nameOf = (database: string) => {
  const { host, pathname } = new URL(database);
  return `${host}${pathname}`;
};

function show(fresh: readonly Received[], { stdout }: Terminal): void {
  for (const { body } of fresh) {
    try {
      stdout.write(`${eventLine(JSON.parse(body) as Event)}\n`);
    } catch {
      // Of a later version of the contract, perhaps.
      stdout.write(`${printable(body.slice(0, 200))}\n`);
    }
  }
}

function countsOf(platform: Platform): string {
  const { events, duplicates, asked, passed, receipts, misunderstood } = platform.counts();
  const { waiting, connected, storing } = platform.state();
  const away = [
    ...(connected ? [] : [say('the broker is away', '消息平台未连接')]),
    ...(storing ? [] : [say('the database is away', '数据库未连接')]),
  ];
  const line = say(
    `${events} events; ${duplicates} came twice; gaps: ${asked} asked for, ${passed} given up; ${receipts} receipts; ${waiting} wait; ${misunderstood} not understood`,
    `事件 ${events}；重复 ${duplicates}；缺口：请求补发 ${asked}，放弃 ${passed}；回执 ${receipts}；等待 ${waiting}；无法识别 ${misunderstood}`,
  );
  return [line, ...away].join('; ');
}

/** Subscribes to a broker: to look, or as a platform that keeps what comes. Until Ctrl-C. */
import { existsSync } from 'node:fs';
import { basename, dirname, extname, resolve } from 'node:path';
import type { IClientOptions } from 'mqtt';
import type { Event } from '../../../config/catalogue/events.ts';
import { say } from '../../../config/language.ts';
import { connectChecked } from '../../../drivers/platforms/mqtt/checked.ts';
import { startPlatform } from '../../../simulators/platform.ts';
import { printable } from '../../printable.ts';
import { type Terminal, untilStopped } from '../command.ts';
import { eventLine } from './event-line.ts';

const COUNT_EVERY_MS = 10_000;
/** Of an event, with a picture's piece in it, many times its size. */
const PACKET_MAXIMUM = 1_048_576;

interface Wanted {
  readonly url: string;
  readonly topic: string;
  readonly mqtt: IClientOptions;
  /** As it came, one event a line. */
  readonly json: boolean;
  readonly quiet: boolean;
}

function shower({ quiet, json }: Wanted, { stdout }: Terminal) {
  return (text: string) => {
    if (quiet) return;
    if (json) stdout.write(`${printable(text)}\n`);
    else {
      try {
        stdout.write(`${eventLine(JSON.parse(text) as Event)}\n`);
      } catch {
        stdout.write(`${say('not an event', '不是事件')}: ${printable(text.slice(0, 200))}\n`);
      }
    }
  };
}

/** Prints what comes, keeps nothing. */
export async function lookAt(wanted: Wanted, terminal: Terminal): Promise<void> {
  const { url, topic, mqtt } = wanted;
  const show = shower(wanted, terminal);
  const tell = (sentence: string) => terminal.stderr.write(`${printable(sentence)}\n`);
  // 3.1.1: every broker speaks it, and watching needs nothing newer.
  const client = connectChecked(url, { ...mqtt, protocolVersion: 4 }, PACKET_MAXIMUM);
  client.on('connect', () => {
    client.subscribe(topic, { qos: 1 });
    tell(say(`watching ${topic} at ${url}`, `正在订阅 ${url} 的 ${topic}`));
  });
  const first = Promise.withResolvers<void>();
  let isIn = false;
  client.once('connect', () => {
    isIn = true;
    first.resolve();
  });
  let told = '';
  client.on('error', (error) => {
    // It is tried again each second: the same is said once.
    if (isIn && error.message !== told) tell(`${url}: ${error.message}`);
    told = error.message;
    first.reject(noBroker(url, error));
  });
  client.once('close', () =>
    first.reject(noBroker(url, new Error(say('it closed the connection', '连接被关闭')))),
  );
  client.on('message', (_topic, payload) => show(payload.toString()));
  const stopped = untilStopped(terminal);
  try {
    await Promise.race([first.promise, stopped]);
    await stopped;
  } finally {
    first.promise.catch(() => {});
    await client.endAsync(true);
  }
}

const noBroker = (url: string, { message }: Error) =>
  new Error(
    say(
      `no broker answers at ${url} (${message}): look at the address, the login and whether it runs`,
      `${url} 没有平台应答（${message}）：请检查地址、账号及平台是否运行`,
    ),
  );

/** A small platform: keeps each event once, finds gaps, sends receipts. */
export async function storeFrom(
  wanted: Wanted & {
    readonly file: string;
    readonly group: string | undefined;
    readonly clientId: string | undefined;
    readonly receipts: boolean;
  },
  terminal: Terminal,
): Promise<void> {
  const { url, topic, mqtt, file, group, receipts } = wanted;
  const show = shower(wanted, terminal);
  const tell = (sentence: string) => void terminal.stderr.write(`${printable(sentence)}\n`);
  const clientId =
    wanted.clientId ?? (group === undefined ? `platform-${basename(file, extname(file))}` : undefined);
  const options = { url, file, filter: topic, group, clientId, receipts, mqtt, tell };
  if (!existsSync(dirname(resolve(file))))
    throw new Error(say(`${file}: its folder is not there: make it`, `${file}：目录不存在：请先创建`));
  const platform = await startPlatform({
    ...options,
    mustAnswer: true,
    taken: ({ body }) => show(body),
  }).catch((error: Error) => {
    throw noBroker(url, error);
  });
  tell(say(`storing ${topic} of ${url} in ${file}`, `正在把 ${url} 的 ${topic} 存入 ${file}`));
  const count = () => {
    const { events, duplicates, open, closed, lost } = platform.store.counts();
    const bad = platform.discarded();
    return say(
      `${events} events; ${duplicates} came twice; gaps: ${open} open, ${closed} closed, ${lost} given up; ${bad} not understood`,
      `事件 ${events}；重复 ${duplicates}；缺口：未补 ${open}，已补 ${closed}，放弃 ${lost}；无法识别 ${bad}`,
    );
  };
  const counting = wanted.quiet ? terminal.clock.every(COUNT_EVERY_MS, () => tell(count())) : undefined;
  await untilStopped(terminal);
  counting?.stop();
  tell(count());
  await platform.close();
}

import { readFileSync } from 'node:fs';
import { basename, extname } from 'node:path';
import { parseArgs, styleText } from 'node:util';
import { connect, type IClientOptions } from 'mqtt';
import type { Event } from '../../config/catalogue/events.ts';
import { say } from '../../config/language.ts';
import { startPlatform } from '../../simulators/platform.ts';
import { type Command, UsageError, untilStopped } from './command.ts';

const COUNT_EVERY_MS = 10_000;
const DEFAULT_TOPIC = 'campus/v1/+/event/#';

export const watch: Command = {
  name: 'watch',
  summary: [
    'Subscribe to a broker and print events; with --store, be a small platform',
    '订阅并显示事件；加 --store 即为小型平台',
  ],
  usage: `campus-gateway watch URL [--topic FILTER] [--json]
campus-gateway watch URL --store FILE.sqlite [--share GROUP] [--no-receipts]

  URL               the broker: mqtt://, mqtts://, ws:// or wss://HOST:PORT
  --topic FILTER    default ${DEFAULT_TOPIC}
  --json            one event a line, as it came
  --username NAME   with the password in MQTT_PASSWORD
  --ca FILE         the authority that signed the broker's certificate

As a platform (docs/platform.md): keeps each event once, finds gaps through \`previous\` and has them sent again,
and answers with receipts, for gateways whose uplink says \`receipts: true\`.
  --store FILE      SQLite; several consumers of one group may have the same
  --share GROUP     share the events with the other consumers of this group ($share)
  --client-id ID    its session with the broker; default the name of FILE, with --share a new one each time
  --no-receipts     store each message before its PUBACK instead
  --quiet           no line an event, only gaps and, every 10 s, the counts

  campus-gateway watch mqtt://127.0.0.1:18830
  campus-gateway watch mqtt://broker:1883 --json | jq .type
  campus-gateway watch mqtt://broker:1883 --store police.sqlite --share police`,

  async run(args) {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      allowNegative: true,
      options: {
        topic: { type: 'string', default: DEFAULT_TOPIC },
        json: { type: 'boolean', default: false },
        username: { type: 'string' },
        ca: { type: 'string' },
        store: { type: 'string' },
        share: { type: 'string' },
        'client-id': { type: 'string' },
        receipts: { type: 'boolean', default: true },
        quiet: { type: 'boolean', default: false },
      },
    });
    const [url] = positionals;
    if (url === undefined) throw new UsageError(say('which broker?', '请给出平台地址'));
    const password = process.env['MQTT_PASSWORD'];
    const mqtt: IClientOptions = {
      ...(values.username !== undefined && { username: values.username }),
      ...(password !== undefined && { password }),
      ...(values.ca !== undefined && { ca: readFileSync(values.ca) }),
    };
    const show = (text: string) => {
      if (values.quiet) return;
      if (values.json) process.stdout.write(`${text}\n`);
      else {
        try {
          process.stdout.write(`${eventLine(JSON.parse(text) as Event)}\n`);
        } catch {
          process.stdout.write(`${say('not an event', '不是事件')}: ${text.slice(0, 200)}\n`);
        }
      }
    };
    const tell = (sentence: string) => process.stderr.write(`${sentence}\n`);
    const { topic, store: file, share, receipts } = values;
    if (file === undefined) {
      if (share !== undefined) throw new UsageError('--share needs --store');
      await look(url, topic, mqtt, show, tell);
      return 0;
    }
    const clientId =
      values['client-id'] ?? (share === undefined ? `platform-${basename(file, extname(file))}` : undefined);
    const wanted = { url, file, filter: topic, group: share, clientId, receipts, mqtt, tell };
    const platform = await startPlatform({ ...wanted, taken: ({ body }) => show(body) });
    tell(say(`storing ${topic} of ${url} in ${file}`, `正在把 ${url} 的 ${topic} 存入 ${file}`));
    const count = () => {
      const { events, duplicates, open, closed, lost } = platform.store.counts();
      const bad = platform.discarded();
      return say(
        `${events} events; ${duplicates} came twice; gaps: ${open} open, ${closed} closed, ${lost} given up; ${bad} not understood`,
        `事件 ${events}；重复 ${duplicates}；缺口：未补 ${open}，已补 ${closed}，放弃 ${lost}；无法识别 ${bad}`,
      );
    };
    const counting = values.quiet ? setInterval(() => tell(count()), COUNT_EVERY_MS) : undefined;
    await untilStopped();
    clearInterval(counting);
    tell(count());
    await platform.close();
    return 0;
  },
};

/** Prints what comes, keeps nothing, until Ctrl-C. */
async function look(
  url: string,
  topic: string,
  mqtt: IClientOptions,
  show: (text: string) => void,
  tell: (sentence: string) => void,
) {
  // 3.1.1: every broker speaks it, and watching needs nothing newer.
  const client = connect(url, { ...mqtt, protocolVersion: 4 });
  client.on('connect', () => {
    client.subscribe(topic, { qos: 1 });
    tell(say(`watching ${topic} at ${url}`, `正在订阅 ${url} 的 ${topic}`));
  });
  client.on('error', (error) => tell(`${url}: ${error.message}`));
  client.on('message', (_topic, payload) => show(payload.toString()));
  await untilStopped();
  await client.endAsync();
}

/** One event on one line, for people: time, type, where, what. Colour where the terminal has it. */
export function eventLine({ time, type, subject, source, data }: Event): string {
  const short = type.replace('cn.campus.', '');
  const device = source.slice(source.lastIndexOf('/') + 1);
  const where = subject === undefined ? device : `${device}/${subject}`;
  const kind = data['kind'] === undefined ? '' : String(data['kind']);
  const what = [kind, data['cause'], data['text']]
    .filter((word) => word !== undefined && word !== '')
    .join(' ');
  const colour =
    short === 'alarm.raised'
      ? 'red'
      : short.startsWith('alarm')
        ? 'green'
        : short.startsWith('device')
          ? 'yellow'
          : 'cyan';
  return `${new Date(time).toTimeString().slice(0, 8)}  ${styleText(colour, short.padEnd(18))} ${where.padEnd(32)} ${what}`;
}

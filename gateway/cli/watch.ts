import { parseArgs, styleText } from 'node:util';
import { connect } from 'mqtt';
import { say } from '../../config/language.ts';
import type { Event } from '../event.ts';
import { type Command, UsageError, untilStopped } from './command.ts';

export const watch: Command = {
  name: 'watch',
  summary: ['Subscribe to a broker and print events', '订阅平台并显示事件'],
  usage: `campus-gateway watch URL [--topic FILTER] [--json]

  URL               the broker, mqtt://HOST:PORT
  --topic FILTER    default campus/v1/+/event/#
  --json            one event a line, as it came
  --username NAME   with the password in MQTT_PASSWORD

  campus-gateway watch mqtt://127.0.0.1:18830
  campus-gateway watch mqtt://broker:1883 --json | jq .type`,

  async run(args) {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        topic: { type: 'string', default: 'campus/v1/+/event/#' },
        json: { type: 'boolean', default: false },
        username: { type: 'string' },
      },
    });
    const [url] = positionals;
    if (url === undefined) throw new UsageError(say('which broker?', '请给出平台地址'));
    const password = process.env['MQTT_PASSWORD'];
    // 3.1.1: every broker speaks it, and watching needs nothing newer.
    const client = connect(url, {
      protocolVersion: 4,
      ...(values.username !== undefined && { username: values.username }),
      ...(password !== undefined && { password }),
    });
    client.on('connect', () => {
      client.subscribe(values.topic, { qos: 1 });
      process.stderr.write(
        say(`watching ${values.topic} at ${url}\n`, `正在订阅 ${url} 的 ${values.topic}\n`),
      );
    });
    client.on('error', (error) => process.stderr.write(`${url}: ${error.message}\n`));
    client.on('message', (_topic, payload) => {
      const text = payload.toString();
      if (values.json) {
        process.stdout.write(`${text}\n`);
        return;
      }
      try {
        process.stdout.write(`${eventLine(JSON.parse(text) as Event)}\n`);
      } catch {
        process.stdout.write(`${say('not an event', '不是事件')}: ${text.slice(0, 200)}\n`);
      }
    });
    await untilStopped();
    await client.endAsync();
    return 0;
  },
};

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

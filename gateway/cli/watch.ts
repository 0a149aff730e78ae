import { parseArgs } from 'node:util';
import { say } from '../../config/language.ts';
import { CERTIFICATE_FILE_MAX, readBytesOf } from '../../drivers/files.ts';
import { type Command, UsageError } from './command.ts';

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

  async run(args, terminal) {
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
    const { topic, store, share, receipts, json, quiet, username, ca } = values;
    if (store === undefined && share !== undefined) throw new UsageError('--share needs --store');
    const password = process.env['MQTT_PASSWORD'];
    const mqtt = {
      ...(username !== undefined && { username }),
      ...(password !== undefined && { password }),
      ...(ca !== undefined && { ca: readBytesOf(ca, CERTIFICATE_FILE_MAX) }),
    };
    const { lookAt, storeFrom } = await import('./watch/broker.ts');
    const wanted = { url, topic, mqtt, json, quiet };
    if (store === undefined) await lookAt(wanted, terminal);
    else
      await storeFrom(
        { ...wanted, file: store, group: share, clientId: values['client-id'], receipts },
        terminal,
      );
    return 0;
  },
};

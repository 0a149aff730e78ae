import { parseArgs } from 'node:util';
import { say } from '../../config/language.ts';
import { CERTIFICATE_FILE_MAX, readBytesOf } from '../../drivers/files.ts';
import { atMost, type Command, UsageError } from './command.ts';
import { ValueError } from './values.ts';

const DEFAULT_TOPIC = 'campus/v1/+/event/#';

const english = `campus-gateway watch URL [--topic FILTER] [--json]
campus-gateway watch URL --store FILE.sqlite [--share GROUP] [--no-receipts]

  URL               the broker: mqtt://, mqtts://, ws:// or wss://HOST:PORT
  --topic FILTER    default ${DEFAULT_TOPIC}
  --json            one event a line, as it came
  Where the broker does not answer at the beginning, it ends with 3; one that goes away later is connected to again.
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
  campus-gateway watch mqtt://broker:1883 --store police.sqlite --share police`;
const chinese = `campus-gateway watch URL [--topic FILTER] [--json]
campus-gateway watch URL --store FILE.sqlite [--share GROUP] [--no-receipts]

  URL               消息服务器：mqtt://、mqtts://、ws:// 或 wss://HOST:PORT
  --topic FILTER    默认 ${DEFAULT_TOPIC}
  --json            每行一个事件，原样输出
  启动时服务器无应答则退出状态为 3；之后断开的会重新连接。
  --username NAME   密码取自 MQTT_PASSWORD
  --ca FILE         签发服务器证书的机构

作为平台（docs/platform.md）：每个事件保存一次，通过 \`previous\` 发现缺口并请求补发，并发送回执，用于上联中写有 \`receipts: true\` 的网关。
  --store FILE      SQLite；同一组的多个消费程序可共用
  --share GROUP     与同组的其他消费程序分担事件（$share）
  --client-id ID    在服务器上的会话；默认为 FILE 的名称，用 --share 时每次新建
  --no-receipts     改为在 PUBACK 之前保存每条消息
  --quiet           不逐条显示事件，只显示缺口和每 10 秒的计数

  campus-gateway watch mqtt://127.0.0.1:18830
  campus-gateway watch mqtt://broker:1883 --json | jq .type
  campus-gateway watch mqtt://broker:1883 --store police.sqlite --share police`;

export const watch: Command = {
  name: 'watch',
  summary: [
    'Subscribe to a broker and print events; with --store, be a small platform',
    '订阅并显示事件；加 --store 即为小型平台',
  ],
  usage: say(english, chinese),

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
    atMost(1, positionals);
    if (url === undefined) throw new UsageError(say('which broker?', '请给出平台地址'));
    if (!/^(mqtts?|wss?):\/\/[^\s/]/.test(url) || !URL.canParse(url))
      throw new ValueError(
        say(
          `${url}: write mqtt://, mqtts://, ws:// or wss://HOST:PORT`,
          `${url}：请写成 mqtt://、mqtts://、ws:// 或 wss://主机:端口`,
        ),
      );
    const { topic, store, share, receipts, json, quiet, username, ca } = values;
    if (store === undefined && share !== undefined)
      throw new UsageError(say('--share needs --store FILE', '--share 须与 --store 文件 同用'));
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

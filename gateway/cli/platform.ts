import { parseArgs } from 'node:util';
import { say } from '../../config/language.ts';
import { CERTIFICATE_FILE_MAX, readBytesOf } from '../../drivers/files.ts';
import { type Command, UsageError } from './command.ts';
import { pageOptions } from './platform/page-values.ts';
import { isTool, toolsUsage } from './platform/tools-usage.ts';
import { timeOf, ValueError, wholeOf } from './values.ts';

const KEEP_MONTHS_MAX = 1200;

const english = `campus-gateway platform --events URL --database URL [--group NAME] [--data DIR [--listen HOST:PORT]] [--quiet]

  --events URL      the broker; several addresses of it by commas are tried in turn
                    amqp://HOST:5672   RabbitMQ, by a quorum queue; amqps://
                    nats://HOST:4222   NATS, by a durable on what MQTT publishes; tls://
                    mqtt://HOST:1883   another one that shares subscriptions ($share); mqtts://, ws://, wss://
  --database URL    postgres://USER@HOST:5432/NAME, with the password in PGPASSWORD; default: DATABASE_URL
  --group NAME      consumers of one group share the events; default platform
  --root TOPIC      what the topics of campuses begin with; default campus/v1
  --username NAME   of the broker, with the password in MQTT_PASSWORD
  --ca FILE         the authority that signed the broker's certificate
  --client-id ID    of this consumer: an MQTT broker keeps its session while it is away. Give each another one
  --no-receipts     send none: an event is acknowledged after its commit, and campuses take that for delivered
  --keep MONTHS     forget events before so many months, 1 to 1200; alarms that stand stay. Default: all are kept
  --quiet           no line an event, only what is odd and, every 10 s, the counts

Its page and API, where it has a folder for accounts. The log has a link with which the first administrator sets a password, once;
then see campus-gateway users. Elsewhere than on loopback it speaks HTTPS, with a certificate that it signs itself, until told otherwise.
  --data DIR        accounts, sessions, certificate; the instances of one machine may have the same
  --listen ADDRESS  HOST:PORT of the page; default 127.0.0.1:8090
  --name HOST       another name that it answers to; as often as there are names
  --cert FILE --key FILE   PEM: its certificate, with those between it and its authority, and its key
  --proxy RANGE     addresses of a proxy before it, which has the TLS; its word on who asks is taken
  --city NAME       what the page calls the city;  --timezone ZONE  of its times, default Asia/Shanghai

Any number of them, on any machines, may have one database: each event is stored once, receipts and gaps are computed there
(docs/platform.md). What is not committed is neither acknowledged nor confirmed; where the database is away it waits, and goes on.
Ctrl-C or SIGTERM ends it: what was taken is committed and confirmed first. For a small district: campus-gateway watch --store.
Exit status: 0 it was ended; 2 not understood; 3 the broker or the database cannot be had at the beginning.

  campus-gateway platform --events amqp://rabbit1,amqp://rabbit2 --database postgres://city@db/city
  campus-gateway platform --events mqtt://broker:1883 --quiet --data /var/lib/campus-city --listen 0.0.0.0:8090 --name city.example

${toolsUsage[0]}`;
const chinese = `campus-gateway platform --events URL --database URL [--group NAME] [--data DIR [--listen HOST:PORT]] [--quiet]

  --events URL      消息服务器；同一平台的多个地址用逗号分隔，依次尝试
                    amqp://HOST:5672   RabbitMQ，使用仲裁队列；amqps://
                    nats://HOST:4222   NATS，对 MQTT 发布的内容使用持久消费者；tls://
                    mqtt://HOST:1883   其他支持共享订阅（$share）的服务器；mqtts://、ws://、wss://
  --database URL    postgres://USER@HOST:5432/NAME，密码放在 PGPASSWORD；默认：DATABASE_URL
  --group NAME      同一组的消费程序分担事件；默认 platform
  --root TOPIC      校园主题的开头；默认 campus/v1
  --username NAME   登录服务器的用户，密码放在 MQTT_PASSWORD
  --ca FILE         签发服务器证书的机构
  --client-id ID    本消费程序的标识：离线时 MQTT 服务器保留其会话。每个程序各用一个
  --no-receipts     不发送回执：提交后才应答事件，校园以此为送达
  --keep MONTHS     只保留最近若干个月的事件（1 至 1200），未解除的报警仍保留。默认：全部保留
  --quiet           不逐条显示事件，只显示异常和每 10 秒的计数

页面和 API 需要存放账号的目录。日志中有首位管理员设置密码的一次性链接；之后用 campus-gateway users。在本机以外提供服务时使用 HTTPS，
证书为自签名，除非另行指定。
  --data DIR        账号、会话、证书；同一台机器的多个实例可共用
  --listen ADDRESS  页面的 HOST:PORT；默认 127.0.0.1:8090
  --name HOST       还应答的其他名称；可重复
  --cert FILE --key FILE   PEM：页面的证书（含中间证书）和私钥
  --proxy RANGE     前置代理的地址，由代理负责 TLS；采信其所报的来源
  --city NAME       页面上城市的名称；  --timezone ZONE  页面的时区，默认 Asia/Shanghai

可在任意机器上运行任意多个，共用一个数据库：每个事件保存一次，回执和缺口在数据库中计算（docs/platform.md）。未提交的不应答、不确认；数据库
不可用时等待，恢复后继续。Ctrl-C 或 SIGTERM 结束：已收到的先提交并确认。小的区县可用：campus-gateway watch --store。
退出状态：0 正常结束；2 命令有误；3 启动时无法使用服务器或数据库。

  campus-gateway platform --events amqp://rabbit1,amqp://rabbit2 --database postgres://city@db/city
  campus-gateway platform --events mqtt://broker:1883 --quiet --data /var/lib/campus-city --listen 0.0.0.0:8090 --name city.example

${toolsUsage[1]}`;

export const platform: Command = {
  name: 'platform',
  summary: [
    'Be the platform of a city: store events in PostgreSQL, confirm them, fill gaps',
    '作为全市平台运行：把事件存入 PostgreSQL，发送回执，补齐缺口',
  ],
  usage: say(english, chinese),

  async run(args, terminal) {
    const [first, ...rest] = args;
    if (first !== undefined && isTool(first)) {
      const { runTool } = await import('./platform/tools.ts');
      return await runTool(first, rest, terminal);
    }
    const { values } = parseArgs({
      args,
      allowNegative: true,
      options: {
        events: { type: 'string' },
        database: { type: 'string' },
        group: { type: 'string', default: 'platform' },
        root: { type: 'string', default: 'campus/v1' },
        username: { type: 'string' },
        ca: { type: 'string' },
        'client-id': { type: 'string' },
        receipts: { type: 'boolean', default: true },
        quiet: { type: 'boolean', default: false },
        keep: { type: 'string' },
        'certificate-life': { type: 'string' },
        ...pageOptions,
      },
    });
    const { events: url, username, ca, receipts, quiet, 'client-id': clientId } = values;
    if (url === undefined)
      throw new UsageError(say('--events URL: which broker?', '--events URL：请给出消息平台地址'));
    const password = process.env['MQTT_PASSWORD'];
    const source = {
      ...{ url, receipts, username, password, group: nameOf('group', values.group) },
      root: rootOf(values.root),
      ca: ca === undefined ? undefined : readBytesOf(ca, CERTIFICATE_FILE_MAX),
      name: clientId === undefined ? undefined : nameOf('client-id', clientId),
    };
    const database = databaseOf(values.database ?? process.env['DATABASE_URL']);
    const { pageOf } = await import('./platform/page-options.ts');
    const page = pageOf(values);
    const { runPlatform } = await import('./platform/run.ts');
    const life = values['certificate-life'];
    const certificateLifeMs =
      life === undefined ? undefined : timeOf('certificate-life', life, '30s', '397d');
    const keepMonths =
      values.keep === undefined ? undefined : wholeOf('keep', values.keep, 1, KEEP_MONTHS_MAX);
    await runPlatform({ source, database, quiet, page, certificateLifeMs, keepMonths }, terminal);
    return 0;
  },
};

/** As queues, durables and clients of brokers may be called. */
function nameOf(option: string, text: string): string {
  if (/^[\w-]{1,64}$/.test(text)) return text;
  throw new ValueError(
    say(
      `--${option} "${text}": letters, digits, - and _, at most 64`,
      `--${option} "${text}"：字母、数字、- 和 _，最多 64 个`,
    ),
  );
}

function rootOf(text: string): string {
  if (/^[^/+#.\s$][^+#.\s]{0,200}$/.test(text) && !/\/\/|\/$/.test(text)) return text;
  throw new ValueError(
    say(
      `--root "${text}": levels such as campus/v1, without + # . and spaces`,
      `--root "${text}"：形如 campus/v1 的层级，不含 + # . 和空格`,
    ),
  );
}

function databaseOf(text: string | undefined): string {
  if (text === undefined || text === '')
    throw new UsageError(
      say(
        '--database postgres://USER@HOST/NAME, or DATABASE_URL: which database? A district without PostgreSQL uses campus-gateway watch URL --store FILE',
        '--database postgres://用户@主机/库名，或 DATABASE_URL：请给出数据库；没有 PostgreSQL 的区县可用 campus-gateway watch 地址 --store 文件',
      ),
    );
  if (/^postgres(ql)?:\/\//.test(text) && URL.canParse(text)) return text;
  throw new ValueError(
    say(
      'the database: write postgres://USER@HOST:5432/NAME, the password in PGPASSWORD',
      '数据库：请写成 postgres://用户@主机:5432/库名，密码放在 PGPASSWORD',
    ),
  );
}

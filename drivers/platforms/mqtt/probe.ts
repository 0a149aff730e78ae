/**
 * Whether a broker can be reached, lets us in, and lets us say and hear what the config wants: for a tool, where no gateway
 * runs. A login that is refused is not tried again. What is published is a short JSON text of a device `doctor`, not
 * retained, gone after some seconds: platforms pass over devices that they do not know.
 */
import type { Finding, ProbeHost } from '../../contract/transport.ts';
import { ConnectError, type Connection, type ConnectionOptions, openConnection } from './connection.ts';
import { type Options, urlsOf } from './options.ts';
import { REFUSED } from './sending.ts';
import { daysUntil, EXPIRY_NOTICE_DAYS, readTls, type TlsMaterial } from './tls.ts';
import { prefixOf } from './topics.ts';

/** For an answer, and for what was said to come back, ms. */
const ANSWER_MS = 5000;
const BACK_MS = 1000;
const EXPIRY_S = 5;
const LEAVE_MS = 1000;
const DEVICE = 'doctor';

const good = (en: string, zh: string): Finding => ({ is: 'good', en, zh });
const note = (en: string, zh: string): Finding => ({ is: 'note', en, zh });
const bad = (en: string, zh: string): Finding => ({ is: 'bad', en, zh });

/** What to do about a connection that was not had. */
function adviceFor(message: string): readonly [en: string, zh: string] {
  if (/self.signed|unable to (verify|get)|unknown ca|issuer/i.test(message))
    return [
      'its certificate is signed by nobody that is known here: put the authority’s certificate into `tls.caFile`',
      '其证书的签发机构不受信任：请将签发机构的证书写入 `tls.caFile`',
    ];
  if (/expired|not yet valid/i.test(message))
    return [
      'a certificate is not valid today: look at this machine’s clock, then ask the platform for a new one',
      '证书当前无效：请先检查本机时钟，再向平台索取新证书',
    ];
  if (/altname|does not match|hostname/i.test(message))
    return [
      'its certificate names another host: say that name in `tls.serverName`',
      '其证书的主机名不符：请在 `tls.serverName` 中填写该名称',
    ];
  if (/not authori[sz]ed|bad user|username or password|identifier rejected|banned/i.test(message))
    return [
      'it refuses who we are: look at `username`, `passwordFile` and `clientId`; it was not tried again',
      '拒绝登录：请检查 `username`、`passwordFile` 和 `clientId`；未再次尝试',
    ];
  return ['look at the address, the port, and firewalls on the way', '请检查地址、端口和途中的防火墙'];
}

const isSilent = (error: unknown) => error instanceof ConnectError && error.protocolRefused !== undefined;

async function connectAt(
  own: Options,
  url: string,
  tls: TlsMaterial | undefined,
  { campus, uplink, clock, signal }: ProbeHost & { readonly signal: AbortSignal },
): Promise<Connection> {
  const wanted: ConnectionOptions = {
    ...{ url, tls, proxy: own.proxy, username: own.username, password: own.password },
    // The rights of some brokers are by this name.
    clientId: own.clientId ?? `${campus}-${uplink}`,
    keepalive: Math.max(1, Math.round(own.keepalive / 1000)),
  };
  const { mqttVersion = 'auto' } = own;
  if (mqttVersion === '3.1.1') return await openConnection(wanted, 4, signal, clock);
  try {
    return await openConnection(wanted, 5, signal, clock);
  } catch (error) {
    if (mqttVersion !== 'auto' || !isSilent(error)) throw error;
    return await openConnection(wanted, 4, signal, clock);
  }
}

/** What the broker says to a text at a topic, and whether it comes back to who listens there. */
async function trySaying(
  connection: Connection,
  topic: string,
  { clock }: ProbeHost,
): Promise<{ readonly code: number; readonly reason: string; readonly back: boolean }> {
  const patience = new AbortController();
  const heard = Promise.withResolvers<true>();
  // Who may not hear there is asked no more than whether it was taken.
  await connection.subscribe(topic, () => heard.resolve(true)).catch(() => {});
  const answered = Promise.withResolvers<{ code: number; reason: string }>();
  const text = JSON.stringify({ doctor: true, at: new Date(clock.wall()).toISOString() });
  connection.publish(
    { topic, payload: text, qos: 1, expiry: EXPIRY_S, contentType: 'application/json' },
    (answer) => answered.resolve({ code: answer.code, reason: answer.reason ?? '' }),
  );
  const late = clock.wait(ANSWER_MS, patience.signal).then(() => ({ code: -1, reason: 'no answer' }));
  const answer = await Promise.race([answered.promise, late]);
  const taken = answer.code >= 0 && answer.code < REFUSED;
  const back = taken && (await Promise.race([heard.promise, clock.wait(BACK_MS, patience.signal)])) === true;
  patience.abort();
  return { ...answer, back };
}

/** Rights: what we say, each topic by a publish that is read back where that is allowed; and what we hear. */
async function* tryRights(
  { connection, again }: { readonly connection: Connection; readonly again: () => Promise<Connection> },
  own: Options,
  host: ProbeHost,
): AsyncGenerator<Finding> {
  const prefix = prefixOf(own, host.campus);
  const says = [
    ...host.classes.map((one) =>
      one === 'media' ? `${prefix}/media/${DEVICE}` : `${prefix}/event/${one}/${DEVICE}`,
    ),
    `${prefix}/state/${DEVICE}`,
  ];
  const results: ({ readonly topic: string } & Awaited<ReturnType<typeof trySaying>>)[] = [];
  // Some brokers close the connection at what they refuse: mosquitto 2.0.11 does over TLS. The next topic has another one.
  let open = connection;
  const one = async () => {
    if (open.isOver()) open = await again();
    return open;
  };
  for (const topic of says) {
    let result = await trySaying(await one(), topic, host);
    // What ended the connection was the topic before.
    if (result.code < 0 && open.isOver()) result = await trySaying(await one(), topic, host);
    results.push({ topic, ...result });
  }
  const of = (fits: (one: (typeof results)[number]) => boolean) =>
    results.filter(fits).map(({ topic }) => topic);
  const refused = results.filter(({ code }) => code < 0 || code >= REFUSED);
  const [back, blind] = [
    of((one) => one.back),
    of((one) => !one.back && one.code >= 0 && one.code < REFUSED),
  ];
  for (const { topic, reason } of refused)
    yield bad(
      `it takes nothing at ${topic} (${reason}): ask the platform to let us publish there`,
      `主题 ${topic} 拒绝发布（${reason}）：请向平台申请发布权限`,
    );
  if (back.length > 0)
    yield good(`it takes and gives back: ${back.join(', ')}`, `可发布并读回：${back.join('、')}`);
  // MQTT 5 says what it refuses (3.4.2.1); 3.1.1 has no word for it.
  if (blind.length > 0 && connection.version === 5)
    yield good(`it takes: ${blind.join(', ')}`, `可发布：${blind.join('、')}`);
  else if (blind.length > 0)
    yield note(
      `whether it passes on ${blind.join(', ')} cannot be seen: MQTT 3.1.1 says nothing of rights. Ask the platform whether it got a message of the device \`${DEVICE}\``,
      `无法确认是否转发 ${blind.join('、')}：MQTT 3.1.1 不告知权限。请询问平台是否收到设备 \`${DEVICE}\` 的消息`,
    );
  const hears = [
    ...(host.receipts ? [[`${prefix}/ack`, 'receipts', '回执'] as const] : []),
    ...(host.commands ? [[`${prefix}/command/+`, 'commands', '命令'] as const] : []),
    [`${prefix}/notice/+`, 'notices', '预警通知'] as const,
  ];
  for (const [filter, en, zh] of hears) {
    let isThere = false;
    try {
      const now = await one();
      await now.subscribe(filter, () => (isThere = true));
      if (filter.endsWith('/ack')) {
        await host.clock.wait(500);
        yield isThere
          ? good('it says what it has stored (receipts)', '平台会告知已存储的内容（回执）')
          : note(
              `no receipt stands at ${filter} yet: \`receipts: true\` waits for them, so ask the platform whether it writes them`,
              `${filter} 尚无回执：配置了 \`receipts: true\`，请确认平台会发送回执`,
            );
      } else yield good(`we hear ${en} at ${filter}`, `可接收${zh}：${filter}`);
    } catch (error) {
      const { message } = error as Error;
      yield bad(
        `it lets us hear no ${en} at ${filter} (${message}): ask the platform for the right to subscribe`,
        `无法订阅${zh} ${filter}（${message}）：请向平台申请订阅权限`,
      );
    }
  }
  await open.end(LEAVE_MS);
}

function certificateFinding(
  url: string,
  ends: number | undefined,
  whose: [string, string],
  now: number,
): Finding[] {
  if (ends === undefined) return [];
  const days = daysUntil(ends, now);
  const en = `${url}: ${whose[0]} certificate ends in ${days} days`;
  const zh = `${url}：${whose[1]}证书剩余 ${days} 天`;
  return [
    days > EXPIRY_NOTICE_DAYS ? good(en, zh) : note(`${en}: ask for a new one now`, `${zh}：请立即更换`),
  ];
}

export async function probe(own: Options, host: ProbeHost): Promise<readonly Finding[]> {
  const found: Finding[] = [];
  const stop = new AbortController();
  let tls: TlsMaterial | undefined;
  try {
    tls = own.tls === undefined ? undefined : readTls(own.tls);
  } catch (error) {
    const { message } = error as Error;
    return [bad(`${message}: look at the files of \`tls\``, `${message}：请检查 \`tls\` 中的文件`)];
  }
  let isRefused = false;
  for (const url of urlsOf(own)) {
    // One wrong password is no reason to lock the account.
    if (isRefused) break;
    try {
      const again = () => connectAt(own, url, tls, { ...host, signal: stop.signal });
      const connection = await again();
      const now = host.clock.wall();
      const version = connection.version === 5 ? '5' : '3.1.1';
      found.push(good(`${url}: it lets us in (MQTT ${version})`, `${url}：登录成功（MQTT ${version}）`));
      found.push(...certificateFinding(url, connection.certificateEnds, ['its', '平台'], now));
      found.push(...certificateFinding(url, tls?.certificateEnds, ['our', '本机'], now));
      for await (const one of tryRights({ connection, again }, own, host)) found.push(one);
    } catch (error) {
      const { message } = error as Error;
      const [en, zh] = adviceFor(message);
      isRefused = en.startsWith('it refuses');
      found.push(bad(`${url}: ${message}: ${en}`, `${url}：${message}：${zh}`));
    }
  }
  stop.abort();
  return found;
}

/** What a gateway that runs says of its platforms, devices and contacts, as findings. Pure. */
import { type ChannelState, CLOCK_OFF_MS } from '../../drivers/contract/transport.ts';
import { type Finding, findingsAbout } from './finding.ts';

/** Of /health; what is not there, as of an older gateway, is left out. */
export interface Told {
  readonly uplinks?: Readonly<
    Record<
      string,
      {
        readonly state?: string;
        readonly reason?: string | undefined;
        readonly backlog?: number;
        /** ISO 8601. */
        readonly oldestUndelivered?: string | undefined;
        readonly otherInstance?: string | undefined;
        readonly held?: readonly { readonly topic: string; readonly reason: string }[];
        readonly channel?: ChannelState | undefined;
      }
    >
  >;
  readonly devices?: Readonly<Record<string, boolean | null>>;
  readonly links?: Readonly<
    Record<string, { readonly since?: string; readonly reason?: string; readonly parts?: readonly string[] }>
  >;
  readonly standing?: {
    readonly devices: Readonly<
      Record<string, readonly { readonly kind: string; readonly cause?: string; readonly reason?: string }[]>
    >;
  };
  /** Certificates that platforms gave. */
  readonly enrolments?: Readonly<Record<string, ToldEnrolment>>;
  readonly contacts?: Readonly<Record<string, { readonly reason?: string; readonly waiting?: number }>>;
}

export interface ToldEnrolment {
  readonly state?: string;
  readonly reason?: string | undefined;
  /** RFC 3339. */
  readonly certificateEnds?: string | undefined;
}

/** A platform that is there confirms within this; a backlog of an outage drains faster than it grew. */
const WAITS_LONG_MS = 60_000;

function* platformFindings(
  id: string,
  told: NonNullable<Told['uplinks']>[string],
  now: number,
): Generator<Finding> {
  const { good, note, bad } = findingsAbout('platforms');
  const { state, reason = '', backlog = 0, oldestUndelivered, held = [], channel = {} } = told;
  const waits = backlog > 0 ? [`; ${backlog} events wait`, `；积压 ${backlog} 条`] : ['', ''];
  const waitedMs = oldestUndelivered === undefined ? 0 : now - Date.parse(oldestUndelivered);
  if (state === 'connected' && backlog > 0 && waitedMs > WAITS_LONG_MS)
    yield note(
      `${id}: is connected${waits[0]}, the oldest since ${oldestUndelivered}: with \`receipts: true\`, ask the platform whether it sends receipts; else look whether the line is too slow`,
      `${id}：已连接${waits[1]}，最早自 ${oldestUndelivered}：如配置了 \`receipts: true\`，请确认平台会发送回执；否则检查线路是否过慢`,
    );
  else if (state === 'connected') yield good(`${id}: is connected${waits[0]}`, `${id}：已连接${waits[1]}`);
  else
    yield bad(
      `${id}: is not connected (${reason})${waits[0]}: stop the gateway and run the doctor again, which then tries the way itself`,
      `${id}：未连接（${reason}）${waits[1]}：可停止网关后再次运行体检，以逐步检查线路`,
    );
  for (const { topic, reason: why } of held.slice(0, 5))
    yield bad(
      `${id}: it refuses ${topic} (${why}): ask the platform for the right to it`,
      `${id}：平台拒绝 ${topic}（${why}）：请向平台申请该权限`,
    );
  if (told.otherInstance !== undefined)
    yield bad(
      `${id}: another gateway is there as this campus since ${told.otherInstance}: stop one of them`,
      `${id}：自 ${told.otherInstance} 起有另一网关以本校身份在线：请停止其中之一`,
    );
  const off = channel.clockOffsetMs;
  if (off !== undefined && Math.abs(off) > CLOCK_OFF_MS)
    yield note(
      `${id}: its clock is ${(off / 1000).toFixed(1)} s off ours: look at the NTP of both`,
      `${id}：平台时钟与本机相差 ${(off / 1000).toFixed(1)} 秒：请检查双方的 NTP`,
    );
}

/** Fewer days, and what was to be renewed for months was not. */
const ENDS_SOON_DAYS = 14;

function* enrolmentFindings(
  id: string,
  { state, reason = '', certificateEnds = '' }: ToldEnrolment,
  now: number,
): Generator<Finding> {
  const { good, note, bad } = findingsAbout('platforms');
  const days = Math.floor((Date.parse(certificateEnds) - now) / 86_400_000);
  const until = certificateEnds.slice(0, 10);
  if (state === 'good')
    yield good(
      `${id}: its certificate is good until ${until}, and is renewed by itself`,
      `${id}：证书有效期至 ${until}，会自动续期`,
    );
  else if (state === 'withdrawn')
    yield bad(
      `${id}: the platform has withdrawn this campus: ask it; \`campus-gateway enrol\` with a new code lets it in again`,
      `${id}：平台已撤销本校园：请联系平台；用新注册码执行 \`campus-gateway enrol\` 可重新接入`,
    );
  else if (state === 'ended')
    yield bad(
      `${id}: its certificate has ended: ask the platform for a new code, and enrol with it`,
      `${id}：证书已到期：请向平台索取新注册码并重新注册`,
    );
  else
    yield (days < ENDS_SOON_DAYS ? bad : note)(
      `${id}: its certificate cannot be renewed (${reason}), and ends on ${until}: look at the way to the platform that enrolled it`,
      `${id}：证书无法续期（${reason}），将于 ${until} 到期：请检查到注册平台的网络`,
    );
}

function* deviceFindings({ devices = {}, links = {}, standing }: Told): Generator<Finding> {
  const { good, note, bad } = findingsAbout('devices');
  const all = Object.entries(devices);
  const fine = all.filter(([id, online]) => online === true && (standing?.devices[id] ?? []).length === 0);
  if (fine.length > 0)
    yield good(
      `${fine.length} of ${all.length} devices answer and are well`,
      `${all.length} 台设备中 ${fine.length} 台在线且正常`,
    );
  for (const [id, online] of all) {
    const { reason = '', parts = [] } = links[id] ?? {};
    const which = parts.length === 0 ? '' : ` (${parts.join(', ')})`;
    if (online === false)
      yield bad(
        `${id}${which}: does not answer (${reason}): look at its power and its line; its page shows the wire`,
        `${id}${which}：离线（${reason}）：请检查电源和线路；设备页面可查看线路数据`,
      );
    else if (online === null)
      yield note(
        `${id}: was not heard of since the start: trip it, and see that it is told`,
        `${id}：启动后尚无消息：请触发一次并确认收到`,
      );
    for (const { kind, cause, reason: why } of standing?.devices[id] ?? [])
      yield note(
        `${id}: ${[kind, cause, why].filter((word) => word !== undefined).join(', ')} stands: look after it`,
        `${id}：${[kind, cause, why].filter((word) => word !== undefined).join('，')} 未恢复：请处理`,
      );
  }
}

function* contactFindings({ contacts = {} }: Told): Generator<Finding> {
  const { good, bad } = findingsAbout('contacts');
  for (const [id, { reason }] of Object.entries(contacts))
    if (reason === undefined) yield good(`${id}: nothing failed since the start`, `${id}：启动后无失败`);
    else
      yield bad(
        `${id}: cannot be told (${reason}): look at its address, its secret and the way to the internet`,
        `${id}：通知失败（${reason}）：请检查地址、密钥和外网连接`,
      );
}

/** Of a config without uplinks. */
export const noPlatform = (): Finding =>
  findingsAbout('platforms').note(
    'the config has none: nobody outside this machine is told of an alarm, but by `notify` of a rule; add the platforms that are to know, or enrol (campus-gateway enrol)',
    '配置中没有平台：除规则的 `notify` 外，本机以外无人得知报警；请添加应接收报警的平台，或注册（campus-gateway enrol）',
  );

/** `now`: epoch ms. */
export const findingsOf = (told: Told, now: number): readonly Finding[] => [
  ...(told.uplinks !== undefined && Object.keys(told.uplinks).length === 0 ? [noPlatform()] : []),
  ...Object.entries(told.uplinks ?? {}).flatMap(([id, one]) => [...platformFindings(id, one, now)]),
  ...Object.entries(told.enrolments ?? {}).flatMap(([id, one]) => [...enrolmentFindings(id, one, now)]),
  ...deviceFindings(told),
  ...contactFindings(told),
];

/** What /health answered, for people. What is not there, as of an older gateway, is left out. */
import { say } from '../../../config/language.ts';
import { aheadBy } from '../../../drivers/clock-finding.ts';
import { type ChannelState, CLOCK_OFF_MS } from '../../../drivers/contract/transport.ts';

interface Word {
  readonly kind: string;
  readonly cause?: string;
  readonly at?: string;
  readonly since: string;
  readonly reason?: string;
}
interface Link {
  readonly since?: string;
  readonly reason?: string;
  readonly parts?: readonly string[];
}
interface Uplink {
  readonly state?: string;
  readonly reason?: string;
  readonly backlog?: number;
  readonly oldestUndelivered?: string;
  readonly channel?: ChannelState;
}
interface Enrolment {
  readonly state?: string;
  readonly reason?: string;
  readonly certificateEnds?: string;
}
export interface HealthAnswer {
  readonly healthy?: boolean;
  readonly campus?: string;
  readonly version?: string;
  readonly startedAt?: string;
  readonly journal?: {
    readonly reason?: string;
    readonly unsaved?: number;
    readonly low?: readonly string[];
  };
  readonly devices?: Readonly<Record<string, boolean | null>>;
  readonly links?: Readonly<Record<string, Link>>;
  readonly standing?: {
    readonly faults: number;
    readonly alarms: number;
    readonly devices: Readonly<Record<string, readonly Word[]>>;
  };
  readonly uplinks?: Readonly<Record<string, Uplink>>;
  /** `disarmed`, `exit-delay`, `armed`, `entry-delay`. */
  readonly areas?: Readonly<Record<string, string>>;
  readonly enrolments?: Readonly<Record<string, Enrolment>>;
}

/** `2026-11-24T08:12:30.412Z` -> as clocks show it here. */
const timeOf = (since: string) => {
  const at = new Date(since);
  if (Number.isNaN(at.getTime())) return since;
  const two = (value: number) => String(value).padStart(2, '0');
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
};
const sinceOf = (since: string | undefined) =>
  since === undefined ? '' : say(` since ${timeOf(since)}`, `，自 ${timeOf(since)}`);
const reasonOf = (reason: string | undefined) => (reason === undefined ? '' : `${say(': ', '：')}${reason}`);

function deviceLine(id: string, online: boolean | null, { since, reason, parts = [] }: Link): string {
  const which = parts.length === 0 ? '' : ` (${parts.join(', ')})`;
  if (online === true) return `✓ ${id}${say(' answers', ' 在线')}${sinceOf(since)}`;
  if (online === false)
    return `✗ ${id}${which}${say(' does not answer', ' 离线')}${sinceOf(since)}${reasonOf(reason)}`;
  const before = reason === undefined ? '' : say(`; before that: ${reason}`, `；此前：${reason}`);
  return `? ${id}${say(' was not heard of since the start', ' 启动后尚无消息')}${before}`;
}

const wordLine = ({ kind, cause, at, since, reason }: Word) => {
  const what = cause === undefined ? kind : `${kind} (${cause})`;
  const where = at === undefined ? '' : ` ${at}`;
  return `    ! ${what}${where}${sinceOf(since)}${reasonOf(reason)}`;
};

const streamWords = { live: '实时', playback: '回放', download: '下载' } as const;

/** How the channel to a platform is. */
function* channelLines({ registered, clockOffsetMs: off, ...more }: ChannelState): Generator<string> {
  const { subscriptions = [], streams = [], ids = {} } = more;
  if (registered !== undefined) {
    const { since, until } = registered;
    const ends = until === undefined ? '' : say(`, until ${timeOf(until)}`, `，至 ${timeOf(until)}`);
    yield `    ${say('registered', '已注册')}${sinceOf(since)}${ends}`;
  }
  if (off !== undefined) {
    const { en, zh } = aheadBy(off);
    yield `    ${Math.abs(off) > CLOCK_OFF_MS ? '! ' : ''}${say(`its clock is ${en}`, `平台时钟${zh}`)}`;
  }
  for (const { to, until } of subscriptions)
    yield `    ${say('subscribed to', '已订阅')} ${to}${say(`, until ${timeOf(until)}`, `，至 ${timeOf(until)}`)}`;
  for (const { camera, kind, since, to } of streams)
    yield `    ${say(kind, streamWords[kind])}: ${camera} -> ${to}${sinceOf(since)}`;
  const count = Object.keys(ids).length;
  if (count > 0)
    yield `    ${say(`${count} ids of what is here (--json)`, `${count} 个编码（--json 可列出）`)}`;
}

/** How a platform is. */
export function* platformLines(
  id: string,
  { state, reason, backlog = 0, oldestUndelivered, channel = {} }: Uplink,
): Generator<string> {
  const is = state === 'connected' ? say(' is connected', ' 已连接') : say(' is not connected', ' 未连接');
  const behind =
    backlog > 0 ? say(`, ${backlog} wait`, `，积压 ${backlog} 条`) + sinceOf(oldestUndelivered) : '';
  yield `${state === 'connected' ? '✓' : '✗'} ${say('platform', '平台')} ${id}${is}${behind}${reasonOf(reason)}`;
  yield* channelLines(channel);
}

function enrolmentLine(id: string, { state, reason, certificateEnds }: Enrolment): string {
  const until =
    certificateEnds === undefined
      ? ''
      : say(`, until ${timeOf(certificateEnds)}`, `，至 ${timeOf(certificateEnds)}`);
  const what = state === 'withdrawn' ? say('is withdrawn', '已被撤销') : say('is not renewed', '未能续期');
  return state === 'good'
    ? `✓ ${say(`certificate of ${id}`, `${id} 的证书`)}${until}`
    : `✗ ${say(`the certificate of ${id} ${what}`, `${id} 的证书${what}`)}${until}${reasonOf(reason)}`;
}

export function* showHealth(health: HealthAnswer): Generator<string> {
  const { healthy, version = '', startedAt, journal = {}, devices = {}, links = {}, standing } = health;
  yield `campus-gateway ${version}${startedAt === undefined ? '' : say(`, runs since ${timeOf(startedAt)}`, `，自 ${timeOf(startedAt)} 运行`)}`;
  yield healthy === true
    ? say('✓ it takes alarms: the disk is good', '✓ 可接收报警：磁盘正常')
    : say('✗ the disk takes no events', '✗ 磁盘无法写入事件') + reasonOf(journal.reason);
  for (const why of journal.low ?? []) yield `! ${say('storage is low', '存储不足')}${reasonOf(why)}`;
  for (const one of Object.entries(health.uplinks ?? {})) yield* platformLines(...one);
  for (const one of Object.entries(health.enrolments ?? {})) yield enrolmentLine(...one);
  for (const [id, online] of Object.entries(devices)) {
    yield deviceLine(id, online, links[id] ?? {});
    for (const word of standing?.devices[id] ?? []) yield wordLine(word);
  }
  const disarmed = Object.entries(health.areas ?? {}).filter(([, state]) => state === 'disarmed');
  for (const [id] of disarmed)
    yield say(
      `○ area ${id} is disarmed: of its zones only those alarm that always do`,
      `○ 区域 ${id} 未布防：仅始终报警的防区会报警`,
    );
  // Areas, and whatever else is no device.
  for (const [id, words] of Object.entries(standing?.devices ?? {})) {
    if (id in devices) continue;
    yield `! ${id}`;
    for (const word of words) yield wordLine(word);
  }
  if (standing === undefined) return;
  const { faults, alarms } = standing;
  yield say(`${faults} faults and ${alarms} alarms stand`, `当前 ${faults} 个故障、${alarms} 个报警`);
}

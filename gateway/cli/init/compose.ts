/** Answers -> the text of a config with comments, and the secrets that it names. Pure. */
import { flowText } from '../../../config/edit.ts';
import { say } from '../../../config/language.ts';
import type { Answers } from './answers.ts';

export interface Composed {
  readonly text: string;
  /** What `secrets/NAME` is to hold. */
  readonly secrets: ReadonlyMap<string, string>;
  /** Files in `secrets/` that the config names, and nobody said what they hold. */
  readonly missing: readonly string[];
}

interface Place {
  /** Of the schema, as an editor finds it. */
  readonly schema: string;
  readonly dataDir: string;
  /** The day, as 2026-11-29. */
  readonly day: string;
}

const SECRETS = 'secrets/';
/** A line of flow style is no longer than this. */
const FLOW_MAX = 110;

type Raw = Readonly<Record<string, unknown>>;

export function composeConfig(answers: Answers, { schema, dataDir, day }: Place): Composed {
  const { campus, timezone, platforms, devices, discover: _, secrets: given, ...more } = answers;
  const { status = {}, console = {}, dataDir: own = dataDir, ...sections } = more;
  const secrets = new Map(Object.entries(given));
  const named = new Set<string>();
  const withFile = ({ password, ...thing }: Raw): Raw => {
    if (password === undefined) return thing;
    const name = `${String(thing['id'])}.password`;
    secrets.set(name, String(password));
    return { ...thing, passwordFile: SECRETS + name };
  };
  const uplinks = platforms.map((one) => withFile(one));
  const hardware = devices.map((one) => withFile(one));
  findSecrets([uplinks, hardware], named);
  const lines = [
    `# yaml-language-server: $schema=${schema}`,
    say(
      `# The config of ${campus.name}, made by campus-gateway init on ${day}.`,
      `# ${campus.name}的配置，由 campus-gateway init 于 ${day} 生成。`,
    ),
    '#',
    say(
      '#   campus-gateway check THIS-FILE     what is wrong, with line and column',
      '#   campus-gateway check 本文件     检查错误，指出行列',
    ),
    say(
      '#   campus-gateway reload THIS-FILE    takes up what changed',
      '#   campus-gateway reload 本文件    使修改生效',
    ),
    '',
    ...keyText('campus', campus, ''),
    `dataDir: ${flowText(own)} ${say('# the journal of all alarms: on a disk that can be trusted (doctor --disk)', '# 全部报警记录所在，磁盘须可靠（doctor --disk）')}`,
    ...(timezone === undefined ? [] : [`timezone: ${flowText(timezone)}`]),
    ...(status === false
      ? []
      : [
          `status: ${flowText({ port: 9464, ...status })} ${say('# /health and /metrics', '# /health 和 /metrics')}`,
        ]),
    ...(console === false
      ? []
      : [
          `console: ${flowText({ port: 9480, ...console })} ${say("# the technician's pages; the first start logs the link of its administrator", '# 网页控制台；首次启动时日志中有管理员链接')}`,
        ]),
    '',
    say(
      '# The platforms that get events. Delivered is what was acknowledged; the rest waits on disk.',
      '# 接收事件的平台。平台确认后方为送达，其余在磁盘上等待。',
    ),
    ...listText('uplinks', uplinks),
    '',
    say(
      '# The hardware. Passwords and keys are files in secrets/, readable by the gateway alone.',
      '# 硬件。密码和密钥为 secrets/ 中的文件，仅网关可读。',
    ),
    ...listText('devices', hardware),
    ...(!('ledger' in sections)
      ? [
          '',
          say('# Faults and hazards, with owner and deadline.', '# 台账：故障与隐患，责任人与期限。'),
          'ledger: {}',
        ]
      : []),
    ...Object.entries(sections)
      .filter(([, value]) => value !== undefined)
      .flatMap(([name, value]) => ['', ...keyText(name, value, '')]),
    '',
  ];
  return { text: lines.join('\n'), secrets, missing: [...named].filter((name) => !secrets.has(name)) };
}

/** Names of files in secrets/, however deep. */
function findSecrets(value: unknown, into: Set<string>): void {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, one] of Object.entries(value)) {
    const isFile = /(password|token)File$/i.test(key) && typeof one === 'string';
    if (isFile && one.startsWith(SECRETS)) into.add(one.slice(SECRETS.length));
    else findSecrets(one, into);
  }
}

const listText = (name: string, items: readonly Raw[]): readonly string[] =>
  items.length === 0 ? [`${name}: []`] : [`${name}:`, ...items.flatMap((one) => itemText(one, '  '))];

function itemText(item: unknown, indent: string): readonly string[] {
  const flow = flowText(item);
  if (
    typeof item !== 'object' ||
    item === null ||
    Array.isArray(item) ||
    indent.length + flow.length < FLOW_MAX
  )
    return [`${indent}- ${flow}`];
  const lines = Object.entries(item).flatMap(([key, value]) => keyText(key, value, `${indent}  `));
  return lines.map((line, i) => (i === 0 ? `${indent}- ${line.slice(indent.length + 2)}` : line));
}

function keyText(key: string, value: unknown, indent: string): readonly string[] {
  const flow = `${indent}${flowText(key)}: ${flowText(value)}`;
  if (typeof value !== 'object' || value === null || flow.length < FLOW_MAX) return [flow];
  const inner = Array.isArray(value)
    ? value.flatMap((one) => itemText(one, `${indent}  `))
    : Object.entries(value).flatMap(([name, one]) => keyText(name, one, `${indent}  `));
  return [`${indent}${flowText(key)}:`, ...inner];
}

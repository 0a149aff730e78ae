/** What the config says of an uplink over GB/T 28181, beside what all uplinks have in common. */
import { z } from 'zod';
import type { Warning } from '../../contract/driver.ts';
import { addressRange, duration, hostPort, identifier, secret } from '../../contract/options.ts';
import type { UplinkProblem } from '../../contract/transport.ts';
import { characterSets } from './characters.ts';
import { givenIds } from './ids.ts';
import { namingProblems } from './naming.ts';

/** 2016, annex D: 8 digits of the area, 2 of the industry, 3 of the type, 1 of the network, 6 of the serial number. */
const id20 = () => z.string().regex(/^\d{20}$/, 'the 20 digits that the platform gave');

/** `30000-30199` -> the first and the last. */
const portRange = () =>
  z
    .string()
    .regex(/^\d{1,5}-\d{1,5}$/, 'FIRST-LAST, such as 30000-30199')
    .transform((text, context) => {
      const [first = 0, last = 0] = text.split('-').map(Number);
      if (first < 1 || last > 65_535 || last < first)
        context.addIssue({ code: 'custom', message: 'ports from 1 to 65535, the first of them first' });
      return { first, last };
    });

export const options = z.strictObject({
  server: hostPort().describe('Where the platform listens for SIP'),
  transport: z
    .enum(['udp', 'tcp'])
    .default('udp')
    .describe('What is too large for a datagram goes by TCP in any case'),
  serverId: id20().describe('The 20 digits of the platform'),
  domain: z
    .string()
    .regex(/^[\w.-]{1,64}$/, 'the SIP domain that the platform gave')
    .optional()
    .describe('Its SIP domain; default: the first 10 digits of `serverId`'),
  deviceId: id20().describe(
    'The 20 digits that the platform gave this gateway; ids of alarm inputs are made from its first 10',
  ),
  username: z.string().min(1).max(64).optional().describe('Default: `deviceId`'),
  password: secret().optional().describe('`${NAME}` from the environment; or use passwordFile'),
  passwordFile: z.string().optional().describe('A file whose first line is the password'),
  version: z
    .enum(['2016', '2022'])
    .default('2016')
    .describe('Which standard the platform wants; 2022 says so in X-GB-Ver'),
  port: z
    .int()
    .min(1)
    .max(65_535)
    .default(5060)
    .describe('The SIP port of this gateway, UDP and TCP; several platforms share it'),
  advertise: hostPort()
    .optional()
    .describe('How the platform reaches that port, where that is another address: behind NAT'),
  registerFor: duration({ least: '1m', most: '7d' })
    .prefault('1h')
    .describe('For how long it registers; it does so again in time'),
  keepalive: duration({ least: '5s', most: '1h' })
    .prefault('60s')
    .describe('How often it says that it is there; after three without an answer it registers anew'),
  eventId: z
    .boolean()
    .default(false)
    .describe('The id of the event stands at the end of AlarmDescription, so that a second sending is known'),
  challenge: z
    .enum(['MD5', 'SHA-256', 'SM3'])
    .optional()
    .describe(
      'The platform proves each question and order by a digest of this kind, with `password` and its own id or `username`; default: it is known by its address and id',
    ),
  guardArea: identifier()
    .optional()
    .describe(
      'The area that SetGuard and ResetGuard arm and disarm, where a rule of `commands` allows it; default: they do nothing',
    ),
  video: z
    .union([z.boolean(), z.array(z.string()).min(1)])
    .default(false)
    .describe(
      'Which cameras the platform is told of and may watch, live and what is kept: `true` all, or their ids; default: none',
    ),
  streams: z
    .int()
    .min(1)
    .max(64)
    .default(8)
    .describe('How many streams the platform may have at once, of all cameras; more are answered 486'),
  sound: z.boolean().default(true).describe('Whether the sound of cameras goes with their pictures'),
  mediaPorts: portRange()
    .prefault('30000-30199')
    .describe(
      'Ports of this gateway that streams leave from (UDP), or that the platform connects to (TCP, where it is active)',
    ),
  mediaHosts: z
    .array(addressRange())
    .min(1)
    .optional()
    .describe(
      'The only addresses that streams may go to, such as the media servers of the platform; default: any that the platform names',
    ),
  snapshotUrls: z
    .array(
      z
        .string()
        .regex(/^https?:\/\/[^\s/@]+(\/[^\s]*)?$/, 'http://HOST/ or https://HOST/')
        .refine(URL.canParse, 'is no address'),
    )
    .default([])
    .describe(
      'The servers of the platform, or folders there, to which pictures go that it orders (`SnapShotConfig` of 2022), where a rule of `commands` allows `snapshot`; none by default',
    ),
  ids: z
    .record(z.string().min(1), z.union([id20(), z.array(id20()).min(1).max(2)]))
    .default({})
    .describe(
      'Ids that the platform gave, by the camera or the alarm input (`panel/north`, as `gb28181 ids` shows them): 20 digits of the type 131 or 132, and 134; of a camera that is both, a list. Others are made from `deviceId`',
    ),
  organisation: z
    .array(
      z.strictObject({
        id: id20().describe('As the platform gave it: type 215, a business group, or 216, an organisation'),
        name: z.string().min(1).max(100),
        parent: id20().optional().describe('The `id` of the node above it; default: the gateway'),
        holds: z
          .array(z.string().min(1))
          .default([])
          .describe('What stands under it: areas, devices, cameras or alarm inputs; the most exact counts'),
      }),
    )
    .default([])
    .describe(
      'The tree in which the platform shows them: the school, its buildings. Default: all under the gateway',
    ),
  characters: z
    .enum(characterSets)
    .default('gb18030')
    .describe(
      'What names are written in; `gb2312` puts a question mark for rare characters, for a platform that breaks on them',
    ),
});
export type Options = z.output<typeof options>;

const domainOf = ({ domain, serverId }: Options): string => domain ?? serverId.slice(0, 10);

/** As whom it registers, and where. */
export const registeringOf = (own: Options) => ({
  platform: { id: own.serverId, domain: domainOf(own) },
  device: own.deviceId,
  credentials: { username: own.username ?? own.deviceId, password: own.password ?? '' },
  version: own.version === '2022' ? '3.0' : undefined,
});

/** Of two with one id at one platform each would put the other out. */
export function clashesOf(
  uplinks: readonly { readonly id: string; readonly options: Options }[],
): readonly (UplinkProblem & { readonly uplink: string })[] {
  const seen = new Map<string, string>();
  return uplinks.flatMap(({ id, options: { server, deviceId } }) => {
    const key = `${deviceId} ${server.host}:${server.port}`;
    const other = seen.get(key);
    seen.set(key, other ?? id);
    if (other === undefined) return [];
    const en = `is the one of \`${other}\`, at the same platform: a registration would end the other`;
    const zh = `与 \`${other}\` 相同且平台相同：两者的注册会互相顶替`;
    return [{ uplink: id, path: ['deviceId'], en, zh }];
  });
}

/** Whether this platform may know of a camera, and see what it sees. */
export const maySee = ({ video }: Pick<Options, 'video'>, camera: string): boolean =>
  Array.isArray(video) ? video.includes(camera) : video;

/** What of the campus is named, and as what. */
export function namesIn({ video, ids, organisation }: Options) {
  const listed = [...givenIds(ids).values()];
  return [
    ...(Array.isArray(video) ? video : []).map((name, at) => ({
      ...{ path: ['video', at], name, of: 'camera' as const },
    })),
    ...listed.map(({ name, type }) => ({
      ...{
        path: ['ids', name],
        name,
        of: type === 'camera' ? ('camera' as const) : ('alarm-input' as const),
      },
    })),
    ...organisation.flatMap(({ holds }, node) =>
      holds.map((name, at) => ({
        ...{ path: ['organisation', node, 'holds', at], name, of: 'place' as const },
      })),
    ),
  ];
}

export const warningsOf = (own: Options): readonly Warning[] => [
  ...videoWarnings(own),
  ...snapshotWarnings(own),
];

function snapshotWarnings({ snapshotUrls }: Options): readonly Warning[] {
  if (snapshotUrls.length === 0) return [];
  const isPlain = snapshotUrls.some((url) => url.startsWith('http:'));
  return [
    {
      path: ['snapshotUrls'],
      en: `pictures leave the campus: this platform may have them sent to ${snapshotUrls.join(', ')}, of the cameras for which a rule of \`commands\` allows \`snapshot\`${isPlain ? '. What goes by http is not encrypted: https is' : ''}`,
      zh: `图片将离开校园：该平台可令本网关将图片上传至 ${snapshotUrls.join('、')}（仅限 \`commands\` 规则允许 \`snapshot\` 的摄像机）${isPlain ? '。http 不加密，请改用 https' : ''}`,
    },
  ];
}

function videoWarnings({ video, mediaHosts }: Options): readonly Warning[] {
  if (video === false) return [];
  const [en, zh] = Array.isArray(video)
    ? [video.join(', '), video.join('、')]
    : ['all cameras', '全部摄像机'];
  const [where, whither] =
    mediaHosts === undefined
      ? [
          'to any address that it names: `mediaHosts` limits that',
          '发往其指定的任意地址：可用 `mediaHosts` 限制',
        ]
      : [`to ${mediaHosts.join(', ')}`, `仅发往 ${mediaHosts.join('、')}`];
  return [
    {
      path: ['video'],
      en: `pictures leave the campus: this platform may watch ${en}, live and what is kept, whenever it likes, ${where}. GB/T 28181 does not encrypt them`,
      zh: `视频图像将离开校园：该平台可随时观看${zh}的实时画面和已保存的录像，${whither}。GB/T 28181 对其不加密`,
    },
  ];
}

export function problemsOf(own: Options): readonly UplinkProblem[] {
  const { deviceId, serverId, password, passwordFile } = own;
  const problems: UplinkProblem[] = [];
  if (deviceId === serverId)
    problems.push({
      path: ['deviceId'],
      en: 'is that of the platform: `serverId` names the platform, `deviceId` this gateway',
      zh: '与平台编码相同：`serverId` 是平台，`deviceId` 是本网关',
    });
  if (password === undefined && passwordFile === undefined)
    problems.push({
      path: ['passwordFile'],
      en: 'is missing: a file with the password that the platform gave for this device id',
      zh: '缺失：请给出平台为该设备编码分配的密码文件',
    });
  if (own.snapshotUrls.length > 0 && own.video === false)
    problems.push({
      path: ['snapshotUrls'],
      en: 'does nothing without `video`: the platform can order pictures only of cameras that it is told of',
      zh: '未配置 `video` 时不起作用：平台只能对其可见的摄像机下发抓拍',
    });
  return [...problems, ...namingProblems(own)];
}

/** What the config says of an uplink over GA/T 1400, beside what all uplinks have in common. */
import { z } from 'zod';
import type { Warning } from '../../contract/driver.ts';
import { duration, isLoopback, secret } from '../../contract/options.ts';
import type { Leaving, UplinkProblem } from '../../contract/transport.ts';

export const options = z.strictObject({
  url: z
    .string()
    .regex(/^https?:\/\/[^\s/@?#]+\/?$/, 'http://HOST:PORT or https://HOST:PORT, without user and path')
    .transform((text) => text.replace(/\/$/, ''))
    .describe('The view library of the platform; /VIID/... is asked there'),
  caFile: z
    .string()
    .optional()
    .describe('PEM: the authority that signed the platform, for https; default: those of Node'),
  deviceId: z
    .string()
    .regex(/^\d{20}$/, 'the 20 digits that the platform gave')
    .describe(
      'The 20 digits that the platform gave this gateway; ids of cameras and terminals are made from its first 10',
    ),
  username: z.string().min(1).max(64).optional().describe('Default: `deviceId`'),
  password: secret().optional().describe('`${NAME}` from the environment; or use passwordFile'),
  passwordFile: z.string().optional().describe('A file whose first line is the password'),
  keepalive: duration({ least: '5s', most: '1h' })
    .prefault('60s')
    .describe('How often it says that it is there; after three without an answer it registers anew'),
  faces: z
    .boolean()
    .default(false)
    .describe(
      'Faces, persons and vehicles leave the campus with their pictures; needs `pictures: true` too. Without it only pictures of alarms do',
    ),
});
export type Options = z.output<typeof options>;

export function problemsOf(
  { url, caFile, password, passwordFile, faces }: Options,
  { pictures }: Leaving,
): readonly UplinkProblem[] {
  const problems: UplinkProblem[] = [];
  if (faces && !pictures)
    problems.push({
      path: ['faces'],
      en: 'needs `pictures: true` beside it: a face leaves with its picture or not at all',
      zh: '需要同时设置 `pictures: true`：人脸必须连同图片一起上传，否则不上传',
    });
  if (password === undefined && passwordFile === undefined)
    problems.push({
      path: ['passwordFile'],
      en: 'is missing: a file with the password that the platform gave for this device id',
      zh: '缺失：请给出平台为该设备编码分配的密码文件',
    });
  if (caFile !== undefined && !url.startsWith('https:'))
    problems.push({
      path: ['caFile'],
      en: `stands beside ${url}, which has no TLS; use https://`,
      zh: `${url} 不使用 TLS；请改用 https://`,
    });
  return problems;
}

/** What leaves the campus over it, aloud. */
function leavingOf(faces: boolean, { pictures, names }: Leaving): Warning {
  if (!pictures)
    return {
      path: ['protocol'],
      en: 'nothing leaves for this platform but that the gateway is there: it gets pictures only, and `pictures` is false. Say `pictures: true` for pictures of alarms, and `faces: true` beside it for faces, persons and vehicles',
      zh: '除在线状态外，不向该平台上传任何内容：该平台只接收图片，而 `pictures` 为 false。上传报警图片请设置 `pictures: true`；上传人脸、人员和车辆还需同时设置 `faces: true`',
    };
  if (!faces)
    return {
      path: ['pictures'],
      en: 'pictures of alarms leave the campus for this platform, with whoever is on them; no faces, persons or vehicles (`faces` is false)',
      zh: '报警图片（包括画面中的人员）将离开校园上传至该平台；不上传人脸、人员和车辆（`faces` 为 false）',
    };
  const visitors = names
    ? { en: ', with the names of visitors', zh: '（含访客姓名）' }
    : { en: ', without names', zh: '（不含姓名）' };
  return {
    path: ['faces'],
    en: `faces, persons and vehicles leave the campus for this platform with their pictures${visitors.en}: whoever passes a terminal or is seen by a camera, pupils too; and pictures of alarms`,
    zh: `人脸、人员和车辆将连同图片离开校园上传至该平台${visitors.zh}：凡经过终端或被摄像机拍到的人员（包括学生）；报警图片同样上传`,
  };
}

export function warningsOf({ url, faces }: Options, leaving: Leaving): readonly Warning[] {
  const { protocol, hostname } = new URL(url);
  const told = leavingOf(faces, leaving);
  if (protocol === 'https:' || isLoopback(hostname) || !leaving.pictures) return [told];
  return [
    told,
    {
      path: ['url'],
      en: 'http:// is not encrypted: who is on the way sees each picture. Use https:// where the platform has it',
      zh: 'http:// 未加密：途经的任何人都能看到每张图片。平台支持时请使用 https://',
    },
  ];
}

/** Two uplinks that a platform cannot tell apart: one's leaving would be the other's. */
export const clashesOf = (uplinks: readonly { readonly id: string; readonly options: Options }[]) =>
  uplinks.flatMap(({ id, options }, i) => {
    const first = uplinks
      .slice(0, i)
      .find((one) => one.options.url === options.url && one.options.deviceId === options.deviceId);
    if (first === undefined) return [];
    return [
      {
        uplink: id,
        path: ['deviceId'],
        en: `${first.id} is registered there by the same 20 digits: the platform takes them for one; keep one of them`,
        zh: `${first.id} 已使用相同编码在该平台注册：平台会视为同一设备；请只保留一个`,
      },
    ];
  });

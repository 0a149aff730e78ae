/** Which files of a config the service cannot read, and what to do: told by `check` and by `doctor` that root runs. */
import { dirname, relative, resolve } from 'node:path';
import { configPaths } from './backup/contents.ts';
import {
  ENTER,
  groupName,
  type Hindrance,
  hindrance,
  quoted,
  READ,
  statOf,
  type Viewer,
} from './service-user.ts';

/** A sentence with what to do. */
export interface Unreadable {
  readonly en: string;
  readonly zh: string;
}

/** Where the package has the config of a service. */
const USUAL = '/etc/campus-gateway';
const TOLD_MAX = 3;

/**
 * Of the config file and of all files that it names; one sentence for all behind the same closed folder. What is not there
 * is told by who reads it. @throws what the disk says of the config file, and Error where it is no YAML.
 */
export function unreadableBy(viewer: Viewer, config: string): readonly Unreadable[] {
  const inTheWay = new Map<string, Hindrance & { readonly files: string[] }>();
  for (const file of configPaths(config)) {
    const found = hindrance(viewer, file, READ);
    if (found === undefined) continue;
    const known = inTheWay.get(found.at);
    if (known === undefined) inTheWay.set(found.at, { ...found, files: [file] });
    else known.files.push(file);
  }
  return [...inTheWay.values()].map((one) => inWords(viewer, config, one));
}

function inWords(
  viewer: Viewer,
  config: string,
  { at, isFolder, rights, files }: Hindrance & { readonly files: readonly string[] },
): Unreadable {
  const more = files.length - TOLD_MAX;
  const [en, zh] = [
    `${files.slice(0, TOLD_MAX).join(', ')}${more > 0 ? ` and ${more} more` : ''}`,
    `${files.slice(0, TOLD_MAX).join('、')}${more > 0 ? ` 等 ${files.length} 个文件` : ''}`,
  ];
  const mode = (rights.mode & 0o7777).toString(8).padStart(4, '0');
  const group = groupName(viewer.groups[0] ?? viewer.uid);
  if (!isFolder) {
    const run =
      rights.uid === viewer.uid
        ? `chmod u+r ${quoted(at)}`
        : `chgrp ${group} ${quoted(at)} && chmod 640 ${quoted(at)}`;
    return {
      en: `${en} (mode ${mode}) cannot be read by the service (user ${viewer.name}); run: ${run}`,
      zh: `${zh}（权限 ${mode}）无法被服务（用户 ${viewer.name}）读取；请执行：${run}`,
    };
  }
  const [doEn, doZh] = howIn(viewer, config, at, rights.uid, group);
  return {
    en: `${en} cannot be read by the service (user ${viewer.name}), which ${at} (mode ${mode}) does not let in; ${doEn}`,
    zh: `${zh} 无法被服务（用户 ${viewer.name}）读取，因为它无权进入 ${at}（权限 ${mode}）；${doZh}`,
  };
}

/** A folder of the config's own is opened to the service; any other is closed for a reason: what lies in it moves. */
function howIn(
  viewer: Viewer,
  config: string,
  closed: string,
  owner: number,
  group: string,
): readonly [en: string, zh: string] {
  const folder = dirname(resolve(config));
  const isWithin = !relative(folder, closed).startsWith('..');
  // /root is closed for a reason, too, where the config lies in it.
  const isOwn = isWithin && owner === 0 && dirname(closed) !== '/';
  if (isOwn) {
    const run = `chgrp ${group} ${quoted(closed)} && chmod g+rx ${quoted(closed)}`;
    return [`run: ${run}`, `请执行：${run}`];
  }
  const isOpen = statOf(folder) !== undefined && hindrance(viewer, folder, ENTER) === undefined;
  const to = isOpen ? folder : USUAL;
  return [
    `move it to a folder that the service may enter, such as ${to}, and change what the config says of it`,
    `请移到服务可进入的目录（如 ${to}），并相应修改配置中的路径`,
  ];
}

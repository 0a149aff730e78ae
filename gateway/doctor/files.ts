/** The rights of files: what the gateway must read and write, and what nobody else may. Changes nothing. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { openSecrets } from '../secrets.ts';
import { unreadableBy } from '../service-reads.ts';
import { ENTER, hindrance, nearest, quoted, READ, type Viewer, WRITE } from '../service-user.ts';
import { type Finding, findingsAbout } from './finding.ts';

const { good, note, bad } = findingsAbout('files');

/** `viewer`: by whose eyes; undefined: by ours. */
export function fileFindings(file: string, dataDir: string, viewer?: Viewer): readonly Finding[] {
  const unread = viewer === undefined ? [] : (attempt(() => unreadableBy(viewer, file)) ?? []);
  const found = [
    ...unread.map(({ en, zh }) => bad(en, zh)),
    ...dataFindings(dataDir, viewer),
    ...openSecrets(file, dataDir, viewer).map(({ file: one, mode, run }) =>
      note(
        `${one} (mode ${mode}) can be read by other users of this machine; run: ${run}`,
        `${one}（权限 ${mode}）可被本机其他用户读取；请执行：${run}`,
      ),
    ),
  ];
  return found.length > 0 ? found : [good('files can be read by those alone who must', '文件权限正确')];
}

/** What keeps who is looked for from the data folder, such as what root left in it; nothing: none. */
export function dataFindings(dataDir: string, viewer: Viewer | undefined): readonly Finding[] {
  const closed = hindrance(viewer, nearest(dataDir), WRITE | ENTER) ?? closedDatabase(dataDir, viewer);
  if (closed === undefined) return [];
  const [en, zh] =
    viewer === undefined
      ? ['this user', '当前用户']
      : [`the service (user ${viewer.name})`, `服务（用户 ${viewer.name}）`];
  if (closed.isFolder)
    return [
      bad(
        `${en} cannot write into ${dataDir}, for ${closed.at} does not let it in: no alarm is kept. Move it to where it may, such as /var/lib/campus-gateway, and name that as \`dataDir\``,
        `${zh}无权进入 ${closed.at}，无法写入 ${dataDir}：报警无法保存。请移到可进入的位置（如 /var/lib/campus-gateway）并修改 \`dataDir\``,
      ),
    ];
  const whose = viewer?.name ?? 'campus-gateway';
  const folder = quoted(dataDir);
  const run = `chown -R ${whose}: ${folder}${viewer === undefined ? '' : ` && chmod -R u+rwX ${folder}`}`;
  return [
    bad(
      `${en} cannot write into ${closed.at}: no alarm is kept. Run: ${run}`,
      `${zh}无法写入 ${closed.at}：报警无法保存。请执行：${run}`,
    ),
  ];
}

/** What root left in the folder of the service's user, which SQLite has to write there. */
const closedDatabase = (dataDir: string, viewer: Viewer | undefined) =>
  (attempt(() => readdirSync(dataDir)) ?? [])
    .filter((name) => /\.sqlite(-wal|-shm)?$/.test(name))
    .map((name) => hindrance(viewer, join(dataDir, name), READ | WRITE))
    .find((one) => one !== undefined);

function attempt<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}

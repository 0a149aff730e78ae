import { chownSync, existsSync, mkdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { say } from '../../config/language.ts';
import { PRIVATE_FOLDER } from '../lifecycle/private-files.ts';
import { bytesText } from './backup/show.ts';
import { type Command, type Terminal, UsageError } from './command.ts';
import { inForceOrErrors } from './in-force.ts';
import { ValueError } from './values.ts';

const english = `campus-gateway backup CONFIG --to OUT [--recipient age1…]… [--clips] [--plain]
campus-gateway backup keys --to KEYFILE
campus-gateway backup check BACKUP [--key KEYFILE]

Copies all that a new mini-PC needs in the place of a dead one into one file: the config and what it names, the journal, users, the
plan, the ledger. A gateway that runs on them goes on; the copy is of one moment. Whoever has a private key can read it, and nobody
else: without a recipient, here or in the config (\`backup.recipients\`), nothing is made.

  keys      makes a pair of keys: the private one goes into KEYFILE, which you keep away from the gateway; the public one is shown
  check     reads a backup to its end and says what is in it; exit status 1 where it was cut or changed

  --to OUT         a file; or a folder, in which it gets its name from the campus and the time: one that is there, one that ends
                   in / (made where it is missing), or the folder of the daily backups. Of keys: a file
  --recipient KEY  a public key; several: each of their owners can read it
  --clips          pictures and clips too
  --plain          not encrypted: it holds passwords, keys, and names of children
  --key KEYFILE    a file with a private key

  campus-gateway backup keys --to backup.key
  campus-gateway backup /etc/campus-gateway/campus.yaml --to /mnt/usb/
  campus-gateway backup check /mnt/usb/campus-4503000001-20261129T023000Z.tar.gz.age --key backup.key

Exit status: 0 made; 1 the config or the backup is wrong; 2 not understood; 3 could not be made.`;
const chinese = `campus-gateway backup 配置 --to 输出 [--recipient age1…]… [--clips] [--plain]
campus-gateway backup keys --to 密钥文件
campus-gateway backup check 备份 [--key 密钥文件]

把更换故障主机所需的一切复制到一个文件：配置及其引用的文件、事件日志、用户、平面图、台账。网关可照常运行，备份为同一时刻的内容。
只有持有私钥的人可以读取：命令行和配置（\`backup.recipients\`）中都没有接收方时，不生成备份。

  keys      生成一对密钥：私钥写入密钥文件，请保存在网关以外的地方；公钥显示在屏幕上
  check     完整读取备份并列出内容；不完整或被改动时退出状态为 1

  --to 输出         文件；或目录，文件名由学校编号和时间生成：已有的目录、以 / 结尾的目录（没有时创建）、每日备份的目录。
                    keys 时为文件
  --recipient 公钥  可多次给出，每位持有人均可读取
  --clips           包括图片和录像
  --plain           不加密：其中有密码、密钥和学生姓名
  --key 密钥文件    私钥文件

  campus-gateway backup keys --to backup.key
  campus-gateway backup /etc/campus-gateway/campus.yaml --to /mnt/usb/
  campus-gateway backup check /mnt/usb/campus-4503000001-20261129T023000Z.tar.gz.age --key backup.key

退出状态：0 完成；1 配置或备份有误；2 命令有误；3 无法生成。`;

export const backup: Command = {
  name: 'backup',
  summary: [
    'Copy all of a campus into one encrypted file, beside a gateway that runs',
    '把全部数据和配置加密备份到一个文件',
  ],
  usage: say(english, chinese),

  async run(args, terminal) {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        to: { type: 'string' },
        recipient: { type: 'string', multiple: true, default: [] },
        key: { type: 'string' },
        clips: { type: 'boolean', default: false },
        plain: { type: 'boolean', default: false },
      },
    });
    const [what, file] = positionals;
    if (what === 'check') return await check(file, values.key, terminal);
    if (values.to === undefined) throw new UsageError(say('where to? give --to', '请用 --to 给出输出位置'));
    if (what === 'keys') {
      const { writeKeys } = await import('./backup/keys.ts');
      return await writeKeys(resolve(values.to), terminal);
    }
    return await take(what, { ...values, to: values.to }, terminal);
  },
};

async function take(
  file: string | undefined,
  {
    to,
    recipient,
    clips,
    plain,
  }: { to: string; recipient: readonly string[]; clips: boolean; plain: boolean },
  terminal: Terminal,
): Promise<number> {
  // Zod has no business in `--help`.
  const { isRecipient } = await import('../../config/sections/backup.ts');
  const bad = recipient.find((one) => !isRecipient(one));
  if (bad !== undefined)
    throw new ValueError(
      say(
        `--recipient "${bad}": a public key as \`campus-gateway backup keys\` prints it, age1…`,
        `--recipient "${bad}"：应为 \`campus-gateway backup keys\` 显示的公钥 age1…`,
      ),
    );
  const found = await inForceOrErrors(file, terminal);
  if (found === undefined) return 1;
  const { config, version } = found;
  const known = recipient.length > 0 ? recipient : (config.backup?.recipients ?? []);
  if (known.length === 0 && !plain)
    throw new ValueError(
      say(
        'for whom? give --recipient with a public key (`campus-gateway backup keys` makes one), or --plain',
        '给谁读取？请用 --recipient 给出公钥（由 `campus-gateway backup keys` 生成），或使用 --plain',
      ),
    );
  const [{ needJournal }, { backupName }, { takeBackup }] = await Promise.all([
    import('./first-start.ts'),
    import('../backup/names.ts'),
    import('../backup/take.ts'),
  ]);
  needJournal(config.file, config.dataDir);
  const at = terminal.clock.wall();
  // That of the backups of each day, whether they are switched on yet or not: a file of its name would be in their way.
  const usualFolder = join(config.dataDir, 'backups');
  const usual = [config.backup?.folder, usualFolder].includes(resolve(to));
  const isFolder = usual || to.endsWith('/') || (existsSync(to) && statSync(to).isDirectory());
  if (usual) makeFolder(resolve(to), config.dataDir);
  const isMade = isFolder && !existsSync(to);
  const taken = await takeBackup({
    ...{ configFile: resolve(config.file), configText: version, dataDir: config.dataDir },
    campus: { id: config.campus.id, name: config.campus.name },
    out: resolve(isFolder ? join(to, backupName(config.campus.id, at, !plain)) : to),
    recipients: plain ? [] : known,
    clips: clips || config.backup?.clips === true,
    without: config.backup?.folder ?? usualFolder,
    ...{ lowDisk: config.retention.lowDisk, at },
  });
  const { showTaken } = await import('./backup/show.ts');
  // Where a stick is not plugged in, its folder is one of the disk that is to be outlived.
  if (isMade && statSync(to).dev === statSync(config.dataDir).dev)
    terminal.stderr.write(
      say(
        `${to} was not there and was made, on the disk of ${config.dataDir}, which this backup does not outlive: if it was to be a stick or a share, mount that and make the backup again\n`,
        `${to} 原不存在，已新建，与 ${config.dataDir} 在同一磁盘，磁盘损坏时备份也会丢失：如应为 U 盘或网络共享，请挂载后重新备份\n`,
      ),
    );
  return showTaken(taken, terminal);
}

/** Made by root's command line, it is the gateway's all the same. @throws what the disk says. */
function makeFolder(folder: string, dataDir: string): void {
  if (mkdirSync(folder, { recursive: true, mode: PRIVATE_FOLDER }) === undefined) return;
  const { uid, gid } = statSync(dataDir);
  if (process.getuid?.() === 0) chownSync(folder, uid, gid);
}

async function check(file: string | undefined, key: string | undefined, terminal: Terminal): Promise<number> {
  if (file === undefined) throw new UsageError(say('which backup?', '请给出备份文件'));
  const [{ checkBackup }, { identitiesFor }] = await Promise.all([
    import('../backup/restore.ts'),
    import('./backup/keys.ts'),
  ]);
  const identities = await identitiesFor(file, key);
  try {
    const { campus, at, version, host, files, journal } = await checkBackup(file, identities);
    const bytes = bytesText(files.reduce((sum, one) => sum + one.bytes, 0));
    terminal.stdout.write(
      say(
        `whole: ${campus.name} (${campus.id}) on ${host}, ${at}, by version ${version}: ${files.length} files, ${bytes}; the journal up to number ${journal.last}\n`,
        `完整：${campus.name}（${campus.id}），主机 ${host}，${at}，版本 ${version}：${files.length} 个文件，${bytes}；事件日志至 ${journal.last} 号\n`,
      ),
    );
    return 0;
  } catch (error) {
    terminal.stderr.write(`${(error as Error).message}\n`);
    return 1;
  }
}

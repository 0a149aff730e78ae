import { parseArgs } from 'node:util';
import { say } from '../../config/language.ts';
import { printable } from '../printable.ts';
import { type Command, UsageError } from './command.ts';

const english = `campus-gateway restore BACKUP --key KEYFILE [--to WHERE] [--replace] [--elsewhere]

Puts a backup into place on a new mini-PC: the config, what it names, and the data folder that it says. All of it is read and checked
first; one that was cut or changed is refused whole. The gateway is stopped meanwhile, and started afterwards: its events go on under a new
numbering (\`journal\`), so that no platform takes a new event for an old one. What a platform had not confirmed when the
backup was made comes again, with the same \`id\`.

  --key KEYFILE   the file with the private key; a plain backup needs none
  --to WHERE      where the config goes, a file (.yaml) or a folder; default where it was. The data go with it: where the
                  config names a folder outside of it, they go into data beside the config, which says so then
  --replace       what is there is set aside, in \`before-TIME\`, not removed
  --elsewhere     puts files that the config names outside of its folder where they were, too

  systemctl stop campus-gateway
  campus-gateway restore /mnt/usb/campus-4503000001-20261129T023000Z.tar.gz.age --key /mnt/usb/backup.key --replace
  campus-gateway check /etc/campus-gateway/campus.yaml && systemctl start campus-gateway

Exit status: 0 restored; 2 not understood; 3 refused, and nothing was put into place.`;
const chinese = `campus-gateway restore 备份 --key 密钥文件 [--to 位置] [--replace] [--elsewhere]

在新主机上恢复备份：配置、配置引用的文件，以及配置中的数据目录。先完整读取并校验，不完整或被改动的备份整体拒绝。恢复期间网关须停止，之后再启动：
事件以新的编号（\`journal\`）继续，平台不会把新事件误认为旧事件。备份时平台尚未确认的事件会重新发送，\`id\` 不变。

  --key 密钥文件   私钥文件；未加密的备份不需要
  --to 位置        配置的位置（.yaml 文件或目录）；默认为原位置。数据随之移动：配置中的 dataDir 在其之外时，
                   数据写入配置旁的 data，配置随之改写
  --replace        现有内容移到 \`before-时间\`，不删除
  --elsewhere      配置引用的目录外文件也恢复到原处

  systemctl stop campus-gateway
  campus-gateway restore /mnt/usb/campus-4503000001-20261129T023000Z.tar.gz.age --key /mnt/usb/backup.key --replace
  campus-gateway check /etc/campus-gateway/campus.yaml && systemctl start campus-gateway

退出状态：0 已恢复；2 命令有误；3 被拒绝，未恢复任何内容。`;

export const restore: Command = {
  name: 'restore',
  summary: ['Put a backup into place on a new mini-PC', '在新主机上恢复备份'],
  usage: say(english, chinese),

  async run(args, terminal) {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        key: { type: 'string' },
        to: { type: 'string' },
        replace: { type: 'boolean', default: false },
        elsewhere: { type: 'boolean', default: false },
      },
    });
    const [backup] = positionals;
    if (backup === undefined) throw new UsageError(say('which backup?', '请给出备份文件'));
    const [{ restoreBackup }, { identitiesFor }, { isInUse }, { showEnvironment }] = await Promise.all([
      import('../backup/restore.ts'),
      import('./backup/keys.ts'),
      import('../journal/folder.ts'),
      import('./backup/show.ts'),
    ]);
    const { to, replace, elsewhere } = values;
    const at = terminal.clock.wall();
    const identities = await identitiesFor(backup, values.key);
    const restored = await restoreBackup({ backup, identities, to, replace, elsewhere, isInUse, at });
    const { manifest, aside } = restored;
    const [configFile, dataDir] = [printable(restored.configFile), printable(restored.dataDir)];
    const { campus, files, journal } = manifest;
    terminal.stdout.write(
      say(
        `restored: ${printable(campus.name)} (${campus.id}) as of ${manifest.at}: ${files.length} files; the config is ${configFile}, the data ${dataDir}, the journal up to number ${journal.last}\n`,
        `已恢复：${printable(campus.name)}（${campus.id}），${manifest.at} 的内容，${files.length} 个文件；配置 ${configFile}，数据 ${dataDir}，事件日志至 ${journal.last} 号\n`,
      ),
    );
    if (restored.dataDirBefore !== undefined) {
      const before = printable(restored.dataDirBefore);
      terminal.stdout.write(
        say(
          `the config said dataDir: ${before}, which is outside of --to and was not touched: in this one it is ./data\n`,
          `原配置的 dataDir 为 ${before}，不在 --to 之内，未作改动：此配置中已改为 ./data\n`,
        ),
      );
    }
    for (const one of aside)
      terminal.stdout.write(say(`set aside: ${printable(one)}\n`, `已移到一旁：${printable(one)}\n`));
    showEnvironment(manifest.environment, terminal.stderr);
    terminal.stdout.write(
      say(
        `now: campus-gateway check ${configFile}, then start the gateway\n`,
        `接下来：campus-gateway check ${configFile}，然后启动网关\n`,
      ),
    );
    return 0;
  },
};

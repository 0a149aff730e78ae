import { parseArgs } from 'node:util';
import { say } from '../../config/language.ts';
import { printable } from '../printable.ts';
import { atMost, type Command, loadedOrErrors, UsageError } from './command.ts';

const english = `campus-gateway check FILE [--explain] [--ask]

Prints each error as FILE:LINE:COLUMN: message. Exit status 0 where there is none, else 1. Warnings change nothing of
that: of what is open to the network in clear text, and of files with secrets that other users of the machine can read,
with the command that mends it. Run by root (sudo), it also looks with the eyes of the user who has the data folder, as whom
the service runs: a file that he could not read, or of his data not write, is an error.

  --explain   says what each zone's alarm will do: when it counts, who gets it, what it switches; and what each platform
              gets to know of the school itself
  --ask       asks the cameras over the network: whether they have the sources, profiles, relays and presets that the config
              names (else exit status 1), and, with --explain, what becomes of each topic that they tell, and why of
              others nothing. Each is logged in to once, as it is by a gateway that runs

  campus-gateway check campus.yaml --explain`;
const chinese = `campus-gateway check FILE [--explain] [--ask]

每个错误一行：文件:行:列: 说明。没有错误时退出状态为 0，否则为 1。警告不影响退出状态：对网络明文开放的内容，本机其他用户可读的
密钥文件及修正的命令。以 root（sudo）运行时，服务的用户（即数据目录的所有者）无法读取的文件、其无法写入的数据均视为错误。

  --explain   说明每个防区的报警会怎样：何时生效、送达谁、联动什么；以及每个平台得到学校自身的哪些信息
  --ask       通过网络询问摄像机：是否有配置中的视频源、码流、继电器和预置位（没有则退出状态为 1）；与 --explain 同用时，说明其每个
              主题变成什么，为何其他的不产生事件。每台只登录一次，与运行中的网关相同

  campus-gateway check campus.yaml --explain`;

export const check: Command = {
  name: 'check',
  summary: ['Check a config file and say all that is wrong', '检查配置文件并列出全部错误'],
  usage: say(english, chinese),

  async run(args, terminal) {
    const { stdout, stderr } = terminal;
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: { explain: { type: 'boolean', default: false }, ask: { type: 'boolean', default: false } },
    });
    const [file] = positionals;
    atMost(1, positionals);
    if (file === undefined) throw new UsageError(say('which file?', '请给出配置文件'));
    const loaded = await loadedOrErrors(file, terminal);
    if (loaded === undefined) return 1;
    const { config, warnings } = loaded;
    const { formatError } = await import('../../config/load.ts');
    const { cardWarnings } = await import('../check.ts');
    for (const warning of [...warnings, ...cardWarnings(config).map(loaded.tell)])
      stderr.write(`${printable(formatError(warning))}\n`);
    const { serviceUser } = await import('../service-user.ts');
    const viewer = serviceUser(config.dataDir);
    if (viewer !== undefined) {
      const [{ unreadableBy }, { dataFindings }] = await Promise.all([
        import('../service-reads.ts'),
        import('../doctor/files.ts'),
      ]);
      const unread = [...unreadableBy(viewer, file), ...dataFindings(config.dataDir, viewer)];
      for (const { en, zh } of unread) stderr.write(`${printable(say(en, zh))}\n`);
      // It is right, and the gateway does not start with it.
      if (unread.length > 0) return 1;
    }
    const { devices, uplinks } = config;
    stdout.write(
      say(
        `${file}: good. ${devices.length} devices, ${uplinks.length} uplinks; data in ${config.dataDir}\n`,
        `${file}：正确。${devices.length} 台设备，${uplinks.length} 个平台；数据目录 ${config.dataDir}\n`,
      ),
    );
    const { inWords, openSecrets } = await import('../secrets.ts');
    for (const one of openSecrets(file, config.dataDir, viewer)) stdout.write(`! ${inWords(one)}\n`);
    if (values.explain) {
      const { explainCampus, explainZones } = await import('./check/explain.ts');
      for (const line of [...explainZones(config), ...explainCampus(config)]) stdout.write(`${line}\n`);
    }
    if (!values.ask) return 0;
    const { askCameras } = await import('./check/cameras.ts');
    const { lines, isWrong } = await askCameras(config, terminal.clock, { explain: values.explain });
    for (const line of lines) stdout.write(`${line}\n`);
    return isWrong ? 1 : 0;
  },
};

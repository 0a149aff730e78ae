import { parseArgs } from 'node:util';
import { say } from '../../config/language.ts';
import type { ConfigApplied, ConfigDifference, ConfigVersion } from '../console/contract/config.ts';
import { printable } from '../printable.ts';
import { type Command, loadedOrErrors, type Terminal, UsageError } from './command.ts';
import { who } from './who.ts';

/** A platform that is left gets 1 s; a camera's stop and a disk take their time; a config of 4 MB is read in some seconds. */
const PATIENCE_MS = 90_000;

const english = `campus-gateway reload FILE [--dry-run | --versions | --back NAME]

Checks FILE; where it is right, the gateway that runs with it reads it again and takes up what changed: only what differs restarts,
and nothing is lost meanwhile. A wrong file changes nothing. What cannot be started brings the old config back, and so it says.
\`campus.id\` and \`dataDir\` need a restart. SIGHUP and systemctl reload do the same, without saying who.

  --dry-run    says what would change, and changes nothing
  --versions   lists the configs that were taken up, the newest first: name, when, by whom, hash
  --back NAME  puts that version into FILE, where it takes up what it changes; what is in FILE now is kept as a version.
               Where no gateway runs, it is checked and put there for the next start

--versions and --back need no FILE that is right.
Exit status 0 where it was taken up, or nothing had changed; 1 where it was refused; 2 where the command was not understood; 3 where
no gateway could be asked. Run it as the gateway's user, or as root.

  campus-gateway reload /etc/campus-gateway/campus.yaml --dry-run
  campus-gateway reload /etc/campus-gateway/campus.yaml
  campus-gateway reload /etc/campus-gateway/campus.yaml --back v12`;
const chinese = `campus-gateway reload FILE [--dry-run | --versions | --back NAME]

检查 FILE；正确时，使用它运行的网关重新读取并应用变化：只有不同的部分重启，期间不丢失任何内容。有错误的文件不改变任何内容。
无法启动的会恢复原配置，并加以说明。\`campus.id\` 和 \`dataDir\` 需要重启。SIGHUP 和 systemctl reload 作用相同，但不记录操作者。

  --dry-run    说明会有什么变化，不做更改
  --versions   列出应用过的配置，最新的在前：名称、时间、操作者、哈希
  --back NAME  将该版本写入 FILE 并应用；FILE 的当前内容保存为一个版本。网关未运行时，检查后写入，待下次启动

--versions 和 --back 不要求 FILE 正确。
退出状态：0 已应用或没有变化；1 被拒绝；2 命令有误；3 没有网关可询问。须以网关的用户或 root 执行。

  campus-gateway reload /etc/campus-gateway/campus.yaml --dry-run
  campus-gateway reload /etc/campus-gateway/campus.yaml
  campus-gateway reload /etc/campus-gateway/campus.yaml --back v12`;

export const reload: Command = {
  name: 'reload',
  summary: ['Have a running gateway take up its changed config', '让运行中的网关应用修改后的配置'],
  usage: say(english, chinese),

  async run(args, terminal) {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        'dry-run': { type: 'boolean', default: false },
        versions: { type: 'boolean', default: false },
        back: { type: 'string' },
      },
    });
    const [file, ...more] = positionals;
    if (file === undefined || more.length > 0)
      throw new UsageError(say('one FILE: the config that the gateway runs with', '请给出一个配置文件 FILE'));
    const wanted = [values['dry-run'], values.versions, values.back !== undefined].filter(Boolean);
    if (wanted.length > 1)
      throw new UsageError(
        say('one of --dry-run, --versions and --back', '--dry-run、--versions、--back 只能选一个'),
      );
    if (values.back !== undefined) return await goBackTo(file, values.back, terminal);
    if (values.versions) return await listVersions(file, terminal);
    const loaded = await loadedOrErrors(file, terminal, { forRunning: true });
    if (loaded === undefined) {
      const { dataDirOf } = await import('./reload/data-dir.ts');
      return await tellUnchanged(file, dataDirOf(file), terminal);
    }
    const { dataDir } = loaded.config;
    if (!values['dry-run']) {
      const said = (await ask(dataDir, 'reload', terminal)) as ConfigApplied;
      const status = tell(said, terminal, file);
      return said.done ? status : await tellUnchanged(file, dataDir, terminal);
    }
    return tellDifference(
      (await ask(dataDir, 'config-difference', terminal)) as ConfigDifference,
      terminal,
      file,
    );
  },
};

async function ask(
  dataDir: string,
  act: 'reload' | 'config-difference' | 'config-versions',
  { clock }: Terminal,
): Promise<object> {
  const { askToAct } = await import('./health/act.ts');
  return await askToAct(dataDir, act, act === 'reload' ? { by: who() } : {}, clock, PATIENCE_MS);
}

/** What was refused changes nothing, and the way back is one command. @returns the exit status. */
async function tellUnchanged(file: string, dataDir: string, terminal: Terminal): Promise<1> {
  const { runningVersion } = await import('./in-force.ts');
  const name = await runningVersion(dataDir, terminal);
  if (name === undefined) return 1;
  const sentence = say(
    `nothing changed: the gateway runs on with ${name}; campus-gateway reload ${file} --back ${name} puts that back into the file`,
    `没有任何变化：网关继续以 ${name} 运行；campus-gateway reload ${file} --back ${name} 可将其写回文件`,
  );
  terminal.stderr.write(`${printable(sentence)}\n`);
  return 1;
}

async function listVersions(file: string, terminal: Terminal): Promise<number> {
  const [{ openVersions }, { dataDirOf }] = await Promise.all([
    import('../reload/versions.ts'),
    import('./reload/data-dir.ts'),
  ]);
  const dataDir = dataDirOf(file);
  const running = await ask(dataDir, 'config-versions', terminal)
    .then((said) => (said as { readonly versions: readonly ConfigVersion[] }).versions)
    .catch(() => []);
  const taken = running.find(({ isTaken }) => isTaken)?.name;
  const all = await openVersions(dataDir).list();
  if (all.length === 0) {
    terminal.stderr.write(
      say(
        `no versions are kept in ${dataDir}: no gateway ran with it yet\n`,
        `${dataDir} 中没有版本：尚无网关以此运行\n`,
      ),
    );
    return 1;
  }
  for (const { name, at, by, sha256 } of all) {
    const mark = name === taken ? say('  (runs)', '  （运行中）') : '';
    terminal.stdout.write(`${printable(`${name.padEnd(6)} ${at}  ${sha256.slice(0, 12)}  ${by}`)}${mark}\n`);
  }
  return 0;
}

async function goBackTo(file: string, name: string, terminal: Terminal): Promise<number> {
  const { goBack } = await import('./reload/back.ts');
  const said = await goBack(file, name, {
    ask: (dataDir, act) => ask(dataDir, act, terminal),
    by: who(),
    terminal,
  });
  return typeof said === 'number' ? said : tell(said, terminal, file);
}

/** What is wrong, or why it is not taken up. @returns whether there was something. */
function tellRefused({ errors, why }: ConfigDifference, { stderr }: Terminal, config: string): boolean {
  for (const { file = config, line, column, en, zh } of errors)
    stderr.write(`${printable(`${file}:${line}:${column}: ${say(en, zh)}`)}\n`);
  if (why !== undefined) stderr.write(`${printable(say(`not taken up: ${why.en}`, `未生效：${why.zh}`))}\n`);
  return errors.length > 0 || why !== undefined;
}

function tellChanges({ changes }: ConfigDifference, { stdout }: Terminal) {
  for (const { en, zh } of changes) stdout.write(`${printable(say(en, zh))}\n`);
  if (changes.length === 0) stdout.write(say('nothing had changed\n', '没有变化\n'));
}

/** @returns the exit status. */
function tellDifference(said: ConfigDifference, terminal: Terminal, file: string): 0 | 1 {
  tellChanges(said, terminal);
  return tellRefused(said, terminal, file) ? 1 : 0;
}

/** @returns the exit status. */
function tell(said: ConfigApplied, terminal: Terminal, file: string): 0 | 1 {
  const { done, changes, version } = said;
  if (!done) {
    tellRefused(said, terminal, file);
    return 1;
  }
  tellChanges(said, terminal);
  if (changes.length > 0 && version !== undefined)
    terminal.stdout.write(say(`taken up as ${version}\n`, `已生效，版本 ${version}\n`));
  return 0;
}

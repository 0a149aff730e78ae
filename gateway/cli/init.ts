import { existsSync, readFileSync, statSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { say } from '../../config/language.ts';
import { printable } from '../printable.ts';
import { atMost, type Command, type Terminal } from './command.ts';
import type { Answers, Discovery } from './init/answers.ts';
import { INSTALLED, usualDataDir } from './installed.ts';

const english = `campus-gateway init [FILE] [--replace]
campus-gateway init [FILE] --answers ANSWERS.yaml [--replace]

Makes a config that \`check\` calls good, with comments: asks for the campus, its platforms and its hardware, and looks for
devices on the network and on serial ports (discover). Passwords go into files in secrets/ beside it, for the gateway alone.
Until the last answer nothing is written. FILE: ${INSTALLED} where the package has brought it,
else campus.yaml here.

  --answers FILE  takes the answers from a YAML file: campus, dataDir, timezone, platforms, devices (both as in the config, and
                  \`password:\` in clear, which goes into a file), discover: true, secrets: { NAME: what secrets/NAME holds },
                  console, status, and other sections of the config as they are. Keep it from others, and remove it then
  --replace       puts it in the place of a FILE that is there; a copy of that is kept beside it

Exit status 0 written; 1 an answer is wrong; 3 it could not be written, or was not answered to the end.

  sudo campus-gateway init
  campus-gateway init campus.yaml --answers answers.yaml`;
const chinese = `campus-gateway init [文件] [--replace]
campus-gateway init [文件] --answers 答案.yaml [--replace]

生成带注释、能通过 check 的配置：询问学校、平台和硬件，并在网络和串口上查找设备（discover）。密码写入其旁 secrets/ 中的文件，
仅网关可读。回答完之前不写入任何内容。文件默认为 ${INSTALLED}（由安装包带来时），否则为当前目录的 campus.yaml。

  --answers 文件  从 YAML 文件取得答案：campus、dataDir、timezone、platforms、devices（均同配置，password: 可写明文，
                  将存入文件）、discover: true、secrets: { 名称: secrets/名称 的内容 }、console、status 及配置的其他部分。
                  该文件请勿让他人读取，用后删除
  --replace       替换已有文件，并在其旁保留副本

退出状态：0 已写入；1 答案有误；3 无法写入或未回答完。

  sudo campus-gateway init
  campus-gateway init campus.yaml --answers answers.yaml`;

export const init: Command = {
  name: 'init',
  summary: ['Make the config of a campus: asks, looks for devices, writes', '生成配置：询问、查找设备、写入'],
  usage: say(english, chinese),

  async run(args, terminal) {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: { answers: { type: 'string' }, replace: { type: 'boolean', default: false } },
    });
    const [file = existsSync(INSTALLED) ? INSTALLED : 'campus.yaml'] = positionals;
    atMost(1, positionals);
    const { isThere, untouched } = await import('./init/write.ts');
    const isOld = existsSync(file) && !isSame(file, untouched);
    if (values.answers === undefined) return await askAndWrite(file, isOld && !values.replace, terminal);
    if (isOld && !values.replace) throw new Error(isThere(file));
    const { readAnswers, waysOf } = await import('./init/answers.ts');
    const answers = readAnswers(values.answers);
    if ('errors' in answers) return tellErrors(answers.errors, terminal);
    warnOfReaders(values.answers, answers, terminal);
    const how = waysOf(answers.discover);
    if (how === undefined) return await write(file, answers, terminal);
    const { withOwnIds } = await import('./init/questions.ts');
    const found = withOwnIds(await look(how, terminal));
    const named = new Set(answers.devices.map(({ id }) => id));
    const devices = [...answers.devices, ...found.filter(({ id }) => !named.has(id))];
    return await write(file, { ...answers, devices }, terminal);
  },
};

/** Others that may read a file (stat(2)). */
const EVERYBODY = 0o004;

/** A file with passwords in clear is not for everybody on this machine. */
function warnOfReaders(file: string, answers: Answers, { stderr }: Terminal): void {
  const { platforms, devices, secrets } = answers;
  const hasSecrets =
    Object.keys(secrets).length > 0 ||
    [...platforms, ...devices].some(({ password }) => password !== undefined);
  if (!hasSecrets || (statSync(file).mode & EVERYBODY) === 0) return;
  stderr.write(
    say(
      `! ${file} holds passwords, and every user of this machine can read it: chmod 600 ${file}, and remove it when all is done\n`,
      `! ${file} 中有密码，本机所有用户均可读取：请执行 chmod 600 ${file}，用后删除\n`,
    ),
  );
}

/** The config as the package brings it is nobody's work. */
function isSame(file: string, other: string): boolean {
  return existsSync(other) && readFileSync(file).equals(readFileSync(other));
}

async function askAndWrite(file: string, isToAsk: boolean, terminal: Terminal): Promise<number> {
  const [{ createAsker }, { askAll, askLanguage }] = await Promise.all([
    import('./init/ask.ts'),
    import('./init/questions.ts'),
  ]);
  const asker = createAsker(terminal);
  try {
    await askLanguage(asker);
    if (isToAsk) {
      const goOn = say(
        `${file} is there already. Put a new one in its place (a copy is kept)?`,
        `${file} 已存在。是否替换（会保留副本）？`,
      );
      if (!(await asker.confirm(goOn, false))) throw new Error(say(`${file} is as it was`, `${file} 未改动`));
    }
    const dataDir = usualDataDir(file);
    const answers = await askAll(asker, { dataDir }, (how) => look(how, terminal));
    const goOn = say(
      `Write ${file}: ${answers.platforms.length} platforms, ${answers.devices.length} devices?`,
      `写入 ${file}：${answers.platforms.length} 个平台，${answers.devices.length} 台设备？`,
    );
    if (!(await asker.confirm(goOn, true))) throw new Error(say('nothing was written', '未写入任何内容'));
    return await write(file, answers, terminal);
  } finally {
    asker.close();
  }
}

async function look(how: Discovery, { stderr, clock }: Terminal) {
  const { discoverAll } = await import('./discover/all.ts');
  const { for: forMs, ...ways } = how;
  stderr.write(say(`looking for devices, ${forMs / 1000} s\n`, `正在查找设备，${forMs / 1000} 秒\n`));
  return await discoverAll(
    { ...ways, forMs, clock, signal: new AbortController().signal },
    {
      found: ({ device, words }) =>
        void stderr.write(`  ${printable(`${String(device['id'])}: ${say(words.en, words.zh)}`)}\n`),
      progress() {},
      note: (words) => void stderr.write(`  ${printable(say(words.en, words.zh))}\n`),
    },
  );
}

async function write(file: string, answers: Answers, terminal: Terminal): Promise<number> {
  const { stdout, clock } = terminal;
  const [{ composeConfig }, { schemaFor, stampOf, writeConfig }] = await Promise.all([
    import('./init/compose.ts'),
    import('./init/write.ts'),
  ]);
  const now = clock.wall();
  const day = new Date(now).toISOString().slice(0, 10);
  const dataDir = usualDataDir(file);
  const composed = composeConfig(answers, { schema: schemaFor(file), dataDir, day });
  if (composed.missing.length > 0)
    return tellErrors(
      composed.missing.map((name) =>
        say(
          `secrets/${name} is named and nobody said what it holds: write it under \`secrets:\` of the answers`,
          `已引用 secrets/${name} 但未给出内容：请在答案的 \`secrets:\` 下填写`,
        ),
      ),
      terminal,
    );
  const done = writeConfig(file, composed, stampOf(now));
  if ('errors' in done) return tellErrors(done.errors, terminal);
  const { platforms, devices } = answers;
  stdout.write(
    say(
      `${file} is written: ${platforms.length} platforms, ${devices.length} devices\n`,
      `${file} 已写入：${platforms.length} 个平台，${devices.length} 台设备\n`,
    ),
  );
  if (done.made !== undefined)
    stdout.write(
      say(`the folder ${done.made} was not there, and was made\n`, `目录 ${done.made} 原不存在，已创建\n`),
    );
  if (done.kept !== undefined) stdout.write(say(`the old one: ${done.kept}\n`, `原文件：${done.kept}\n`));
  stdout.write(
    say(
      `next: campus-gateway doctor ${file}, then systemctl restart campus-gateway, or campus-gateway run ${file}\n`,
      `下一步：campus-gateway doctor ${file}，再 systemctl restart campus-gateway，或 campus-gateway run ${file}\n`,
    ),
  );
  return 0;
}

function tellErrors(errors: readonly string[], { stderr }: Terminal): 1 {
  for (const error of errors) stderr.write(`${printable(error)}\n`);
  stderr.write(say('nothing was written\n', '未写入任何内容\n'));
  return 1;
}

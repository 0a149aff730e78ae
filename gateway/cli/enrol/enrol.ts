/** `campus-gateway enrol`: from a code to a config with which the gateway is connected. */
import { dirname, resolve } from 'node:path';
import type { Hunk } from '../../../config/edit.ts';
import { say } from '../../../config/language.ts';
import { type ConfigError, formatError, loadConfig, readConfigFile } from '../../../config/load.ts';
import { CERTIFICATE_FILE_MAX, CONFIG_FILE_MAX, readTextOf } from '../../../drivers/files.ts';
import { readConfig } from '../../check.ts';
import { addressOf, enrolWith, learnAuthority } from '../../enrolment/ask.ts';
import { type CodeMistake, readCode } from '../../enrolment/code.ts';
import { type EnrolmentPaths, pathsOf, readOwn } from '../../enrolment/kept.ts';
import { EnrolmentRefused, type Granted } from '../../enrolment/wire.ts';
import { makeFolder } from '../../lifecycle/private-files.ts';
import { replaceFile } from '../../lifecycle/replace-file.ts';
import { printable } from '../../printable.ts';
import type { Terminal } from '../command.ts';
import { ValueError } from '../values.ts';
import { type WrittenConfig, withUplink } from './uplink.ts';

export interface EnrolRequest {
  readonly url: string;
  /** The config. */
  readonly file: string;
  readonly code: string;
  readonly uplink?: string | undefined;
  readonly ca?: string | undefined;
  readonly isTrial: boolean;
}

const mistakes: Readonly<Record<CodeMistake, () => string>> = {
  length: () =>
    say(
      '--code: it has four groups of five letters and digits; some are missing or too many',
      '--code：应为四组、每组五个字母或数字；位数不对',
    ),
  letter: () =>
    say(
      '--code: there is a letter in it that no code has (U, or a sign)',
      '--code：含有注册码中不会出现的字符（如 U 或符号）',
    ),
  typo: () =>
    say('--code: there is a typo in it: compare it letter by letter', '--code：输入有误：请逐位核对'),
};

/** The config as far as it is right: an uplink whose files are gone is what this mends. undefined: its errors were told. */
function lookAt(file: string, terminal: Terminal) {
  const loaded = loadConfig(
    file,
    () => [],
    ({ path: [section] }) => section === 'uplinks' || section === 'access',
  );
  if ('errors' in loaded) return tell(loaded.errors, terminal);
  const yaml = readConfigFile(file);
  if ('errors' in yaml) return tell(yaml.errors, terminal);
  const { campus, dataDir } = loaded.config;
  return { campus: campus.id, dataDir, written: yaml.data as WrittenConfig };
}

function tell(errors: readonly ConfigError[], { stderr }: Terminal): undefined {
  for (const error of errors) stderr.write(`${printable(formatError(error))}\n`);
}

/** @returns the exit status. @throws what the platform, the network or the disk says. */
export async function enrolNow(wanted: EnrolRequest, terminal: Terminal): Promise<number> {
  const read = readCode(wanted.code);
  if ('wrong' in read) throw new ValueError(mistakes[read.wrong]());
  const { code } = read;
  const url = addressOf(wanted.url);
  const file = resolve(wanted.file);
  const found = lookAt(file, terminal);
  if (found === undefined) return 1;
  const { stdout, clock } = terminal;
  const uplink = wanted.uplink ?? 'police';
  const paths = pathsOf(found.dataDir, uplink);
  try {
    const authority = await learnAuthority(url, code, { clock });
    if (wanted.isTrial) {
      stdout.write(say(`${url} knows this code; nothing was done\n`, `${url} 认识该注册码；未作任何改动\n`));
      return 0;
    }
    makeFolder(dirname(paths.file));
    const ca = wanted.ca === undefined ? authority : readTextOf(wanted.ca, CERTIFICATE_FILE_MAX);
    const granted = await enrolWith(code, { url, campus: found.campus, ca }, paths, { clock });
    return finish({ file, uplink, campus: found.campus, paths, granted, written: found.written }, terminal);
  } catch (error) {
    if (!(error instanceof EnrolmentRefused)) throw error;
    terminal.stderr.write(`${error.message}\n`);
    return 1;
  }
}

/** Tells what came, and puts it into the config where that is right with it. @returns the exit status. */
function finish(
  {
    file,
    written,
    ...enrolled
  }: {
    readonly file: string;
    readonly written: WrittenConfig;
    readonly uplink: string;
    readonly campus: string;
    readonly paths: EnrolmentPaths;
    readonly granted: Granted;
  },
  terminal: Terminal,
): number {
  const { stdout, stderr } = terminal;
  const ends = new Date(readOwn(enrolled.paths.certFile).ends).toISOString().slice(0, 10);
  stdout.write(
    say(
      `${enrolled.paths.certFile}: the certificate of campus ${enrolled.campus}, good until ${ends}; the gateway renews it by itself\n`,
      `${enrolled.paths.certFile}：校园 ${enrolled.campus} 的证书，有效期至 ${ends}；网关会自动续期\n`,
    ),
  );
  if (enrolled.granted.uplink.urls.length === 0) {
    stderr.write(
      say(
        'the platform does not say where its broker is (campus-gateway platform uplink): write the uplink into the config by hand\n',
        '平台未给出消息服务器地址（campus-gateway platform uplink）：请手工填写配置中的上联\n',
      ),
    );
    return 1;
  }
  const made = withUplink(readTextOf(file, CONFIG_FILE_MAX), written, file, enrolled);
  showHunks(made.hunks, terminal);
  const loaded = readConfig(file, { forRunning: true, bytes: Buffer.from(made.text) });
  if ('errors' in loaded) {
    tell(loaded.errors, terminal);
    stderr.write(
      say(
        `${file} is as it was. The certificate is there: mend what is above, and run the same command again\n`,
        `${file} 未改动。证书已领取：请改正以上问题，然后重新执行同一命令\n`,
      ),
    );
    return 1;
  }
  for (const warning of loaded.warnings) stdout.write(`${printable(formatError(warning))}\n`);
  if (made.hunks.length > 0) replaceFile(file, made.text);
  stdout.write(
    say(
      `${file} is right; a gateway that runs takes it up by: campus-gateway reload ${file}\n`,
      `${file} 检查通过；运行中的网关生效：campus-gateway reload ${file}\n`,
    ),
  );
  return 0;
}

function showHunks(hunks: readonly Hunk[], { stdout }: Terminal): void {
  for (const { line, removed, added } of hunks) {
    stdout.write(say(`line ${line}\n`, `第 ${line} 行\n`));
    for (const one of removed) stdout.write(`- ${printable(one)}\n`);
    for (const one of added) stdout.write(`+ ${printable(one)}\n`);
  }
}

/** The way back to a config that was in force: by the gateway that runs, or into its place for the next start. */
import { join, resolve } from 'node:path';
import { say } from '../../../config/language.ts';
import { formatError } from '../../../config/load.ts';
import { CONFIG_FILE_MAX, loadBytesOf } from '../../../drivers/files.ts';
import { readConfig } from '../../check.ts';
import type { ConfigApplied } from '../../console/contract/config.ts';
import { auditStopped } from '../../journal/folder.ts';
import { replaceFile } from '../../lifecycle/replace-file.ts';
import { printable } from '../../printable.ts';
import { hashOf, openVersions, versionsFolder } from '../../reload/versions.ts';
import type { Terminal } from '../command.ts';
import { NoGatewayError } from '../health/act.ts';
import { dataDirOf } from './data-dir.ts';

type Ask = (dataDir: string, act: 'reload' | 'config-versions') => Promise<object>;

interface Way {
  readonly file: string;
  readonly dataDir: string;
  readonly name: string;
  readonly bytes: Buffer;
  /** For the audit. */
  readonly by: string;
  readonly terminal: Terminal;
}

/** @returns what the gateway that runs said of it; or the exit status, where none runs and it was put into its place or not. */
export async function goBack(
  file: string,
  name: string,
  { ask, by, terminal }: { readonly ask: Ask; readonly by: string; readonly terminal: Terminal },
): Promise<ConfigApplied | 0 | 1> {
  const dataDir = dataDirOf(file);
  const bytes = await openVersions(dataDir).load(name);
  if (bytes === undefined) {
    const sentence = say(
      `there is no version ${name} in ${dataDir}; see --versions`,
      `${dataDir} 中没有版本 ${name}；请用 --versions 查看`,
    );
    terminal.stderr.write(`${printable(sentence)}\n`);
    return 1;
  }
  const way: Way = { file, dataDir, name, bytes, by, terminal };
  try {
    await ask(dataDir, 'config-versions');
    return await takeUp(way, ask);
  } catch (error) {
    // It may have ended between the two.
    if (error instanceof NoGatewayError) return await putInPlace(way);
    throw error;
  }
}

/** Keeps what is in the file, unless a version has it. @returns that, and the name under which it was kept now. */
async function keepBefore({ file, dataDir, terminal: { clock } }: Way) {
  const versions = openVersions(dataDir);
  const before = await loadBytesOf(file, CONFIG_FILE_MAX);
  if ((await versions.list()).some(({ sha256 }) => sha256 === hashOf(before))) return { before };
  const { name: kept } = await versions.keep(before, {
    at: new Date(clock.wall()).toISOString(),
    by: 'file',
  });
  return { before, kept };
}

async function takeUp(way: Way, ask: Ask): Promise<ConfigApplied> {
  const { file, dataDir, bytes } = way;
  const { before } = await keepBefore(way);
  replaceFile(file, bytes);
  const putBack = () => replaceFile(file, before);
  try {
    const said = (await ask(dataDir, 'reload')) as ConfigApplied;
    if (!said.done) putBack();
    return said;
  } catch (error) {
    putBack();
    throw error;
  }
}

/** With no gateway to check it: a version may be wrong by now, such as by a file it names, or was never right. */
async function putInPlace(way: Way): Promise<0 | 1> {
  const { file, dataDir, name, bytes, terminal } = way;
  const { stdout, stderr } = terminal;
  const loaded = readConfig(file, { forRunning: true, bytes });
  if ('errors' in loaded) {
    const version = join(versionsFolder(dataDir), `v${name.replace(/^v/, '')}.yaml`);
    for (const error of loaded.errors) {
      const placed = error.file === file ? { ...error, file: version } : error;
      stderr.write(`${printable(formatError(placed))}\n`);
    }
    stderr.write(
      printable(
        say(
          `${name} is wrong, and ${file} is as it was: take another of --versions`,
          `${name} 有错误，${file} 未改动：请从 --versions 中另选一个`,
        ),
      ),
    );
    stderr.write('\n');
    return 1;
  }
  const { kept } = await keepBefore(way);
  replaceFile(file, bytes);
  const also = kept === undefined ? '' : say(`, what was there is ${kept}`, `，原内容存为 ${kept}`);
  stdout.write(
    printable(
      say(
        `${name} is in place${also}; no gateway runs: start it (systemctl restart campus-gateway)`,
        `${name} 已写回${also}；网关未在运行：请启动（systemctl restart campus-gateway）`,
      ),
    ),
  );
  stdout.write('\n');
  note(way, kept);
  return 0;
}

function note({ file, dataDir, name, bytes, by, terminal }: Way, kept: string | undefined): void {
  const entry = {
    kind: 'config-back',
    file: resolve(file),
    version: name,
    sha256: hashOf(bytes),
    by,
    ...(kept && { kept }),
  };
  try {
    auditStopped(dataDir, terminal.clock.wall(), JSON.stringify(entry));
  } catch (error) {
    const { message } = error as Error;
    terminal.stderr.write(printable(say(`it is not in the audit: ${message}`, `未能记入审计：${message}`)));
    terminal.stderr.write('\n');
  }
}

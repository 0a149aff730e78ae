import { closeSync, copyFileSync, fsyncSync, openSync, renameSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { say } from '../../config/language.ts';
import { CARD_FILE_MAX, FileTooLargeError, readTextOf } from '../../drivers/files.ts';
import { printable } from '../printable.ts';
import { type Command, configOrErrors, progress, type Terminal, UsageError } from './command.ts';

const SHOWN = 20;

export const credentials: Command = {
  name: 'credentials',
  summary: ['Check a list of cards, and put it in place of the old one', '检查并更换卡片名单'],
  usage: `campus-gateway credentials check  CONFIG FILE.csv
campus-gateway credentials import CONFIG FILE.csv

  check    says what is wrong with a list, row by row; exit status 1 where something is
  import   the same, and, where nothing is wrong, puts it where the config says (access.credentialsFile); a gateway
           that runs takes it up within seconds. PINs and codes are put there as hashes (scrypt): remove FILE.csv then

  The list: number,facility,holder,groups,validFrom,validUntil,blocked,children,pin. Several groups or children are
  separated by ";". pin is what is typed after this card, 4 digits or more; in a row without a number it is a code that
  opens alone, 6 digits or more.

  campus-gateway credentials import /etc/campus-gateway/campus.yaml cards.csv`,

  async run(args, terminal) {
    const { stdout, stderr } = terminal;
    const { positionals } = parseArgs({ args, allowPositionals: true, options: {} });
    const [what, configFile, file] = positionals;
    if ((what !== 'check' && what !== 'import') || file === undefined)
      throw new UsageError(
        say('check or import, a config and a CSV file', 'check 或 import，及配置文件和 CSV 文件'),
      );
    const config = await configOrErrors(configFile, terminal);
    if (config === undefined) return 1;
    const { credentialsFile, groups } = config.access;
    if (what === 'import' && credentialsFile === undefined)
      throw new UsageError(
        say('the config has no access.credentialsFile', '配置中没有 access.credentialsFile'),
      );
    const bar = progress(terminal, say('rows', '行'), rowsOf(file));
    const { loadCredentials } = await import('../access/credentials.ts');
    const found = await loadCredentials(
      file,
      groups.map(({ id }) => id),
      () => bar.step(),
    );
    bar.end();
    if ('errors' in found) {
      for (const { line, message } of found.errors.slice(0, SHOWN))
        stderr.write(`${file}:${line}: ${printable(message)}\n`);
      const more = found.errors.length - SHOWN;
      if (more > 0) stderr.write(say(`and ${more} more errors\n`, `另有 ${more} 处错误\n`));
      return 1;
    }
    const count = found.credentials.size;
    if (what === 'import' && credentialsFile !== undefined) await replace(credentialsFile, file, terminal);
    stdout.write(
      what === 'import'
        ? say(`${count} cards, now in ${credentialsFile}\n`, `${count} 张卡，已写入 ${credentialsFile}\n`)
        : say(`${count} cards, nothing wrong\n`, `${count} 张卡，没有错误\n`),
    );
    return 0;
  },
};

/** undefined: it is too large, as is told in a moment. @throws what the system says. */
function rowsOf(file: string): number | undefined {
  try {
    return readTextOf(file, CARD_FILE_MAX).trimEnd().split('\n').length - 1;
  } catch (error) {
    if (error instanceof FileTooLargeError) return undefined;
    throw error;
  }
}

/** All of the new file or all of the old one is there, whatever happens. */
async function replace(target: string, source: string, terminal: Terminal) {
  const { hashPins } = await import('../access/hash-pins.ts');
  const bar = progress(terminal, say('PINs hashed', '已加密 PIN'), undefined);
  const hashed = await hashPins(readTextOf(source, CARD_FILE_MAX), () => bar.step());
  const partial = `${target}.new`;
  copyFileSync(source, partial);
  if (hashed !== undefined) {
    bar.end();
    writeFileSync(partial, hashed);
  }
  const handle = openSync(partial, 'r+');
  fsyncSync(handle);
  closeSync(handle);
  renameSync(partial, target);
}

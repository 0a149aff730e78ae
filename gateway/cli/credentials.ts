import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { say } from '../../config/language.ts';
import { CARD_FILE_MAX, FileTooLargeError, readTextOf } from '../../drivers/files.ts';
import { replaceFile } from '../lifecycle/replace-file.ts';
import { printable } from '../printable.ts';
import {
  type Command,
  configOrErrors,
  loadedOrErrors,
  progress,
  type Terminal,
  UsageError,
} from './command.ts';

const SHOWN = 20;

const english = `campus-gateway credentials check     CONFIG FILE.csv
campus-gateway credentials import    CONFIG FILE.csv
campus-gateway credentials normalise CONFIG [FILE.csv] [--reader DEVICE] [SAID...]

  check      says what is wrong with a list, row by row; exit status 1 where something is
  import     the same, and, where nothing is wrong, puts it where the config says (access.credentialsFile); a gateway
             that runs takes it up within seconds. PINs and codes are put there as hashes (scrypt): remove FILE.csv then.
             Who may read the list stays as it was; a first one is its owner's alone (0600)
  normalise  shows which row a card is, by what a reader says or what is printed on it (SAID): digits, hex, 111,27706,
             the ten digits of an RDM6300, bits as 0 and 1. All readings of it, the row that each would find, and the
             option that is missing. --reader: as this device of the config reads it. Without SAID: what each row comes
             to. FILE.csv: default, the list of the config. Exit status 1 where no row is it as the reader is set

  The list: number,facility,holder,groups,validFrom,validUntil,blocked,children,pin,format. number as printed or read:
  0007302202, 7302202, 006F6C3A, 04:A2:2B:01, 0x12345678, "111,27706" (in quotes, for its comma), or 27706 with the
  facility 111. Several groups or children are separated by ";". pin is what is typed after this card, 4 digits or more;
  in a row without a number it is a code that opens alone, 6 digits or more. Facility and number are those of Wiegand 26
  and 34; a card of another layout has its name in format, such as wiegand37-facility or corporate1000-35.

  campus-gateway credentials import /etc/campus-gateway/campus.yaml cards.csv
  campus-gateway credentials normalise /etc/campus-gateway/campus.yaml --reader gate-in 111,27706`;
const chinese = `campus-gateway credentials check     配置 名单.csv
campus-gateway credentials import    配置 名单.csv
campus-gateway credentials normalise 配置 [名单.csv] [--reader 设备] [卡号...]

  check      逐行检查名单；有错误时退出状态为 1
  import     检查无误后写入配置所指位置（access.credentialsFile），运行中的网关数秒内生效；PIN 和密码以散列（scrypt）保存，
             之后请删除原文件。原名单的权限不变；首次写入时仅所有者可读（0600）
  normalise  按读卡器读出的内容或卡面印刷的号码（十进制、十六进制、111,27706、RDM6300 的十位、0 和 1 的位串），显示各种读法、
             对应名单中的哪一行、以及应设置的选项。--reader：按配置中该设备的设置读取。不给卡号：显示每一行的卡号。
             不给名单：用配置中的名单。按当前设置找不到时退出状态为 1

  名单：number,facility,holder,groups,validFrom,validUntil,blocked,children,pin,format。number 可按卡面或读卡器的写法：
  0007302202、7302202、006F6C3A、04:A2:2B:01、0x12345678、"111,27706"（含逗号须加引号），或 facility 为 111、number 为 27706。
  多个组或学生用“;”分隔。pin 为刷卡后输入的密码，至少 4 位；没有 number 的行为单独开门的密码，至少 6 位。
  facility 和号码按韦根 26、34 理解；其他格式的卡须在 format 写格式名，如 wiegand37-facility、corporate1000-35。

  campus-gateway credentials import /etc/campus-gateway/campus.yaml cards.csv
  campus-gateway credentials normalise /etc/campus-gateway/campus.yaml --reader gate-in 111,27706`;

export const credentials: Command = {
  name: 'credentials',
  summary: [
    'Check a list of cards, put it in place of the old one, show which row a card is',
    '检查、更换卡片名单，查看卡号对应哪一行',
  ],
  usage: say(english, chinese),

  async run(args, terminal) {
    const { stdout } = terminal;
    const { positionals, values } = parseArgs({
      args,
      allowPositionals: true,
      options: { reader: { type: 'string' } },
    });
    const [what, configFile, ...rest] = positionals;
    if (what === 'normalise' || what === 'normalize')
      return await showCards(configFile, rest, values.reader, terminal);
    const [file] = rest;
    if ((what !== 'check' && what !== 'import') || file === undefined)
      throw new UsageError(
        say(
          'check or import, a config and a CSV file; or normalise and a config',
          'check 或 import，及配置文件和 CSV 文件；或 normalise 及配置文件',
        ),
      );
    // The list that is there, wrong or none yet, is what this one takes the place of.
    const loaded = await loadedOrErrors(configFile, terminal, { forRunning: true });
    if (loaded === undefined) return 1;
    const { credentialsFile, groups } = loaded.config.access;
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
      tell(file, found.errors, terminal);
      return 1;
    }
    tell(file, found.warnings, terminal);
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

/** Errors or warnings, the first of them. */
function tell(
  file: string,
  rows: readonly { readonly line: number; readonly message: string }[],
  { stderr }: Terminal,
) {
  for (const { line, message } of rows.slice(0, SHOWN))
    stderr.write(`${file}:${line}: ${printable(message)}\n`);
  const more = rows.length - SHOWN;
  if (more > 0) stderr.write(say(`and ${more} more\n`, `另有 ${more} 处\n`));
}

/** The cards of a list, and which of them was shown. @returns the exit status. */
async function showCards(
  configFile: string | undefined,
  rest: readonly string[],
  reader: string | undefined,
  terminal: Terminal,
): Promise<number> {
  const config = await configOrErrors(configFile, terminal);
  if (config === undefined) return 1;
  const [first = ''] = rest;
  const isFile = /\.csv$/i.test(first);
  const file = isFile ? first : config.access.credentialsFile;
  if (file === undefined)
    throw new UsageError(
      say(
        'which list? the config has no access.credentialsFile',
        '请给出名单：配置中没有 access.credentialsFile',
      ),
    );
  const { loadCredentials } = await import('../access/credentials.ts');
  const found = await loadCredentials(
    file,
    config.access.groups.map(({ id }) => id),
  );
  if ('errors' in found) {
    tell(file, found.errors, terminal);
    return 1;
  }
  tell(file, found.warnings, terminal);
  const { normalise } = await import('./credentials/normalise.ts');
  return normalise(found.lines, { said: isFile ? rest.slice(1) : rest, reader }, config, terminal);
}

/** undefined: it is too large, as is told in a moment. @throws what the system says. */
function rowsOf(file: string): number | undefined {
  try {
    return readTextOf(file, CARD_FILE_MAX).trimEnd().split('\n').length - 1;
  } catch (error) {
    if (error instanceof FileTooLargeError) return undefined;
    throw error;
  }
}

/** The list, its PINs hashed, in the place of the old one. */
async function replace(target: string, source: string, terminal: Terminal) {
  const { hashPins } = await import('../access/hash-pins.ts');
  const bar = progress(terminal, say('PINs hashed', '已加密 PIN'), undefined);
  const hashed = await hashPins(readTextOf(source, CARD_FILE_MAX), () => bar.step());
  if (hashed !== undefined) bar.end();
  replaceFile(target, hashed ?? readFileSync(source));
}

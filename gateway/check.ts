/** What in a config only the gateway can check: keys of platforms, the list of cards. The rest: config/check/. */
import { say } from '../config/language.ts';
import { type ConfigError, type LoadedConfig, loadConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { textProblem, whyUnreadable } from '../config/text.ts';
import { cardOfKey, isOtherFormat, wiegandNames } from '../drivers/contract/card.ts';
import type { Problem } from '../drivers/contract/driver.ts';
import { CARD_FILE_MAX, readBytesOf } from '../drivers/files.ts';
import { readCredentials } from './access/credentials.ts';
import { readPublicKey } from './commands/command.ts';

/** What keeps a config from being right, and not from running. */
export interface ReadOptions {
  readonly forRunning?: boolean;
  readonly forStart?: boolean;
}

/**
 * Reads a config file and checks it. `forRunning`: a list of the school's that is wrong or gone keeps no alarm from
 * anybody; it is told in `forgiven`. `forStart`: neither does a file of a contact; a reload can leave all as it was, a
 * start after a power cut cannot. `bytes`: what would stand in the file, before it is written.
 */
export function readConfig(
  file: string,
  { forRunning = false, forStart = false, bytes }: ReadOptions & { readonly bytes?: Buffer } = {},
): LoadedConfig | { readonly errors: readonly ConfigError[] } {
  return loadConfig(
    file,
    (config) => [...keyProblems(config), ...cardProblems(config)],
    (problem) => ((forRunning || forStart) && isOfList(problem)) || (forStart && isOfContact(problem)),
    bytes,
  );
}

const isOfList = ({ path: [section, key] }: Problem) =>
  section === 'access' && (key === 'credentialsFile' || key === 'personsFile');

/** Of its files alone: what else is wrong with a contact is wrong in the config itself. */
const isOfContact = ({ path: [section, , key] }: Problem) =>
  section === 'contacts' && typeof key === 'string' && key.endsWith('File');

function keyProblems({ uplinks }: Config): Problem[] {
  return uplinks.flatMap(({ commandKeys }, i) =>
    commandKeys.flatMap(({ publicKeyFile }, k) => {
      try {
        readPublicKey(publicKeyFile);
        return [];
      } catch (error) {
        const message = `${publicKeyFile}: ${say('no Ed25519 public key', '不是 Ed25519 公钥')} (${(error as Error).message})`;
        return [{ path: ['uplinks', i, 'commandKeys', k, 'publicKeyFile'], message }];
      }
    }),
  );
}

const ROWS_TOLD_MAX = 20;

/** What of the list of cards works and may not be meant so. The list is known to be right. */
export function cardWarnings({ access, devices }: Config): Problem[] {
  const { credentialsFile: file, groups, doors, lowBits } = access;
  if (file === undefined) return [];
  const found = readCredentials(
    readBytesOf(file, CARD_FILE_MAX).toString(),
    groups.map(({ id }) => id),
  );
  if ('errors' in found) return [];
  const warning = (line: number, message: string): Problem => ({
    path: ['access', 'credentialsFile'],
    message: say(`warning: ${file}:${line}: ${message}`, `警告：${file}:${line}: ${message}`),
  });
  const told = found.warnings.slice(0, ROWS_TOLD_MAX).map(({ line, message }) => warning(line, message));
  const readers = doors.flatMap(({ reader }) => reader);
  const split = devices.find(
    ({ id, driver, options }) =>
      readers.includes(id) &&
      !lowBits.some(({ reader }) => reader === id) &&
      (driver === 'osdp' ||
        (driver === 'wiegand' && /^wiegand/.test(String((options as { format?: unknown }).format)))),
  );
  told.push(...strangeFormats(found.lines, devices, warning));
  const alone = [...found.lines].filter(([key]) => /^\/\d{1,5}$/.test(key) && Number(key.slice(1)) <= 0xffff);
  const [first] = alone;
  if (split === undefined || first === undefined) return told;
  const message = say(
    `a number without its facility is the whole number of a card (so are ${alone.length - 1} more rows); ${split.id} tells facility and number: write both, or see access.lowBits`,
    `没有 facility 的号码视为完整卡号（另有 ${alone.length - 1} 行）；${split.id} 会读出 facility 和号码：请两者都写，或设置 access.lowBits`,
  );
  return [...told, warning(first[1], message)];
}

/** Rows of formats that no reader of the config has: they open nothing. */
function strangeFormats<T>(
  lines: ReadonlyMap<string, number>,
  devices: Config['devices'],
  warning: (line: number, message: string) => T,
): readonly T[] {
  const custom = devices.flatMap(({ options }) => {
    const { formats } = options as { readonly formats?: readonly { readonly name: string }[] };
    return Array.isArray(formats) ? formats.map(({ name }) => name) : [];
  });
  const known = new Set<string>([...wiegandNames, ...custom]);
  return [...lines]
    .flatMap(([key, line]) => {
      const { format } = cardOfKey(key);
      // Those that are no Wiegand bits: raw24, em4100, card and others.
      if (format === undefined || known.has(format) || isOtherFormat(format)) return [];
      const message = say(
        `no reader has the format ${format}; known are ${[...known].join(', ')}`,
        `没有读卡器使用格式 ${format}；已知格式：${[...known].join('、')}`,
      );
      return [warning(line, message)];
    })
    .slice(0, ROWS_TOLD_MAX);
}

function cardProblems({ access: { credentialsFile, groups } }: Config): Problem[] {
  if (credentialsFile === undefined) return [];
  const path = ['access', 'credentialsFile'];
  let bytes: Buffer;
  try {
    bytes = readBytesOf(credentialsFile, CARD_FILE_MAX);
  } catch (error) {
    return [{ path, message: `${credentialsFile} ${whyUnreadable(error as Error)}` }];
  }
  const unreadable = textProblem(bytes);
  const found =
    unreadable === undefined
      ? readCredentials(
          bytes.toString(),
          groups.map(({ id }) => id),
        )
      : { errors: [unreadable] };
  const errors = 'errors' in found ? found.errors : [];
  const told = errors
    .slice(0, ROWS_TOLD_MAX)
    .map(({ line, message }) => ({ path, message: `${credentialsFile}:${line}: ${message}` }));
  const more = errors.length - told.length;
  if (more === 0) return told;
  return [...told, { path, message: say(`and ${more} more errors`, `另有 ${more} 处错误`) }];
}

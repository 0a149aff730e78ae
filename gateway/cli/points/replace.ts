/** Other hardware under the id of a device. Pure. */
import { parse } from 'yaml';
import { editYaml, type Hunk } from '../../../config/edit.ts';
import { near } from '../../../config/explain.ts';
import { say } from '../../../config/language.ts';
import { secretKeys } from '../../../drivers/contract/options.ts';
import { UsageError } from '../command.ts';
import { keysOfDriver, type Raw, readAddress } from './address.ts';
import { NOTHING } from './row.ts';
import type { Written } from './rows.ts';

/** These say what it is, or hold what stays. */
const KEPT = ['id', 'driver', 'zones', 'inputs', 'accounts'];

/** @param changes as `host=10.0.0.57`. @throws UsageError, EditError. */
export function replaceDevice(
  { text, written }: { readonly text: string; readonly written: Written },
  id: string,
  changes: readonly string[],
): { readonly text: string; readonly hunks: readonly Hunk[] } {
  const devices = written.devices ?? [];
  const at = devices.findIndex((device) => device['id'] === id);
  const device = devices[at];
  if (device === undefined) {
    const names = devices.map((one) => String(one['id']));
    throw new UsageError(
      say(
        `there is no device ${id}${near(id, names)}; there are: ${names.join(', ') || 'none'}`,
        `没有设备 ${id}${near(id, names)}；可用：${names.join('、') || '无'}`,
      ),
    );
  }
  const edits = editYaml(text);
  for (const [path, value] of changes.flatMap((change) => readChange(change, device))) {
    const before = path.reduce<unknown>((held, part) => (held as Raw | undefined)?.[part], device);
    const [set, held] = withHolders(device, path, value);
    if (value !== undefined) edits.set(['devices', at, ...set], held);
    else if (before !== undefined) edits.remove(['devices', at, ...path]);
  }
  return edits.apply();
}

/** A path of which the last key alone may be missing: what is missing above it comes with it. */
function withHolders(
  device: Raw,
  path: readonly string[],
  value: unknown,
): readonly [path: readonly string[], value: unknown] {
  const at = path.findIndex(
    (_, i) =>
      i > 0 &&
      typeof path.slice(0, i).reduce<unknown>((held, part) => (held as Raw | undefined)?.[part], device) !==
        'object',
  );
  if (at < 0) return [path, value];
  return [path.slice(0, at), path.slice(at).reduceRight<unknown>((held, part) => ({ [part]: held }), value)];
}

/** What one change sets, by path within the device; undefined: it goes. */
function readChange(
  change: string,
  device: Raw,
): readonly (readonly [path: readonly string[], value: unknown])[] {
  const [, key = '', word = ''] = /^([A-Za-z][\w.]*)=(.*)$/s.exec(change) ?? [];
  const driver = String(device['driver']);
  const known = keysOfDriver(driver);
  const path = key.split('.');
  const [first = ''] = path;
  if (key === '') throw new UsageError(say(`${change}: write KEY=VALUE`, `${change}：请写成 键=值`));
  if (KEPT.includes(first))
    throw new UsageError(
      say(
        `${first} stays with the device: another driver or id is another device, and zones are changed in the config`,
        `${first} 不随更换改变：不同驱动或编号即另一台设备，防区请在配置中修改`,
      ),
    );
  if (secretKeys.test(path.at(-1) ?? ''))
    throw new UsageError(
      say(
        `${key}: a secret does not stand on a command line; name a file with ${key}File=`,
        `${key}：密码不可写在命令行；请用 ${key}File= 指定文件`,
      ),
    );
  if (first === 'address' && !known.includes('address')) {
    const read = readAddress(word, driver, device);
    if (typeof read === 'string')
      throw new UsageError(say(`${change}: write ${read}`, `${change}：请写${read}`));
    const port = 'host' in read && !('port' in read) ? [[['port'], undefined] as const] : [];
    return [...Object.entries(read).map(([name, value]) => [[name], value] as const), ...port];
  }
  const names = [...known, 'name', 'place'];
  if (!names.includes(first))
    throw new UsageError(
      say(
        `${first}: devices of the driver ${driver} have no such key${near(first, names)}; there are: ${names.join(', ')}`,
        `${first}：驱动 ${driver} 的设备没有此键${near(first, names)}；可用：${names.join('、')}`,
      ),
    );
  return [[path, word === NOTHING ? undefined : readValue(word)]];
}

/** As YAML has it, so that ports are numbers; a text that is none stays as it is. */
function readValue(word: string): unknown {
  try {
    return parse(word);
  } catch {
    return word;
  }
}

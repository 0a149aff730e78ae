/**
 * One device of a config, as far as its registers can be read with it. A profile is written from what stands there, so
 * neither it nor what is wrong elsewhere in the file (a secret that is not there yet, another device) may be in the way.
 */
import { z } from 'zod';
import { explainAll, pathText, type Schema } from '../../../config/explain.ts';
import { say } from '../../../config/language.ts';
import { type ConfigError, formatError, readConfigFile } from '../../../config/load.ts';
import { substitute } from '../../../config/resolve.ts';
import type { Problem } from '../../../drivers/contract/driver.ts';
import { type ModbusDevice, modbus } from '../../../drivers/modbus/driver.ts';
import { printable } from '../../printable.ts';
import type { Terminal } from '../command.ts';

/** What a question needs. */
const NEEDED = { connection: true, unit: true, answersAs: true, timeout: true, delay: true } as const;
const schema = modbus.options.pick(NEEDED);

type Raw = Readonly<Record<string, unknown>>;
const isRaw = (value: unknown): value is Raw =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** @returns the device; what is wrong with it; or the Modbus devices that there are, where there is none of that name. */
export function bareDevice(
  file: string,
  name: string,
): ModbusDevice | { readonly errors: readonly ConfigError[] } | { readonly others: readonly string[] } {
  const yaml = readConfigFile(file);
  if ('errors' in yaml) return yaml;
  const listed = isRaw(yaml.data) ? yaml.data['devices'] : undefined;
  const devices = (Array.isArray(listed) ? listed : []).map((one) => (isRaw(one) ? one : {}));
  const index = devices.findIndex(({ id, driver }) => id === name && driver === 'modbus');
  const own = devices[index];
  if (own === undefined)
    return { others: devices.filter(({ driver }) => driver === 'modbus').map(({ id }) => String(id)) };
  const path = ['devices', index];
  const missing: Problem[] = [];
  const needed = substitute(
    Object.fromEntries(Object.keys(NEEDED).flatMap((key) => (key in own ? [[key, own[key]]] : []))),
    path,
    missing,
  );
  const parsed = schema.safeParse(needed);
  const problems = [...missing];
  if (!parsed.success) {
    const shape = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Schema;
    for (const problem of explainAll(parsed.error, schema, needed, shape))
      problems.push({ ...problem, path: [...path, ...problem.path] });
  }
  if (!parsed.success || problems.length > 0)
    return {
      errors: problems.map(({ path: at, message }) => ({
        ...yaml.placeOf(at),
        message: `${pathText(at)}${message}`,
      })),
    };
  return { id: name, driver: 'modbus', options: parsed.data } as unknown as ModbusDevice;
}

/** Says what is wrong with the device that is to be read, and nothing of others. */
export function tellErrors(errors: readonly ConfigError[], { stderr }: Terminal): void {
  for (const error of errors) stderr.write(`${printable(formatError(error))}\n`);
  stderr.write(say('its line cannot be opened\n', '无法打开该设备的线路\n'));
}

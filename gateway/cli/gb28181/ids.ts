/** The ids of what is on the campus at each platform, from the config and the journal. */
import { existsSync } from 'node:fs';
import { say } from '../../../config/language.ts';
import type { Config } from '../../../config/schema.ts';
import type { UplinkConfig } from '../../../config/sections/uplinks.ts';
import { type ListedThing, listThings } from '../../../config/things.ts';
import { type IdType, makeIds, types } from '../../../drivers/platforms/gb28181/ids.ts';
import { maySee, type Options } from '../../../drivers/platforms/gb28181/options.ts';
import { findJournal, openReader } from '../../journal/reader.ts';
import { printable } from '../../printable.ts';
import type { Terminal } from '../command.ts';

interface Row {
  readonly uplink: string;
  /** null: it was not made yet. */
  readonly id: string | null;
  readonly type: 'gateway' | 'organisation' | 'camera' | 'alarm-input';
  /** As the config and events know it; of the gateway and a node what people call it. */
  readonly name: string;
  /** For people. */
  readonly title?: string;
  readonly device?: string;
  /** It is in the journal alone. */
  readonly gone?: true;
}

type Numbers = ReadonlyMap<string, number>;
type Series = Readonly<Record<IdType, Numbers>>;

/** The numbers of a journal, where there is one. @throws JournalError. */
function numbersIn(dataDir: string): Series {
  if (!existsSync(findJournal(dataDir))) return { camera: new Map(), alarmInput: new Map() };
  const reader = openReader(dataDir);
  try {
    const of = (type: IdType) =>
      new Map(reader.numbers(types[type][0]).map(({ name, number }) => [name, number]));
    return { camera: of('camera'), alarmInput: of('alarmInput') };
  } finally {
    reader.close();
  }
}

async function idOf(own: Options, type: IdType, name: string, numbers: Numbers): Promise<string | null> {
  const known = async (_series: string, names: readonly string[]) =>
    names.map((one) => {
      const number = numbers.get(one);
      if (number === undefined) throw new Error(`no number for ${one}`);
      return number;
    });
  const ids = await makeIds(own, type, [name], known).catch(() => []);
  return ids[0] ?? null;
}

const typeOf = ({ kind }: ListedThing): IdType => (kind === 'camera' ? 'camera' : 'alarmInput');

async function rowsOf(
  { id: uplink, options }: UplinkConfig,
  things: readonly ListedThing[],
  campus: string,
  series: Series,
): Promise<readonly Row[]> {
  const own = options as unknown as Options;
  const shown = things.filter(({ kind, id }) => kind !== 'camera' || maySee(own, id));
  const rows: Row[] = [
    { uplink, id: own.deviceId, type: 'gateway', name: campus },
    ...own.organisation.map(({ id, name }): Row => ({ uplink, id, type: 'organisation', name })),
  ];
  for (const thing of shown) {
    const type = typeOf(thing);
    const id = await idOf(own, type, thing.id, series[type]);
    const { kind, name, device } = thing;
    rows.push({ uplink, id, type: kind, name: thing.id, title: name, device });
  }
  for (const type of ['camera', 'alarmInput'] as const) {
    const there = new Set(things.filter((thing) => typeOf(thing) === type).map(({ id }) => id));
    for (const name of series[type].keys()) {
      // One with a space at its end stood in for another.
      if (there.has(name) || name.endsWith(' ')) continue;
      const id = await idOf(own, type, name, series[type]);
      rows.push({ uplink, id, type: type === 'camera' ? 'camera' : 'alarm-input', name, gone: true });
    }
  }
  return rows;
}

const typeWords = {
  gateway: ['gateway', '网关'],
  organisation: ['organisation', '组织'],
  camera: ['camera', '摄像机'],
  'alarm-input': ['alarm input', '报警输入'],
} as const;

export async function showIds(
  config: Config,
  uplinks: readonly UplinkConfig[],
  asJson: boolean,
  { stdout }: Terminal,
): Promise<number> {
  const things = listThings(config);
  const series = numbersIn(config.dataDir);
  const all = await Promise.all(uplinks.map((uplink) => rowsOf(uplink, things, config.campus.name, series)));
  if (asJson) {
    stdout.write(`${JSON.stringify(all.flat(), undefined, 2)}\n`);
    return 0;
  }
  for (const rows of all) {
    stdout.write(`${say('platform', '平台')} ${printable(rows[0]?.uplink ?? '')}\n`);
    const width = Math.max(...rows.map(({ name }) => name.length));
    for (const { id, type, name, title = '', gone } of rows) {
      const more = gone ? say('not in the config', '不在配置中') : title === name ? '' : title;
      const line = [
        (id ?? '-').padEnd(20),
        say(typeWords[type][0], typeWords[type][1]).padEnd(12),
        name.padEnd(width),
        more,
      ];
      stdout.write(`  ${printable(line.join('  ').trimEnd())}\n`);
    }
  }
  return 0;
}

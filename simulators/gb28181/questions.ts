/** Questions of MANSCDP and their answers, which may come in many messages (GB/T 28181-2016, 9.5 and A.2.4 to A.2.6). */
import { type Element, type Fields, fieldOf, type Manscdp } from '../../drivers/platforms/gb28181/manscdp.ts';
import type { Link } from './link.ts';
import { table } from './table.ts';

/** After the last answer that came. */
const PATIENCE_MS = 10_000;
/** A city's platform has more; what a school has fits many times. */
const ITEMS_MAX = 20_000;

export interface Questions {
  /** What nobody asked for: false. */
  take(said: Manscdp): boolean;
  /** Asks, and tells what it hears. @throws Error with a sentence where nothing comes. */
  catalog(target: string): Promise<void>;
  records(target: string, from: string, to: string): Promise<void>;
  /** One message is the answer. */
  fields(root: 'Query' | 'Control', command: string, target: string, more?: Fields): Promise<void>;
}

const isElement = (value: unknown): value is Element =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `DeviceList` with one `Item`, with many, or with none. */
export function itemsOf(fields: Element, list: string): readonly Element[] {
  const items = isElement(fields[list]) ? fields[list]['Item'] : undefined;
  const all: readonly unknown[] = Array.isArray(items) ? items : [items];
  return all.filter(isElement);
}

/** `a.b: text` of all that it says. */
function flat(fields: Element, prefix = ''): readonly string[] {
  return Object.entries(fields).flatMap(([name, value]) => {
    if (value === undefined || (['CmdType', 'SN', 'DeviceID'].includes(name) && prefix === '')) return [];
    const all: readonly (string | Element)[] = Array.isArray(value) ? value : [value as string | Element];
    return all.flatMap((one) =>
      typeof one === 'string' ? [`  ${prefix}${name}: ${one}`] : flat(one, `${prefix}${name}.`),
    );
  });
}

/** Annex D, table D.3: what digits 11 to 13 say. */
const kinds: Readonly<Record<string, string>> = {
  ...{ 111: 'DVR', 118: 'NVR', 131: 'camera', 132: 'camera', 134: 'alarm in', 135: 'alarm out' },
  ...{ 200: 'platform', 215: 'group', 216: 'organisation' },
};

/** Asks, and gathers what comes for it. `take`: false, nobody waits for this. */
function createGathering(link: Link) {
  const { time, say } = link;
  const open = new Map<string, (said: Manscdp) => void>();
  return {
    take(said: Manscdp): boolean {
      const take = open.get(said.command);
      take?.(said);
      return take !== undefined;
    },
    /** Answers, until `isWhole` says that it is all, or none came for some time. */
    async gather(
      [root, command, target, more]: Parameters<Link['message']>,
      isWhole: (answers: readonly Manscdp[]) => boolean,
    ): Promise<readonly Manscdp[]> {
      const answers: Manscdp[] = [];
      const done = Promise.withResolvers<void>();
      let late = time.after(PATIENCE_MS, done.resolve);
      // The first answer may overtake the 200, by which we know its number.
      const early: Manscdp[] = [];
      let sn: string | undefined;
      const take = (said: Manscdp) => {
        if (sn === undefined) return void early.push(said);
        if (said.sn !== sn) return;
        answers.push(said);
        late.stop();
        late = time.after(PATIENCE_MS, done.resolve);
        if (isWhole(answers)) done.resolve();
      };
      open.set(command, take);
      try {
        const asked = await link.message(root, command, target, more);
        const { status, reason } = asked.response;
        if (status >= 300)
          throw new Error(
            say(`${command}: refused: ${status} ${reason}`, `${command}：被拒绝：${status} ${reason}`),
          );
        sn = asked.sn;
        early.forEach(take);
        await done.promise;
      } finally {
        late.stop();
        if (open.get(command) === take) open.delete(command);
      }
      if (answers.length > 0) return answers;
      const seconds = PATIENCE_MS / 1000;
      throw new Error(
        say(
          `${command}: received (200), and no Response came within ${seconds} s`,
          `${command}：已收到（200），但 ${seconds} 秒内没有 Response`,
        ),
      );
    },
  };
}

export function createQuestions(link: Link): Questions {
  const { time, tell, say } = link;
  const { take, gather } = createGathering(link);

  /** A list that comes in parts; tells how complete it is. */
  const list = async (command: string, name: string, target: string, more: Fields) => {
    const begun = time.elapsed();
    const items: Element[] = [];
    const taken = new Set<Manscdp>();
    const sumOf = (answers: readonly Manscdp[]) => Number(fieldOf(answers[0]?.fields ?? {}, 'SumNum') ?? 0);
    const answers = await gather(['Query', command, target, more], (all) => {
      for (const one of all.slice(taken.size)) {
        taken.add(one);
        items.push(...itemsOf(one.fields, name).slice(0, ITEMS_MAX - items.length));
      }
      return items.length >= sumOf(all) || items.length >= ITEMS_MAX;
    });
    const [sum, n, seconds] = [sumOf(answers), answers.length, ((time.elapsed() - begun) / 1000).toFixed(1)];
    const summary = say(
      `${command}: ${items.length} of ${sum} items (SumNum) in ${n} messages, ${seconds} s`,
      `${command}：${items.length} 项，SumNum 为 ${sum}，共 ${n} 条消息，${seconds} 秒`,
    );
    return { items, summary: items.length === sum ? summary : `${summary} !` };
  };
  const word = (item: Element, name: string) => fieldOf(item, name) ?? '';

  return {
    take,
    async catalog(target) {
      const { items, summary } = await list('Catalog', 'DeviceList', target, []);
      const head = say(
        'DeviceID Name Kind Status ParentID Maker Model',
        '编码 名称 类型 状态 上级 厂商 型号',
      ).split(' ');
      const rows = items.map((item) => [
        ...[word(item, 'DeviceID'), word(item, 'Name'), kinds[word(item, 'DeviceID').slice(10, 13)] ?? ''],
        ...['Status', 'ParentID', 'Manufacturer', 'Model'].map((name) => word(item, name)),
      ]);
      if (rows.length > 0) for (const line of table([head, ...rows])) tell(line);
      tell(summary);
      const ids = new Set<string>();
      const twice = items.map((item) => word(item, 'DeviceID')).filter((id) => ids.size === ids.add(id).size);
      if (twice.length > 0) tell(say(`more than once: ${twice.join(', ')}`, `重复：${twice.join('、')}`));
    },
    async records(target, from, to) {
      const { items, summary } = await list('RecordInfo', 'RecordList', target, [
        ['StartTime', from],
        ['EndTime', to],
        ['Type', 'all'],
      ]);
      const head = say('StartTime EndTime Type Size Name', '开始 结束 类型 大小 名称').split(' ');
      const names = ['StartTime', 'EndTime', 'Type', 'FileSize', 'Name'];
      const rows = items.map((item) => names.map((name) => word(item, name)));
      if (rows.length > 0) for (const line of table([head, ...rows])) tell(line);
      tell(summary);
    },
    async fields(root, command, target, more = []) {
      const answers = await gather([root, command, target, more], () => true);
      tell(`${command} ${target}`);
      for (const { fields } of answers) for (const line of flat(fields)) tell(line);
    },
  };
}

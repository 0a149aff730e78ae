/** A walk test on a terminal: a line for each point as it is tried, then what was not, and the report. */
import { accessSync, constants, statSync } from 'node:fs';
import { dirname, extname, resolve } from 'node:path';
import { say } from '../../../config/language.ts';
import { writePrivate } from '../../lifecycle/private-files.ts';
import { printable } from '../../printable.ts';
import type { WalkView } from '../../walk-test/index.ts';
import type { WalkRecord, WalkSummary } from '../../walk-test/record.ts';
import { isHeldBack, isTested } from '../../walk-test/walk.ts';
import { type Terminal, UsageError, untilStopped } from '../command.ts';
import { systemMistake } from '../mistakes.ts';
import { ValueError } from '../values.ts';
import { who } from '../who.ts';
import { askFor, askHere } from './ask.ts';

export interface Wanted {
  readonly dataDir: string;
  /** The config. */
  readonly file: string;
  /** The length of a test that is begun, ms. */
  readonly forMs: number;
  /** null: the whole campus. */
  readonly areas: readonly string[] | null;
  readonly untilComplete: boolean;
  /** Where the report goes: `.pdf`, `.html` or `.json`. */
  readonly out: string | undefined;
  readonly language: 'en' | 'zh' | undefined;
}
type Point = WalkView['points'][number];

const LOOK_MS = 500;
/** A platform that has said nothing for so long is not waited for, before the line is printed. */
const PLATFORM_MS = 3000;

const isSame = (one: Wanted['areas'], other: Wanted['areas']) =>
  one === null || other === null
    ? one === other
    : one.length === other.length && one.every((area) => other.includes(area));

/** Begins one, or goes on with the one that runs. @returns what runs; undefined: something else is under test, and that was said. */
export async function beginWalk(wanted: Wanted, terminal: Terminal): Promise<WalkView | undefined> {
  const { dataDir, forMs, areas } = wanted;
  const { clock, stdout, stderr } = terminal;
  const now = await askFor<WalkView>(dataDir, { path: '/walk-test' }, clock);
  if (now.running !== undefined) {
    const { by: whose, until, areas: own } = now.running;
    const what = own === null ? say('the whole campus', '全校') : own.join(say(', ', '、'));
    if (!isSame(own, areas)) {
      stderr.write(
        `${printable(
          say(
            `only ${what} is under test, by ${whose} until ${until}: end that first (--end), or name the same`,
            `正在测试的只有 ${what}（${whose}，至 ${until}）：请先用 --end 结束，或指定相同范围`,
          ),
        )}\n`,
      );
      return undefined;
    }
    stdout.write(
      `${printable(say(`a walk test of ${whose} (${what}) runs until ${until}: it goes on`, `${whose} 的步测（${what}）进行至 ${until}：继续`))}\n`,
    );
    return now;
  }
  const body = { areas, forMs, by: who() };
  const begun = await askFor<WalkView>(dataDir, { method: 'POST', path: '/walk-test', body }, clock);
  const n = begun.points.length;
  const until = begun.running?.until ?? '';
  stdout.write(
    `${say(`the walk test began: ${n} points, until ${until}`, `步测开始：${n} 个点位，至 ${until}`)}\n`,
  );
  return begun;
}

/** Follows it until it is over, somebody stops it here, or all is tried; then ends it. @returns the exit status. */
export async function followWalk(wanted: Wanted, terminal: Terminal): Promise<number> {
  const begun = await beginWalk(wanted, terminal);
  if (begun === undefined) return 1;
  const { clock, stdout } = terminal;
  const id = begun.running?.id ?? '';
  stdout.write(
    `${say('walk and trip each point; Ctrl-C ends the test and writes its report', '请逐点触发；按 Ctrl-C 结束并生成报告')}\n`,
  );
  const stopped = { is: false };
  void untilStopped(terminal).then(() => {
    stopped.is = true;
  });
  const tell = teller(terminal);
  for (;;) {
    const view = await askFor<WalkView>(wanted.dataDir, { path: '/walk-test' }, clock);
    if (view.running?.id !== id) break;
    tell(view.points, view.running.others);
    const isComplete = wanted.untilComplete && view.points.every(isTested);
    if (stopped.is || isComplete) {
      await endNow(wanted, terminal);
      break;
    }
    await clock.wait(LOOK_MS);
  }
  return await tellReport(id, wanted, terminal, tell);
}

/** Ends what runs. @returns the exit status. */
export async function endWalk(wanted: Wanted, terminal: Terminal): Promise<number> {
  return await tellReport(await endNow(wanted, terminal), wanted, terminal);
}

async function endNow({ dataDir }: Wanted, { clock }: Terminal): Promise<string> {
  const question = { method: 'POST', path: '/walk-test/end', body: { by: who() } } as const;
  return (await askFor<{ report: string }>(dataDir, question, clock)).report;
}

const placeOf = ({ device, account, zone }: Pick<Point, 'device' | 'account' | 'zone'>) =>
  [device, account, zone].filter((one) => one !== undefined).join('/');

/** `isOver`: no platform is waited for any more. */
type Tell = (points: readonly Point[], others: WalkRecord['others'], isOver?: boolean) => void;

/** Prints what is new. */
function teller({ stdout, clock }: Terminal): Tell {
  const told = new Set<string>();
  const seen = new Map<string, number>();
  const line = (text: string) => stdout.write(`${printable(text)}\n`);
  return (points, others, isOver = false) => {
    const tried = points.filter(isTested).length;
    for (const point of points) {
      const { tick, name } = point;
      if (tick === undefined) continue;
      const isGood = isTested(point);
      // Tripped again once its area is armed it has a line again.
      const key = `${isGood ? 'tested' : 'heard'} ${point.id}`;
      // What was only heard is listed when it is over.
      if (told.has(key) || (isOver && !isGood)) continue;
      const since = seen.get(key) ?? clock.elapsed();
      seen.set(key, since);
      const isTimed = Object.keys(tick.platforms).length > 0;
      if (!isTimed && !isOver && clock.elapsed() - since < PLATFORM_MS) continue;
      told.add(key);
      line(
        `${isGood ? '✓' : '○'} ${tried}/${points.length}  ${name} (${placeOf(point)})  ${isGood ? timesOf(tick) : whyNot(point)}`,
      );
    }
    for (const other of others) {
      const key = `${other.why} ${placeOf(other)} ${other.kind}`;
      if (told.has(key)) continue;
      told.add(key);
      const words =
        other.why === 'unknown'
          ? say('is not in the config', '未在配置中')
          : say('is not under test: a real alarm', '不在测试范围：真实报警');
      line(`! ${other.name ?? ''} (${placeOf(other)}) ${other.kind}: ${words}`);
    }
  };
}

/** Why a point is not tested. */
function whyNot({ tick, ...point }: Pick<Point, 'tick' | 'kind' | 'areas'>): string {
  if (tick === undefined) return say('not tested', '未测试');
  if (tick.refused === true)
    return say(
      'not tested: the disk refused it; look at the disk (campus-gateway health), and trip it again',
      '未测试：磁盘拒绝写入；请检查磁盘（campus-gateway health）后再次触发',
    );
  if (isHeldBack(point))
    return say(
      'not tested: heard, not told, for its area is disarmed, or it is bypassed: arm it and trip it again',
      '未测试：已收到但未上报，所在区域未布防，或该防区被旁路：请布防后再次触发',
    );
  return say(
    'not tested: heard, not told, for it told nothing new: let it restore and trip it again',
    '未测试：已收到但未上报，没有新的变化：请待其恢复后再次触发',
  );
}

function timesOf({ disk, platforms, lamp }: NonNullable<Point['tick']>): string {
  return [
    disk !== undefined && `${say('disk', '写盘')} ${disk} ms`,
    ...Object.entries(platforms).map(([id, ms]) => `${id} ${ms} ms`),
    lamp !== undefined && `${say('lamp', '回执灯')} ${lamp} ms`,
  ]
    .filter((part) => typeof part === 'string')
    .join('  ');
}

/** Says what was not tested, and writes the report where it is wanted. `tell`: who followed it. @returns 1 where something was not tested. */
export async function tellReport(
  id: string,
  wanted: Wanted,
  terminal: Terminal,
  tell?: Tell,
): Promise<number> {
  const { stdout, clock } = terminal;
  const record = await askFor<WalkRecord>(wanted.dataDir, { path: `/walk-tests/${id}.json` }, clock);
  // Of what was tripped last no view was seen.
  tell?.(record.points, record.others, true);
  const untried = record.points.filter((point) => !isTested(point));
  for (const point of untried) {
    const mark = point.tick === undefined ? '✗' : '○';
    stdout.write(`${printable(`${mark} ${point.name} (${placeOf(point)}): ${whyNot(point)}`)}\n`);
  }
  const [all, tried] = [record.points.length, record.points.length - untried.length];
  stdout.write(
    `${say(`${tried} of ${all} points were tested; report ${id}`, `已测 ${tried}/${all} 个点位；报告 ${id}`)}\n`,
  );
  if (wanted.out !== undefined) await writeOrTell(id, wanted.out, wanted, terminal);
  return untried.length === 0 ? 0 : 1;
}

const ends = ['.pdf', '.html', '.json'];

/** Before anybody walks. @throws UsageError where nobody could tell what kind of file is meant, or it could not be written. */
export function checkOut(out: string | undefined): void {
  if (out === undefined) return;
  if (!ends.includes(extname(out)))
    throw new UsageError(
      say(
        `--out "${out}": a name that ends in .pdf, .html or .json`,
        `--out "${out}"：须以 .pdf、.html 或 .json 结尾`,
      ),
    );
  const folder = dirname(resolve(out));
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw new ValueError(
      say(
        `--out "${out}": there is no folder ${folder}: make it, or name another`,
        `--out "${out}"：没有目录 ${folder}：请先创建，或换一个`,
      ),
    );
  try {
    accessSync(folder, constants.W_OK);
  } catch {
    throw new ValueError(
      say(
        `--out "${out}": this user may not write into ${folder}: name another folder`,
        `--out "${out}"：当前用户无权写入 ${folder}：请换目录`,
      ),
    );
  }
}

/** A walk is not walked again for a report: it is kept, and the sentence says how it is had. @throws Error with a sentence. */
async function writeOrTell(id: string, out: string, wanted: Wanted, terminal: Terminal): Promise<void> {
  try {
    await writeReport(id, out, wanted, terminal);
  } catch (error) {
    const why = systemMistake(error as Error) ?? (error as Error).message;
    const again = `campus-gateway walk-test ${wanted.file} --report ${id} --out ${out}`;
    throw new Error(say(`${why}; the report is kept: ${again}`, `${why}；报告已保存，可重新写出：${again}`));
  }
}

/** It names devices and those who tested, and is private. Where nothing can print a PDF, the page is written instead, and that is said. @throws what the disk says. */
async function writeReport(
  id: string,
  out: string,
  { dataDir, language: chosen }: Wanted,
  { stdout, stderr, clock }: Terminal,
): Promise<void> {
  const kind = extname(out).slice(1);
  const of = (end: string) => ({ path: `/walk-tests/${id}.${end}?language=${chosen ?? say('en', 'zh')}` });
  const found = await askHere(dataDir, of(kind), clock);
  if (found.status === 200) {
    writePrivate(out, found.bytes, 'w');
    stdout.write(`${out}\n`);
    return;
  }
  if (kind !== 'pdf') throw new Error(say('the report could not be read', '无法读取报告'));
  const page = out.replace(/pdf$/, 'html');
  stderr.write(
    `${say(
      `no PDF: there is no Chromium on this machine, or it failed (apt install chromium); print ${page} from a browser`,
      `无法生成 PDF：本机没有 Chromium 或其运行失败（apt install chromium）；请用浏览器打印 ${page}`,
    )}\n`,
  );
  writePrivate(page, (await askHere(dataDir, of('html'), clock)).bytes, 'w');
  stdout.write(`${page}\n`);
}

export async function listReports({ dataDir }: Wanted, { stdout, clock }: Terminal): Promise<number> {
  const { reports } = await askFor<{ reports: readonly WalkSummary[] }>(
    dataDir,
    { path: '/walk-tests' },
    clock,
  );
  for (const { id, startedAt, by: whose, tried, points } of reports)
    stdout.write(`${printable(`${id}  ${startedAt}  ${tried}/${points}  ${whose}`)}\n`);
  if (reports.length === 0) stdout.write(say('no reports yet\n', '尚无报告\n'));
  return 0;
}

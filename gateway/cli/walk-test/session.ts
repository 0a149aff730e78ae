/** A walk test on a terminal: a line for each point as it is tried, then what was not, and the report. */
import { accessSync, constants, statSync } from 'node:fs';
import { dirname, extname, resolve } from 'node:path';
import { say } from '../../../config/language.ts';
import { writePrivate } from '../../lifecycle/private-files.ts';
import { printable } from '../../printable.ts';
import type { WalkView } from '../../walk-test/index.ts';
import type { WalkRecord, WalkSummary } from '../../walk-test/record.ts';
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

/** Begins one, or goes on with the one that runs. @returns what runs. */
export async function beginWalk(wanted: Wanted, terminal: Terminal): Promise<WalkView> {
  const { dataDir, forMs, areas } = wanted;
  const { clock, stdout } = terminal;
  const now = await askFor<WalkView>(dataDir, { path: '/walk-test' }, clock);
  if (now.running !== undefined) {
    const { by: whose, until } = now.running;
    stdout.write(
      `${say(`a walk test of ${whose} runs until ${until}: it goes on`, `${whose} 的步测进行至 ${until}：继续`)}\n`,
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
    tell(view);
    const isComplete = wanted.untilComplete && view.points.every(({ tick }) => tick !== undefined);
    if (stopped.is || isComplete) {
      await endNow(wanted, terminal);
      break;
    }
    await clock.wait(LOOK_MS);
  }
  return await tellReport(id, wanted, terminal);
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

/** Prints what is new in a view. */
function teller({ stdout, clock }: Terminal): (view: WalkView) => void {
  const told = new Set<string>();
  const seen = new Map<string, number>();
  const line = (text: string) => stdout.write(`${printable(text)}\n`);
  return ({ points, running }) => {
    const tried = points.filter(({ tick }) => tick !== undefined).length;
    for (const point of points) {
      const { id, tick, name } = point;
      if (tick === undefined || told.has(id)) continue;
      const since = seen.get(id) ?? clock.elapsed();
      seen.set(id, since);
      const isTimed = Object.keys(tick.platforms).length > 0;
      if (!isTimed && clock.elapsed() - since < PLATFORM_MS) continue;
      told.add(id);
      line(`✓ ${tried}/${points.length}  ${name} (${placeOf(point)})  ${timesOf(tick)}`);
    }
    for (const other of running?.others ?? []) {
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

function timesOf({ disk, platforms, lamp, event, refused }: NonNullable<Point['tick']>): string {
  if (refused === true) return say('the disk refused it', '磁盘拒绝写入');
  if (event === undefined)
    return say('heard; its area is disarmed: nothing was told', '已收到；所在区域未布防，未上报');
  return [
    disk !== undefined && `${say('disk', '写盘')} ${disk} ms`,
    ...Object.entries(platforms).map(([id, ms]) => `${id} ${ms} ms`),
    lamp !== undefined && `${say('lamp', '回执灯')} ${lamp} ms`,
  ]
    .filter((part) => typeof part === 'string')
    .join('  ');
}

/** Says what was not tried, and writes the report where it is wanted. @returns 1 where something was not tried. */
export async function tellReport(id: string, wanted: Wanted, terminal: Terminal): Promise<number> {
  const { stdout, clock } = terminal;
  const record = await askFor<WalkRecord>(wanted.dataDir, { path: `/walk-tests/${id}.json` }, clock);
  const untried = record.points.filter(({ tick }) => tick === undefined);
  for (const { name, ...point } of untried)
    stdout.write(`${printable(`✗ ${name} (${placeOf(point)}): ${say('not tested', '未测试')}`)}\n`);
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

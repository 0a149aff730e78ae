/** Asks the gateway that runs on this machine, over the socket in its data folder. */
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { say } from '../../../config/language.ts';
import type { Clock } from '../../../drivers/contract/clock.ts';
import { localSocket } from '../../observe/local.ts';

/** To write a report, and to print it, ms. */
const PATIENCE_MS = 120_000;
/** A report of some thousand points. */
const ANSWER_MAX = 64_000_000;

export interface Question {
  readonly method?: 'GET' | 'POST';
  readonly path: string;
  readonly body?: object;
}
export interface Answer {
  readonly status: number;
  readonly bytes: Buffer;
}

/** @throws Error with a sentence where nothing answers. */
export async function askHere(
  dataDir: string,
  { method = 'GET', path, body }: Question,
  clock: Clock,
): Promise<Answer> {
  const patience = new AbortController();
  const over = clock.after(PATIENCE_MS, () => patience.abort());
  try {
    const { signal } = patience;
    const asked = request({ socketPath: localSocket(dataDir), method, path, signal });
    const answered = once(asked, 'response', { signal }) as Promise<[IncomingMessage]>;
    asked.end(body === undefined ? undefined : JSON.stringify(body));
    const [response] = await answered;
    const pieces: Buffer[] = [];
    let length = 0;
    for await (const piece of response as AsyncIterable<Buffer>) {
      length += piece.length;
      if (length > ANSWER_MAX) throw new Error('the answer is too long');
      pieces.push(piece);
    }
    return { status: response.statusCode ?? 0, bytes: Buffer.concat(pieces) };
  } catch (error) {
    throw new Error(whyNot(error as NodeJS.ErrnoException, dataDir));
  } finally {
    over.stop();
    patience.abort();
  }
}

function whyNot({ code, message }: NodeJS.ErrnoException, dataDir: string): string {
  if (code === 'EACCES' || code === 'EPERM')
    return say(
      'the gateway belongs to another user: run this as that user, or as root (sudo)',
      '网关属于其他用户：请以该用户或 root（sudo）运行',
    );
  if (code === 'ENOENT' || code === 'ECONNREFUSED')
    return say(
      `no gateway runs with the data folder ${dataDir}: start it first (systemctl start campus-gateway)`,
      `没有网关在使用数据目录 ${dataDir}：请先启动（systemctl start campus-gateway）`,
    );
  return say(`the gateway did not answer: ${message}`, `网关没有应答：${message}`);
}

/** The answer as what it should be. @throws Error with a sentence where it was refused. */
export async function askFor<T>(dataDir: string, question: Question, clock: Clock): Promise<T> {
  const { status, bytes } = await askHere(dataDir, question, clock);
  const refused = status !== 200;
  if (!refused) return JSON.parse(bytes.toString()) as T;
  throw new Error(refusalIn(bytes));
}

const refusals: Readonly<Record<string, readonly [en: string, zh: string]>> = {
  'walk-test-runs': ['a walk test runs already: end it with --end', '已有步测在进行：请先用 --end 结束'],
  'no-walk-test': ['no walk test runs', '没有正在进行的步测'],
  'not-found': ['there is no such area or report', '没有该区域或报告'],
  'nothing-to-try': ['these areas have no points: name others', '这些区域没有点位：请指定其他区域'],
  'not-marked': [
    'alarms could not be marked as those of a test, so it did not begin: look at the disk (campus-gateway health)',
    '无法标记测试，步测未开始：请检查磁盘（campus-gateway health）',
  ],
};

function refusalIn(bytes: Buffer): string {
  try {
    const { error, detail } = JSON.parse(bytes.toString()) as { error: string; detail?: string };
    const known = refusals[error];
    const words = known === undefined ? error : say(...known);
    return detail === undefined ? words : `${words} (${detail})`;
  } catch {
    return say(
      'the gateway does not know walk tests: it is of an older version',
      '网关不支持步测：其版本较旧',
    );
  }
}

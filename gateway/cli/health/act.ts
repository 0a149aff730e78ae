/** Has a running gateway do something, over the socket in its data folder: for its user and root. */
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { say } from '../../../config/language.ts';
import type { Clock } from '../../../drivers/contract/clock.ts';
import { localSocket } from '../../observe/local.ts';

/** Characters. */
const ANSWER_MAX = 1_000_000;
const ANSWER_MS = 10_000;
/** Of a socket that is not there, and of one that a killed gateway left (connect(2)). */
const GONE: readonly string[] = ['ENOENT', 'ECONNREFUSED'];

/** No gateway has that data folder. */
export class NoGatewayError extends Error {
  readonly code = 'E_NO_GATEWAY';
}

/**
 * `name`: one of the acts of observe/local.ts. `patienceMs`: for all of it.
 * @throws Error with a sentence: no gateway runs there (NoGatewayError), it may not be asked by this user, or it refused.
 */
export async function askToAct(
  dataDir: string,
  name: string,
  given: object,
  clock: Clock,
  patienceMs = ANSWER_MS,
): Promise<object> {
  const patience = new AbortController();
  const over = clock.after(patienceMs, () => patience.abort());
  try {
    const asked = request({
      ...{ socketPath: localSocket(dataDir), path: `/${name}`, method: 'POST', signal: patience.signal },
      headers: { 'content-type': 'application/json' },
    });
    const answered = once(asked, 'response') as Promise<[IncomingMessage]>;
    asked.end(JSON.stringify(given));
    const [response] = await answered;
    let text = '';
    for await (const piece of response.setEncoding('utf8')) {
      text += piece as string;
      if (text.length > ANSWER_MAX) throw new Error(say('the answer is too long', '应答过长'));
    }
    const said = JSON.parse(text) as { readonly error?: string };
    if (response.statusCode !== 200)
      throw new Error(said.error ?? say('this gateway does not know that', '该网关不支持此操作'));
    return said;
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    const sentence = whyNot(error as NodeJS.ErrnoException, dataDir, patience.signal.aborted);
    throw GONE.includes(code) ? new NoGatewayError(sentence) : new Error(sentence);
  } finally {
    over.stop();
    patience.abort();
  }
}

function whyNot({ code = '', message }: NodeJS.ErrnoException, dataDir: string, isLate: boolean): string {
  if (isLate) return say('the gateway does not answer; look into its log', '网关没有应答；请查看其日志');
  if (code === 'EACCES' || code === 'EPERM')
    return say(
      `this user may not ask the gateway that has ${dataDir}: run it as that user, or with sudo`,
      `当前用户无权访问使用 ${dataDir} 的网关：请以该用户或 sudo 运行`,
    );
  if (GONE.includes(code))
    return say(
      `no gateway runs with ${dataDir}: start it (systemctl start campus-gateway)`,
      `没有使用 ${dataDir} 的网关在运行：请启动（systemctl start campus-gateway）`,
    );
  return message;
}

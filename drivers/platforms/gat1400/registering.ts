/**
 * What a view library is asked of itself: to let us in by a digest, and to forget us (GA/T 1400.4, 7.2.1). The password is
 * sent for these two alone, and in no other way.
 */
import type { Clock } from '../../contract/clock.ts';
import { CERTIFICATE_FILE_MAX, readTextOf } from '../../files.ts';
import { ask, type HttpAnswer, type Question } from '../../http.ts';
import { headersOf, paths, readStatuses, registerBody, unregisterBody } from './codec.ts';
import type { Options } from './options.ts';

/** For a question without a picture, ms. */
export const SMALL_MS = 10_000;
/** Statuses of one object have some hundred bytes. */
const ANSWER_MAX = 262_144;

/** Asks at a path of the platform, by POST unless it is said otherwise. @throws Error: no answer, or none that can be read. */
export type Asking = (
  path: string,
  question: Pick<Question, 'timeout'> & Partial<Question>,
) => Promise<HttpAnswer>;

/** @throws Error where `caFile` cannot be read. */
export function askingOf({ url, caFile, deviceId }: Options, clock: Clock, signal: AbortSignal): Asking {
  const tls = caFile === undefined ? undefined : { ca: readTextOf(caFile, CERTIFICATE_FILE_MAX) };
  return (path, question) =>
    ask(`${url}${path}`, {
      method: 'POST',
      headers: headersOf(deviceId),
      maxBytes: ANSWER_MAX,
      ...(tls !== undefined && { tls }),
      clock,
      signal,
      ...question,
    });
}

export const isOk = ({ status }: HttpAnswer) => status >= 200 && status < 300;
/** What an answer says beside its HTTP status: the first that is no 0. */
export const badStatus = ({ body }: HttpAnswer) => readStatuses(body).find(({ code }) => code !== 0);

/** Why we are not let in: `other` may be of the moment. */
export type Why = 'password' | 'proof' | 'id' | 'stranger' | 'other';

export class RefusedError extends Error {
  readonly code = 'E_VIEWS_REFUSED';
  readonly why: Why;
  /** What it answered. */
  readonly said: string;
  constructor(why: Why, said: string, options?: ErrorOptions) {
    const words: Readonly<Record<Why, string>> = {
      password: `the platform refuses the password, or the id that it is of (${said})`,
      proof: `the platform wants a proof of the password that we do not know (${said})`,
      id: `the platform does not let this device id in (${said})`,
      stranger: 'what answers there is no view library: look at `url`',
      other: `the platform refuses to register us (${said})`,
    };
    super(words[why], options);
    this.name = 'RefusedError';
    this.why = why;
    this.said = said;
  }
}

/** undefined: it lets us in. */
function refusalOf(answer: HttpAnswer): RefusedError | undefined {
  const { status, body, isTold } = answer;
  const bad = badStatus(answer);
  const said = bad === undefined ? `HTTP ${status}` : `StatusCode ${bad.code} ${bad.words}`.trim();
  if (status === 401) return new RefusedError(isTold ? 'password' : 'proof', said);
  if (status === 403) return new RefusedError('id', said);
  if (!isOk(answer)) return new RefusedError('other', said);
  // After the password came, whatever it refuses may be of that.
  if (bad !== undefined) return new RefusedError(isTold ? 'password' : 'id', said);
  // A page of a hotspot says 200 too.
  if (body.length > 0 && readStatuses(body).length === 0) return new RefusedError('stranger', said);
  return undefined;
}

const withPassword = ({ deviceId, username = deviceId, password = '' }: Options) => ({
  credentials: { username, password },
  digestOnly: true,
});

/** @returns the answer. @throws RefusedError; Error: no answer. */
export async function register(asking: Asking, own: Options): Promise<HttpAnswer> {
  const answer = await asking(paths.register, {
    body: registerBody(own.deviceId),
    ...withPassword(own),
    timeout: SMALL_MS,
  });
  const refusal = refusalOf(answer);
  if (refusal !== undefined) throw refusal;
  return answer;
}

/** Says that we leave. Never rejects. */
export async function unregister(asking: Asking, own: Options, timeout: number): Promise<void> {
  const body = unregisterBody(own.deviceId);
  await asking(paths.unregister, { body, ...withPassword(own), timeout: Math.max(1, timeout) }).catch(
    () => {},
  );
}

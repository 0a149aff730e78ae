/** Asks a running gateway how it is. */
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import type { Config } from '../../../config/schema.ts';
import type { Clock } from '../../../drivers/contract/clock.ts';
import { ask } from '../../../drivers/http.ts';
import { localSocket } from '../../observe/local.ts';
import type { HealthAnswer } from './show.ts';

const ANSWER_MS = 3000;
/** Of some thousand devices. */
const ANSWER_MAX = 4_000_000;

export interface Told {
  /** 200 where it is healthy, else 503. */
  readonly status: number;
  readonly text: string;
  /** undefined: it is none of ours. */
  readonly answer: HealthAnswer | undefined;
}

function readAnswer(text: string): HealthAnswer | undefined {
  try {
    const read: unknown = JSON.parse(text);
    return typeof read === 'object' && read !== null && 'healthy' in read
      ? (read as HealthAnswer)
      : undefined;
  } catch {
    return undefined;
  }
}

/** What answers at `status` of the config, and what it means if that is a gateway; undefined: nothing answers. */
export async function askHealth(
  { host, port }: NonNullable<Config['status']>,
  clock: Clock,
): Promise<Told | undefined> {
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}/health`;
  const response = await ask(url, { maxBytes: ANSWER_MAX, timeout: ANSWER_MS, clock }).catch(() => undefined);
  if (response === undefined) return undefined;
  const text = response.body.toString();
  return { status: response.status, text, answer: readAnswer(text) };
}

/** The same over the socket in the data folder: for its user and root. */
async function askSocket(dataDir: string, clock: Clock): Promise<Told | undefined> {
  const patience = new AbortController();
  const over = clock.after(ANSWER_MS, () => patience.abort());
  try {
    const asked = request({ socketPath: localSocket(dataDir), path: '/health', signal: patience.signal });
    const answered = once(asked, 'response', { signal: patience.signal }) as Promise<[IncomingMessage]>;
    asked.end();
    const [response] = await answered;
    let text = '';
    for await (const piece of response.setEncoding('utf8')) {
      text += piece as string;
      if (text.length > ANSWER_MAX) return undefined;
    }
    return { status: response.statusCode ?? 0, text, answer: readAnswer(text) };
  } catch {
    return undefined;
  } finally {
    over.stop();
    patience.abort();
  }
}

/** The gateway that has this data folder, by its socket; where that cannot be opened, what answers at `status`. */
export const askGateway = async (
  { dataDir, status }: Pick<Config, 'dataDir' | 'status'>,
  clock: Clock,
): Promise<Told | undefined> =>
  (await askSocket(dataDir, clock)) ?? (status && (await askHealth(status, clock)));

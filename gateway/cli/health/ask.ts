/** Asks a running gateway how it is. */
import type { Config } from '../../../config/schema.ts';
import type { Clock } from '../../../drivers/contract/clock.ts';
import { ask } from '../../../drivers/http.ts';
import type { HealthAnswer } from './show.ts';

const ANSWER_MS = 3000;
/** Of some thousand devices. */
const ANSWER_MAX = 4_000_000;

/** undefined: it is none of ours. */
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
export async function askHealth({ host, port }: NonNullable<Config['status']>, clock: Clock) {
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}/health`;
  const response = await ask(url, { maxBytes: ANSWER_MAX, timeout: ANSWER_MS, clock }).catch(() => undefined);
  if (response === undefined) return undefined;
  const text = response.body.toString();
  return { status: response.status, text, answer: readAnswer(text) };
}

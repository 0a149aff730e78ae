/**
 * A walk test from this machine's own command line, over the socket in the data folder (observe/local.ts), which only the
 * gateway's user and root can open.
 *
 *   GET /walk-test      POST /walk-test {areas, forMs, by}      POST /walk-test/end {by}
 *   GET /walk-tests     GET /walk-tests/ID.html?language=zh, ID.pdf, ID.json
 */
import { z } from 'zod';
import type { LocalAnswer, LocalRequest } from '../observe/local.ts';
import { WalkError } from './errors.ts';
import type { WalkTest } from './index.ts';
import type { Language } from './report-words.ts';

/** As the mark may last (config/catalogue/actions/areas.ts). */
const LONGEST_MS = 8 * 3_600_000;

const by = z.string().min(1).max(100);
const beginning = z.strictObject({
  areas: z.array(z.string().max(64)).min(1).max(1000).nullable(),
  forMs: z.number().min(60_000).max(LONGEST_MS),
  by,
});
const ending = z.strictObject({ by });

type Part = Pick<WalkTest, 'view' | 'begin' | 'end' | 'reports' | 'html' | 'pdf' | 'record'>;

const json = (value: unknown, status = 200): LocalAnswer => ({ status, body: `${JSON.stringify(value)}\n` });

/** undefined: it is nothing of this. Never rejects. */
export const serveLocally =
  (walkTest: Part) =>
  async (request: LocalRequest): Promise<LocalAnswer | undefined> => {
    try {
      return await answer(walkTest, request);
    } catch (error) {
      if (error instanceof z.ZodError) return json({ error: 'not-understood' }, 400);
      const { message } = error as Error;
      const code = error instanceof WalkError ? error.code : 'failed';
      return json({ error: code, ...(message !== code && { detail: message }) }, 409);
    }
  };

async function answer(
  walkTest: Part,
  { method, path, body }: LocalRequest,
): Promise<LocalAnswer | undefined> {
  const { pathname, searchParams } = new URL(path, 'http://gateway');
  const told = (schema: z.ZodType) => schema.parse(JSON.parse(body === '' ? '{}' : body));
  switch (`${method} ${pathname}`) {
    case 'GET /walk-test':
      return json(walkTest.view());
    case 'POST /walk-test':
      return json(await walkTest.begin(told(beginning) as z.output<typeof beginning>));
    case 'POST /walk-test/end':
      return json({ report: await walkTest.end((told(ending) as z.output<typeof ending>).by) });
    case 'GET /walk-tests':
      return json({ reports: await walkTest.reports() });
  }
  const [, id, end] = /^\/walk-tests\/([\w-]{1,40})\.(html|pdf|json)$/.exec(pathname) ?? [];
  if (id === undefined || method !== 'GET') return undefined;
  const language: Language = searchParams.get('language') === 'zh' ? 'zh' : 'en';
  if (end === 'html') return { status: 200, body: await walkTest.html(id, language) };
  if (end === 'pdf') return { status: 200, body: await walkTest.pdf(id, language) };
  const record = await walkTest.record(id);
  return record === undefined ? json({ error: 'not-found' }, 404) : json(record);
}

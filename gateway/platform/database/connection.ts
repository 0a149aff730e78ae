/**
 * The way to PostgreSQL: a pool whose calls end in time and say why, and transactions that are on disk when they resolve.
 *
 * - A server that may lose what it committed (`fsync` off) is refused, in each transaction anew: its settings can be
 *   changed while it runs. `synchronous_commit` is a session's own, and is switched on.
 * - COMMIT of a transaction that failed is answered by ROLLBACK, without an error: only the word COMMIT is a commit.
 * - Two consumers that wait for each other are both right: one of them is told so by the server, and tries again.
 */
import { DatabaseError, Pool, type PoolClient, types } from 'pg';
import { say } from '../../../config/language.ts';
import type { Clock } from '../../../drivers/contract/clock.ts';
import type { Log } from '../../../drivers/contract/driver.ts';

export interface Base {
  readonly time: Clock;
  readonly log: Log;
}

/** `away`: try again; `refused`: somebody must change something first. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code: 'E_DATABASE_AWAY' | 'E_DATABASE_REFUSED';
  constructor(code: StoreError['code'], message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

/** Thrown by what runs in a transaction: it is rolled back, and its connection is well. */
export class KeptError extends Error {}

/** `answerMs`: how long the answer is waited for, where that is longer than usual. */
export type Query = <Row extends object = Record<string, never>>(
  text: string,
  values?: readonly unknown[],
  answerMs?: number,
) => Promise<readonly Row[]>;

export interface Database {
  /** One statement. @throws StoreError, or what PostgreSQL says of the statement. */
  readonly query: Query;
  /** Committed when it resolves; nothing of it is when it rejects, unless the answer to COMMIT was lost. May run anew. */
  transaction<T>(run: (query: Query) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

const CONNECT_MS = 5000;
const STATEMENT_MS = 10_000;
const LOCK_MS = 8000;
/** A consumer that stands still in the middle of a transaction holds up all others. */
const IDLE_MS = 10_000;
/** What answers nothing is given up by us; later than the server would. */
const ANSWER_MS = STATEMENT_MS + 2000;
const TRIES = 6;
const SERIALIZATION = '40001';
const DEADLOCK = '40P01';
/** A session may stay so when the address has become that of another server, or its database writable: it is made anew. */
const READ_ONLY = '25006';

const INT8 = 20;
const TIMESTAMPTZ = 1184;
const dateOf = types.getTypeParser(TIMESTAMPTZ, 'text') as (text: string) => Date;
/** Sequences are safe integers, and times are epoch ms. */
const parsers = {
  getTypeParser(oid: number, format?: 'text' | 'binary') {
    if (format === 'binary') return types.getTypeParser(oid, 'binary');
    if (oid === INT8) return Number;
    if (oid === TIMESTAMPTZ) return (text: string) => dateOf(text).getTime();
    return types.getTypeParser(oid, 'text');
  },
} as typeof types;

/** How a connection is made; for the pool, and for one that listens. */
export const connectionOptions = (url: string) => ({
  connectionString: url,
  application_name: 'campus-gateway platform',
  connectionTimeoutMillis: CONNECT_MS,
  keepAlive: true,
  types: parsers,
});

/** The server's answer to one statement: the connection is well, and it would say so again. */
export const isAboutData = (error: unknown): boolean =>
  error instanceof DatabaseError && /^(2[123]|54|P0)/.test(error.code ?? '');

const mendOf = (code: string | undefined): string | undefined => {
  switch (code) {
    case '28P01':
    case '28000':
      return say(
        'the database refuses the user or the password: look at --database and PGPASSWORD',
        '数据库拒绝了用户或密码：请检查 --database 和 PGPASSWORD',
      );
    case '3D000':
      return say('there is no such database: make it with createdb', '数据库不存在：请先用 createdb 创建');
    case '42501':
      return say(
        'the user may not write there: make it the owner of the database',
        '该用户无权写入：请让它成为数据库的所有者',
      );
    case READ_ONLY:
      return say(
        'the database is read-only, a standby perhaps: name the primary server',
        '数据库为只读（可能是备机）：请指定主库',
      );
    case '53100':
      return say("the database's disk is full: make room", '数据库磁盘已满：请清理空间');
    default:
      return undefined;
  }
};

function storeError(error: unknown): unknown {
  if (error instanceof StoreError || error instanceof KeptError || isAboutData(error)) return error;
  const { code, message } = error as { code?: string; message?: string };
  const mend = mendOf(code);
  const isMute = message === 'Query read timeout' || message === 'timeout exceeded when trying to connect';
  const plain = isMute ? say('it does not answer in time', '未及时应答') : message || code || String(error);
  const why = mend === undefined ? plain : `${mend} (${message})`;
  const isForPeople = mend !== undefined && code !== '53100' && code !== '25006';
  return new StoreError(
    isForPeople ? 'E_DATABASE_REFUSED' : 'E_DATABASE_AWAY',
    say(`PostgreSQL: ${why}`, `PostgreSQL：${why}`),
    error,
  );
}

/** `connections`: at most so many. */
export function openDatabase(url: string, { time, log }: Base, connections: number): Database {
  const pool = new Pool({
    ...connectionOptions(url),
    max: connections,
    statement_timeout: STATEMENT_MS,
    lock_timeout: LOCK_MS,
    idle_in_transaction_session_timeout: IDLE_MS,
    query_timeout: ANSWER_MS,
  });
  // One that ends while nobody uses it, and one that ends between two statements: what is asked next says so.
  pool.on('error', ({ message }) => log.debug({ message }, 'a connection to the database ended'));
  pool.on('connect', (client) => client.on('error', () => {}));

  const once = async <T>(run: (query: Query) => Promise<T>): Promise<T> => {
    const client = await pool.connect();
    let broken: Error | undefined;
    try {
      await client.query('BEGIN');
      await beDurable(client);
      const result = await run(queryOf(client));
      const { command } = await client.query('COMMIT');
      if (command !== 'COMMIT')
        throw new StoreError('E_DATABASE_AWAY', 'PostgreSQL rolled back what was to be committed');
      return result;
    } catch (error) {
      // What was not answered may be answered yet: nothing more is asked on that connection.
      const isWell =
        error instanceof KeptError || (error instanceof DatabaseError && error.code !== READ_ONLY);
      if (!isWell) broken = error as Error;
      else
        await client.query('ROLLBACK').catch((reason: Error) => {
          broken = reason;
        });
      throw error;
    } finally {
      client.release(broken);
    }
  };
  return {
    async query(text, values) {
      try {
        return (await pool.query(text, values as unknown[])).rows;
      } catch (error) {
        throw storeError(error);
      }
    },
    async transaction(run) {
      for (let tries = 1; ; tries++) {
        try {
          return await once(run);
        } catch (error) {
          const { code } = error as { code?: string };
          const isBoth = code === DEADLOCK || code === SERIALIZATION;
          if (!isBoth || tries === TRIES) throw storeError(error);
          log.debug({ code, tries }, 'two consumers waited for each other; once more');
          await time.wait(time.random() * 50 * tries);
        }
      }
    },
    close: () => pool.end(),
  };
}

const queryOf =
  (client: PoolClient): Query =>
  async (text, values, answerMs) =>
    (await client.query({ text, values: values as unknown[], ...(answerMs && { query_timeout: answerMs }) }))
      .rows;

/** @throws StoreError where what is committed may be lost. */
async function beDurable(client: PoolClient): Promise<void> {
  const { rows } = await client.query<{ fsync: string }>(
    `SELECT current_setting('fsync') AS fsync, set_config('synchronous_commit',
       CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, true)`,
  );
  if (rows[0]?.fsync === 'on') return;
  throw new StoreError(
    'E_DATABASE_REFUSED',
    say(
      'PostgreSQL has fsync off: a power cut loses what it committed. Set `fsync = on` in postgresql.conf and reload it; until then nothing is stored and no receipt is sent',
      'PostgreSQL 的 fsync 已关闭：断电会丢失已提交的数据。请在 postgresql.conf 中设置 `fsync = on` 并重新加载；在此之前不存储、不回执',
    ),
  );
}

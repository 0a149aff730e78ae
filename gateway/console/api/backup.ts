/**
 * GET /api/backup: how backups are made, the last one, those that are there. POST /api/backup: makes one now, and does not
 * wait for it. GET /api/backup/{name}: the file, which only who has a private key can read.
 */
import { basename } from 'node:path';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Backup, BackupOutcome } from '../../backup/index.ts';
import { isoOf } from '../../road/event.ts';
import { type Backups, backupsSchema, begunSchema } from '../contract/backup.ts';

export interface BackupOptions {
  readonly backup: Pick<Backup, 'state' | 'list' | 'open' | 'take'>;
}

const problem = z.object({ error: z.string() });
const summarised = (summary: string) => ({ summary, tags: ['backup'] });

const outcomeOf = ({ at, tookMs, by, taken, reason }: BackupOutcome): NonNullable<Backups['last']> => ({
  ...{ at: isoOf(at), tookMs, by, done: taken !== undefined },
  ...(reason !== undefined && { reason }),
  ...(taken !== undefined && {
    ...{ name: basename(taken.file), bytes: taken.bytes, files: taken.files },
    ...{ environment: [...taken.environment], left: [...taken.left] },
  }),
});

export function serveBackup({ backup }: BackupOptions): FastifyPluginAsyncZod {
  const look = async (): Promise<Backups> => {
    const state = backup.state();
    if (state === undefined) return { list: [] };
    const { config, nextAt, running, last } = state;
    const { recipients, at, keep, folder, clips } = config;
    const found = await backup.list().then(
      (list) => ({ list: list.map((one) => ({ ...one, at: isoOf(one.at) })) }),
      (error: Error) => ({ list: [], unreadable: error.message.slice(0, 300) }),
    );
    return {
      how: { recipients: [...recipients], at, keep, folder, clips, nextAt: isoOf(nextAt) },
      ...(running && { running: { ...running, at: isoOf(running.at) } }),
      ...(last && { last: outcomeOf(last) }),
      ...found,
    };
  };
  return async (server) => {
    server.get(
      '/api/backup',
      {
        config: { needs: 'backup' },
        schema: {
          ...summarised('Backups: how, the last one, those there are'),
          response: { 200: backupsSchema },
        },
      },
      look,
    );
    server.post(
      '/api/backup',
      {
        // What came of it is in the audit, with who asked.
        config: { needs: 'backup', audited: false },
        schema: { ...summarised('Make a backup now'), response: { 202: begunSchema, 409: problem } },
      },
      async ({ user }, reply) => {
        const begun = backup.take(user.name);
        return begun === 'begun'
          ? await reply.code(202).send({ begun: true })
          : await reply.code(409).send({ error: begun === 'busy' ? 'backup-runs' : 'no-backup' });
      },
    );
    server.get(
      '/api/backup/:name',
      {
        config: { needs: 'backup', audited: true },
        schema: {
          ...summarised('A backup as a file, encrypted'),
          params: z.object({ name: z.string().max(200) }),
        },
      },
      async ({ params }, reply) => {
        const file = await backup.open(params.name);
        if (file === undefined) return await reply.code(404).send({ error: 'no-such-backup' });
        // One of the folder: its name has nothing that a header does not take.
        return await reply
          .header('content-disposition', `attachment; filename="${params.name}"`)
          .type('application/octet-stream')
          .send(file);
      },
    );
  };
}

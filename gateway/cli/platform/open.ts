/** What the tools of an authority work on: the database of the platform, and the keys in its data folder. */
import { join } from 'node:path';
import { say } from '../../../config/language.ts';
import { openAuthorityFiles } from '../../platform/authority/files.ts';
import { openAuthority } from '../../platform/authority/index.ts';
import { createRegistry } from '../../platform/authority/registry.ts';
import { openDatabase } from '../../platform/database/connection.ts';
import { migrate } from '../../platform/database/migrations.ts';
import type { Terminal } from '../command.ts';

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const CONNECTIONS = 2;

/** `create`: the authority is made where there is none. @throws what the database or the disk says. */
export async function openTools(
  {
    url,
    data,
    create,
  }: { readonly url: string; readonly data: string | undefined; readonly create: boolean },
  { stderr, clock }: Terminal,
) {
  const database = openDatabase(url, { time: clock, log: quiet }, CONNECTIONS);
  try {
    await migrate(database);
    const registry = createRegistry(database);
    const directory = data === undefined ? undefined : join(data, 'authority');
    const passphrase = process.env['AUTHORITY_PASSPHRASE'];
    const isMade = (await registry.setting('authority')) !== undefined;
    const files =
      directory === undefined
        ? undefined
        : openAuthorityFiles(directory, { passphrase, create: create && !isMade, now: clock.wall() });
    if (create && files === undefined)
      throw new Error(
        say(
          `the authority of this database has no keys in ${directory}: copy its folder here`,
          `该数据库的证书机构密钥不在 ${directory}：请将其目录复制到此处`,
        ),
      );
    const authority = files && (await openAuthority({ files, registry, time: clock }));
    if (authority !== undefined && !isMade) {
      // From the beginning: each campus that is enrolled knows it.
      await authority.rotate(0);
      stderr.write(
        say(
          `a new authority is in ${directory}: keep a copy of that folder where only you come\n`,
          `已在 ${directory} 建立证书机构：请将该目录备份到只有您能访问的地方\n`,
        ),
      );
    }
    return { registry, authority, close: () => database.close() };
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** The keys of backups: made, and read. */
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { say } from '../../../config/language.ts';
import { keyFileOf, makeKeys, readKeyFile } from '../../backup/age.ts';
import { isSealed } from '../../backup/read.ts';
import { PRIVATE_FILE } from '../../lifecycle/private-files.ts';
import { printable } from '../../printable.ts';
import { type Terminal, UsageError } from '../command.ts';

/** Makes a pair; a file that is there is left as it is. @returns the exit status. */
export async function writeKeys(file: string, { stdout, clock }: Terminal): Promise<0> {
  const keys = await makeKeys();
  let descriptor: number;
  try {
    descriptor = openSync(file, 'wx', PRIVATE_FILE);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    throw new Error(
      say(
        `${file} is there already, and backups may need the key in it: give another name`,
        `${file} 已存在，其中的密钥可能仍有备份需要：请换一个文件名`,
      ),
    );
  }
  try {
    writeSync(descriptor, keyFileOf(keys, new Date(clock.wall()).toISOString()));
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  const where = printable(file);
  stdout.write(
    say(
      `The private key is in ${where}. Take it away from this machine, and keep it where you find it when this machine is gone: without it no backup can be read. The public key, for the config:\n\nbackup:\n  recipients: [${keys.recipient}]\n`,
      `私钥在 ${where}。请将其移出本机，保存在本机损坏后仍能找到的地方：没有它，任何备份都无法读取。公钥写入配置：\n\nbackup:\n  recipients: [${keys.recipient}]\n`,
    ),
  );
  return 0;
}

/** The private keys for a backup; a plain one needs none. @throws UsageError, Error with a sentence. */
export async function identitiesFor(backup: string, keyFile: string | undefined): Promise<readonly string[]> {
  if (!(await isSealed(backup))) return [];
  if (keyFile === undefined)
    throw new UsageError(
      say(
        'it is encrypted: give the file with the private key, --key KEYFILE',
        '备份已加密：请用 --key 给出私钥文件',
      ),
    );
  return readKeyFile(keyFile);
}

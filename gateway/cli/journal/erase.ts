import { createHash } from 'node:crypto';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { say } from '../../../config/language.ts';
import type { Person } from '../../journal/erasure.ts';
import { openJournal } from '../../journal/index.ts';
import { removeMedia } from '../../media/files.ts';
import { configOrErrors, progress, type Terminal, UsageError } from '../command.ts';
import { printer } from './printer.ts';

/** Takes a person out of all events of a journal that no gateway has open. @returns the exit status. */
export async function erasePerson(file: string, person: Person, terminal: Terminal): Promise<number> {
  const out = printer(terminal);
  if ([person.card, person.holder, person.visit].filter((one) => one !== undefined).length !== 1)
    throw new UsageError(say('one of --card, --holder, --visit', '请给出 --card、--holder、--visit 之一'));
  const config = await configOrErrors(file, terminal);
  if (config === undefined) return 1;
  const journal = await openJournal(config.dataDir);
  try {
    const bar = progress(terminal, say('looked at', '已检查'), undefined);
    const { events, pictures } = await journal.erase(person, (looked) => bar.step(looked));
    bar.end();
    await removeMedia(join(config.dataDir, 'media'), pictures);
    const sha256 = createHash('sha256').update(JSON.stringify(person)).digest('hex');
    const { username: user } = userInfo();
    await journal.audit(terminal.clock.wall(), JSON.stringify({ kind: 'erase', sha256, events, user }));
    out(say(`erased in ${events} events`, `已在 ${events} 个事件中删除`));
    return 0;
  } finally {
    await journal.close();
  }
}

import { join } from 'node:path';
import { say } from '../../../config/language.ts';
import { indexFileOf, removeIndex } from '../../console/search/index-file.ts';
import type { Person } from '../../journal/erasure.ts';
import { openJournal } from '../../journal/index.ts';
import { removeMedia } from '../../media/files.ts';
import { destroyDamaged, listDamaged } from '../../upkeep/damaged.ts';
import { configOrErrors, progress, type Terminal, UsageError } from '../command.ts';
import { needJournal } from '../first-start.ts';
import { who } from '../who.ts';
import { printer } from './printer.ts';

/** Takes a person out of all events of a journal that no gateway has open. @returns the exit status. */
export async function erasePerson(file: string, person: Person, terminal: Terminal): Promise<number> {
  const out = printer(terminal);
  if ([person.card, person.holder, person.visit].filter((one) => one !== undefined).length !== 1)
    throw new UsageError(say('one of --card, --holder, --visit', '请给出 --card、--holder、--visit 之一'));
  const config = await configOrErrors(file, terminal);
  if (config === undefined) return 1;
  // Opened where there is none it would be made.
  needJournal(file, config.dataDir);
  const journal = await openJournal(config.dataDir);
  try {
    const bar = progress(terminal, say('looked at', '已检查'), undefined);
    const { events, pictures, left } = await journal.erase(person, (looked) => bar.step(looked));
    bar.end();
    await removeMedia(join(config.dataDir, 'media'), pictures);
    // The console makes it anew, if there is one still.
    removeIndex(indexFileOf(config.dataDir));
    const user = who();
    const by = Object.entries(person).flatMap(([name, value]) => (value === undefined ? [] : [name]));
    await journal.audit(terminal.clock.wall(), JSON.stringify({ kind: 'erase', personal: by, events, user }));
    out(say(`erased in ${events} events`, `已在 ${events} 个事件中删除`));
    for (const name of [...left, ...(await listDamaged(config.dataDir))])
      out(
        say(
          `! ${name} may name them still; damaged copies: campus-gateway journal destroy-damaged ${file}`,
          `! ${name} 中可能仍有其信息；损坏副本可用 campus-gateway journal destroy-damaged ${file} 销毁`,
        ),
      );
    return 0;
  } finally {
    await journal.close();
  }
}

/** Destroys the damaged journals that were set aside, of a gateway that is stopped. @returns the exit status. */
export async function destroyCopies(file: string, terminal: Terminal): Promise<number> {
  const out = printer(terminal);
  const config = await configOrErrors(file, terminal);
  if (config === undefined) return 1;
  // Opened where there is none it would be made.
  needJournal(file, config.dataDir);
  const journal = await openJournal(config.dataDir);
  try {
    const destroyed = await destroyDamaged(config.dataDir);
    const user = who();
    await journal.audit(
      terminal.clock.wall(),
      JSON.stringify({ kind: 'destroy-damaged', files: destroyed, user }),
    );
    out(say(`destroyed ${destroyed.length} files`, `已销毁 ${destroyed.length} 个文件`));
    return 0;
  } finally {
    await journal.close();
  }
}

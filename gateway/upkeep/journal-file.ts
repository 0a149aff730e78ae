/** Tells what becomes of the journal's file: to the log, and, once it can be written, as events. */
import type { Log } from '../../drivers/contract/driver.ts';
import type { Condition, Journal, OpenedFile, Renumbered } from '../journal/index.ts';
import type { Part } from '../lifecycle/part.ts';
import type { Recorder } from '../road/recorder.ts';

const sentences: Readonly<Record<Renumbered['reason'], string>> = {
  'machine-changed': 'the journal is on another machine than before',
  'folder-copied': 'the journal is a copy, or was put back from one',
  restored: 'the journal was put back from a backup',
  'other-gateway': 'another gateway has the numbers of this journal',
};

/**
 * Made beside the recorder, so that nothing passes between the two; its start tells what was found before.
 * `reset`: the states were read anew, and numbers are not what they were.
 */
export function followJournal(
  journal: Pick<Journal, 'opened' | 'condition' | 'knownAs' | 'onOpened' | 'onCondition'>,
  recorder: Pick<Recorder, 'recordOwn' | 'reload'>,
  log: Log,
  reset: () => void,
): Part & { start(): void } {
  const tellRenumbered = ({ reason, before, journal: now }: Renumbered) => {
    log.error({ reason, before, journal: now }, `${sentences[reason]}; numbers go on under a new journal id`);
    void recorder.recordOwn('gateway.journal-renumbered', { reason, before, journal: now });
  };
  const tellOpened = ({ salvage, missing, renumbered }: OpenedFile) => {
    if (renumbered !== undefined) tellRenumbered(renumbered);
    if (salvage !== undefined) {
      log.error({ ...salvage }, 'the journal was damaged; it was set aside, and what can be read was saved');
      void recorder.recordOwn('gateway.journal-salvaged', { ...salvage });
    }
    if (missing > 0) {
      log.error({ missing }, 'events that were acknowledged are not on the disk any more');
      void recorder.recordOwn('gateway.journal-salvaged', { missing });
    }
  };
  const found = { opened: journal.opened, condition: journal.condition };
  let late = found.opened === undefined;
  journal.onOpened((opened) => {
    tellOpened(opened);
    if (!late && opened.salvage === undefined && opened.missing === 0) return;
    late = false;
    recorder
      .reload()
      .catch((error: Error) => log.error({ error: error.message }, 'the states could not be read'))
      .finally(reset);
  });
  let bad = found.condition.good ? undefined : found.condition;
  const tellCondition = (condition: Condition) => {
    if (!condition.good) {
      bad = condition;
      log.error(
        { code: condition.code, reason: condition.reason },
        'the disk takes no events: devices get no acknowledgement, alarms go out from memory, and it is tried again',
      );
    } else if (bad !== undefined) {
      const since = new Date(bad.since).toISOString();
      log.warn({ since }, 'the disk takes events again');
      void recorder.recordOwn('gateway.storage-failed', { code: bad.code, since });
    }
  };
  journal.onCondition(tellCondition);
  journal.knownAs.onRenumbered(tellRenumbered);
  return {
    start() {
      if (found.opened !== undefined) tellOpened(found.opened);
      if (!found.condition.good) tellCondition(found.condition);
    },
    async [Symbol.asyncDispose]() {},
  };
}

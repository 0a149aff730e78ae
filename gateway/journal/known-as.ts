/** By what platforms know this journal, on the event loop's side: its numbering, and the lease that it shows. */
import type { Log } from '../../drivers/contract/driver.ts';
import { signal } from '../lifecycle/signal.ts';
import type { Backing, OpenedFile } from './backing.ts';
import { isOwnLease, type Leases, type Renumbered } from './identity.ts';

export interface KnownAs {
  /** The id of this numbering; empty while the file could not be opened yet. */
  readonly id: string;
  /** The newest lease; empty likewise. */
  readonly lease: string;
  /** The last new numbering since the start. */
  readonly renumbered: Renumbered | undefined;
  /** When this journal was put back from a backup, epoch ms; undefined: it never was. */
  readonly restoredAt: number | undefined;
  /** Whether a lease was ever this journal's. */
  isOwn(lease: string): boolean;
  /** Shows another lease from now on. @throws JournalError: the old one stays. */
  renewLease(): Promise<void>;
  /** Numbers on under a new id: somebody else has this one. @throws JournalError: it stays. */
  renumber(): Promise<Renumbered>;
  /** Calls back at once, before anything is sent under the new numbering. */
  onRenumbered(listener: (renumbered: Renumbered) => void): void;
}

/** @param restart makes the uplinks' chains begin anew. */
export function createKnownAs(
  ask: Backing['ask'],
  restart: () => void,
  log: Log,
): { readonly knownAs: KnownAs; accept(opened: OpenedFile): void } {
  const renumberings = signal<[Renumbered]>('a new numbering', log);
  let id = '';
  let leases: Leases = { count: 0, recent: [] };
  let renumbered: Renumbered | undefined;
  let restoredAt: number | undefined;
  let asking: Promise<Renumbered> | undefined;

  const renumber = async () => {
    // A copy of this one knows the lease that we show; the next one it does not.
    const [done, renewed] = await Promise.all([ask('renumber', 'other-gateway'), ask('renewLease')]);
    leases = renewed;
    id = done.journal;
    renumbered = done;
    // In one turn: an answer to an old number must not become the beginning of the new chain, and who sends goes on at once.
    restart();
    renumberings.tell(done);
    return done;
  };
  return {
    knownAs: {
      get id() {
        return id;
      },
      get lease() {
        return leases.recent.at(-1) ?? '';
      },
      get renumbered() {
        return renumbered;
      },
      get restoredAt() {
        return restoredAt;
      },
      isOwn: (lease) => isOwnLease(leases, lease),
      async renewLease() {
        leases = await ask('renewLease');
      },
      renumber() {
        // Two uplinks find out at the same moment: one new numbering is enough.
        asking ??= renumber().finally(() => {
          asking = undefined;
        });
        return asking;
      },
      onRenumbered: (listener) => void renumberings.on(listener),
    },
    accept(opened) {
      ({ journalId: id, leases, restoredAt } = opened);
      renumbered = opened.renumbered ?? renumbered;
    },
  };
}

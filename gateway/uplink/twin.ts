/**
 * Another gateway that a platform takes for this one: a copy of its machine or of its data folder, the same machine set
 * back to an older state, or a second one with its campus and client id.
 *
 * What the platform shows is judged by its lease (journal/identity.ts). One that was never ours under our numbering:
 * somebody gave, or gives, our numbers; so a new numbering begins, before anything is sent. That another is there now is
 * told, once an hour, and the first time a new numbering begins too: it may be a copy whose numbers went out already.
 * Alarms go out all the while.
 *
 * A platform's word is a stranger's word, and the numbering is that of all platforms: who may write there could have
 * it begin anew at each message. So each uplink has one new numbering at once, then one in ten minutes. A true copy
 * shows itself every five (LEASE_MS): what was not granted comes again.
 */
import type { Clock } from '../../drivers/contract/clock.ts';
import type { PlatformHost } from '../../drivers/contract/transport.ts';
import { isLease } from '../journal/identity.ts';
import type { Journal } from '../journal/index.ts';
import type { Recorder } from '../road/recorder.ts';

export interface TwinWatch {
  readonly shown: PlatformHost['shown'];
  readonly takenOver: PlatformHost['takenOver'];
  /** When another was last seen, RFC 3339; undefined: not for an hour. */
  seen(): string | undefined;
}

const TOLD_EVERY_MS = 3_600_000;
const RENUMBER_EVERY_MS = 600_000;
/** Where the disk did not take it. */
const RENUMBER_RETRY_MS = 1000;
const TOO_SOON = 'another numbering asked for within 10 minutes';
const SENTENCE =
  'another gateway is connected to this platform as this campus: a copy of this machine or of its data folder, or a second one with its id; they push each other out. Stop one of them';

export function watchTwin(
  uplink: string,
  of: {
    readonly journal: Pick<Journal, 'id' | 'knownAs'>;
    readonly recorder: Pick<Recorder, 'recordOwn'>;
    readonly burst: (key: string, fields: object, sentence: string) => void;
    /** Counts, logs and shows what is not done. */
    readonly discarded: (reason: string, detail?: string) => void;
    readonly time: Clock;
  },
): TwinWatch {
  const { journal, recorder, burst, discarded, time } = of;
  const { knownAs } = journal;
  let seenAt = Number.NEGATIVE_INFINITY;
  let seenWall = 0;
  let toldAt = Number.NEGATIVE_INFINITY;
  let renumberAgainAt = Number.NEGATIVE_INFINITY;

  const renumber = async (why: string) => {
    if (time.elapsed() < renumberAgainAt) return discarded(TOO_SOON, why);
    renumberAgainAt = time.elapsed() + RENUMBER_EVERY_MS;
    // Without a disk it stays as it is, and the next look tries again.
    await knownAs.renumber().catch(() => {
      renumberAgainAt = time.elapsed() + RENUMBER_RETRY_MS;
    });
  };
  /** The first time: it may be a copy whose numbers went out already. */
  const isFirst = () => knownAs.renumbered?.reason !== 'other-gateway';
  const noteOther = (details: { readonly by: 'state' | 'session'; readonly journal?: string }) => {
    seenAt = time.elapsed();
    seenWall = time.wall();
    burst(`${uplink} other instance`, { uplink, ...details }, SENTENCE);
    if (seenAt - toldAt >= TOLD_EVERY_MS) {
      toldAt = seenAt;
      void recorder.recordOwn('gateway.other-instance', { uplink, ...details });
    }
  };
  return {
    async shown({ journal: numbering, lease }, live) {
      // A gateway of before 1.4.0 shows no lease.
      if (!isLease(lease) || typeof numbering !== 'string' || knownAs.isOwn(lease)) return;
      if (live) noteOther({ by: 'state', journal: numbering });
      if (numbering === journal.id || (live && isFirst())) await renumber(lease);
    },
    takenOver() {
      noteOther({ by: 'session' });
      if (isFirst()) void renumber('session');
      // From a copy of this very process, too, it differs from now on.
      knownAs.renewLease().catch(() => {});
    },
    seen: () => (time.elapsed() - seenAt < TOLD_EVERY_MS ? new Date(seenWall).toISOString() : undefined),
  };
}

/**
 * Some platforms close the connection instead of refusing an event. Connections that end without an answer, one after
 * another, make the next one careful, one event at a time; the address at which a careful one ends is held.
 */
import type { Log } from '../../drivers/contract/driver.ts';
import { StartOver } from '../../drivers/contract/transport.ts';
import type { Outstanding } from './delivery.ts';
import type { Holds } from './holds.ts';

/** Connections that ended soon, with events on their way and no answer, before the next one is careful. */
const SUSPICIOUS_ENDS = 2;
/** Careful connections that ended at the same address, before it is held. */
const STRIKES = 2;
/** Connections that ended soon, one after another, and answered nothing: it is not for an event that this platform closes. */
const FRUITLESS_ENDS = 12;
/** A platform that closes because of an event does so at once, but for a slow line and what comes before it. */
const SOON_MS = 10_000;
/** With that event alone. A broker whose cluster elects a leader closes after 4 s, whatever comes (NATS). */
const ALONE_SOON_MS = 3500;

export interface Suspicion {
  /** Whether the next connection sends one event at a time. */
  isCareful(): boolean;
  /** It is being found out: the platform is there, and events wait, so that the next try comes soon. */
  isHot(): boolean;
  /** Learns from how a connection ended. `holds`: of now. */
  noteEnd(end: Outstanding & { readonly reason: Error; readonly lastedMs: number }, holds: Holds): void;
}

export function createSuspicion(uplink: string, log: Log): Suspicion {
  const strikes = new Map<string, number>();
  let ends = 0;
  let fruitless = 0;
  return {
    isCareful: () => ends >= SUSPICIOUS_ENDS,
    isHot: () => ends > 0 && ends <= SUSPICIOUS_ENDS + STRIKES && fruitless < FRUITLESS_ENDS,
    noteEnd({ flights, answers, reason: ended, lastedMs }, holds) {
      // It is known why, and that no event is to blame.
      if (ended instanceof StartOver) return;
      fruitless = answers > 0 || lastedMs > SOON_MS ? 0 : fruitless + 1;
      if (lastedMs > SOON_MS) ends = 0;
      const [only] = flights;
      if (only === undefined || lastedMs > SOON_MS) return;
      if (answers === 0 || ends >= SUSPICIOUS_ENDS) ends++;
      if (flights.length !== 1 || ends <= SUSPICIOUS_ENDS || lastedMs > ALONE_SOON_MS) return;
      const count = (strikes.get(only.address) ?? 0) + 1;
      strikes.set(only.address, count);
      if (count < STRIKES) return;
      strikes.delete(only.address);
      // Found out; the next connection comes soon all the same, and others may be like it.
      ends = 1;
      const reason = 'the platform closes the connection when it comes';
      holds.refuse(only.address, only.lane, only.sequence, reason);
      log.warn(
        { uplink, address: only.address },
        `${reason}; its events are kept and tried again, the others go on`,
      );
    },
  };
}

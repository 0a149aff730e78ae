/** What a camera bears of what it is asked for, learnt from its faults. */
import { readXmlTime } from './notifications.ts';
import type { SoapError } from './xml.ts';

export interface Bears {
  /** How long a subscription is to last; 0: it does not like to be told. */
  lastsMs: number;
  /** How long it is asked to wait for something to tell. */
  pullMs: number;
  /** In one answer. */
  messages: number;
  /** How much longer than it is asked it waits until it says that nothing happened, ms; undefined: not known yet. */
  lateMs: number | undefined;
  /** So many questions for events in a row it answered late, or not at all. */
  lates: number;
  /** It says by a fault that nothing happened: it told something after one. */
  faultsForNothing: boolean;
}

/** One that we lose goes by itself, after this. */
const LASTS_MS = 60_000;
/** Half of what agsh/onvif#314 closes sockets after. */
const PULL_MS = 5000;
const MESSAGES = 100;
/** More than it wants: its clock and ours differ. */
const SPARE_MS = 10_000;
const LASTS_MAX_MS = 86_400_000;

export const createBears = (): Bears => ({
  ...{ lastsMs: LASTS_MS, pullMs: PULL_MS, messages: MESSAGES },
  ...{ lateMs: undefined, lates: 0, faultsForNothing: false },
});

const DURATION = /^P(?:(\d{1,4})D)?(?:T(?:(\d{1,5})H)?(?:(\d{1,6})M)?(?:(\d{1,8})(?:\.\d{1,9})?S)?)?$/;
/** xs:duration of days and less -> ms. */
function durationOf(text: string): number | undefined {
  const found = DURATION.exec(text.trim());
  if (found === null) return undefined;
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = found.slice(1).map((one) => Number(one ?? 0));
  return (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000;
}

/** WS-BaseNotification says a time (4.2); some say how long. `now`: by the camera's clock. */
function fromNow(text: string | undefined, now: number): number | undefined {
  if (text === undefined) return undefined;
  const time = readXmlTime(text);
  return time === undefined ? durationOf(text) : time - now;
}

/** Whether something was learnt, so that asking again makes sense. */
export function learnFrom({ message, limits }: SoapError, bears: Bears, now: number): boolean {
  const before = { ...bears };
  const { MinimumTime, MaximumTime, MaxTimeout, MaxMessageLimit } = limits;
  const [least, most] = [fromNow(MinimumTime, now), fromNow(MaximumTime, now)];
  if (least !== undefined && least > 0) bears.lastsMs = Math.min(least + SPARE_MS, LASTS_MAX_MS);
  else if (most !== undefined && most > SPARE_MS) bears.lastsMs = Math.min(bears.lastsMs, most - SPARE_MS);
  // It does not say what it wants: longer, and then nothing at all.
  else if (/TerminationTime/i.test(message)) bears.lastsMs = bears.lastsMs === LASTS_MS ? 10 * LASTS_MS : 0;
  const timeout = durationOf(MaxTimeout ?? '');
  if (timeout !== undefined && timeout > 0) bears.pullMs = Math.min(bears.pullMs, timeout);
  const limit = Number(MaxMessageLimit ?? Number.NaN);
  if (limit >= 1) bears.messages = Math.min(bears.messages, Math.floor(limit));
  else if (/MessageLimit/i.test(message)) bears.messages = Math.min(bears.messages, 10);
  return (
    bears.lastsMs !== before.lastsMs || bears.pullMs !== before.pullMs || bears.messages !== before.messages
  );
}

/** The observations of a line: of a panel of the config, of the receiver itself, or of an account that is not listed. */
import { digestOf, hearPanel } from '../alarm-codes/panel.ts';
import { observationOf, type PanelEvent } from '../alarm-codes/report.ts';
import type { Host } from '../contract/driver.ts';
import { type DeviceObservation, isAlarmKind } from '../contract/observation.ts';
import type { Accounts } from './accounts.ts';
import type { ReceiverLine } from './codec.ts';
import { accountKey, type OtherAccounts } from './options.ts';

export type EventLine = Exclude<ReceiverLine, { readonly is: 'heartbeat' }>;

/** Of what was said, where several events share it. */
const MAX_SHARED_RAW = 256;
/** The same line, of an account that is not listed or not understood, is told once in this time. */
const BURST_MS = 10 * 60_000;
/** So many of each; the others are told as more of them. */
const MAX_IN_BURST = 32;

export interface Observer {
  /** @param sighting As in memory.ts. */
  of(text: string, line: EventLine, events: readonly PanelEvent[], sighting: number): DeviceObservation[];
  /** Of a line that nobody can read: once a burst. */
  unreadable(text: string): DeviceObservation;
}

/** @param device Whose the line is. */
export function createObserver(
  device: string,
  accounts: Accounts,
  others: OtherAccounts,
  host: Host,
): Observer {
  const bursts = { account: burst(host), line: burst(host) };

  const once = (kind: keyof typeof bursts, what: string, cause: string, text: string) => {
    const id = bursts[kind](what) ? what : 'more';
    return {
      device,
      kind: 'fault',
      state: 'raised',
      cause,
      momentary: true,
      text: id === 'more' ? `more of them; the last: ${text}` : text,
      repeat: { key: `receiver/${device}/${kind}/${digestOf(id)}`, within: BURST_MS },
    } as const satisfies DeviceObservation;
  };

  const strange = (text: string, line: EventLine, alarms: readonly DeviceObservation[]) => {
    const { account, port } = line;
    host.discarded(device, 'an account that is not listed', text.length, account);
    if (others === 'ignore') return [];
    // Where alarms are told, of each account once; or by what was said: its test report must not hide its fire.
    const what = others === 'alarms' ? accountKey(account) : text;
    const told = once('account', what, 'unknown-account', `account ${account}: ${text}`);
    const fault = { ...told, details: { account, ...detailsOf(port) }, raw: text };
    return others === 'alarms' ? [...alarms, fault] : [fault];
  };

  return {
    of(text, line, events, sighting) {
      const panel = accounts.find(line.account);
      const isOwn = panel === undefined && isOfReceiver(line);
      if (panel !== undefined) hearPanel(panel, host);
      const about =
        panel === undefined
          ? { device, account: line.account, zones: [] }
          : { device: panel.device, account: panel.config.account, zones: panel.config.zones };
      const raw = text.slice(0, events.length === 1 ? undefined : MAX_SHARED_RAW);
      const observations = events.flatMap((event, index): DeviceObservation[] => {
        const reported = observationOf(event, about);
        if (reported === undefined) return [];
        const key = `receiver/${about.device}/${digestOf(text)}/${sighting}/${index}`;
        return [
          {
            ...reported,
            // Nobody restores what a receiver says of itself in words that no table has.
            ...(isOwn && event.meaning.unknown && { momentary: true }),
            details: { ...reported.details, ...detailsOf(line.port) },
            repeat: { key, within: REPEAT_MS },
            raw,
          },
        ];
      });
      if (panel !== undefined || isOwn) return observations;
      return strange(text, line, observations.filter(isOfAlarm));
    },
    unreadable: (text) => ({
      ...once('line', text, 'unreadable-line', `not understood: ${text.slice(0, MAX_SHARED_RAW)}`),
      raw: text,
    }),
  };
}

/**
 * After a restart the same line within this is one said again. Short, because what stood between the two is not known
 * then: an alarm, its end and the alarm again are two alarms.
 */
const REPEAT_MS = 15_000;

/** An alarm, its end, or who cancelled it. */
const isOfAlarm = ({ kind }: DeviceObservation) => kind === 'cancel' || isAlarmKind(kind);

const detailsOf = ({ receiver, line }: EventLine['port']) => ({ receiver, receiverLine: line });

/** Account 0000, or a word instead of one. */
const isOfReceiver = ({ is, account }: EventLine) =>
  accountKey(account) === '' || (is === 'channels' && !/^[0-9A-F]+$/.test(account));

/** Whether one may be told by its own name: the first few of a burst. */
function burst({ clock }: Host): (what: string) => boolean {
  const told = new Set<string>();
  let since = clock.elapsed();
  return (what) => {
    if (clock.elapsed() - since > BURST_MS) {
      told.clear();
      since = clock.elapsed();
    }
    if (told.has(what)) return true;
    if (told.size >= MAX_IN_BURST) return false;
    told.add(what);
    return true;
  };
}

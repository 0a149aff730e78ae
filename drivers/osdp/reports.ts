/** What a reader told, and what of it is new: tamper, power, contacts, cards, codes. Told is what is on disk. */
import type { Host } from '../contract/driver.ts';
import type { Credential } from '../contract/observation.ts';
import { zoneOf } from '../contract/options.ts';
import { createKeypad } from '../keypad.ts';
import { type OsdpFrame, replies } from './codec.ts';
import { keysOf, rawOf, textCardOf } from './data.ts';
import type { Reader } from './options.ts';
import { type Refusal, refusalWords } from './session.ts';

/** `default-key`: the known key is in use, and whoever listens on the line can open the door. The others: no session. */
export type KeyFault = 'default-key' | Refusal;
const keyFaults: readonly KeyFault[] = ['default-key', ...(Object.keys(refusalWords) as Refusal[])];

/** Each resolves when it is on disk, and rejects where the disk refuses it: it is then as if never told. */
export interface Reports {
  /** LSTATR (7.6). `initial`: as found. */
  local(data: Uint8Array, initial: boolean): Promise<void>;
  /** RSTATR (7.9): of the readers behind it. */
  attached(data: Uint8Array, initial: boolean): Promise<void>;
  /** ISTATR. */
  inputs(data: Uint8Array, initial: boolean): Promise<void>;
  /** What a poll brought. Only when it is on disk is the reader asked on, which tells it so. */
  reply(frame: OsdpFrame): Promise<void>;
  /**
   * What is wrong with its key, of `keyFaults`: that one is raised, the others are restored; undefined: all are. Never
   * rejects.
   */
  keyFault(cause: KeyFault | undefined): void;
}

/** It is what a poll brings; some readers tell it in the answer to whatever comes first. */
export const tells = ({ code }: OsdpFrame): boolean => telling.has(code);
const telling: ReadonlySet<number> = new Set([
  replies.LSTATR,
  replies.ISTATR,
  replies.RSTATR,
  replies.RAW,
  replies.FMT,
  replies.KEYPAD,
]);

export function createReports(reader: Reader, host: Host): Reports {
  const { id: device, options } = reader;
  /** As reported last. */
  const states = new Map<'tamper' | 'power' | 'fault', boolean>();
  /** As reported last, by their number. */
  const contacts = new Map<number, boolean>();
  /** As reported last. */
  const faults = new Map<KeyFault, boolean>();
  const keypad = createKeypad(options.bounce);

  const press = async (keys: string) => {
    // Asked once, whatever the disk says: what was typed counts once.
    for (const code of keypad.press(keys, host.clock.elapsed()))
      await host.report({ device, kind: 'credential', state: 'raised', code }).catch(() => {});
  };

  const state = async (
    what: { readonly kind: 'tamper' | 'power' | 'fault'; readonly cause?: string },
    raised: boolean,
    initial: boolean,
  ) => {
    if (states.get(what.kind) === raised) return;
    await host.report({
      device,
      ...what,
      state: raised ? 'raised' : 'restored',
      ...(initial && { initial }),
    });
    states.set(what.kind, raised);
  };
  /** Where its tamper contact is told twice, as its own and as that of the reader behind it, it is one alarm. */
  const tampers = { local: false, attached: false };
  const tamper = async (told: Partial<typeof tampers>, initial: boolean) => {
    Object.assign(tampers, told);
    await state({ kind: 'tamper' }, tampers.local || tampers.attached, initial);
  };

  const reports: Reports = {
    /** Tamper, then power; 0 is well. */
    async local([tampered, power], initial) {
      if (tampered !== undefined) await tamper({ local: tampered !== 0 }, initial);
      if (power !== undefined) await state({ kind: 'power' }, power !== 0, initial);
    },
    /** A byte for each reader: 0 is well, 1 not connected, 2 tamper. */
    async attached(data, initial) {
      if (data.length === 0) return;
      await tamper({ attached: data.includes(2) }, initial);
      await state({ kind: 'fault', cause: 'reader-disconnected' }, data.includes(1), initial);
    },
    /** A byte for each input; 1 is active, its contact closed. */
    async inputs(data, initial) {
      for (const { input, normal, kind = 'contact', zone: number } of options.inputs) {
        const raised = (data[input] === 1) === (normal === 'open');
        if (data[input] === undefined || contacts.get(input) === raised) continue;
        await host.report({
          device,
          kind,
          zone: zoneOf(options.inputs, number),
          state: raised ? 'raised' : 'restored',
          ...(initial && { initial }),
        });
        contacts.set(input, raised);
      }
    },
    async reply({ code, data }) {
      switch (code) {
        case replies.ACK:
          return;
        case replies.LSTATR:
          return await reports.local(data, false);
        case replies.RSTATR:
          return await reports.attached(data, false);
        case replies.ISTATR:
          return await reports.inputs(data, false);
        case replies.RAW:
        case replies.FMT: {
          const parsed =
            code === replies.RAW ? rawOf(data, options.formats, options.reverse) : textCardOf(data, options);
          if ('reason' in parsed) return host.discarded(device, parsed.reason, data.length);
          return 'key' in parsed ? await press(parsed.key) : await showCard(reader, parsed.frame, host);
        }
        case replies.KEYPAD: {
          const pressed = keysOf(data);
          if (pressed === undefined) return host.discarded(device, 'keys that do not fit', data.length);
          return await press(pressed);
        }
        default:
          host.discarded(device, 'a reply that is not known', data.length, `code ${code.toString(16)}`);
      }
    },
    keyFault(cause) {
      for (const one of keyFaults) {
        const raised = one === cause;
        if (faults.get(one) === raised) continue;
        faults.set(one, raised);
        // A restart finds what was raised before: only what differs from that is an event.
        host
          .report({ device, kind: 'fault', cause: one, state: raised ? 'raised' : 'restored', initial: true })
          .catch(() => faults.delete(one));
      }
    },
  };
  return reports;
}

async function showCard({ id: device, options }: Reader, credential: Credential, host: Host): Promise<void> {
  const key = ['osdp', device, credential.format, credential.facility, credential.number].join('/');
  const repeat = { key, within: options.bounce };
  const report = () => host.report({ device, kind: 'credential', state: 'raised', credential, repeat });
  // The reader forgets the card with our next question: one that the disk refuses gets a second chance here.
  await report()
    .catch(() => host.clock.wait(1000).then(report))
    .catch(() => {});
}

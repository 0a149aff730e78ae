/** Which faults stand, and which of them are to be put in. Pure. */
import type { LedgerConfig, LedgerFault, OpeningConfig } from '../../config/sections/ledger.ts';
import { ledgerFaults } from '../../config/sections/ledger.ts';
import type { CertificateFound } from '../certificates.ts';
import type { State } from '../road/recorder.ts';
import type { Opening, Standing } from './entry.ts';

const WORDS_MAX = 300;
/** A camera that moves is well. */
const BLINDING: readonly unknown[] = ['tampered', 'signal-lost'];
/** Put in at once; the rest a look later. */
const AT_ONCE = 1000;
/** A certificate is renewed within a month. */
const CERTIFICATE_DAYS = 30;

interface Said {
  readonly kind?: unknown;
  readonly cause?: unknown;
  readonly text?: unknown;
  readonly zone?: { readonly number?: number; readonly id?: string; readonly name?: string };
  readonly details?: Readonly<Record<string, unknown>>;
  readonly test?: unknown;
  readonly clock?: { readonly seenAt?: string };
}

const textOf = (value: unknown): string | null =>
  typeof value === 'string' && value !== '' ? value.slice(0, WORDS_MAX) : null;
const isKind = (kind: unknown): kind is LedgerFault =>
  kind !== 'certificate' && (ledgerFaults as readonly unknown[]).includes(kind);

function placeOf({ zone, details = {} }: Said): string | null {
  const place = zone?.name ?? zone?.id ?? zone?.number ?? details['part'];
  const words = [details['account'], place].filter((word) => word !== undefined && word !== '');
  return words.length === 0 ? null : words.join('/').slice(0, WORDS_MAX);
}

/** Of the states that are recorded, by key, the faults of devices that are there; what a test causes is none. */
export function faultsIn(
  states: Iterable<readonly [key: string, State]>,
  isThere: (device: string) => boolean,
): Map<string, Standing> {
  const found = new Map<string, Standing>();
  for (const [key, { raised, device, event }] of states) {
    if (!raised) continue;
    const said = event.data as unknown as Said;
    const { kind, cause } = said;
    if (!isKind(kind) || (kind === 'video' && !BLINDING.includes(cause))) continue;
    if (said.test !== undefined || !isThere(device)) continue;
    found.set(key, {
      ...{ key, device, place: placeOf(said), fault: kind, cause: textOf(cause) },
      reason: textOf(said.text) ?? textOf(said.details?.['reason']),
      since: Date.parse(said.clock?.seenAt ?? event.time),
    });
  }
  return found;
}

/** Those that end soon, or have ended. */
export function certificatesIn(all: readonly CertificateFound[], now: number): readonly Standing[] {
  return all
    .filter(({ days }) => days <= CERTIFICATE_DAYS)
    .map(({ where, file, subject, ends }) => ({
      key: `certificate/${where}/${file}/${ends}`,
      ...{ device: null, place: where.slice(0, WORDS_MAX), fault: 'certificate', cause: null, since: now },
      reason: `${subject}, ${ends}`.slice(0, WORDS_MAX),
    }));
}

const fits = ({ kinds, causes, devices }: OpeningConfig, one: Standing): boolean =>
  kinds.includes(one.fault as LedgerFault) &&
  (causes === undefined || causes.includes(one.cause ?? '')) &&
  (devices === undefined || devices.includes(one.device ?? ''));

/** What has stood for long enough to be put in. */
export function dueOf(
  standing: Iterable<Standing>,
  { open }: Pick<LedgerConfig, 'open'>,
  isKnown: (key: string) => boolean,
  now: number,
): readonly Opening[] {
  const due: Opening[] = [];
  for (const one of standing) {
    if (due.length >= AT_ONCE) break;
    if (isKnown(one.key)) continue;
    const rule = open.find((each) => fits(each, one));
    if (rule === undefined || now - one.since < rule.after) continue;
    due.push({
      ...one,
      ...{ kind: rule.entry, close: rule.close, deadline: now + rule.deadline },
      ...{ owner: rule.owner ?? null, measure: rule.measure ?? null },
    });
  }
  return due;
}

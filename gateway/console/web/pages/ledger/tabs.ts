/** The parts of the ledger, each a page: above all of them. And what all of them say alike. */
import type { LedgerEntry, LedgerNote } from '../../../contract/ledger.ts';
import { momentOf } from '../../kit/format.ts';
import { html } from '../../kit/html.ts';
import { may, nameOf } from '../../kit/me.ts';
import { address } from '../../kit/router.ts';
import { label, language, t, type Word } from '../../kit/words.ts';
import { acts, entries, ledger, links } from '../../words/ledger.ts';

const tabs: readonly { readonly path: string; readonly word: Word }[] = [
  { path: '/ledger', word: ledger.entries },
  { path: '/ledger/devices', word: ledger.devices },
  { path: '/ledger/availability', word: ledger.links },
  { path: '/ledger/reports', word: ledger.days },
];

export function LedgerTabs() {
  const here = address.value.split('?')[0];
  return html`<nav class="tabs no-print" aria-label=${t(ledger.parts)}>${tabs.map(
    ({ path, word }) =>
      html`<a key=${path} href=${path} aria-current=${path === here ? 'page' : undefined}>${t(word)}</a>`,
  )}</nav>`;
}

/** A link to the file of it, for who may have one. */
export const FileOf = ({ what }: { readonly what: string }) =>
  may('export') &&
  html`<a class="button no-print" download href="/api/ledger/export?what=${what}&language=${language.value}">${t(ledger.save)}</a>`;

/** What an entry is about, in words. */
export function aboutOf({ what, fault, cause, reason }: LedgerEntry): string {
  if (what !== null) return what;
  const kind =
    fault === 'link'
      ? label('state', 'offline')
      : label(fault === 'certificate' ? 'cause' : 'kind', fault ?? '');
  const why = [cause && label('cause', cause), reason && label('reason', reason)].filter(Boolean);
  return why.length === 0 ? kind : `${kind}: ${why.join(', ')}`;
}
export const whereOf = ({ device, place }: LedgerEntry): string =>
  [device === null ? '' : nameOf(device), place ?? ''].filter((word) => word !== '').join(' · ') || '–';
export const byWords = (by: string): string => (by === 'gateway' ? t(entries.byRule) : by);

export const shareOf = (share: number | null): string =>
  share === null ? t(links.unknown) : `${(share * 100).toFixed(share > 0.999 && share < 1 ? 3 : 1)} %`;
export const hoursOf = (ms: number): string => t(links.hours, { n: Math.round(ms / 360_000) / 10 });

export const History = ({ of }: { readonly of: readonly LedgerNote[] }) => html`<section>
  <h2>${t(entries.history)}</h2>
  <ul class="plain">${of.map(({ at, by, body }, i) => {
    const word = acts[String(body['act'])];
    const { act: _act, ...rest } = body;
    const told = Object.entries(rest).filter(([, value]) => value !== null && value !== undefined);
    return html`<li key=${i}><span class="line"><span>${momentOf(at)}</span> <span>${byWords(by)}</span> <span>${word && t(word)}</span></span>
      ${told.length > 0 && html`<small class="block"><code>${told.map(([name, value]) => `${name}: ${typeof value === 'object' ? JSON.stringify(value) : value}`).join('; ')}</code></small>`}</li>`;
  })}</ul>
</section>`;

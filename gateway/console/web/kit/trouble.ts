/** What stands at a device, in words. */
import type { DeviceTrouble, Trouble } from '../../contract/troubles.ts';
import { shortOf } from './format.ts';
import { html } from './html.ts';
import { nameOf } from './me.ts';
import { label } from './words.ts';

export function troubleWords({ kind, cause, account, part, reason }: Trouble): string {
  const what = kind === 'link' ? label('state', 'offline') : label('kind', kind);
  const where = [...new Set([account, part].filter((one) => one !== undefined))].join('/');
  const of = where === '' ? what : `${what} (${where})`;
  const why = [cause === undefined ? '' : label('cause', cause), label('reason', reason)].filter(Boolean);
  return why.length === 0 ? of : `${of}: ${why.join(', ')}`;
}

/** A list of what stands at devices; nothing where nothing does. */
export const Troubles = ({ of }: { readonly of: readonly DeviceTrouble[] }) =>
  of.length > 0 &&
  html`<ul class="plain-list">${of.map(
    (one) => html`<li key=${`${one.device} ${troubleWords(one)}`} class="warn-text">
      <a href="/devices/${encodeURIComponent(one.device)}">${nameOf(one.device)}</a> ${troubleWords(one)}
      <small>${shortOf(one.since)}</small>
    </li>`,
  )}</ul>`;

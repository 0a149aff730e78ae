/** How available devices were, by class and one by one. */
import type { LedgerLinks } from '../../contract/ledger.ts';
import { html } from '../kit/html.ts';
import { nameOf } from '../kit/me.ts';
import { Empty, Table, waitingFor } from '../kit/parts.ts';
import { useResource } from '../kit/resource.ts';
import { label, t } from '../kit/words.ts';
import { inventory, ledger, links as words } from '../words/ledger.ts';
import { FileOf, hoursOf, LedgerTabs, shareOf } from './ledger/tabs.ts';

const ASK_MS = 60_000;

export function LedgerLinksPage() {
  const found = useResource<LedgerLinks>('/api/ledger/availability', { every: ASK_MS });
  const of = found.data.value;
  const numbers = (one: LedgerLinks['devices'][number] | LedgerLinks['classes'][number]) => [
    shareOf(one.share),
    hoursOf(one.offlineMs),
    String(one.outages),
  ];
  const heads = [words.share, words.away, words.outages].map((one) => t(one));
  return html`<h1>${t(ledger.title)}</h1><${LedgerTabs} />
    <p class="buttons"><${FileOf} what="availability" /></p>
    ${waitingFor(found)}
    ${of?.devices.length === 0 && html`<${Empty}>${t(inventory.none)}<//>`}
    ${
      of !== undefined &&
      of.devices.length > 0 &&
      html`<p class="quiet">${t(words.hint)}</p>
      <h2>${t(words.ofClasses)}</h2>
      <${Table} caption=${t(words.ofClasses)} heads=${[t(words.class), t(words.count), ...heads]}
        rows=${of.classes.map((one) => ({ key: one.driver, cells: [label('driver', one.driver), String(one.devices), ...numbers(one)] }))} />
      <h2>${t(words.ofDevices)}</h2>
      <${Table} caption=${t(words.ofDevices)} heads=${[t(inventory.device), ...heads]}
        rows=${of.devices.map((one) => ({
          key: one.device,
          cells: [
            html`<a href="/devices/${encodeURIComponent(one.device)}">${nameOf(one.device)}</a>`,
            ...numbers(one),
          ],
        }))} />`
    }`;
}

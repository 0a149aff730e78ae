/** The ledger: faults and hazards, the newest first; and one of them with what was done about it. */
import type { LedgerEntries, LedgerEntry, LedgerEntryLife } from '../../contract/ledger.ts';
import { get, post } from '../kit/api.ts';
import { momentOf, shortOf } from '../kit/format.ts';
import { html, typed, useEffect, useField, useSignal } from '../kit/html.ts';
import { may } from '../kit/me.ts';
import {
  ActionButton,
  Badge,
  Dialog,
  Empty,
  FieldOf,
  Table,
  type Tone,
  waitingFor,
  wordsOf,
} from '../kit/parts.ts';
import { useResource } from '../kit/resource.ts';
import { go } from '../kit/router.ts';
import { onEvent } from '../kit/stream.ts';
import { t } from '../kit/words.ts';
import { common } from '../words/common.ts';
import { ledger, entries as words } from '../words/ledger.ts';
import { EntryForm } from './ledger/form.ts';
import { aboutOf, byWords, FileOf, History, LedgerTabs, whereOf } from './ledger/tabs.ts';
import { Fact } from './system-tabs.ts';

const tones: Readonly<Record<LedgerEntry['state'], Tone>> = { open: 'warn', overdue: 'bad', closed: 'good' };
const StateOf = ({ of: { state } }: { readonly of: LedgerEntry }) =>
  html`<${Badge} tone=${tones[state]}>${t(words[state])}<//>`;
const choices = ['open', 'overdue', 'closed', 'all'] as const;
const COUNT = 50;

export function LedgerPage() {
  const which = useField('open');
  const entries = useSignal<readonly LedgerEntry[] | undefined>(undefined);
  const next = useSignal<number | undefined>(undefined);
  const wrong = useSignal<string | undefined>(undefined);
  const isAdding = useSignal(false);
  /** What was asked for last: an answer to something before it is thrown away. */
  const asked = useSignal(0);
  const load = async (before?: number) => {
    const own = ++asked.value;
    const from = before === undefined ? '' : `&before=${before}`;
    const found = await get<LedgerEntries>(`/api/ledger/entries?which=${which.value}&limit=${COUNT}${from}`);
    if (own !== asked.value) return;
    entries.value = before === undefined ? found.entries : [...(entries.value ?? []), ...found.entries];
    next.value = found.next;
    wrong.value = undefined;
  };
  const start = () =>
    void load().catch((error) => {
      wrong.value = wordsOf(error);
    });
  useEffect(() => {
    start();
    return onEvent((_event, type) => {
      if (type.startsWith('ledger.')) start();
    });
  }, []);
  const chosen = (event: Event) => {
    typed(which)(event);
    start();
  };
  const closeForm = () => {
    isAdding.value = false;
  };
  return html`<h1>${t(ledger.title)}</h1><${LedgerTabs} />
    <div class="buttons">
      <${FieldOf} label=${t(words.which)}><select value=${which.value} onChange=${chosen}>
        ${choices.map((one) => html`<option key=${one} value=${one}>${t(words[one])}</option>`)}
      </select><//>
      ${
        may('ledger') &&
        html`<button type="button" class="main" onClick=${() => {
          isAdding.value = true;
        }}>${t(words.add)}</button>`
      }
      <${FileOf} what="entries" />
    </div>
    ${
      isAdding.value &&
      html`<${Dialog} title=${t(words.add)} onClose=${closeForm}><${EntryForm} done=${({
        number,
      }: LedgerEntry) => {
        closeForm();
        go(`/ledger/entries/${number}`);
      }} /><//>`
    }
    ${wrong.value !== undefined && html`<p class="problem" role="alert">${t(common.failed, { why: wrong.value })}</p>`}
    ${entries.value?.length === 0 && html`<${Empty}>${t(words.none)}<//>`}
    ${entries.value !== undefined && entries.value.length > 0 && html`<${Entries} of=${entries.value} />`}
    ${next.value !== undefined && html`<${ActionButton} act=${() => load(next.value)}>${t(common.more)}<//>`}`;
}

function Entries({ of }: { readonly of: readonly LedgerEntry[] }) {
  const heads = [words.number, words.what, words.where, words.state, words.owner, words.since].map((one) =>
    t(one),
  );
  const rows = of.map((entry) => ({
    key: String(entry.number),
    cells: [
      html`<a href="/ledger/entries/${entry.number}">${entry.number}</a>`,
      html`${aboutOf(entry)} <small class="block">${t(words[entry.kind])}</small>`,
      whereOf(entry),
      html`<${StateOf} of=${entry} />${
        entry.deadline !== null &&
        entry.state !== 'closed' &&
        html`<small class="block">${t(words.until, { time: momentOf(entry.deadline) })}</small>`
      }`,
      entry.owner ?? html`<span class="quiet">${t(ledger.nobody)}</span>`,
      shortOf(entry.since),
    ],
  }));
  return html`<${Table} caption=${t(ledger.entries)} heads=${heads} rows=${rows} />`;
}

export function LedgerEntryPage({ number = '' }: Readonly<Record<string, string>>) {
  const found = useResource<LedgerEntryLife>(`/api/ledger/entries/${encodeURIComponent(number)}`, {
    on: ['ledger.'],
  });
  const of = found.data.value;
  return html`<p><a href="/ledger">← ${t(words.back)}</a></p>
    <h1>${t(ledger.title)} ${number}${of !== undefined && html`: ${aboutOf(of.entry)}`}</h1>
    ${waitingFor(found)}
    ${
      of !== undefined &&
      html`<div class="card"><${Facts} of=${of.entry} /></div>
      ${may('ledger') && html`<${Acts} key=${`${of.entry.state} ${of.history.length}`} of=${of.entry} again=${found.again} />`}
      <${History} of=${of.history} />`
    }`;
}

function Facts({ of }: { readonly of: LedgerEntry }) {
  return html`<dl class="facts">
    <${Fact} name=${t(words.state)}><${StateOf} of=${of} /><//>
    <${Fact} name=${t(words.kind)}>${t(words[of.kind])}<//>
    <${Fact} name=${t(words.where)}>${of.device === null ? whereOf(of) : html`<a href="/devices/${encodeURIComponent(of.device)}">${whereOf(of)}</a>`}<//>
    <${Fact} name=${t(words.owner)}>${of.owner ?? t(ledger.nobody)}<//>
    <${Fact} name=${t(words.measure)}>${of.measure ?? '–'}<//>
    <${Fact} name=${t(words.deadline)}>${of.deadline === null ? '–' : momentOf(of.deadline)}<//>
    <${Fact} name=${t(words.since)}>${momentOf(of.since)}${
      of.fault !== null &&
      html` <small class="block">${of.endedAt === null ? t(words.stands) : t(words.over, { time: momentOf(of.endedAt) })}</small>`
    }<//>
    <${Fact} name=${t(words.openedBy, { time: momentOf(of.openedAt), by: byWords(of.openedBy) })}><//>
    ${
      of.closedAt !== null &&
      html`<${Fact} name=${t(words.closedBy, { time: momentOf(of.closedAt), by: byWords(of.closedBy ?? '') })}>${of.result ?? '–'}<//>`
    }
  </dl>`;
}

function Acts({ of, again }: { readonly of: LedgerEntry; readonly again: () => Promise<void> }) {
  const result = useField();
  const path = `/api/ledger/entries/${of.number}`;
  const close = async () => {
    await post(`${path}/close`, { result: result.value.trim() });
    await again();
  };
  const reopen = async () => {
    await post(`${path}/reopen`);
    await again();
  };
  if (of.state === 'closed') return html`<p><${ActionButton} act=${reopen}>${t(words.reopen)}<//></p>`;
  return html`<section class="card"><h2>${t(words.close)}</h2>
      <${FieldOf} label=${t(words.result)}><input maxlength="500" name="result" value=${result.value} onInput=${typed(result)} /><//>
      <${ActionButton} tone="main" disabled=${result.value.trim() === ''} act=${close}>${t(words.close)}<//>
    </section>
    <details class="card"><summary>${t(words.change)}</summary><${EntryForm} of=${of} done=${again} /></details>`;
}

/** Who did what, the newest first; and whether the chain of its hashes is whole. */
import type { AuditChain, AuditEntry, AuditPage as Page } from '../../contract/system.ts';
import { get, post } from '../kit/api.ts';
import { momentOf, numberOf, shortOf } from '../kit/format.ts';
import { html, typed, useEffect, useField, useSignal } from '../kit/html.ts';
import { nameOf } from '../kit/me.ts';
import { ActionButton, Badge, Empty, FieldOf, Table, wordsOf } from '../kit/parts.ts';
import { label, t } from '../kit/words.ts';
import { common } from '../words/common.ts';
import { auditKinds, system as words } from '../words/system.ts';
import { SystemTabs } from './system-tabs.ts';

const COUNT = 50;

export function AuditPage() {
  const entries = useSignal<readonly AuditEntry[]>([]);
  const next = useSignal<number | undefined>(undefined);
  const isThere = useSignal(false);
  const wrong = useSignal<string | undefined>(undefined);
  const find = useField();
  /** What was asked for last: an answer to something before it is thrown away. */
  const asked = useSignal(0);
  const load = async (before?: number) => {
    const own = ++asked.value;
    const from = before === undefined ? '' : `&before=${before}`;
    const found = await get<Page>(
      `/api/system/audit?limit=${COUNT}&find=${encodeURIComponent(find.value.trim())}${from}`,
    );
    if (own !== asked.value) return;
    entries.value = before === undefined ? found.entries : [...entries.value, ...found.entries];
    next.value = found.next;
    isThere.value = true;
    wrong.value = undefined;
  };
  const start = () =>
    void load().catch((error) => {
      wrong.value = wordsOf(error);
    });
  useEffect(start, []);
  const submitted = (event: Event) => {
    event.preventDefault();
    start();
  };
  return html`<h1>${t(words.audit)}</h1><${SystemTabs} />
    <${Chain} />
    <form role="search" class="buttons" onSubmit=${submitted}>
      <${FieldOf} label=${t(words.find)} hint=${t(words.findHint)}><input type="search" maxlength="100" value=${find.value} onInput=${typed(find)} /><//>
      <button type="submit">${t(common.search)}</button>
    </form>
    ${wrong.value !== undefined && html`<p class="problem" role="alert">${t(common.failed, { why: wrong.value })}</p>`}
    ${isThere.value && entries.value.length === 0 && next.value === undefined && html`<${Empty} />`}
    ${entries.value.length > 0 && html`<${Entries} of=${entries.value} />`}
    ${next.value !== undefined && html`<${ActionButton} act=${() => load(next.value)}>${t(common.more)}<//>`}`;
}

function Chain() {
  const chain = useSignal<AuditChain | undefined>(undefined);
  const wrong = useSignal<string | undefined>(undefined);
  const follow = async () => {
    chain.value = await post<AuditChain>('/api/system/audit/verify');
    wrong.value = undefined;
  };
  useEffect(() => {
    follow().catch((error) => {
      wrong.value = wordsOf(error);
    });
  }, []);
  const of = chain.value;
  return html`<section class="card ${of?.broken === undefined ? '' : 'bad'}" aria-labelledby="of-chain">
    <h2 id="of-chain">${t(words.chain)}</h2>
    <div role="status">
      ${of === undefined && wrong.value === undefined && html`<span class="quiet">${t(common.loading)}…</span>`}
      ${wrong.value !== undefined && html`<span class="wrong">${t(common.failed, { why: wrong.value })}</span>`}
      ${of !== undefined && html`<${ChainState} of=${of} />`}
    </div>
    <p class="quiet">${t(words.chainHint)}</p>
    <${ActionButton} act=${follow}>${t(words.verify)}<//>
  </section>`;
}

function ChainState({ of: { at, entries, first, last, hash, broken } }: { readonly of: AuditChain }) {
  if (first === undefined || last === undefined) return html`<p>${t(words.noEntries)}</p>`;
  return html`<p class="line">
      <${Badge} tone=${broken === undefined ? 'good' : 'bad'}>${broken === undefined ? t(words.whole) : t(words.broken, { n: broken.number, why: label('reason', broken.reason) })}<//>
      <span>${t(words.followed, { n: numberOf(entries), first, last, time: shortOf(at) })}</span></p>
    <p class="quiet">${t(words.lastHash)}: <code>${hash}</code></p>`;
}

const textIn = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

/** Who is behind an entry, as far as it says: of a command its source and who it names, else a user, else an address. */
function whoOf({ body }: AuditEntry): string {
  const from = textIn(body['from']);
  const person = textIn(body['user']) ?? textIn(body['issuer']) ?? textIn(body['by']);
  if (body['source'] === 'rule') return t(words.ofRule, { id: from ?? '' });
  if (body['source'] === 'uplink')
    return [t(words.ofPlatform, { id: from ?? '' }), person].filter(Boolean).join(', ');
  return person ?? (from === undefined ? '–' : t(words.from, { address: from }));
}

/** What it is about, in short. */
function aboutOf({ body }: AuditEntry): string {
  const [action, target, reason] = [textIn(body['action']), textIn(body['target']), textIn(body['reason'])];
  const about =
    textIn(body['about']) ?? textIn(body['route']) ?? textIn(body['file']) ?? textIn(body['text']);
  const role = textIn(body['role']);
  const outcome = () => {
    if (body['done'] === true) return t(words.done);
    if (body['done'] === false || reason !== undefined)
      return t(words.notDone, { why: label('reason', reason ?? '–') });
    return undefined;
  };
  return [
    action && label('action', action),
    target && nameOf(target),
    about,
    role && label('role', role),
    outcome(),
  ]
    .filter(Boolean)
    .join(' · ');
}

function Entries({ of }: { readonly of: readonly AuditEntry[] }) {
  const heads = [words.number, words.time, words.kind, words.who, words.about, words.entry].map((one) =>
    t(one),
  );
  const rows = of.map((entry) => ({
    key: String(entry.number),
    cells: [
      String(entry.number),
      momentOf(entry.at),
      kindOf(entry.kind),
      whoOf(entry),
      aboutOf(entry),
      html`<details><summary>${entry.hash.slice(0, 8)}</summary><pre>${JSON.stringify(entry.body, null, 1)}\n${entry.hash}</pre></details>`,
    ],
  }));
  return html`<${Table} caption=${t(words.audit)} heads=${heads} rows=${rows} />`;
}

function kindOf(kind: string): string {
  const known = auditKinds[kind];
  return known === undefined ? kind : t(known);
}

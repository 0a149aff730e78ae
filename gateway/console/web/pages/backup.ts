/** Backups: how they are made, the last one, those that are there; one is made now. */
import type { Backups } from '../../contract/backup.ts';
import { post } from '../kit/api.ts';
import { bytesOf, momentOf, numberOf, shortOf, spanOf } from '../kit/format.ts';
import { html } from '../kit/html.ts';
import { ActionButton, Badge, Empty, Table, waitingFor } from '../kit/parts.ts';
import { useResource } from '../kit/resource.ts';
import { t } from '../kit/words.ts';
import { backup as words } from '../words/backup.ts';
import { Fact, SystemTabs } from './system-tabs.ts';

const EVERY_MS = 2000;
const OLD_MS = 2 * 86_400_000;

export function BackupPage() {
  const found = useResource<Backups>('/api/backup', { every: EVERY_MS });
  const of = found.data.value;
  return html`<h1>${t(words.title)}</h1><${SystemTabs} />
    <p>${t(words.about)}</p>
    ${waitingFor(found)}
    ${of !== undefined && of.how === undefined && html`<${Without} />`}
    ${of?.how !== undefined && html`<${How} of=${of} how=${of.how} again=${found.again} /><${List} of=${of} />`}
    <h2>${t(words.restore)}</h2>
    <p>${t(words.restoreHow)}</p>
    <pre tabindex="0">campus-gateway restore BACKUP --key KEYFILE --replace</pre>`;
}

const Without = () =>
  html`<p><${Badge} tone="warn">${t(words.none)}<//></p><pre tabindex="0">campus-gateway backup keys --to backup.key</pre>`;

interface HowProps {
  readonly of: Backups;
  readonly how: NonNullable<Backups['how']>;
  readonly again: () => void;
}
function How({ of: { running, last, list }, how, again }: HowProps) {
  const take = async () => {
    await post('/api/backup');
    again();
  };
  const [newest] = list;
  const isOld = newest !== undefined && Date.now() - Date.parse(newest.at) > OLD_MS;
  return html`<section class="card" aria-labelledby="of-how"><h2 id="of-how">${t(words.how)}</h2>
    <dl class="facts">
      <${Fact} name=${t(words.daily)}>${how.at}<//>
      <${Fact} name=${t(words.next)}>${momentOf(how.nextAt)}<//>
      <${Fact} name=${t(words.keeps)}>${numberOf(how.keep)}<//>
      <${Fact} name=${t(words.folder)}><code>${how.folder}</code><//>
      <${Fact} name=${t(words.clips)}>${t(how.clips ? words.withClips : words.withoutClips)}<//>
      <${Fact} name=${t(words.recipients)}>${how.recipients.map((one) => html`<code key=${one}>${one}</code> `)}<//>
    </dl>
    ${isOld && html`<p><${Badge} tone="bad">${t(words.oldest)}<//></p>`}
    <p class="line">
      <${ActionButton} act=${take} tone="main" disabled=${running !== undefined}>${t(words.take)}<//>
      ${running !== undefined && html`<span role="status">${t(words.runs, { time: shortOf(running.at), by: byOf(running.by) })}…</span>`}
    </p>
    ${last !== undefined && html`<${Last} of=${last} />`}
  </section>`;
}

const byOf = (by: string) => (by === 'schedule' ? t(words.schedule) : by);

function Last({ of }: { readonly of: NonNullable<Backups['last']> }) {
  const { at, tookMs, by, done, reason = '', environment = [], left = [] } = of;
  return html`<h3>${t(words.last)}</h3>
    <p role="status"><${Badge} tone=${done ? 'good' : 'bad'}>${done ? t(words.made) : t(words.failed, { why: reason })}<//>
      <span class="quiet">${t(words.lastOf, { time: shortOf(at), by: byOf(by), span: spanOf(tookMs) })}</span></p>
    ${environment.length > 0 && html`<p class="wrong">${t(words.environment, { names: environment.join(', ') })}</p>`}
    ${left.length > 0 && html`<h3>${t(words.left)}</h3><ul>${left.map(({ file, why }) => html`<li key=${file}><code>${file}</code>: ${why}</li>`)}</ul>`}`;
}

function List({ of: { list, unreadable } }: { readonly of: Backups }) {
  const rows = list.map(({ name, at, bytes }) => ({
    key: name,
    cells: [
      momentOf(at),
      bytesOf(bytes),
      html`<code>${name}</code>`,
      html`<a href=${`/api/backup/${name}`} download=${name} aria-label=${t(words.saveOf, { name })}>${t(words.save)}</a>`,
    ],
  }));
  const heads = [t(words.time), t(words.size), t(words.name), t(words.save)];
  return html`<h2>${t(words.list)}</h2>
    ${unreadable !== undefined && html`<p class="wrong" role="alert">${t(words.unreadable, { why: unreadable })}</p>`}
    ${list.length === 0 ? html`<${Empty}>${t(words.empty)}<//>` : html`<${Table} caption=${t(words.list)} heads=${heads} rows=${rows} />`}`;
}

/** The gateway itself: what runs, its disk, its clock, its certificates. */
import type { Certificates, System } from '../../contract/system.ts';
import { bytesOf, momentOf, numberOf, shortOf, spanOf } from '../kit/format.ts';
import { html, useEffect, useSignal, type VNode } from '../kit/html.ts';
import { Badge, Empty, Table, waitingFor } from '../kit/parts.ts';
import { useResource } from '../kit/resource.ts';
import { label, t } from '../kit/words.ts';
import { system as words } from '../words/system.ts';
import { Fact, SystemTabs } from './system-tabs.ts';

const EVERY_MS = 5000;
/** GB/T 29315: the clocks of a campus are to be right within 5 s; what the way here takes is in it. */
const CLOCK_OFF_MS = 5000;
const SOON_DAYS = 30;

export function SystemPage() {
  const found = useResource<System>('/api/system', { every: EVERY_MS, on: ['gateway.'] });
  const certificates = useResource<Certificates>('/api/system/certificates');
  const of = found.data.value;
  return html`<h1>${t(words.title)}</h1><${SystemTabs} />
    ${waitingFor(found)}
    ${
      of !== undefined &&
      html`<div class="cards">
      <${DiskCard} of=${of} /><${ClockCard} of=${of} />
    </div><${GatewayCard} of=${of} />`
    }
    <h2>${t(words.certificates)}</h2>
    ${waitingFor(certificates)}
    ${certificates.data.value !== undefined && html`<${CertificateTable} of=${certificates.data.value} />`}`;
}

type Props = { readonly of: System };

function GatewayCard({ of }: Props) {
  const { versions, host, architecture, startedAt, pid, memory, load, machineUpMs } = of;
  const [one = 0, five = 0, fifteen = 0] = load.averages;
  const loads = { one: one.toFixed(2), five: five.toFixed(2), fifteen: fifteen.toFixed(2) };
  return html`<section class="card" aria-labelledby="of-gateway"><h2 id="of-gateway">${t(words.gateway)}</h2><dl class="facts">
    <${Fact} name=${t(words.version)}>${versions.gateway}<//>
    <${Fact} name=${t(words.started)}>${shortOf(startedAt)}<//>
    <${Fact} name=${t(words.contract)}>${versions.contract}<//>
    <${Fact} name=${t(words.node)}>${versions.node}<//>
    <${Fact} name=${t(words.openssl)}>${versions.openssl}<//>
    <${Fact} name=${t(words.kernel)}>${versions.kernel}<//>
    <${Fact} name=${t(words.host)}>${host} (${architecture})<//>
    <${Fact} name=${t(words.process)}>${pid}<//>
    <${Fact} name=${t(words.machineUp)}>${spanOf(machineUpMs)}<//>
    <${Fact} name=${t(words.memory)}>${t(words.memoryOf, { own: bytesOf(memory.process), free: bytesOf(memory.free), total: bytesOf(memory.total) })}<//>
    <${Fact} name=${t(words.load)}>${t(words.loadOf, { ...loads, cores: load.cores })}<//>
  </dl>${of.reloaded !== undefined && html`<${Reloaded} of=${of.reloaded} />`}</section>`;
}

function Reloaded({ of }: { readonly of: NonNullable<System['reloaded']> }) {
  const { at, by, done, changes, errors, why } = of;
  const outcome = () => {
    if (!done) return t(words.reloadRefused);
    return changes.length === 0 ? t(words.reloadSame) : t(words.reloadTaken, { what: changes.length });
  };
  const wrong = [...errors, ...(why === undefined ? [] : [why])];
  const told = ({ en, zh }: { readonly en: string; readonly zh: string }) => t([en, zh]);
  return html`<h3>${t(words.reloaded)}</h3><p><${Badge} tone=${done ? 'good' : 'bad'}>${outcome()}<//> <span class="quiet">${shortOf(at)}, ${by}</span></p>
    ${wrong.length > 0 && html`<ul>${wrong.map((one) => html`<li class="wrong">${told(one)}</li>`)}</ul>`}
    ${done && changes.length > 0 && html`<ul>${changes.map((one) => html`<li>${told(one)}</li>`)}</ul>`}`;
}

function DiskCard({ of: { disk } }: Props) {
  const { free, total, lowAt, journal, budget, media, low, good, reason, since, unsaved, damaged } = disk;
  const lows: Readonly<Record<string, string>> = { disk: t(words.lowDisk), backlog: t(words.lowBacklog) };
  const room =
    free === undefined || total === undefined
      ? html`<${Badge} tone="bad">${t(words.silent)}<//>`
      : html`${t(words.freeOf, { free: bytesOf(free), total: bytesOf(total) })}
          <meter class="meter" aria-label=${t(words.free)} min="0" max=${total} low=${lowAt} value=${free}></meter>`;
  return html`<section class="card ${good ? '' : 'bad'}" aria-labelledby="of-disk"><h2 id="of-disk">${t(words.disk)}</h2>
    <p><${Badge} tone=${good ? 'good' : 'bad'}>${t(good ? words.takes : words.refuses)}<//>
      ${reason !== undefined && html` <span class="wrong">${label('reason', reason)}</span>`} ${since !== undefined && html`<span class="quiet">${shortOf(since)}</span>`}</p>
    <dl class="facts">
      <${Fact} name=${t(words.free)}>${room}<//>
      <${Fact} name=${t(words.journal)}>${t(words.journalOf, { n: bytesOf(journal), budget: bytesOf(budget) })}
        <meter class="meter" aria-label=${t(words.journal)} min="0" max=${budget} high=${budget * 0.9} optimum="0" value=${journal}></meter><//>
      <${Fact} name=${t(words.media)}>${bytesOf(media)}<//>
      <${Fact} name=${t(words.low)}>${low.length === 0 ? t(words.lowAt, { n: bytesOf(lowAt) }) : html`<${Badge} tone="bad">${low.map((one) => lows[one] ?? one).join(', ')}<//>`}<//>
      <${Fact} name=${t(words.folder)}><code>${disk.directory}</code><//>
      ${unsaved > 0 && html`<${Fact} name=${t(words.unsaved)}><${Badge} tone="bad">${numberOf(unsaved)}<//><//>`}
    </dl>
    ${damaged.length > 0 && html`<h3>${t(words.damaged)}</h3><ul>${damaged.map((one) => html`<li key=${one}><code>${one}</code></li>`)}</ul>`}
  </section>`;
}

/** What time it is there goes on between two answers; what this device's clock differs by is of the moment of the answer. */
function ClockCard({ of: { clock } }: Props) {
  const offset = useSignal(0);
  const now = useSignal(Date.now());
  useEffect(() => {
    offset.value = Date.parse(clock.now) - Date.now();
  }, [clock.now]);
  useEffect(() => {
    const ticking = setInterval(() => {
      now.value = Date.now();
    }, 1000);
    return () => clearInterval(ticking);
  }, []);
  const { synchronised, jumped } = clock;
  return html`<section class="card" aria-labelledby="of-clock"><h2 id="of-clock">${t(words.clock)}</h2>
    <p>${syncOf(synchronised)}</p>
    <dl class="facts">
      <${Fact} name=${t(words.now)}>${momentOf(now.value + offset.value)}<//>
      <${Fact} name=${t(words.zone)}>${clock.timezone}<//>
      ${jumped !== undefined && html`<${Fact} name=${t(words.jumped)}>${t(words.jumpedOf, { seconds: (jumped.ms / 1000).toFixed(1), time: shortOf(jumped.at) })}<//>`}
    </dl>
    ${Math.abs(offset.value) > CLOCK_OFF_MS && html`<p><${Badge} tone="warn">${t(words.differs, { span: spanOf(Math.abs(offset.value)) })}<//></p>`}
  </section>`;
}

function syncOf(synchronised: boolean | null): VNode {
  if (synchronised === null) return html`<${Badge} tone="quiet">${t(words.unknownSync)}<//>`;
  return html`<${Badge} tone=${synchronised ? 'good' : 'warn'}>${t(synchronised ? words.synchronised : words.notSynchronised)}<//>`;
}

function CertificateTable({ of: { certificates, unreadable } }: { readonly of: Certificates }) {
  if (certificates.length + unreadable.length === 0) return html`<${Empty}>${t(words.noCertificates)}<//>`;
  const rows = certificates.map(({ where, file, subject, issuer, ends, days }, i) => ({
    key: `${file} ${i}`,
    cells: [
      subject,
      momentOf(ends),
      html`<${Badge} tone=${days < 0 ? 'bad' : days <= SOON_DAYS ? 'warn' : 'good'}>${days < 0 ? t(words.ended) : t(words.days, { n: numberOf(days) })}<//>`,
      issuer,
      html`<code>${where}</code>`,
    ],
  }));
  const failed = unreadable.map(({ where, file, reason }) => ({
    key: `${where} ${file}`,
    cells: [
      '–',
      '–',
      html`<${Badge} tone="bad">${t(words.unreadable, { why: reason })}<//>`,
      '–',
      html`<code>${where}</code>`,
    ],
  }));
  const heads = [t(words.subject), t(words.ends), t(words.state), t(words.issuer), t(words.where)];
  return html`<${Table} caption=${t(words.certificates)} heads=${heads} rows=${[...failed, ...rows]} />`;
}

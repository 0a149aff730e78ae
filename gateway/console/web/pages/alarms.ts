/** The first page of who looks after a school: what stands, until it is restored and closed. */
import type { Alarm, Alarms } from '../../contract/alarms.ts';
import type { Notice } from '../../contract/notices.ts';
import { alarms, alarmsError, readAlarms } from '../kit/alarms.ts';
import { command } from '../kit/api.ts';
import { shortOf } from '../kit/format.ts';
import { html, useSignal } from '../kit/html.ts';
import { may, me, nameOf } from '../kit/me.ts';
import { ActionButton, Badge, Empty, waitingFor } from '../kit/parts.ts';
import { useResource } from '../kit/resource.ts';
import { label, t } from '../kit/words.ts';
import { words } from '../words/alarms.ts';
import { navigation } from '../words/common.ts';
import { acknowledge, closeAlarm } from './alarm-acts.ts';
import { AlarmCard, isUntaken, placeOf } from './alarm-card.ts';
import { GuardChoices } from './alarm-choices.ts';

import { EntryDelays } from './area-delay.ts';

import { Happening } from './events/newest.ts';

const isTest = ({ raisings }: Alarm) => raisings.every(({ test }) => test !== undefined);

function Sirens({ sirens }: Pick<Alarms, 'sirens'>) {
  if (sirens.length === 0 || !may('alarms')) return undefined;
  const switchOff = (target: string, output: string) => async () => {
    await command(target, 'deactivate', { output });
    await readAlarms();
  };
  return html`<section class="card ${sirens.some(({ on }) => on === true) ? 'alarm' : ''}" aria-label=${t(words.sirens)}>
    <div class="buttons"><strong>${t(words.sirens)}</strong>
    ${sirens.map(({ target, name = target, output, on }) => {
      const called = `${name} ${output}`;
      if (on === false) return html`<small key=${called}>${t(words.sirenSilent, { name: called })}</small>`;
      return html`<${ActionButton} key=${called} tone="danger" act=${switchOff(target, output)}>${t(words.sirenOff, { name: called })} (${t(on === true ? words.sirenOn : words.sirenUnknown)})<//>`;
    })}</div>
  </section>`;
}

function Warnings() {
  const notices = useResource<readonly Notice[]>('/api/notices', { on: ['notice.'], every: 30_000 });
  const read = (id: string) => async () => {
    await command('gateway', 'read', { notice: id });
    await notices.again();
  };
  const all = notices.data.value ?? [];
  if (all.length === 0) return undefined;
  return html`<section aria-label=${t(words.warnings)}>${all.map(
    ({
      id,
      severity,
      text,
      validUntil,
      area,
      readers,
    }) => html`<article key=${id} data-id=${id} class="card notice ${severity} ${severity === 'emergency' ? 'bad' : 'warn'}">
      <p class="line"><${Badge} tone=${severity === 'info' ? 'quiet' : severity === 'emergency' ? 'bad' : 'warn'}>${label('severity', severity)}<//> <strong>${text}</strong></p>
      <p class="buttons"><small>${t(words.until, { time: shortOf(validUntil) })}${area !== undefined && ` · ${t(words.forArea, { area: nameOf(area) })}`}</small>
      ${readers.length > 0 && html`<span role="status">${t(words.readBy, { who: readers.map(({ by }) => by).join(', ') })}</span>`}
      ${may('alarms') && readers.every(({ by }) => by !== me.value?.name) && html`<${ActionButton} act=${read(id)}>${t(words.read)}<//>`}</p>
    </article>`,
  )}</section>`;
}

/** What is done to many at once. */
function ToMany({ all }: { readonly all: readonly Alarm[] }) {
  if (!may('alarms')) return undefined;
  const untaken = all.filter((alarm) => alarm.closes && !isTest(alarm) && isUntaken(alarm));
  const tests = all.filter((alarm) => alarm.closes && isTest(alarm));
  if (untaken.length < 2 && tests.length < 2) return undefined;
  return html`<div class="buttons to-many">
    ${
      untaken.length > 1 &&
      html`<${ActionButton} sure=${words.sureAll} act=${() => acknowledge(untaken)}>${t(words.acknowledgeAll, { n: untaken.length })}<//>`
    }
    ${
      tests.length > 1 &&
      html`<${ActionButton} sure=${words.sureTests} act=${() => closeAlarm(tests, 'test', '')}>${t(words.closeTests, { n: tests.length })}<//>`
    }
  </div>`;
}

function Finished({ finished }: Pick<Alarms, 'finished'>) {
  if (finished.length === 0) return undefined;
  return html`<section><h2>${t(words.finished)}</h2><ul class="plain-list">${finished.map((one) => {
    const { closed } = one.raising;
    return html`<li key=${one.raising.id} class="card">
      <p class="line"><strong>${label('kind', one.kind)}</strong> <span>${placeOf(one)}</span> <time class="quiet" datetime=${one.raising.time}>${shortOf(one.raising.time)}</time></p>
      ${closed !== undefined && html`<p class="line quiet"><span>${t(words.closedBy, { who: closed.by, reason: label('closeReason', closed.reason) })}</span> <time datetime=${closed.at}>${shortOf(closed.at)}</time>${closed.note !== undefined && html`<span>${closed.note}</span>`}</p>`}
    </li>`;
  })}</ul></section>`;
}

function Standing({ all }: { readonly all: readonly Alarm[] }) {
  // What somebody opened; before that the newest, which is on top.
  const chosen = useSignal<string | undefined>(undefined);
  const [first] = all;
  const open = all.some(({ key }) => key === chosen.value) || chosen.value === '' ? chosen.value : first?.key;
  return html`<div class="alarms">${all.map(
    (alarm) =>
      html`<${AlarmCard} key=${alarm.key} alarm=${alarm} isOpen=${alarm.key === open} onToggle=${() => {
        chosen.value = alarm.key === open ? '' : alarm.key;
      }} />`,
  )}</div>`;
}

export function AlarmsPage() {
  const waiting = waitingFor({ data: alarms, error: alarmsError, again: readAlarms });
  const told = alarms.value;
  return html`<div class="line spread"><h1>${t(navigation.alarms)}</h1><${GuardChoices} /></div>
    <${EntryDelays} />
    <${Warnings} />
    ${waiting}
    ${
      told !== undefined &&
      html`<${Sirens} sirens=${told.sirens} />
      <${ToMany} all=${told.alarms} />
      <div aria-live="polite" class="hidden">${told.unacknowledged > 0 ? `${told.unacknowledged} ${t(words.untaken)}` : ''}</div>
      ${told.loading && html`<p role="status">${t(words.loading)}</p>`}
      ${told.alarms.length === 0 && !told.loading && html`<${Empty}>${t(words.none)}<//>`}
      <${Standing} all=${told.alarms} />
      ${told.more > 0 && html`<p role="status"><strong>${t(words.more, { n: told.more })}</strong></p>`}
      <${Finished} finished=${told.finished} />
      <${Happening} />`
    }`;
}

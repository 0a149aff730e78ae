/** One thing that alarmed: what, where, when, its pictures, what was done about it and what can be. */
import type { Alarm, FinishedAlarm, Raising } from '../../contract/alarms.ts';
import { momentOf, shortOf } from '../kit/format.ts';
import { html, useSignal } from '../kit/html.ts';
import { may, nameOf } from '../kit/me.ts';
import { ActionButton, Badge } from '../kit/parts.ts';
import { label, t } from '../kit/words.ts';
import { words } from '../words/alarms.ts';
import { acknowledge, closeAlarm } from './alarm-acts.ts';
import { Closing } from './alarm-closing.ts';
import { Seen, SeenSmall } from './alarm-media.ts';
import { type Step, stepsInTime } from './alarm-steps.ts';

/** Area, device and zone, as far as they are known. */
export function placeOf({ area, device, zone, part, account }: Omit<FinishedAlarm, 'raising'>): string {
  const of = zone === undefined ? part : (zone.name ?? zone.id ?? t(words.zone, { n: zone.number }));
  return [
    area && (area.name ?? area.id),
    device.name ?? nameOf(device.id),
    account !== undefined && zone?.name === undefined && t(words.account, { account }),
    of,
  ]
    .filter(Boolean)
    .join(' · ');
}

export const isUntaken = ({ raisings }: Alarm) =>
  raisings.some(({ acknowledged, closed }) => acknowledged === undefined && closed === undefined);

const isClosed = ({ raisings }: Alarm) => raisings.every(({ closed }) => closed !== undefined);

const who = ({ by, via }: { readonly by: string; readonly via: string }) =>
  via === 'console' ? by : t(words.at, { who: by, platform: via });

/** Panels tell whole seconds, and some are a little off: that is no news. */
const LATE_MS = 5000;
function raisedMore({ time, seenAt, clock, text, repeats }: Raising): string {
  const own = clock === 'device' && t(words.byDevice);
  const isLate = Math.abs(Date.parse(seenAt) - Date.parse(time)) > LATE_MS;
  const late = isLate && t(words.seen, { time: momentOf(seenAt) });
  const flapped = repeats !== undefined && t(words.flapped, { n: repeats });
  return [text, flapped, own, late].filter(Boolean).join(' · ');
}
/** What it was, and what is to be said beside it. */
function saidOf({ act, raising }: Step): readonly [what: string, more?: string] {
  const { acknowledged, ended, closed } = raising;
  if (act === 'acknowledged' && acknowledged !== undefined)
    return [t(words.acknowledgedBy, { who: who(acknowledged) })];
  if (act === 'closed' && closed !== undefined) {
    const what = t(words.closedBy, { who: who(closed), reason: label('closeReason', closed.reason) });
    return [what, closed.note ?? ''];
  }
  if (act === 'ended') return [t(ended?.how === 'cancelled' ? words.cancelled : words.restored)];
  return act === 'confirmed' ? [t(words.confirmed)] : [t(words.raised), raisedMore(raising)];
}

const LOG_MAX = 10;
function Log({ raisings }: Pick<Alarm, 'raisings'>) {
  const all = useSignal(false);
  const steps = stepsInTime(raisings);
  const shown = all.value ? steps : steps.slice(0, LOG_MAX);
  const left = steps.length - shown.length;
  // The newest is on top and has the highest number.
  return html`<section aria-label=${t(words.log)}><h3>${t(words.log)}</h3>
    <ol class="log" reversed start=${steps.length}>${shown.map((step) => {
      const { act, at, raising, times } = step;
      const [what, about = ''] = saidOf(step);
      const more = [times > 1 && t(words.times, { n: times }), about].filter(Boolean).join(' · ');
      return html`<li key=${`${raising.id} ${act}`}><time class="quiet" datetime=${at}>${momentOf(at)}</time> <span>${what}</span>${more !== '' && html` <span class="quiet">${more}</span>`}</li>`;
    })}</ol>
    ${
      left > 0 &&
      html`<button type="button" class="plain" onClick=${() => {
        all.value = true;
      }}>${t(words.moreSteps, { n: left })}</button>`
    }
  </section>`;
}

function Badges({ alarm }: { readonly alarm: Alarm }) {
  const { active, raisings, closes } = alarm;
  const [newest] = raisings;
  const ended = newest?.ended && t(newest.ended.how === 'cancelled' ? words.cancelled : words.restored);
  const taken = newest?.acknowledged;
  const test = newest?.test;
  return html`<span class="badges">
    <${Badge} tone=${active ? 'alarm' : 'quiet'}>${active ? t(words.active) : (ended ?? t(words.over))}<//>
    ${test !== undefined && html` <${Badge}>${label('testKind', test)}<//>`}
    ${isClosed(alarm) && html` <${Badge} tone="good">${t(words.closedActive)}<//>`}
    ${closes && !isClosed(alarm) && (isUntaken(alarm) ? html` <${Badge} tone="warn">${t(words.untaken)}<//>` : html` <${Badge} tone="good">${t(words.taken)}${taken !== undefined && `: ${who(taken)}`}<//>`)}
    ${raisings.some(({ confirmed }) => confirmed !== undefined) && html` <${Badge} tone="bad">${t(words.confirmed)}<//>`}
    ${raisings.some(({ sequence }) => sequence === null) && html` <${Badge} tone="bad">${t(words.inMemory)}<//>`}
    ${raisings.length > 1 && html` <${Badge}>${t(words.times, { n: raisings.length })}<//>`}
  </span>`;
}

/** The button that had the focus is gone, and the card is in another place of the list: the next step is at hand. */
function focusOn(id: string): void {
  requestAnimationFrame(() => requestAnimationFrame(() => document.getElementById(id)?.focus()));
}

interface CardProps {
  readonly alarm: Alarm;
  readonly isOpen: boolean;
  readonly onToggle: () => void;
}
export function AlarmCard({ alarm, isOpen, onToggle }: CardProps) {
  const closing = useSignal(false);
  const { kind, cause, raisings, closes } = alarm;
  const [newest] = raisings;
  const isSaved = raisings.some(({ sequence }) => sequence !== null);
  const acts = closes && !isClosed(alarm) && may('alarms');
  const closeId = `close-${alarm.key}`;
  const close = (reason: string, note: string) => closeAlarm([alarm], reason, note);
  const take = async () => {
    await acknowledge([alarm]);
    focusOn(closeId);
  };
  return html`<article class="card ${isUntaken(alarm) ? 'alarm' : 'warn'}" data-key=${alarm.key} aria-label=${`${label('kind', kind)} ${placeOf(alarm)}`}>
    <div class="line"><h2>${label('kind', kind)}${cause !== undefined && html` <small>${label('cause', cause)}</small>`}</h2>
      ${newest !== undefined && html`<time datetime=${newest.time}>${shortOf(newest.time)}</time>`}</div>
    <p class="place">${placeOf(alarm)}</p>
    <${Badges} alarm=${alarm} />
    <p class="buttons">
      ${acts && isUntaken(alarm) && html`<${ActionButton} tone="main" disabled=${!isSaved} act=${take}>${t(words.acknowledge)}<//>`}
      ${
        acts &&
        html`<button type="button" id=${closeId} disabled=${!isSaved} onClick=${() => {
          closing.value = true;
        }}>${t(words.close)}</button>`
      }
      <button type="button" class="plain" aria-expanded=${isOpen} onClick=${onToggle}>${t(words.details)}</button>
      ${!closes && html`<small>${t(words.untilShut)}</small>`}
    </p>
    ${
      isOpen
        ? html`<div class="more"><${Seen} alarm=${alarm} /><${Log} raisings=${raisings} /></div>`
        : html`<${SeenSmall} alarm=${alarm} />`
    }
    ${
      closing.value &&
      html`<${Closing} kind=${alarm.kind} place=${placeOf(alarm)} active=${alarm.active} close=${close} onClose=${() => {
        closing.value = false;
      }} />`
    }
  </article>`;
}

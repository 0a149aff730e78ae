/** One thing that alarmed: what, where, when, its pictures, what was done about it and what can be. */
import type { Alarm, FinishedAlarm, Picture, Raising } from '../../contract/alarms.ts';
import { command } from '../kit/api.ts';
import { momentOf, shortOf } from '../kit/format.ts';
import { html, typed, useField, useSignal } from '../kit/html.ts';
import { LivePicture } from '../kit/live.ts';
import { may, nameOf } from '../kit/me.ts';
import { ActionButton, Badge, Dialog, FieldOf, wordsOf } from '../kit/parts.ts';
import { label, t } from '../kit/words.ts';
import { words } from '../words/alarms.ts';
import { common } from '../words/common.ts';
import { labels } from '../words/labels.ts';
import { acknowledge, closeAlarm } from './alarm-acts.ts';

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

interface Step {
  readonly at: string;
  readonly what: string;
  readonly more?: string | undefined;
}
/** Panels tell whole seconds, and some are a little off: that is no news. */
const LATE_MS = 5000;
function stepsOf(raising: Raising): readonly Step[] {
  const { time, seenAt, clock, text, confirmed, acknowledged, ended, closed, repeats } = raising;
  const own = clock === 'device' && t(words.byDevice);
  const isLate = Math.abs(Date.parse(seenAt) - Date.parse(time)) > LATE_MS;
  const late = isLate && t(words.seen, { time: momentOf(seenAt) });
  const flapped = repeats !== undefined && t(words.flapped, { n: repeats });
  const steps: Step[] = [
    { at: time, what: t(words.raised), more: [text, flapped, own, late].filter(Boolean).join(' · ') },
  ];
  if (confirmed !== undefined) steps.push({ at: confirmed.at, what: t(words.confirmed) });
  if (acknowledged !== undefined)
    steps.push({ at: acknowledged.at, what: t(words.acknowledgedBy, { who: who(acknowledged) }) });
  if (ended !== undefined)
    steps.push({ at: ended.at, what: t(ended.how === 'cancelled' ? words.cancelled : words.restored) });
  if (closed !== undefined) {
    const reason = label('closeReason', closed.reason);
    steps.push({
      at: closed.at,
      what: t(words.closedBy, { who: who(closed), reason }),
      more: closed.note,
    });
  }
  return steps.sort((one, other) => (one.at < other.at ? -1 : 1));
}

const LOG_MAX = 10;
function Log({ raisings }: Pick<Alarm, 'raisings'>) {
  const shown = raisings.slice(0, LOG_MAX);
  return html`<section aria-label=${t(words.log)}><h3>${t(words.log)}</h3>
    <ol class="log">${shown.flatMap((raising) =>
      stepsOf(raising).map(
        ({ at, what, more }, i) =>
          html`<li key=${`${raising.id} ${i}`}><time class="quiet" datetime=${at}>${momentOf(at)}</time> <span>${what}</span>${more !== undefined && more !== '' && html` <span class="quiet">${more}</span>`}</li>`,
      ),
    )}</ol>
    ${raisings.length > LOG_MAX && html`<p class="quiet">${t(words.older, { n: raisings.length - LOG_MAX })}</p>`}
  </section>`;
}

const Shown = ({ picture: { reference, contentType, device } }: { readonly picture: Picture }) => {
  const source = `/api/media/${reference}`;
  const camera = nameOf(device);
  return contentType.startsWith('video/')
    ? html`<figure><video controls muted preload="metadata" src=${source} aria-label=${t(words.clip, { camera })}></video><figcaption>${t(words.clip, { camera })}</figcaption></figure>`
    : html`<figure><a href=${source} target="_blank" rel="noopener"><img src=${source} alt=${t(words.picture, { camera })} loading="lazy" /></a><figcaption>${camera}</figcaption></figure>`;
};

/** So long after it began an alarm is looked at live without being asked. */
const LIVE_MS = 600_000;
/** Pictures and clips, and the cameras that see the place. */
function Seen({ alarm }: { readonly alarm: Alarm }) {
  if (!may('pictures')) return undefined;
  const pictures = alarm.raisings.flatMap((one) => one.pictures);
  const { cameras } = alarm;
  const [newest] = alarm.raisings;
  const [first] = cameras;
  const isNew = newest !== undefined && Date.now() - Date.parse(newest.seenAt) < LIVE_MS;
  // A camera that everybody looks at for days because nobody closed an alarm is of no use.
  const live = useSignal(alarm.active || isNew ? first?.id : undefined);
  const look = (camera: string) => () => command(camera, 'snapshot', { event: newest?.id });
  const watch = (camera: string) => () => {
    live.value = live.value === camera ? undefined : camera;
  };
  if (pictures.length === 0 && cameras.length === 0) return undefined;
  return html`<section class="seen">
    ${live.value !== undefined && html`<${LivePicture} key=${live.value} camera=${live.value} />`}
    ${pictures.map((picture) => html`<${Shown} key=${picture.reference} picture=${picture} />`)}
    <p class="buttons">${cameras.map(
      ({ id, name = id }) => html`<span key=${id} class="buttons">
        <button type="button" aria-pressed=${live.value === id} onClick=${watch(id)}>${t(words.live, { camera: name })}</button>
        <${ActionButton} act=${look(id)}>${t(words.snapshot, { camera: name })}<//>
      </span>`,
    )}</p>
  </section>`;
}

/** What it was, in the field's words, and in one's own. */
function Closing({ alarm, onClose }: { readonly alarm: Alarm; readonly onClose: () => void }) {
  const reason = useSignal('');
  const note = useField();
  const busy = useSignal(false);
  const wrong = useSignal<string | undefined>(undefined);
  const send = async (event: Event) => {
    event.preventDefault();
    busy.value = true;
    wrong.value = undefined;
    try {
      await closeAlarm([alarm], reason.value, note.value);
      onClose();
    } catch (error) {
      wrong.value = wordsOf(error);
    }
    busy.value = false;
  };
  return html`<${Dialog} title=${t(words.closeTitle)} onClose=${onClose}>
    <form onSubmit=${send}>
      <p><strong>${label('kind', alarm.kind)}</strong> ${placeOf(alarm)}</p>
      ${alarm.active && html`<p>${t(words.stillActive)}</p>`}
      <fieldset class="choices"><legend>${t(words.reason)}</legend>${Object.keys(labels.closeReason).map(
        (one, i) =>
          html`<label key=${one}><input type="radio" name="reason" value=${one} required autofocus=${i === 0} checked=${reason.value === one} onChange=${() => {
            reason.value = one;
          }} /> ${label('closeReason', one)}</label>`,
      )}</fieldset>
      <${FieldOf} label=${t(words.note)} hint=${t(words.noteHint)}><textarea rows="3" maxlength="1000" value=${note.value} onInput=${typed(note)}></textarea><//>
      ${wrong.value !== undefined && html`<p class="wrong" role="alert">${wrong.value}</p>`}
      <p class="buttons"><button type="submit" class="main" disabled=${busy.value}>${t(words.closeNow)}</button> <button type="button" onClick=${onClose}>${t(common.cancel)}</button></p>
    </form>
  <//>`;
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
    ${isOpen && html`<div class="more"><${Seen} alarm=${alarm} /><${Log} raisings=${raisings} /></div>`}
    ${
      closing.value &&
      html`<${Closing} alarm=${alarm} onClose=${() => {
        closing.value = false;
      }} />`
    }
  </article>`;
}

/** One alarm of the city: what, where, since when, how late it came, what was done about it and what can be. */
import { numberOf, shortOf, spanOf } from '../../../console/web/kit/format.ts';
import { html, useSignal } from '../../../console/web/kit/html.ts';
import { may } from '../../../console/web/kit/me.ts';
import { ActionButton, Badge } from '../../../console/web/kit/parts.ts';
import { label, t } from '../../../console/web/kit/words.ts';
import { Closing } from '../../../console/web/pages/alarm-closing.ts';
import { words } from '../../../console/web/words/alarms.ts';
import type { AlarmView } from '../../views.ts';
import { acknowledge, closeAlarm, isForDesk, outcomes, outcomeWords } from '../acts.ts';
import { alarmKey, isUntaken, latenessOf } from '../order.ts';
import { nameOf, placeOf } from '../place.ts';
import { campus as campusWords, duty } from '../words/city.ts';

const who = ({ by, via }: { readonly by: string; readonly via?: string | undefined }) =>
  via === undefined || via === 'console' ? by : t(words.at, { who: by, platform: via });

/** Whole seconds hide what matters here. */
const EXACT_MS = 10_000;
export const exactOf = (ms: number): string =>
  ms < EXACT_MS ? t(duty.ms, { n: numberOf(Math.round(ms)) }) : spanOf(ms);

export function AlarmBadges({ alarm }: { readonly alarm: AlarmView }) {
  const { standing, ended, test, closed, acknowledged, confirmed, sequence } = alarm;
  const isOfDesk = (closed ?? acknowledged)?.here === true;
  const over = ended && t(ended.how === 'cancelled' ? words.cancelled : words.restored);
  return html`<span class="badges">
    <${Badge} tone=${standing ? 'alarm' : 'quiet'}>${standing ? t(words.active) : (over ?? t(words.over))}<//>
    ${test !== undefined && html` <${Badge}>${label('testKind', test)}<//>`}
    ${isUntaken(alarm) && html` <${Badge} tone="warn">${t(words.untaken)}<//>`}
    ${acknowledged !== undefined && html` <${Badge} tone="good">${t(words.taken)}: ${who(acknowledged)}<//>`}
    ${closed !== undefined && html` <${Badge} tone="good">${t(campusWords.closed, { reason: label('closeReason', closed.reason) })}<//>`}
    ${isOfDesk && html` <${Badge} tone="warn">${t(duty.atDesk)}<//>`}
    ${confirmed !== undefined && html` <${Badge} tone="bad">${t(words.confirmed)}<//>`}
    ${sequence === '0' && html` <${Badge} tone="bad">${t(words.inMemory)}<//>`}
  </span>`;
}

/** What the campus answered to the last thing that was asked here. */
function Outcome({ of }: { readonly of: string }) {
  const outcome = outcomes.value.get(of);
  if (outcome === undefined) return null;
  if (outcome === 'asking') return html`<small class="outcome" role="status">${t(duty.asking)}</small>`;
  return html`<small class="outcome ${outcome.done ? 'done' : 'wrong'}" role="status">${outcomeWords(outcome)}</small>`;
}

function Late({ alarm }: { readonly alarm: AlarmView }) {
  const ms = latenessOf(alarm);
  return html`<small class="late">${ms === undefined ? t(duty.lateUnknown) : t(duty.late, { span: exactOf(ms) })}</small>`;
}

/** The button that had the focus is gone: the next step is at hand. The page stays where it is: others wait on top. */
const focusOn = (id: string) =>
  requestAnimationFrame(() =>
    requestAnimationFrame(() => document.getElementById(id)?.focus({ preventScroll: true })),
  );

function Buttons({ alarm }: { readonly alarm: AlarmView }) {
  const closing = useSignal(false);
  const { closed, acknowledged, sequence } = alarm;
  if (!may('alarms') || closed !== undefined) return null;
  const closeId = `close-${alarmKey(alarm)}`;
  // What is in a gateway's memory only has no number that it could be taken by.
  const isDesk = isForDesk(alarm);
  const isSaved = sequence !== '0' || isDesk;
  const take = async () => {
    const outcome = await acknowledge(alarm);
    if (outcome.done) focusOn(closeId);
  };
  return html`<p class="buttons">
    ${acknowledged === undefined && html`<${ActionButton} tone="main" disabled=${!isSaved} act=${take}>${t(isDesk ? duty.acknowledgeHere : words.acknowledge)}<//>`}
    <button type="button" id=${closeId} disabled=${!isSaved} onClick=${() => {
      closing.value = true;
    }}>${t(isDesk ? duty.closeHere : words.close)}</button>
    ${isDesk && html`<small>${t(duty.hereSaid)}</small>`}
    ${
      closing.value &&
      html`<${Closing} kind=${alarm.kind} place=${`${nameOf(alarm.campus)} · ${placeOf(alarm)}`} active=${alarm.standing}
        close=${(reason: string, note: string) => closeAlarm(alarm, reason, note)}
        onClose=${() => {
          closing.value = false;
        }} />`
    }
  </p>`;
}

interface AlarmProps {
  readonly alarm: AlarmView;
  /** false: on a page that is of its campus alone. */
  readonly withCampus?: boolean;
}
export function AlarmCard({ alarm, withCampus = true }: AlarmProps) {
  const { id, kind, cause, campus, time, text, test } = alarm;
  const level = test !== undefined ? '' : isUntaken(alarm) ? 'alarm' : 'warn';
  return html`<article class="card ${level}" data-id=${id} aria-label=${`${label('kind', kind)} ${nameOf(campus)} ${placeOf(alarm)}`}>
    <div class="line"><h2>${label('kind', kind)}${cause !== undefined && html` <small>${label('cause', cause)}</small>`}</h2>
      <span class="since"><time datetime=${time}>${shortOf(time)}</time></span></div>
    ${
      withCampus &&
      html`<p class="of-campus"><a href="/campuses/${encodeURIComponent(campus.id)}">${nameOf(campus)}</a>
        ${campus.district !== undefined && html` <small>${t(duty.district)} ${campus.district}</small>`}</p>`
    }
    <p class="place">${placeOf(alarm)}${text !== undefined && html` <small>${text}</small>`}</p>
    <${AlarmBadges} alarm=${alarm} />
    <p class="line facts-line"><${Late} alarm=${alarm} /><${Outcome} of=${alarmKey(alarm)} /></p>
    <${Buttons} alarm=${alarm} />
  </article>`;
}

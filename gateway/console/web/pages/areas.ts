/** Areas: arm, disarm, bypass; what keeps one from being armed; what the timetable does. */
import type { Area, Areas, AreaZone, Calendar } from '../../contract/areas.ts';
import { ApiError, command } from '../kit/api.ts';
import { dayOf, minuteOf, shortOf, weekdayOf, weekdayOfDate } from '../kit/format.ts';
import { html, useSignal } from '../kit/html.ts';
import { may, nameOf } from '../kit/me.ts';
import { ActionButton, Badge, Empty, Table, type Tone, waitingFor } from '../kit/parts.ts';
import { useResource } from '../kit/resource.ts';
import { Troubles, troubleWords } from '../kit/trouble.ts';
import { label, t } from '../kit/words.ts';
import { areas as words } from '../words/areas.ts';
import { navigation } from '../words/common.ts';
import { Countdown, Disarm, type Shown } from './area-delay.ts';
import { bypassedIn, zoneName } from './area-zones.ts';

/** What is open is no event while an area is disarmed: it is asked for. */
const ASK_MS = 2000;
const DAYS = 14;
const DAYS_MAX = 62;

const tones: Readonly<Record<Area['state'], Tone>> = {
  disarmed: 'quiet',
  'exit-delay': 'warn',
  armed: 'good',
  'entry-delay': 'alarm',
};

const byOf = (by: string | undefined) => (by === 'schedule' ? t(words.bySchedule) : by);

/** Why it cannot be armed, and the way round. */
function Blocking({ area, again, refused }: Shown & { readonly refused: boolean }) {
  const blocking = area.zones.filter(({ blocks }) => blocks);
  if (area.state !== 'disarmed' || blocking.length === 0) return null;
  return html`<div class="problem" role=${refused ? 'alert' : undefined}>
    <p>${t(refused ? words.refused : words.keepsOpen)}</p>
    <ul class="plain-list">${blocking.map(
      (zone) => html`<li key=${`${zone.device} ${zone.account} ${zone.zone}`} class="line">
        <strong>${zoneName(zone)}</strong>
        ${may('arm') && html`<${Bypass} area=${area} zone=${zone} again=${again} />`}
      </li>`,
    )}</ul>
    ${
      may('arm') &&
      refused &&
      html`<${ActionButton} sure=${words.sureBypass} act=${async () => {
        await command(area.id, 'arm', { force: true });
        await again();
      }}>${t(words.bypassAndArm)}<//>`
    }
  </div>`;
}

function Bypass({ area, zone, again }: Shown & { readonly zone: AreaZone }) {
  const { device, account, zone: number, bypassed } = zone;
  const act = async () => {
    const wanted = { device, zone: number, ...(account !== undefined && { account }) };
    await command(area.id, bypassed === undefined ? 'bypass' : 'unbypass', wanted);
    await again();
  };
  return html`<${ActionButton} act=${act}>
    ${t(bypassed === undefined ? words.bypass : words.endBypass)}<span class="hidden"> ${zoneName(zone)}</span>
  <//>`;
}

function Buttons({ area, again, onRefused }: Shown & { readonly onRefused: (is: boolean) => void }) {
  if (!may('arm')) return null;
  const isBlind = area.troubles.some(({ kind }) => kind === 'link');
  const arm = (wanted: object) => async () => {
    try {
      await command(area.id, 'arm', wanted);
      onRefused(false);
    } catch (error) {
      // Which zones are open is said by their names (Blocking).
      const isOpen = error instanceof ApiError && error.detail?.startsWith('zones are open') === true;
      onRefused(isOpen);
      if (!isOpen) throw error;
    } finally {
      await again();
    }
  };
  if (area.state !== 'disarmed') return html`<${Disarm} area=${area} again=${again} />`;
  const sure = isBlind ? words.sureBlind : undefined;
  return html`<p class="buttons">
    <${ActionButton} tone="main" sure=${sure} act=${arm({})}>${t(words.arm)}<span class="hidden"> ${area.name ?? area.id}</span><//>
    ${
      area.exitDelayMs > 0 &&
      html`<${ActionButton} sure=${sure} act=${arm({ exitDelay: 0 })}>${t(words.armNow)}<span class="hidden"> ${area.name ?? area.id}</span><//>`
    }
  </p>`;
}

/** Whether its device answers: what does not is neither open nor ready. */
const isHeard = ({ device, account }: AreaZone, { troubles }: Area) =>
  !troubles.some(
    (one) =>
      one.kind === 'link' &&
      one.device === device &&
      (one.part === undefined || account === undefined || one.part === account),
  );

function zoneState(zone: AreaZone, area: Area) {
  const { alarm, open, armable, bypassed, troubles } = zone;
  return html`<span class="line">
    ${alarm && html`<${Badge} tone="alarm">${t(words.alarm)}<//>`}
    ${
      bypassed !== undefined &&
      html`<${Badge} tone="warn">${bypassed.by === '' ? t(words.bypassed) : t(words.bypassedBy, { by: byOf(bypassed.by) ?? '' })}<//>`
    }
    ${
      !isHeard(zone, area)
        ? html`<${Badge}>${t(words.notKnown)}<//>`
        : open
          ? html`<${Badge} tone="warn">${t(words.open)}<//>`
          : !alarm && troubles.length === 0 && html`<${Badge} tone="good">${t(words.ready)}<//>`
    }
    ${troubles.map((one) => html`<${Badge} tone="warn" key=${troubleWords(one)}>${troubleWords(one)}<//>`)}
    ${!armable && html`<small>${t(words.always)}</small>`}
  </span>`;
}

function Zones({ area, again }: Shown) {
  const heads = [words.zone, words.type, words.state, ...(may('arm') ? [words.action] : [])].map((one) =>
    t(one),
  );
  const rows = area.zones.map((zone) => ({
    key: `${zone.device} ${zone.account} ${zone.zone}`,
    cells: [
      zoneName(zone),
      label('zoneType', zone.type),
      zoneState(zone, area),
      ...(may('arm') ? [zone.armable && html`<${Bypass} area=${area} zone=${zone} again=${again} />`] : []),
    ],
  }));
  return html`<details>
    <summary>${t(words.zones, { n: area.zones.length })}</summary>
    <${Table} caption=${t(words.zones, { n: area.zones.length })} heads=${heads} rows=${rows} />
  </details>`;
}

function AreaCard({ area, again }: Shown) {
  const refused = useSignal(false);
  const { state, next, notArmed, since } = area;
  const isBlind = area.troubles.some(({ kind }) => kind === 'link');
  const hasAlarm = area.zones.some(({ alarm }) => alarm);
  const wayOut = area.zones.filter(
    ({ open, blocks, armable, bypassed }) => open && armable && !blocks && bypassed === undefined,
  );
  const bypassed = bypassedIn(area);
  const by = byOf(area.by);
  return html`<section class="card area ${hasAlarm || state === 'entry-delay' ? 'alarm' : ''}" aria-label=${area.name ?? area.id}>
    <div class="line">
      <h2>${area.name ?? area.id}</h2>
      <${Badge} tone=${(isBlind || bypassed.length > 0) && state === 'armed' ? 'warn' : tones[state]}>${label('state', state)}<//>
      ${hasAlarm && html`<${Badge} tone="alarm">${t(words.alarm)}<//>`}
      ${since !== undefined && html`<small>${by === undefined ? shortOf(since) : t(words.armedBy, { by, time: shortOf(since) })}</small>`}
    </div>
    ${
      bypassed.length > 0 &&
      html`<p class="warn-text"><strong>${t(state === 'exit-delay' ? words.armsBypassed : words.armedBypassed, { zones: bypassed.map(zoneName).join(', ') })}</strong></p>`
    }
    <${Countdown} area=${area} />
    <${Blocking} area=${area} again=${again} refused=${refused.value} />
    ${
      state === 'disarmed' &&
      wayOut.length > 0 &&
      html`<p class="quiet">${t(words.openWayOut, { zones: wayOut.map(zoneName).join(', ') })}</p>`
    }
    ${
      notArmed !== undefined &&
      html`<p class="wrong">${t(words.notArmed, { time: shortOf(notArmed.since), why: label('reason', notArmed.reason) })}</p>`
    }
    ${area.troubles.length > 0 && html`<p class="warn-text">${t(words.troubles)}</p>`}
    <${Troubles} of=${area.troubles} />
    <${Buttons} area=${area} again=${again} onRefused=${(is: boolean) => {
      refused.value = is;
    }} />
    <p class="quiet">${
      next === undefined
        ? t(words.noTimetable)
        : t(next.do === 'arm' ? words.nextArm : words.nextDisarm, {
            time: `${dayOf(next.at)} ${weekdayOf(next.at)} ${minuteOf(next.at)}`,
          })
    }</p>
    ${
      area.cameras.length > 0 &&
      may('pictures') &&
      html`<p class="line"><span class="quiet">${t(words.cameras)}</span>${area.cameras.map(
        (id) => html`<a key=${id} href="/cameras/${encodeURIComponent(id)}">${nameOf(id)}</a>`,
      )}</p>`
    }
    <${Zones} area=${area} again=${again} />
  </section>`;
}

function CalendarOf({ names }: { readonly names: ReadonlyMap<string, string> }) {
  const days = useSignal(DAYS);
  const calendar = useResource<Calendar>(`/api/calendar?days=${days.value}`);
  const found = calendar.data.value;
  if (found === undefined) return waitingFor(calendar) ?? null;
  const rows = found.days.map(({ date, school, holiday, makeUp, transitions }) => {
    const kind =
      makeUp === true
        ? words.makeUp
        : school
          ? words.school
          : holiday === undefined
            ? words.free
            : words.holiday;
    return {
      key: date,
      cells: [
        `${date} ${weekdayOfDate(date)}`,
        html`<${Badge} tone=${school ? 'good' : 'quiet'}>${t(kind)}<//> ${holiday}`,
        transitions.length === 0
          ? '–'
          : html`<ul class="plain-list">${transitions.map(
              (one) =>
                html`<li key=${`${one.area} ${one.at}`}>${minuteOf(one.at)} ${names.get(one.area) ?? one.area}: ${label('action', one.do)}</li>`,
            )}</ul>`,
      ],
    };
  });
  return html`<${Table} caption=${t(words.calendar)} heads=${[t(words.day), t(words.kindOfDay), t(words.whatHappens)]} rows=${rows} />
    ${
      days.value < DAYS_MAX &&
      html`<p><button type="button" onClick=${() => {
        days.value = DAYS_MAX;
      }}>${t(words.calendarMore)}</button></p>`
    }`;
}

export function AreasPage() {
  const resource = useResource<Areas>('/api/areas', {
    on: ['arming.', 'alarm.', 'device.', 'access.closed', 'access.opened'],
    every: ASK_MS,
  });
  const found = resource.data.value?.areas;
  if (found === undefined) return html`<h1>${t(navigation.areas)}</h1>${waitingFor(resource)}`;
  const names = new Map(found.map(({ id, name }) => [id, name ?? id]));
  return html`<h1>${t(navigation.areas)}</h1>
    ${found.length === 0 && html`<${Empty}>${t(words.none)}<//>`}
    <div class="areas">${found.map((area) => html`<${AreaCard} key=${area.id} area=${area} again=${resource.again} />`)}</div>
    <h2>${t(words.calendar)}</h2>
    <${CalendarOf} names=${names} />`;
}

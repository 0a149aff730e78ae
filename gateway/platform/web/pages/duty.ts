/** The first page of the duty desk: what stands in the city, until it is over and closed. */
import { html, typed, useField, useMemo } from '../../../console/web/kit/html.ts';
import { Empty, FieldOf, waitingFor } from '../../../console/web/kit/parts.ts';
import { useResource } from '../../../console/web/kit/resource.ts';
import { query } from '../../../console/web/kit/router.ts';
import { t } from '../../../console/web/kit/words.ts';
import { GuardChoices } from '../../../console/web/pages/alarm-choices.ts';
import { words } from '../../../console/web/words/alarms.ts';
import type { AlarmView } from '../../views.ts';
import { outcomes } from '../acts.ts';
import { ALARMS_MAX, alarms, campuses, isPart, overview, untaken } from '../city.ts';
import { useGrowing } from '../grow.ts';
import {
  type AlarmFilter,
  alarmKey,
  alarmOrder,
  districtsOf,
  fitsAlarm,
  inShares,
  isStanding,
} from '../order.ts';
import { duty } from '../words/city.ts';
import { AlarmCard } from './alarm.ts';

const STEP = 40;
const AGAIN_MS = 5000;

/** Those that fit. Where more stand than are known here, the server looks among all. */
function useFitting(filter: AlarmFilter): readonly AlarmView[] {
  const { district, campus, place } = filter;
  const known = alarms.data.value;
  // The API knows campuses by their numbers; a name is looked for among what is here.
  const ofCampus = /^[\w-]+$/.test(campus.trim()) ? campus.trim() : '';
  const asked = Object.entries({ district, campus: ofCampus, place: place.trim() }).filter(
    ([, one]) => one !== '',
  );
  const path = `/api/alarms?${new URLSearchParams([...asked, ['state', 'standing'], ['limit', String(ALARMS_MAX)]])}`;
  const more = useResource<readonly AlarmView[]>(isPart.value && asked.length > 0 ? path : undefined, {
    on: ['alarm'],
    every: AGAIN_MS,
  });
  const found = isPart.value && asked.length > 0 ? (more.data.value ?? []) : [];
  return useMemo(() => {
    const all = new Map(found.map((one) => [alarmKey(one), one]));
    for (const one of known?.values() ?? []) all.set(alarmKey(one), one);
    const fitting = [...all.values()].filter((one) => isStanding(one) && fitsAlarm(one, filter));
    return inShares(fitting.sort(alarmOrder));
  }, [known, found, district, campus, place]);
}

export function DutyPage() {
  const district = useField(query('district') ?? '');
  const campus = useField(query('campus') ?? '');
  const place = useField(query('place') ?? '');
  const filter = { district: district.value, campus: campus.value, place: place.value };
  const shown = useFitting(filter);
  const { count, End } = useGrowing(shown.length, STEP, JSON.stringify(filter));
  // In a flood, what somebody took here would be far below, out of reach for closing it.
  const acted = outcomes.value;
  const drawn = shown.filter((one, i) => i < count || acted.has(alarmKey(one)));
  const known = alarms.data.value;
  const of = useMemo(() => districtsOf(campuses.data.value?.values() ?? []), [campuses.data.value]);
  const standing = Math.max(known?.size ?? 0, overview.value?.alarms.standing ?? 0);
  return html`<div class="line spread"><h1>${t(duty.title)}</h1><${GuardChoices} /></div>
    <form class="filters" role="search" aria-label=${t(duty.filters)} onSubmit=${(event: Event) => event.preventDefault()}>
      <${FieldOf} label=${t(duty.district)}><select name="district" value=${district} onChange=${typed(district)}>
        <option value="">${t(duty.anyDistrict)}</option>
        ${of.map((one) => html`<option key=${one} value=${one}>${one}</option>`)}
      </select><//>
      <${FieldOf} label=${t(duty.campus)}><input name="campus" type="search" placeholder=${t(duty.campusHint)} value=${campus} onInput=${typed(campus)} /><//>
      <${FieldOf} label=${t(duty.place)}><input name="place" type="search" placeholder=${t(duty.placeHint)} value=${place} onInput=${typed(place)} /><//>
      <p class="quiet" role="status">${known !== undefined && t(duty.counts, { shown: shown.length, all: standing })}</p>
    </form>
    ${waitingFor(alarms)}
    <div aria-live="polite" class="hidden">${untaken.value > 0 ? `${untaken.value} ${t(words.untaken)}` : ''}</div>
    ${isPart.value && html`<p role="status"><strong>${t(duty.notAll, { n: known?.size ?? 0 })}</strong></p>`}
    ${known !== undefined && shown.length === 0 && html`<${Empty}>${t(known.size === 0 ? duty.none : duty.noneFits)}<//>`}
    <div class="alarms">${drawn.map((one) => html`<${AlarmCard} key=${alarmKey(one)} alarm=${one} />`)}</div>
    ${End}`;
}

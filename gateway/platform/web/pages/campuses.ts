/** All campuses: on a map, and in a list that is looked through, ordered and narrowed. */
import { shortOf } from '../../../console/web/kit/format.ts';
import { html, typed, useField, useMemo } from '../../../console/web/kit/html.ts';
import { Badge, Empty, FieldOf, waitingFor } from '../../../console/web/kit/parts.ts';
import { query } from '../../../console/web/kit/router.ts';
import { t } from '../../../console/web/kit/words.ts';
import type { CampusView } from '../../views.ts';
import { campuses } from '../city.ts';
import { useGrowing } from '../grow.ts';
import { type CampusOrder, campusOrders, districtsOf, levelOf, shownOf } from '../order.ts';
import { nameOf } from '../place.ts';
import { campusOrder, campusReason, campusState, wordFor, campuses as words } from '../words/city.ts';
import { CityMap } from './map.ts';

const STEP = 60;

export const StateOf = ({ of }: { readonly of: CampusView }) => {
  const level = levelOf({ ...of, untaken: 0 });
  return html`<${Badge} tone=${level}>${t(campusState[of.state])}<//>
    ${of.reasons.map((one) => html`<small class="reason" key=${one}>${t(wordFor(campusReason, one))}</small>`)}`;
};

function Line({ of }: { readonly of: CampusView }) {
  const { id, district, standing, untaken, gaps, lastEventAt } = of;
  return html`<li class="campus-line ${levelOf(of)}" data-id=${id}>
    <span class="called"><a href="/campuses/${encodeURIComponent(id)}">${nameOf(of)}</a> <small>${[of.name !== undefined && id, district].filter(Boolean).join(' · ')}</small></span>
    <span class="how"><${StateOf} of=${of} /></span>
    <span class="what">
      ${standing > 0 && html`<${Badge} tone=${untaken > 0 ? 'alarm' : 'warn'}>${t(untaken > 0 ? words.untaken : words.standing, { n: untaken > 0 ? untaken : standing })}<//>`}
      ${gaps > 0 && html`<${Badge} tone="warn">${t(words.gaps, { n: gaps })}<//>`}
      <small>${lastEventAt === undefined ? t(words.never) : shortOf(lastEventAt)}</small>
    </span>
  </li>`;
}

export function CampusesPage() {
  const text = useField(query('text') ?? '');
  const district = useField(query('district') ?? '');
  const state = useField(query('state') ?? '');
  const order = useField('worst');
  const known = campuses.data.value;
  const filter = { text: text.value, district: district.value, state: state.value };
  const shown = useMemo(
    () => shownOf(known?.values() ?? [], filter, order.value as CampusOrder),
    [known, text.value, district.value, state.value, order.value],
  );
  const districts = useMemo(() => districtsOf(known?.values() ?? []), [known]);
  const { count, End } = useGrowing(shown.length, STEP, JSON.stringify([filter, order.value]));
  const states = Object.keys(campusState) as (keyof typeof campusState)[];
  return html`<h1>${t(words.title)}</h1>
    ${waitingFor(campuses)}
    ${known?.size === 0 && html`<${Empty}>${t(words.none)}<//>`}
    ${
      known !== undefined &&
      known.size > 0 &&
      html`<form class="filters" role="search" aria-label=${t(words.title)} onSubmit=${(event: Event) => event.preventDefault()}>
        <${FieldOf} label=${t(words.campus)}><input name="text" type="search" placeholder=${t(words.search)} value=${text} onInput=${typed(text)} /><//>
        <${FieldOf} label=${t(words.district)}><select name="district" value=${district} onChange=${typed(district)}>
          <option value="">${t(words.anyDistrict)}</option>${districts.map((one) => html`<option key=${one} value=${one}>${one}</option>`)}
        </select><//>
        <${FieldOf} label=${t(words.state)}><select name="state" value=${state} onChange=${typed(state)}>
          <option value="">${t(words.anyState)}</option><option value="alarm">${t(words.withAlarms)}</option>
          ${states.map((one) => html`<option key=${one} value=${one}>${t(campusState[one])}</option>`)}
        </select><//>
        <${FieldOf} label=${t(words.order)}><select name="order" value=${order} onChange=${typed(order)}>
          ${campusOrders.map((one) => html`<option key=${one} value=${one}>${t(campusOrder[one])}</option>`)}
        </select><//>
        <p class="quiet" role="status">${t(words.counts, { n: shown.length, all: known.size })}</p>
      </form>
      <div class="beside">
        <${CityMap} all=${shown} />
        <section class="campus-list" aria-label=${t(words.title)}>
          ${shown.length === 0 && html`<${Empty}>${t(words.noneFits)}<//>`}
          <ul>${shown.slice(0, count).map((one) => html`<${Line} key=${one.id} of=${one} />`)}</ul>
          ${End}
        </section>
      </div>`
    }`;
}

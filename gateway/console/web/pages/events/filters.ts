/** What is looked for: a form, and the same in the page's address, so that it can be kept and sent to somebody. */
import type { Children } from '../../kit/html.ts';
import { html, useEffect, useSignal } from '../../kit/html.ts';
import { may, me } from '../../kit/me.ts';
import { FieldOf } from '../../kit/parts.ts';
import { address, go } from '../../kit/router.ts';
import { label, t } from '../../kit/words.ts';
import { events as words } from '../../words/events.ts';
import { labels } from '../../words/labels.ts';
import { dayField, fieldOf, momentOfField } from './times.ts';

const names = ['from', 'to', 'types', 'kind', 'device', 'place', 'person', 'text'] as const;
type Name = (typeof names)[number];
type Wanted = Partial<Record<Name, string>>;

/** What the address asks for; times as RFC 3339. */
function wantedNow(): Wanted {
  const asked = new URL(address.value, location.origin).searchParams;
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = asked.get(name)?.trim();
      return value ? [[name, value]] : [];
    }),
  );
}
/** The same for the API. */
export const questionNow = (): string => new URLSearchParams(wantedNow()).toString();
export const isUpToNow = (): boolean => wantedNow().to === undefined;

const inFields = ({ from, to, ...rest }: Wanted): Wanted => ({
  ...rest,
  ...(from !== undefined && { from: fieldOf(Date.parse(from)) }),
  ...(to !== undefined && { to: fieldOf(Date.parse(to)) }),
});

const EVENT_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Who looks for the id of an event means that one. */
function lookFor({ from = '', to = '', ...rest }: Wanted): void {
  const id = rest.text?.trim().toLowerCase() ?? '';
  if (EVENT_ID.test(id)) return void go(`/events/${id}`);
  const moments = { from: momentOfField(from), to: momentOfField(to) };
  const given = Object.entries({ ...moments, ...rest }).flatMap(([name, value]) =>
    value?.trim() ? [[name, value.trim()]] : [],
  );
  const question = new URLSearchParams(given).toString();
  go(`/events${question === '' ? '' : `?${question}`}`);
}

/** On a phone they are behind a word, unless one of them is asked for. */
const more = ['kind', 'device', 'place', 'person'] as const;
const times = ['from', 'to'] as const;
const isWide = () => matchMedia('(min-width: 701px)').matches;

const alarmKinds = Object.entries(labels.kind);
const classes = Object.keys(labels.eventClass);
const typesOf = (name: string) => Object.keys(labels.type).filter((type) => type.startsWith(`${name}.`));

const TypeOptions = () => html`<option value="">${t(words.anyType)}</option>
  ${classes.map(
    (name) => html`<optgroup key=${name} label=${label('eventClass', name)}>
      <option value="${name}.*">${t(words.allOf, { what: label('eventClass', name) })}</option>
      ${typesOf(name).map((type) => html`<option key=${type} value=${type}>${label('type', type)}</option>`)}
    </optgroup>`,
  )}`;

interface RangesProps {
  readonly onChoose: (range: Pick<Wanted, 'from' | 'to'>) => void;
}
const Ranges = ({ onChoose }: RangesProps) => {
  const range = (word: keyof typeof words, from?: string, to?: string) =>
    html`<button type="button" class="plain" onClick=${() => onChoose({ ...(from && { from }), ...(to && { to }) })}>${t(words[word])}</button>`;
  return html`<div class="buttons">
    ${range('today', dayField(0))} ${range('yesterday', dayField(1), dayField(0))}
    ${range('week', dayField(7))} ${range('always')}
    <span class="quiet">${t(words.inZone, { zone: me.value?.campus.timezone ?? '' })}</span>
  </div>`;
};

export function Filters({ children }: Children) {
  const fields = useSignal<Wanted>(inFields(wantedNow()));
  // The address changed by a link or by the way back.
  useEffect(() => {
    fields.value = inFields(wantedNow());
  }, [address.value]);
  const bound = (name: Name) => ({
    name,
    value: fields.value[name] ?? '',
    onInput: (event: Event) => {
      fields.value = { ...fields.value, [name]: (event.target as HTMLInputElement).value };
    },
  });
  const choose = (range: Pick<Wanted, 'from' | 'to'>) => {
    const { from: _from, to: _to, ...rest } = fields.value;
    lookFor({ ...rest, ...range });
  };
  const find = (event: Event) => {
    event.preventDefault();
    lookFor(fields.value);
  };
  const isMore = [...more, ...times].some((name) => fields.value[name]);
  return html`<form class="card" role="search" aria-label=${t(words.filters)} onSubmit=${find}>
    <div class="filters">
      <${FieldOf} label=${t(words.text)} hint=${t(words.textHint)}><input type="search" maxlength="200" ...${bound('text')} /><//>
      <${FieldOf} label=${t(words.type)}><select ...${bound('types')}><${TypeOptions} /></select><//>
    </div>
    <details open=${isMore || isWide()}><summary>${t(words.more)}</summary><div class="filters">
      <${FieldOf} label=${t(words.kind)}><select ...${bound('kind')}>
        <option value="">${t(words.anyKind)}</option>
        ${alarmKinds.map(([kind]) => html`<option key=${kind} value=${kind}>${label('kind', kind)}</option>`)}
      </select><//>
      <${FieldOf} label=${t(words.device)}><input list="event-devices" maxlength="100" ...${bound('device')} /><//>
      <${FieldOf} label=${t(words.place)} hint=${t(words.placeHint)}><input maxlength="300" ...${bound('place')} /><//>
      ${
        may('persons') &&
        html`<${FieldOf} label=${t(words.person)} hint=${t(words.personHint)}><input maxlength="100" autocomplete="off" ...${bound('person')} /><//>`
      }
      <${FieldOf} label=${t(words.from)}><input type="datetime-local" ...${bound('from')} /><//>
      <${FieldOf} label=${t(words.to)}><input type="datetime-local" ...${bound('to')} /><//>
    </div></details>
    <datalist id="event-devices">${Object.entries(me.value?.names ?? {}).map(
      ([id, name]) => html`<option key=${id} value=${id}>${name}</option>`,
    )}</datalist>
    <${Ranges} onChoose=${choose} />
    <p class="buttons"><button class="main">${t(words.find)}</button>
      <button type="button" onClick=${() => lookFor({})}>${t(words.reset)}</button>${children}</p>
  </form>`;
}

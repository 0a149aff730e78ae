/** Doors and gate: how doors are, lockdown, unlock; who is inside; the screens. */
import type { Outcome } from '../../contract/commands.ts';
import type { Door, Doors, Inside } from '../../contract/doors.ts';
import { command } from '../kit/api.ts';
import { momentOf, numberOf, shortOf } from '../kit/format.ts';
import { html, typed, useEffect, useField, useSignal } from '../kit/html.ts';
import { may } from '../kit/me.ts';
import { ActionButton, Badge, Empty, FieldOf, Table, type Tone, waitingFor } from '../kit/parts.ts';
import { useResource } from '../kit/resource.ts';
import { Troubles } from '../kit/trouble.ts';
import { label, t, type Word } from '../kit/words.ts';
import { navigation } from '../words/common.ts';
import { doors as words } from '../words/doors.ts';
import { DoorsLog } from './doors-log.ts';

/** A door that may be opened no longer says so by no event. */
const ASK_MS = 3000;
/** While somebody types. */
const TYPING_MS = 300;

const tones: Readonly<Record<Door['state'], Tone>> = {
  closed: 'good',
  unlocked: 'warn',
  open: 'warn',
  held: 'warn',
  forced: 'alarm',
};
const nameOfDoor = ({ id, name }: Pick<Door, 'id' | 'name'>) => name ?? id;

interface Shown {
  readonly again: () => Promise<void>;
}

function Lockdown({ found, again }: Shown & { readonly found: Doors }) {
  const notLocked = useSignal<readonly string[]>([]);
  const { lockdownSince: since, doors } = found;
  const ask = (action: 'lockdown' | 'end-lockdown') => async () => {
    const { result = {} } = (await command('gateway', action)) as Outcome;
    notLocked.value = (result['notLocked'] as string[] | undefined) ?? [];
    await again();
  };
  const names = notLocked.value.map((id) => nameOfDoor(doors.find((door) => door.id === id) ?? { id }));
  return html`<div class=${since === undefined ? '' : 'card bad'}>
    ${since !== undefined && html`<p role="status"><strong>${t(words.lockdownSince, { time: shortOf(since) })}</strong></p>`}
    ${names.length > 0 && html`<p class="wrong" role="alert">${t(words.notLocked, { doors: names.join(', ') })}</p>`}
    ${
      may('doors') &&
      html`<p class="buttons">${
        since === undefined
          ? html`<${ActionButton} tone="danger" sure=${words.sureLockdown} act=${ask('lockdown')}>${t(words.lockdown)}<//>`
          : html`<${ActionButton} tone="main" sure=${words.sureEnd} act=${ask('end-lockdown')}>${t(words.endLockdown)}<//>`
      }</p>`
    }
  </div>`;
}

function DoorButtons({ door, again }: Shown & { readonly door: Door }) {
  const name = nameOfDoor(door);
  if (door.locks.length === 0) return html`<p class="quiet">${t(words.ownTerminal)}</p>`;
  if (!may('doors')) return null;
  const button = (
    action: 'unlock' | 'hold' | 'lock',
    word: Word,
    more: { readonly sure?: Word; readonly tone?: 'main' } = {},
  ) => {
    const act = async () => {
      // Each of its locks is tried, whatever the others say.
      const all = await Promise.allSettled(
        door.locks.map(({ target, output }) => command(target, action, { output })),
      );
      await again();
      const wrong = all.find((one) => one.status === 'rejected');
      if (wrong !== undefined) throw wrong.reason;
    };
    return html`<${ActionButton} ...${more} act=${act}>${t(word)}<span class="hidden"> ${name}</span><//>`;
  };
  return html`<p class="buttons">
    ${button('unlock', words.unlock, { tone: 'main' })}
    ${door.keptOpen ? button('lock', words.lock) : button('hold', words.hold, { sure: words.sureHold })}
  </p>`;
}

/** What is known of it: a contact that is not heard says nothing, and a door without one is locked or it is not. */
function DoorState({ door: { state, keptOpen, contact, locks, troubles } }: { readonly door: Door }) {
  const isHeard = !troubles.some(({ kind, device }) => kind === 'link' && device === contact);
  if (contact !== undefined && !isHeard) return html`<${Badge}>${t(words.notKnown)}<//>`;
  if (contact === undefined && state === 'closed')
    return locks.length > 0 && html`<${Badge}>${label('state', 'locked')}<//>`;
  const tone = keptOpen && state === 'unlocked' ? 'warn' : tones[state];
  return html`<${Badge} tone=${tone}>${label('state', state)}<//>`;
}

function DoorCard({ door, again }: Shown & { readonly door: Door }) {
  const { state, keptOpen, direction, pickup, contact, troubles } = door;
  return html`<section class="card door ${state === 'forced' ? 'alarm' : ''}" aria-label=${nameOfDoor(door)}>
    <div class="line">
      <h2>${nameOfDoor(door)}</h2>
      <${DoorState} door=${door} />
      ${keptOpen && html`<${Badge} tone="warn">${t(words.keptOpen)}<//>`}
      ${direction !== undefined && html`<small>${label('direction', direction)}</small>`}
    </div>
    <${Troubles} of=${troubles} />
    <${DoorButtons} door=${door} again=${again} />
    ${contact === undefined && html`<p class="quiet">${t(words.noContact)}</p>`}
    ${pickup && html`<p><a href="/gate/${encodeURIComponent(door.id)}" target="_blank" rel="noopener">${t(words.screen)}</a></p>`}
  </section>`;
}

function Visitors({ all, again }: Shown & { readonly all: Inside['visitors'] }) {
  if (all.length === 0) return null;
  const heads = [words.visitor, words.host, words.purpose, words.until, words.stage].map((one) => t(one));
  const rows = all.map(({ id, name, host, purpose, until, stage }) => ({
    key: id,
    cells: [
      name ?? id,
      host,
      purpose,
      until === undefined ? undefined : momentOf(until),
      html`<span class="line"><${Badge} tone=${stage === 'overdue' ? 'warn' : 'quiet'}>${label('state', stage)}<//>
        <${ActionButton} act=${async () => {
          await command('gateway', 'visitor-left', { visit: id });
          await again();
        }}>${t(words.left)}<span class="hidden"> ${name ?? id}</span><//></span>`,
    ],
  }));
  return html`<h3>${t(words.visitorsHere)}</h3><${Table} caption=${t(words.visitorsHere)} heads=${heads} rows=${rows} />`;
}

function WhoIsInside() {
  const field = useField();
  const search = useSignal('');
  useEffect(() => {
    const soon = setTimeout(() => {
      search.value = field.value.trim();
    }, TYPING_MS);
    return () => clearTimeout(soon);
  }, [field.value]);
  const resource = useResource<Inside>(`/api/doors/inside?search=${encodeURIComponent(search.value)}`, {
    on: ['access.granted', 'access.pickup', 'visitor.'],
  });
  const found = resource.data.value;
  const heads = [words.person, words.class, words.since].map((one) => t(one));
  const rows = (found?.people ?? []).map(({ holder, name, class: own, since }) => ({
    key: holder,
    cells: [name === undefined ? holder : html`${name} <small>${holder}</small>`, own, shortOf(since)],
  }));
  return html`<h2>${t(words.who)}</h2>
    <${FieldOf} label=${t(words.search)}>
      <input type="search" value=${field} onInput=${typed(field)} maxlength="100" />
    <//>
    ${waitingFor(resource)}
    ${
      found !== undefined &&
      html`<div aria-live="polite">
        ${rows.length === 0 ? html`<${Empty}>${t(search.value === '' ? words.nobodyInside : words.nobody)}<//>` : html`<${Table} caption=${t(words.who)} heads=${heads} rows=${rows} />`}
        ${found.more > 0 && html`<p class="quiet">${t(words.moreInside, { n: numberOf(found.more) })}</p>`}
      </div>
      <${Visitors} all=${found.visitors} again=${resource.again} />`
    }`;
}

export function DoorsPage() {
  const resource = useResource<Doors>('/api/doors', {
    on: ['access.', 'visitor.', 'device.'],
    every: ASK_MS,
  });
  const found = resource.data.value;
  if (found === undefined) return html`<h1>${t(navigation.doors)}</h1>${waitingFor(resource)}`;
  return html`<h1>${t(navigation.doors)}</h1>
    <${Lockdown} found=${found} again=${resource.again} />
    <p class="line">
      <span>${t(words.inside, { n: numberOf(found.inside) })}</span>
      <span>${t(words.visitors, { n: numberOf(found.visitors) })}</span>
    </p>
    ${found.doors.length === 0 && html`<${Empty}>${t(words.none)}<//>`}
    <div class="cards">${found.doors.map((door) => html`<${DoorCard} key=${door.id} door=${door} again=${resource.again} />`)}</div>
    ${found.doors.some(({ pickup }) => pickup) && html`<h2>${t(words.screens)}</h2><p class="quiet">${t(words.howToScreen)} ${may('users') && html`<a href="/system/users">${t(words.toUsers)}</a>`}</p>`}
    ${may('persons') && html`<${WhoIsInside} />`}
    <${DoorsLog} doors=${found.doors} today=${found.today} />`;
}

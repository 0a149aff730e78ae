/** The campus as a picture, with what stands where and how it is. */
import type { Plan } from '../../contract/plan.ts';
import { remove, upload } from '../kit/api.ts';
import { html, type Signal, useSignal } from '../kit/html.ts';
import { may } from '../kit/me.ts';
import { ActionButton, Badge, waitingFor, wordsOf } from '../kit/parts.ts';
import { useResource } from '../kit/resource.ts';
import { shrink } from '../kit/shrink.ts';
import { label, t } from '../kit/words.ts';
import { placeKinds, plan as words } from '../words/plan.ts';
import { PlanEditor } from './plan/editor.ts';
import { PictureBox } from './plan/picture.ts';
import { Pin, type Pinned, pageOf, sayingOf, standingOf, toneOf } from './plan/pin.ts';

/** What a door does without a word in the journal is seen within this. */
const LOOK_MS = 5000;
const changing = [
  'alarm.',
  'device.',
  'arming.',
  'video.',
  'access.opened',
  'access.closed',
  'access.forced',
];
const more = ['access.held', 'access.restored', 'access.lockdown'];

/** A new picture; what is placed stays where it is. */
function Uploading({ plan }: { readonly plan: Signal<Plan | undefined> }) {
  const busy = useSignal(false);
  const wrong = useSignal<string | undefined>(undefined);
  const chosen = async ({ currentTarget }: Event) => {
    const input = currentTarget as HTMLInputElement;
    const [file] = input.files ?? [];
    if (file === undefined) return;
    busy.value = true;
    wrong.value = undefined;
    try {
      plan.value = await upload<Plan>('/api/plan/picture', await shrink(file));
    } catch (error) {
      wrong.value = wordsOf(error);
    }
    input.value = '';
    busy.value = false;
  };
  return html`<span class="action">
    <label class="button upload">${t(plan.value?.picture ? words.replace : words.upload)}
      <input type="file" class="hidden" accept="image/png,image/jpeg,image/webp" disabled=${busy.value} aria-busy=${busy.value} onChange=${chosen} />
    </label> <small>${t(words.pictureTypes)}</small>
    ${wrong.value !== undefined && html`<span class="wrong" role="alert">${wrong.value}</span>`}
  </span>`;
}

/** What it is about first: an alarm, a fault, or its state. */
const wordOf = ({ level, state }: Pinned): string => {
  if (level === 'alarm') return 'alarm';
  return level === 'trouble' && state !== 'offline' && state !== 'held' ? 'fault' : state;
};

/** In a row of words, for who does not see the picture, and for a phone. */
const Row = ({ one }: { readonly one: Pinned }) =>
  html`<li class="line"><${Badge} tone=${toneOf[one.level]}>${label('state', wordOf(one))}<//>
    <a href=${pageOf(one)}>${one.name}</a> <span class="quiet">${t(placeKinds[one.kind])}</span> ${standingOf(one)}</li>`;

function Lists({ places }: { readonly places: readonly Pinned[] }) {
  const bad = places.filter(({ level }) => level === 'alarm' || level === 'trouble');
  const worst = [...bad].sort((a, b) => Number(b.level === 'alarm') - Number(a.level === 'alarm'));
  return html`<section aria-labelledby="plan-bad">
    <h2 id="plan-bad">${t(words.bad)}</h2>
    ${bad.length === 0 ? html`<p class="quiet">${t(words.allWell)}</p>` : html`<ul class="plain">${worst.map((one) => html`<${Row} key=${sayingOf(one)} one=${one} />`)}</ul>`}
    <details><summary>${t(words.all, { n: places.length })}</summary>
      <ul class="plain">${places.map((one) => html`<${Row} key=${`${one.kind} ${one.id}`} one=${one} />`)}</ul>
    </details>
  </section>`;
}

export function PlanPage() {
  const resource = useResource<Plan>('/api/plan', { on: [...changing, ...more], every: LOOK_MS });
  const editing = useSignal(false);
  const named = useSignal(false);
  const { data } = resource;
  const waiting = waitingFor(resource);
  if (waiting !== undefined) return waiting;
  const plan = data.value as Plan;
  const { picture, places } = plan;
  if (picture === null)
    return html`<h1>${t(words.title)}</h1><p>${t(words.none)} ${t(may('plan') ? words.begin : words.ask)}</p>
      ${may('plan') && html`<${Uploading} plan=${data} />`}`;
  if (editing.value)
    return html`<h1>${t(words.title)}</h1><${PlanEditor} plan=${plan} onDone=${(saved: Plan | undefined) => {
      if (saved !== undefined) data.value = saved;
      editing.value = false;
    }} />`;
  return html`<h1>${t(words.title)}</h1>
    <div class="buttons">
      <label class="check"><input type="checkbox" checked=${named.value} onChange=${() => {
        named.value = !named.value;
      }} /> ${t(words.names)}</label>
      ${
        may('plan') &&
        html`<button type="button" class="main" onClick=${() => {
          editing.value = true;
        }}>${t(words.edit)}</button>
        <${Uploading} plan=${data} />
        <${ActionButton} tone="danger" sure=${words.removeSure} act=${async () => {
          data.value = await remove<Plan>('/api/plan/picture');
        }}>${t(words.removePicture)}<//>`
      }
    </div>
    <${PictureBox} key=${picture.id} picture=${picture}>${places.map((one) => html`<${Pin} key=${`${one.kind} ${one.id}`} one=${one} named=${named.value} />`)}<//>
    <${Lists} places=${places} />`;
}

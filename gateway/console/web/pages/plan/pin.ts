/** One thing on the plan: what it is by its sign, how it is by its colour and its shape, and both in words. */
import type { PlaceKind, PlaceLevel, Plan } from '../../../contract/plan.ts';
import { html } from '../../kit/html.ts';
import { may } from '../../kit/me.ts';
import type { Tone } from '../../kit/parts.ts';
import { label, t } from '../../kit/words.ts';
import { placeKinds } from '../../words/plan.ts';

export type Pinned = Plan['places'][number];

export const toneOf: Readonly<Record<PlaceLevel, Tone>> = {
  alarm: 'alarm',
  trouble: 'warn',
  active: 'quiet',
  good: 'good',
  off: 'quiet',
  unknown: 'quiet',
};

/** Drawn on 24 by 24. */
const signs: Readonly<Record<PlaceKind, string>> = {
  zone: 'M12 3l8 3v6c0 5-4 8-8 9-4-1-8-4-8-9V6z',
  door: 'M6 3h12v18H6z M14.5 11v2',
  camera: 'M3 7h12v10H3z M15 11l6-4v10l-6-4z',
  reader: 'M3 6h18v12H3z M3 10.5h18 M6 14.5h5',
  device: 'M6 6h12v12H6z M9 2v4 M15 2v4 M9 18v4 M15 18v4 M2 9h4 M2 15h4 M18 9h4 M18 15h4',
};

export const Sign = ({ kind }: { readonly kind: PlaceKind }) =>
  html`<svg class="sign" viewBox="0 0 24 24" aria-hidden="true"><path d=${signs[kind]} /></svg>`;

/** What stands of it: `Panic, Tamper`. */
export const standingOf = ({ standing }: Pick<Pinned, 'standing'>): string =>
  standing
    .map(({ kind, cause }) =>
      [label('kind', kind), cause && label('cause', cause)].filter(Boolean).join(' · '),
    )
    .join(', ');
/** `Zone: North wall. Armed. Intrusion` */
export const sayingOf = (one: Pinned): string =>
  [`${t(placeKinds[one.kind])}: ${one.name}`, label('state', one.state), standingOf(one)]
    .filter(Boolean)
    .join('. ');

/** Where more is to be seen of it. */
export function pageOf({ kind, id, device }: Pick<Pinned, 'kind' | 'id' | 'device'>): string {
  if (kind === 'door') return '/doors';
  if (kind === 'camera' && may('pictures')) return `/cameras/${encodeURIComponent(id)}`;
  return `/devices/${encodeURIComponent(device)}`;
}

/** By CSSOM, which the policy of pages allows. */
export const placeAt = ({ x, y }: { readonly x: number; readonly y: number }) => ({
  left: `${(x * 100).toFixed(3)}%`,
  top: `${(y * 100).toFixed(3)}%`,
});

/** A link to where more is to be seen. */
export const Pin = ({ one, named }: { readonly one: Pinned; readonly named: boolean }) =>
  html`<a class="pin ${one.level}${named || one.level === 'alarm' ? ' named' : ''}" style=${placeAt(one)} href=${pageOf(one)}
    aria-label=${sayingOf(one)} data-place="${one.kind} ${one.id}"><${Sign} kind=${one.kind} /><span class="name" aria-hidden="true">${one.name}</span></a>`;

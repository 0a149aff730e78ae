/** How pages are written: htm's templates, Preact's hooks, signals. No text in them but through `t` and `label`. */
import { type Signal, useSignal } from '@preact/signals';
import htm from 'htm';
import { type ComponentChildren, h, type VNode } from 'preact';

export {
  computed,
  effect,
  type Signal,
  signal,
  useComputed,
  useSignal,
  useSignalEffect,
} from '@preact/signals';
export type { ComponentChildren, VNode } from 'preact';
export { useEffect, useMemo, useRef } from 'preact/hooks';

export const html = htm.bind(h) as (strings: TemplateStringsArray, ...values: unknown[]) => VNode;

/** What a page shows while somebody types into it. */
export type Field = Signal<string>;
export const useField = (initial = ''): Field => useSignal(initial);
export const typed = (field: Field) => (event: Event) => {
  field.value = (event.target as HTMLInputElement).value;
};
export type Children = { readonly children?: ComponentChildren };

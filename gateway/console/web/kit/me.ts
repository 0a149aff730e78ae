/** Who looks, and what they may. */
import { signal } from '@preact/signals';
import type { Me } from '../../contract/me.ts';

export const me = signal<Me | undefined>(undefined);
export const may = (right: Me['rights'][number]): boolean => me.value?.rights.includes(right) === true;
/** What a device or an area is called; its id where it has no name. */
export const nameOf = (id: string | undefined): string =>
  id === undefined ? '' : (me.value?.names[id] ?? id);

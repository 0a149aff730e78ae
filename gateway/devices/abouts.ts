/** What devices said that they are: maker, model, whether they turn. Known as long as the gateway runs. */
import { isDeepStrictEqual } from 'node:util';
import type { Log } from '../../drivers/contract/driver.ts';
import type { About } from '../../drivers/contract/inventory.ts';
import { signal } from '../lifecycle/signal.ts';

export interface Abouts {
  note(device: string, about: About): void;
  /** It is of the config no longer, or otherwise. */
  forget(device: string): void;
  of(device: string): About | undefined;
  /** Calls back after a device said what it did not say before. */
  onChanged(run: () => void): () => void;
}

/** Of a maker or a model, characters: more is nothing that people would read. */
const WORD_MAX = 100;

export function createAbouts(log: Log): Abouts {
  const known = new Map<string, About>();
  const changed = signal<[]>('what a device is', log);
  const short = (word: string | undefined) => word?.slice(0, WORD_MAX);
  return {
    note(device, { maker, model, firmware, serial, ptz }) {
      const about: About = {
        ...{ maker: short(maker), model: short(model), firmware: short(firmware), serial: short(serial) },
        ptz,
      };
      if (isDeepStrictEqual(known.get(device), about)) return;
      known.set(device, about);
      changed.tell();
    },
    forget(device) {
      if (known.delete(device)) changed.tell();
    },
    of: (device) => known.get(device),
    onChanged: changed.on,
  };
}

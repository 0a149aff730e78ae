/** A card reader on a serial line, as a serial server or a pty gives it: it says each card once and hears nothing. */
import { encodeCard, type Format } from '../drivers/wiegand/codec.ts';
import {
  actions,
  corrupter,
  lineFaults,
  number,
  type Simulator,
  serveWire,
  type WireEnd,
} from './simulator.ts';

export interface ReaderOptions {
  readonly id?: string;
  readonly end: WireEnd;
  readonly format: Format;
}

export async function startReader({ id = 'reader', end, format }: ReaderOptions): Promise<Simulator> {
  const faults = corrupter();
  const wire = await serveWire(end, () => () => {});
  /** It says each card once: what nobody heard is gone. */
  let wasAlone = false;
  const write = (bytes: Buffer) => {
    wasAlone ||= wire.peers.size === 0;
    for (const peer of wire.peers) peer.write(bytes);
  };
  const show = (card: string, facility = '1') =>
    write(faults.pass(encodeCard({ format, number: card, facility: number(facility, 0, 65_535) }, format)));
  return {
    id,
    unheard: () => (wasAlone ? 'gone' : undefined),
    ...actions(id, {
      'card NUMBER [FACILITY]': { help: 'show a card', run: show },
      'bounce NUMBER': {
        help: 'show a card five times in a moment, as readers do',
        run: (card) => {
          for (let i = 0; i < 5; i++) show(card);
        },
      },
      ...lineFaults(wire, faults, 'frame'),
    }),
    close: () => wire.close(),
  };
}

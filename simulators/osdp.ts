/** OSDP readers on one line: the other end of the standard, with the secure channel, and with faults. */
import { encodeWiegand, wiegandLayouts } from '../drivers/bits.ts';
import { osdpDecoder, replies } from '../drivers/osdp/codec.ts';
import { EVERYBODY } from './osdp/hardware.ts';
import { createReader, type OsdpReader, type SimulatedReader } from './osdp/reader.ts';
import {
  type Action,
  actions,
  corrupter,
  later,
  lineFaults,
  milliseconds,
  number,
  type Simulator,
  serveWire,
  type WireEnd,
} from './simulator.ts';

export type { OsdpReader } from './osdp/reader.ts';

export interface OsdpOptions {
  readonly end: WireEnd;
  readonly readers: readonly OsdpReader[];
  /** Called when a reader shows a text. */
  readonly shown?: (id: string, text: string) => void;
  /** Called for each question to a reader. */
  readonly asked?: (id: string) => void;
  /** Called when a light, a sound or a relay changes: `led green`, `buzzer 3`, `output 0 on 5s`. */
  readonly did?: (id: string, what: string) => void;
}

/** What is on the line when several answer at once: of one bit, 0 wins. */
const collide = ([first = Buffer.alloc(0), ...others]: readonly Buffer[]): Buffer =>
  others.reduce((sum, bytes) => {
    const [long, short] = sum.length < bytes.length ? [bytes, sum] : [sum, bytes];
    return Buffer.from(long.map((byte, i) => byte & (short[i] ?? 0xff)));
  }, first);

export async function startOsdpReaders({
  end,
  readers: given,
  shown = () => {},
  did = () => {},
  asked = () => {},
}: OsdpOptions): Promise<readonly Simulator[]> {
  const faults = corrupter();
  const met = new Set<string>();
  const readers = given.map((reader) =>
    createReader(reader, {
      shown: (text) => shown(reader.id, text),
      did: (what) => did(reader.id, what),
    }),
  );
  const wire = await serveWire(end, (peer) => {
    const decoder = osdpDecoder();
    return (chunk) => {
      for (const one of decoder.push(chunk)) {
        if (!('frame' in one) || one.frame.reply) continue;
        const { frame } = one;
        const meant = readers.filter(
          ({ address, mute }) => !mute && (address === frame.address || frame.address === EVERYBODY),
        );
        const [first] = meant;
        if (first === undefined) continue;
        for (const { id } of meant) {
          met.add(id);
          asked(id);
        }
        const answer = collide(meant.map((reader) => reader.answer(frame)));
        const say = () => peer.write(faults.pass(answer));
        const late = Math.max(...meant.map((reader) => reader.late));
        if (late > 0) later(late, say);
        else say();
      }
    };
  });

  let closing: Promise<void> | undefined;
  return readers.map((reader) => ({
    id: reader.id,
    unheard: () => (met.has(reader.id) ? undefined : 'unasked'),
    ...actions(reader.id, {
      ...readerActions(reader),
      ...troubleActions(reader),
      ...lineFaults(wire, faults, 'answer'),
    }),
    close() {
      closing ??= wire.close();
      return closing;
    },
  }));
}

/** A card of any bits, 0 and 1. */
function showBits(reader: SimulatedReader, bits: string) {
  const bytes = bits.match(/.{1,8}/g)?.map((part) => Number.parseInt(part.padEnd(8, '0'), 2)) ?? [];
  reader.tell(replies.RAW, Buffer.from([0, 0, bits.length & 0xff, bits.length >> 8, ...bytes]));
}

/** What somebody does at it. */
const readerActions = (reader: SimulatedReader): Readonly<Record<string, Action>> => ({
  'card NUMBER [FACILITY]': {
    help: 'show a card of 26 bits',
    run: (card, facility = '1') =>
      showBits(
        reader,
        encodeWiegand(
          { number: String(number(card, 0, 1e9) % 65_536), facility: number(facility, 0, 255) },
          wiegandLayouts.wiegand26,
        ),
      ),
  },
  'raw BITS': { help: 'show a card of any bits, 0 and 1', run: (bits) => showBits(reader, bits) },
  'text NUMBER': {
    help: 'show a card as characters (FMT)',
    run: (card) => {
      const characters = Buffer.from(card, 'latin1');
      reader.tell(replies.FMT, Buffer.from([0, 0, characters.length, ...characters]));
    },
  },
  'keys DIGITS': {
    help: 'press keys, e.g. 1234#',
    run: (keys) => {
      const pressed = [...keys].map((key) => ({ '*': 0x7f, '#': 0x0d })[key] ?? key.charCodeAt(0));
      reader.tell(replies.KEYPAD, Buffer.from([0, pressed.length, ...pressed]));
    },
  },
  'pass [TIME]': {
    help: 'go through the door: the contact of input 0 opens, and closes after a time, 1s by default',
    run: (time = '1s') => {
      reader.setInput(0, false);
      later(milliseconds(time), () => reader.setInput(0, true));
    },
  },
  'close INPUT': {
    help: 'close the contact of an input, 0 or 1',
    run: (input) => reader.setInput(number(input, 0, 1), true),
  },
  'open INPUT': { help: 'open it', run: (input) => reader.setInput(number(input, 0, 1), false) },
  tamper: { help: 'take it off the wall', run: () => reader.change('tamper', true) },
  'tamper-restore': { help: 'put it back', run: () => reader.change('tamper', false) },
  'head-tamper': {
    help: 'take its head off, where that is apart (RSTATR)',
    run: () => reader.change('head', true),
  },
  'head-restore': { help: 'put it back', run: () => reader.change('head', false) },
  'mains-lost': { help: 'lose the power', run: () => reader.change('power', true) },
  'mains-back': { help: 'get it back', run: () => reader.change('power', false) },
});

/** What goes wrong with it. */
const troubleActions = (reader: SimulatedReader): Readonly<Record<string, Action>> => ({
  restart: {
    help: 'restart, as after a power cut: it forgets the session and what it had to tell',
    run: () => reader.restart(),
  },
  'silent TIME': {
    help: 'answer nothing for a time',
    run: (time) => {
      reader.mute = true;
      later(milliseconds(time), () => {
        reader.mute = false;
      });
    },
  },
  'busy TIME [NUMBER]': {
    help: 'answer BUSY for a time, under the number 0 or, with `own`, that of the question',
    run: (time, number = '0') => {
      if (number !== '0' && number !== 'own') throw new Error(`"${number}" is neither 0 nor own`);
      reader.busy = number === '0' ? 'zero' : 'own';
      later(milliseconds(time), () => {
        reader.busy = undefined;
      });
    },
  },
  'late TIME': {
    help: 'begin each answer so late, 0ms: at once',
    run: (time) => {
      reader.late = milliseconds(time);
    },
  },
  'refuse CODE': {
    help: 'refuse the next question (NAK); 1: the check was wrong, 4: the number, 6: it needs the secure channel',
    run: (code) => {
      reader.refuseNext = number(code, 1, 9);
    },
  },
});

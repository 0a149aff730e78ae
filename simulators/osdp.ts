/** OSDP readers on one line: the other end of the standard, with the secure channel, and with faults. */
import { randomBytes } from 'node:crypto';
import { encodeWiegand, wiegandLayouts } from '../drivers/bits.ts';
import { commands, encodeOsdp, type OsdpFrame, osdpDecoder, replies } from '../drivers/osdp/codec.ts';
import {
  cryptograms,
  DEFAULT_KEY,
  initialMac,
  type SecureChannel,
  secureChannel,
  sessionKeys,
} from '../drivers/osdp/secure.ts';
import {
  actions,
  corrupter,
  lineFaults,
  milliseconds,
  number,
  type Simulator,
  serveWire,
  type WireEnd,
} from './simulator.ts';

export interface OsdpReader {
  readonly id: string;
  readonly address: number;
  /** Its own key; without one it has the one that everybody knows. */
  readonly key?: Uint8Array | undefined;
}

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

/** NAK, error code 6: a command that needs the secure channel; 4: the sequence. */
const NAK_SECURITY = 6;
const NAK_SEQUENCE = 4;
const NAK_UNKNOWN = 3;

interface State {
  readonly reader: OsdpReader;
  address: number;
  /** undefined: the one that everybody knows. */
  key: Uint8Array | undefined;
  /** From the next handshake on. */
  nextKey: Uint8Array | undefined;
  /** After this answer, as COMSET asks. */
  nextAddress: number | undefined;
  readonly inputs: boolean[];
  /** To be told at the next polls, oldest first. */
  events: { readonly code: number; readonly data: Buffer }[];
  /** Told, and not known to have been heard: the next question, with another number, says so. */
  told: { readonly code: number; readonly data: Buffer } | undefined;
  /** The last question's number and the answer to it: the same question again gets the same answer. */
  last: { readonly sequence: number; readonly answer: Buffer } | undefined;
  channel: SecureChannel | undefined;
  hostRandom: Uint8Array | undefined;
  readerRandom: Buffer;
  tamper: boolean;
  power: boolean;
  mute: boolean;
}

export async function startOsdpReaders({
  end,
  readers,
  shown = () => {},
  did = () => {},
  asked = () => {},
}: OsdpOptions): Promise<readonly Simulator[]> {
  const faults = corrupter();
  const states = readers.map(
    (reader): State => ({
      reader,
      address: reader.address,
      key: reader.key,
      nextKey: undefined,
      nextAddress: undefined,
      inputs: [false, false],
      events: [],
      told: undefined,
      last: undefined,
      channel: undefined,
      hostRandom: undefined,
      readerRandom: randomBytes(8),
      tamper: false,
      power: false,
      mute: false,
    }),
  );
  const restart = (state: State) => {
    if (state.told !== undefined) state.events.unshift(state.told);
    state.told = undefined;
    Object.assign(state, {
      last: undefined,
      channel: undefined,
      hostRandom: undefined,
      readerRandom: randomBytes(8),
    });
  };
  const none = Buffer.alloc(0);
  const inputsOf = ({ inputs }: State) => Buffer.from(inputs.map(Number));
  const local = ({ tamper, power }: State) => Buffer.of(tamper ? 1 : 0, power ? 1 : 0);

  /** What the reader says to a question in clear. */
  const answerTo = (state: State, { code, data }: OsdpFrame): { code: number; data: Buffer } => {
    switch (code) {
      case commands.POLL:
        state.told = state.events.shift();
        return state.told ?? { code: replies.ACK, data: none };
      case commands.ID:
        return { code: replies.PDID, data: Buffer.from('00008001000000000001000203', 'hex').subarray(0, 12) };
      case commands.CAP:
        // Two inputs, two relays, one LED, a buzzer, one text of 16 characters, AES-128.
        return { code: replies.PDCAP, data: Buffer.from('010102020102040101050101060101090101', 'hex') };
      case commands.LSTAT:
        return { code: replies.LSTATR, data: local(state) };
      case commands.TEXT:
        shown(state.reader.id, Buffer.from(data.subarray(6, 6 + (data[5] ?? 0))).toString('ascii'));
        return { code: replies.ACK, data: none };
      case commands.ISTAT:
        return { code: replies.ISTATR, data: inputsOf(state) };
      case commands.LED:
        did(state.reader.id, `led ${['off', 'red', 'green', 'amber'][data[5] ?? 0] ?? 'other'}`);
        return { code: replies.ACK, data: none };
      case commands.BUZ:
        did(state.reader.id, `buzzer ${data[4]}`);
        return { code: replies.ACK, data: none };
      case commands.OUT: {
        const [output = 0, control = 0, low = 0, high = 0] = data;
        const words =
          { 1: 'off', 2: 'on', 5: `on ${(low + high * 256) / 10}s` }[control] ?? `control ${control}`;
        did(state.reader.id, `output ${output} ${words}`);
        return { code: replies.ACK, data: none };
      }
      case commands.KEYSET:
        // Only under the secure channel, only a key of 16 bytes.
        if (state.channel === undefined || data[0] !== 1 || data[1] !== 16 || data.length !== 18)
          return { code: replies.NAK, data: Buffer.of(NAK_SECURITY) };
        state.nextKey = Uint8Array.from(data.subarray(2));
        return { code: replies.ACK, data: none };
      case commands.COMSET:
        state.nextAddress = data[0];
        return { code: replies.COM, data: Buffer.from(data) };
      default:
        return { code: replies.NAK, data: Buffer.of(NAK_UNKNOWN) };
    }
  };

  /** The handshake: the two questions that are in clear under a key. */
  const shake = (state: State, frame: OsdpFrame): OsdpFrame | undefined => {
    if (frame.code === commands.CHLNG && state.nextKey !== undefined) {
      state.key = state.nextKey;
      state.nextKey = undefined;
    }
    const key = state.key ?? DEFAULT_KEY;
    const { address, sequence } = frame;
    const common = { address, reply: true, sequence, crc: true };
    if (frame.code === commands.CHLNG && frame.data.length === 8) {
      state.channel = undefined;
      state.hostRandom = Uint8Array.from(frame.data);
      const { client } = cryptograms(
        sessionKeys(key, state.hostRandom),
        state.hostRandom,
        state.readerRandom,
      );
      const data = Buffer.concat([Buffer.from('0102030405060708', 'hex'), state.readerRandom, client]);
      return { ...common, security: Uint8Array.of(0x12, 1), code: replies.CCRYPT, data };
    }
    if (frame.code !== commands.SCRYPT || state.hostRandom === undefined) return undefined;
    const keys = sessionKeys(key, state.hostRandom);
    const { server } = cryptograms(keys, state.hostRandom, state.readerRandom);
    if (!server.equals(frame.data)) return undefined;
    const mac = initialMac(keys, server);
    state.channel = secureChannel(keys, mac);
    return { ...common, security: Uint8Array.of(0x14, 1), code: replies.RMAC_I, data: mac };
  };

  const take = (state: State, frame: OsdpFrame): Buffer => {
    const { address, sequence } = frame;
    const nak = (reason: number): OsdpFrame => ({
      address,
      reply: true,
      sequence,
      crc: true,
      code: replies.NAK,
      data: Buffer.of(reason),
    });
    // 5.9: the same number again is the same question; 0 begins anew.
    if (sequence !== 0 && state.last?.sequence === sequence) return state.last.answer;
    if (sequence === 0) restart(state);
    else state.told = undefined;
    const made = (): OsdpFrame => {
      if (sequence !== 0 && (state.last === undefined || sequence !== (state.last.sequence % 3) + 1)) {
        restart(state);
        return nak(NAK_SEQUENCE);
      }
      const shaken =
        frame.security !== undefined && (frame.security[0] ?? 0) < 0x15 ? shake(state, frame) : undefined;
      if (shaken !== undefined) return shaken;
      if (state.channel === undefined) {
        // With a key of its own a reader says nothing in clear but that it is there.
        if (frame.security !== undefined || (state.key !== undefined && frame.code !== commands.POLL))
          return nak(NAK_SECURITY);
        if (state.key !== undefined) return { ...nak(0), code: replies.ACK, data: none };
        return { ...nak(0), ...answerTo(state, frame) };
      }
      const opened = state.channel.open(frame);
      if (opened === undefined) {
        state.channel = undefined;
        return nak(NAK_SECURITY);
      }
      const { code, data } = answerTo(state, opened);
      return state.channel.seal({ address, reply: true, sequence, crc: true, code, data });
    };
    const answer = encodeOsdp(made());
    state.last = { sequence, answer };
    return answer;
  };

  const wire = await serveWire(end, (peer) => {
    const decoder = osdpDecoder();
    return (chunk) => {
      for (const one of decoder.push(chunk)) {
        if (!('frame' in one) || one.frame.reply) continue;
        const { frame } = one;
        const state = states.find(({ address }) => address === frame.address);
        if (state === undefined || state.mute) continue;
        asked(state.reader.id);
        peer.write(faults.pass(take(state, frame)));
        state.address = state.nextAddress ?? state.address;
        state.nextAddress = undefined;
      }
    };
  });

  let closing: Promise<void> | undefined;
  return states.map((state) => {
    const { id } = state.reader;
    const tell = (bits: string) => {
      const bytes = bits.match(/.{1,8}/g)?.map((part) => Number.parseInt(part.padEnd(8, '0'), 2)) ?? [];
      state.events.push({
        code: replies.RAW,
        data: Buffer.from([0, 0, bits.length & 0xff, bits.length >> 8, ...bytes]),
      });
    };
    const setInput = (input: string, closed: boolean) => {
      state.inputs[number(input, 0, 1)] = closed;
      state.events.push({ code: replies.ISTATR, data: inputsOf(state) });
    };
    const change = (what: 'tamper' | 'power', on: boolean) => {
      state[what] = on;
      state.events.push({ code: replies.LSTATR, data: local(state) });
    };
    return {
      id,
      ...actions(id, {
        'card NUMBER [FACILITY]': {
          help: 'show a card of 26 bits',
          run: (card, facility = '1') =>
            tell(
              encodeWiegand(
                { number: String(number(card, 0, 1e9) % 65_536), facility: number(facility, 0, 255) },
                wiegandLayouts.wiegand26,
              ),
            ),
        },
        'raw BITS': { help: 'show a card of any bits, 0 and 1', run: (bits) => tell(bits) },
        'text NUMBER': {
          help: 'show a card as characters (FMT)',
          run: (card) => {
            const characters = Buffer.from(card, 'latin1');
            state.events.push({
              code: replies.FMT,
              data: Buffer.from([0, 0, characters.length, ...characters]),
            });
          },
        },
        'keys DIGITS': {
          help: 'press keys, e.g. 1234#',
          run: (keys) => {
            const pressed = [...keys].map((key) => ({ '*': 0x7f, '#': 0x0d })[key] ?? key.charCodeAt(0));
            state.events.push({ code: replies.KEYPAD, data: Buffer.from([0, pressed.length, ...pressed]) });
          },
        },
        'pass [TIME]': {
          help: 'go through the door: the contact of input 0 opens, and closes after a time, 1s by default',
          run: (time = '1s') => {
            setInput('0', false);
            setTimeout(() => setInput('0', true), milliseconds(time)).unref();
          },
        },
        'close INPUT': {
          help: 'close the contact of an input, 0 or 1',
          run: (input) => setInput(input, true),
        },
        'open INPUT': { help: 'open it', run: (input) => setInput(input, false) },
        tamper: { help: 'take it off the wall', run: () => change('tamper', true) },
        'tamper-restore': { help: 'put it back', run: () => change('tamper', false) },
        'mains-lost': { help: 'lose the power', run: () => change('power', true) },
        'mains-back': { help: 'get it back', run: () => change('power', false) },
        restart: {
          help: 'restart, as after a power cut: it forgets the session and what it had to tell',
          run: () => {
            restart(state);
            state.events = [];
          },
        },
        'silent TIME': {
          help: 'answer nothing for a time',
          run: (time) => {
            state.mute = true;
            setTimeout(() => {
              state.mute = false;
            }, milliseconds(time)).unref();
          },
        },
        ...lineFaults(wire, faults, 'answer'),
      }),
      close() {
        closing ??= wire.close();
        return closing;
      },
    };
  });
}

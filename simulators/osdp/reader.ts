/** One simulated reader: its inputs, its case, and what it has to tell at the next polls. */
import { commands, type OsdpFrame, replies } from '../../drivers/osdp/codec.ts';
import { createSession, NAK_SECURITY, type Reply } from './session.ts';

export interface OsdpReader {
  readonly id: string;
  readonly address: number;
  /** Its own key; without one it has the one that everybody knows. */
  readonly key?: Uint8Array | undefined;
}

export interface SimulatedReader {
  readonly id: string;
  readonly address: number;
  /** It answers nothing. */
  mute: boolean;
  /** A question -> the bytes that answer it. */
  answer(frame: OsdpFrame): Buffer;
  /** Has something to tell. */
  tell(code: number, data: Buffer): void;
  setInput(input: number, closed: boolean): void;
  /** True: it is wrong. */
  change(what: 'tamper' | 'power', wrong: boolean): void;
  /** Forgets the session and what it had to tell. */
  restart(): void;
}

const NAK_UNKNOWN = 3;
const ACK: Reply = { code: replies.ACK, data: Buffer.alloc(0) };

export function createReader(
  { id, address: first, key }: OsdpReader,
  on: { readonly shown: (text: string) => void; readonly did: (what: string) => void },
): SimulatedReader {
  let address = first;
  /** After this answer, as COMSET asks. */
  let nextAddress: number | undefined;
  const inputs = [false, false];
  /** As they were told last; a time that ends is not followed. */
  const outputs = [false, false];
  const wrong = { tamper: false, power: false };
  /** To be told at the next polls, oldest first. */
  let events: Reply[] = [];
  /** Told, and not known to have been heard: the next question, with another number, says so. */
  let told: Reply | undefined;
  const contacts = () => Buffer.from(inputs.map(Number));
  const local = () => Buffer.of(wrong.tamper ? 1 : 0, wrong.power ? 1 : 0);

  const question = ({ code, data }: OsdpFrame): Reply => {
    switch (code) {
      case commands.POLL:
        told = events.shift();
        return told ?? ACK;
      case commands.ID:
        return { code: replies.PDID, data: Buffer.from('00008001000000000001000203', 'hex').subarray(0, 12) };
      case commands.CAP:
        // Two inputs, two relays, one LED, a buzzer, one text of 16 characters, AES-128.
        return { code: replies.PDCAP, data: Buffer.from('010102020102040101050101060101090101', 'hex') };
      case commands.LSTAT:
        return { code: replies.LSTATR, data: local() };
      case commands.TEXT:
        on.shown(Buffer.from(data.subarray(6, 6 + (data[5] ?? 0))).toString('ascii'));
        return ACK;
      case commands.ISTAT:
        return { code: replies.ISTATR, data: contacts() };
      case commands.OSTAT:
        return { code: replies.OSTATR, data: Buffer.from(outputs.map(Number)) };
      case commands.LED:
        on.did(`led ${['off', 'red', 'green', 'amber'][data[5] ?? 0] ?? 'other'}`);
        return ACK;
      case commands.BUZ:
        on.did(`buzzer ${data[4]}`);
        return ACK;
      case commands.OUT: {
        const [output = 0, control = 0, low = 0, high = 0] = data;
        const words =
          { 1: 'off', 2: 'on', 5: `on ${(low + high * 256) / 10}s` }[control] ?? `control ${control}`;
        on.did(`output ${output} ${words}`);
        if (output < outputs.length) outputs[output] = control !== 1;
        return ACK;
      }
      case commands.KEYSET:
        // Only under the secure channel, only a key of 16 bytes.
        if (!session.isSecure || data[0] !== 1 || data[1] !== 16 || data.length !== 18)
          return { code: replies.NAK, data: Buffer.of(NAK_SECURITY) };
        session.changeKey(Uint8Array.from(data.subarray(2)));
        return ACK;
      case commands.COMSET:
        nextAddress = data[0];
        return { code: replies.COM, data: Buffer.from(data) };
      default:
        return { code: replies.NAK, data: Buffer.of(NAK_UNKNOWN) };
    }
  };
  const session = createSession(key, {
    question,
    heard() {
      told = undefined;
    },
    restarted() {
      if (told !== undefined) events.unshift(told);
      told = undefined;
    },
  });
  const reader: SimulatedReader = {
    id,
    get address() {
      return address;
    },
    mute: false,
    answer(frame) {
      const answer = session.answer(frame);
      address = nextAddress ?? address;
      nextAddress = undefined;
      return answer;
    },
    tell: (code, data) => void events.push({ code, data }),
    setInput(input, closed) {
      inputs[input] = closed;
      reader.tell(replies.ISTATR, contacts());
    },
    change(what, isWrong) {
      wrong[what] = isWrong;
      reader.tell(replies.LSTATR, local());
    },
    restart() {
      session.restart();
      events = [];
    },
  };
  return reader;
}

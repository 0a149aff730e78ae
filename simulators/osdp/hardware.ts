/** What a simulated reader is made of: contacts, relays, lights, its case; and what it says to a question. */
import { commands, type OsdpFrame, replies } from '../../drivers/osdp/codec.ts';
import { createOutputs } from './outputs.ts';
import type { Reply } from './session.ts';

/** NAK, error codes (7.3). */
export const NAK_LENGTH = 2;
const NAK_UNKNOWN = 3;
export const NAK_RECORD = 9;
/** RSTATR: the reader's head was tampered with. */
const HEAD_TAMPERED = 2;
const INPUTS = 2;
const OUTPUTS = 2;
/** The address that each reader answers, under it: for a line with one. */
export const EVERYBODY = 0x7f;
/** Bytes of data that a command has; a list of commands has a multiple of it. ID and CAP come with and without theirs. */
const LENGTHS: Readonly<Record<number, number>> = {
  [commands.POLL]: 0,
  [commands.LSTAT]: 0,
  [commands.ISTAT]: 0,
  [commands.OSTAT]: 0,
  [commands.RSTAT]: 0,
  [commands.BUZ]: 5,
  [commands.COMSET]: 5,
  [commands.KEYSET]: 18,
};
const LED_BYTES = 14;
const RECORDS: Readonly<Record<number, number>> = { [commands.OUT]: 4, [commands.LED]: LED_BYTES };
const BAUD_RATES = [9600, 19_200, 38_400, 57_600, 115_200, 230_400];
const COLOURS = ['off', 'red', 'green', 'amber'];

export const nak = (error: number): Reply => ({ code: replies.NAK, data: Buffer.of(error) });
export const ACK: Reply = { code: replies.ACK, data: Buffer.alloc(0) };

/** PDCAP: function code, level, number. */
const capabilities = (checksum: boolean): Buffer =>
  Buffer.from([
    ...[1, 1, INPUTS],
    ...[2, 1, OUTPUTS],
    // Cards as bits.
    ...[3, 1, 0],
    // One LED of two colours, a buzzer that is on and off, one text of 16 characters.
    ...[4, 1, 1],
    ...[5, 1, 1],
    ...[6, 1, 1],
    // 0: checksums only; 1: CRC too.
    ...[8, checksum ? 0 : 1, 0],
    // AES-128, the key that everybody knows until it has its own.
    ...[9, 1, 1],
    // One reader's head.
    ...[13, 0, 1],
  ]);

export function lengthIsWrong(code: number, data: Uint8Array): boolean {
  const { length } = data;
  const [exact, each] = [LENGTHS[code], RECORDS[code]];
  if (code === commands.TEXT) return length < 6 || length !== 6 + (data[5] ?? 0);
  return (
    (exact !== undefined && length !== exact) || (each !== undefined && (length === 0 || length % each !== 0))
  );
}

/** What LED commands show, 14 bytes each: for a time, and what rests. */
const lights = (data: Uint8Array): string[] =>
  Array.from({ length: data.length / LED_BYTES }, (_, i) => {
    const one = data.subarray(i * LED_BYTES, (i + 1) * LED_BYTES);
    const [temporary, shown, permanent, rests] = [one[2] ?? 0, one[5] ?? 0, one[9] ?? 0, one[12] ?? 0];
    return [
      ...(temporary === 0 ? [] : [`led ${COLOURS[shown] ?? 'other'}`]),
      ...(permanent === 0 ? [] : [`led rests ${COLOURS[rests] ?? 'other'}`]),
    ];
  }).flat();

/** Whether COMSET asks for an address and a speed that there are; else it is answered with those that stay. */
const canSpeak = (data: Uint8Array): boolean =>
  (data[0] ?? EVERYBODY) < EVERYBODY && BAUD_RATES.includes(Buffer.from(data).readUInt32LE(1));

export interface Hardware {
  readonly address: number;
  /** All but what concerns the session. */
  question(frame: OsdpFrame): Reply;
  /** Its answer has gone: a new address counts from now on. */
  answered(): void;
  /** Has something to tell at the next polls. */
  tell(code: number, data: Buffer): void;
  setInput(input: number, closed: boolean): void;
  /** True: it is wrong. `head`: the reader's head, where that is apart. */
  change(what: 'tamper' | 'power' | 'head', wrong: boolean): void;
  /** The other end has what was told last; or nobody knows whether it has. */
  heard(): void;
  restarted(): void;
  /** Forgets what it had to tell. */
  forget(): void;
}

export function createHardware(
  first: number,
  checksum: boolean,
  on: { readonly shown: (text: string) => void; readonly did: (what: string) => void },
): Hardware {
  let address = first;
  let baudRate = 9600;
  /** After this answer, as COMSET asks. */
  let nextAddress: number | undefined;
  const inputs = Array.from({ length: INPUTS }, () => false);
  const outputs = createOutputs(OUTPUTS, on.did);
  const wrong = { tamper: false, power: false, head: false };
  /** To be told at the next polls, oldest first. */
  let events: Reply[] = [];
  /** Told, and not known to have been heard: the next question, with another number, says so. */
  let told: Reply | undefined;
  const contacts = () => Buffer.from(inputs.map(Number));
  const local = () => Buffer.of(wrong.tamper ? 1 : 0, wrong.power ? 1 : 0);
  const head = () => Buffer.of(wrong.head ? HEAD_TAMPERED : 0);
  const tell = (code: number, data: Buffer) => void events.push({ code, data });
  /** COMSET: answered with what will be, which is what was where there is no such speed or address. */
  const setLine = (data: Uint8Array): Reply => {
    if (canSpeak(data)) {
      nextAddress = data[0];
      baudRate = Buffer.from(data).readUInt32LE(1);
    }
    const answer = Buffer.of(nextAddress ?? address, 0, 0, 0, 0);
    answer.writeUInt32LE(baudRate, 1);
    return { code: replies.COM, data: answer };
  };
  const question = ({ code, data }: OsdpFrame): Reply => {
    if (lengthIsWrong(code, data)) return nak(NAK_LENGTH);
    switch (code) {
      case commands.POLL:
        told = events.shift();
        return told ?? ACK;
      case commands.ID:
        return { code: replies.PDID, data: Buffer.from('000080010000000000010002', 'hex') };
      case commands.CAP:
        return { code: replies.PDCAP, data: capabilities(checksum) };
      case commands.LSTAT:
        return { code: replies.LSTATR, data: local() };
      case commands.RSTAT:
        return { code: replies.RSTATR, data: head() };
      case commands.ISTAT:
        return { code: replies.ISTATR, data: contacts() };
      case commands.OSTAT:
        return { code: replies.OSTATR, data: outputs.state() };
      case commands.OUT:
        return outputs.switch(data) ? ACK : nak(NAK_RECORD);
      case commands.TEXT:
        on.shown(Buffer.from(data.subarray(6)).toString('ascii'));
        return ACK;
      case commands.LED:
        for (const what of lights(data)) on.did(what);
        return ACK;
      case commands.BUZ:
        on.did(`buzzer ${data[4]}`);
        return ACK;
      case commands.COMSET:
        return setLine(data);
      default:
        return nak(NAK_UNKNOWN);
    }
  };
  return {
    get address() {
      return address;
    },
    question,
    answered() {
      address = nextAddress ?? address;
      nextAddress = undefined;
    },
    tell,
    setInput(input, closed) {
      inputs[input] = closed;
      tell(replies.ISTATR, contacts());
    },
    change(what, isWrong) {
      wrong[what] = isWrong;
      if (what === 'head') tell(replies.RSTATR, head());
      else tell(replies.LSTATR, local());
    },
    heard() {
      told = undefined;
    },
    restarted() {
      if (told !== undefined) events.unshift(told);
      told = undefined;
    },
    forget() {
      events = [];
    },
  };
}

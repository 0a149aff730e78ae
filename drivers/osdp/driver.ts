/**
 * OSDP readers (IEC 60839-11-5), the control panel's side: many readers on one RS-485 line.
 *
 * The line is asked one question at a time, the readers in turn. One that does not answer costs the others a timeout
 * now and then (it backs off alone), one that has much to tell no more than its turn. A frame that was not answered
 * is sent again under the same sequence, so that a card whose answer was lost on the line is told again by the reader
 * and counts once. A card is acknowledged by the next question with the next number, and that waits for the disk.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { wiegandFormats } from '../bits.ts';
import { type Device, defineDriver, type Host, type Outcome } from '../contract/driver.ts';
import type { Credential } from '../contract/observation.ts';
import { duration, zoneOf, zoneOptions } from '../contract/options.ts';
import { lineConnection, lineName, openLine } from '../line.ts';
import { commands, encodeOsdp, type OsdpFrame, osdpDecoder, replies } from './codec.ts';
import {
  cardOf,
  idOf,
  keysOf,
  lacksOf,
  type Order,
  outputOptions,
  readerCommands,
  switchOutput,
  textCardOf,
  wantedOf,
} from './data.ts';
import {
  cryptograms,
  DEFAULT_KEY,
  initialMac,
  type SecureChannel,
  secureChannel,
  sessionKeys,
} from './secure.ts';

const options = z.strictObject({
  connection: lineConnection.describe('`serial` with its settings, usually 9600 8N1, or `serialServer`'),
  address: z.int().min(0).max(126).default(0).describe('Of the reader on its line'),
  keyFile: z
    .string()
    .optional()
    .describe(
      '32 hex digits, its own key (SCBK): the secure channel is then a must. Without it the line is in clear',
    ),
  bounce: duration().prefault('2s').describe('The same card again within this time is the same showing'),
  defaultKey: z
    .boolean()
    .default(false)
    .describe(
      'Secure channel with the key that everybody knows (SCBK-D): a fault is reported as long as it is so',
    ),
  formats: wiegandFormats(),
  inputs: z
    .array(
      zoneOptions.extend({
        input: z.int().min(0).max(255).describe('Its number in the reader, from 0'),
        normal: z.enum(['open', 'closed']).default('open').describe('How its contact is when all is quiet'),
      }),
    )
    .default([])
    .describe('Contacts at the reader; `kind` is by default `contact`, that of a door'),
  outputs: z.array(outputOptions).default([]).describe('Relays of the reader'),
});
type Reader = Device<z.output<typeof options>>;

/** 5.6: a reader answers within 200 ms. */
const REPLY_MS = 200;
/** 5.7: one that is silent for 8 s is offline. */
const OFFLINE_MS = 8000;
/** From the start of one turn of a reader to its next. */
const TURN_MS = 50;
/** How soon a reader is looked at again whose word is on its way to the disk. */
const STORING_MS = 2;
const TRIES = 3;
const BACKOFF_MAX_MS = 2000;
/** NAK, error code: 4 sequence, 5 secure channel not supported, 6 security conditions not met. */
const NAK_RESTART = [4, 5, 6];

/** A reader's session: what both ends must agree on. */
interface State {
  readonly reader: Reader;
  readonly key: Buffer | undefined;
  sequence: number;
  channel: SecureChannel | undefined;
  /** What it was asked once since it came back. */
  greeted: boolean;
  heardAt: number;
  nextAt: number;
  misses: number;
  /** undefined: not known yet. */
  online: boolean | undefined;
  /** What it told is on its way to the disk. */
  storing: boolean;
  /** It told something, and may have more to tell. */
  telling: boolean;
  readonly queue: (Order & { readonly resolve: (outcome: Outcome) => void })[];
  /** Tamper and power as reported last. */
  readonly local: Map<'tamper' | 'power', boolean>;
  /** Inputs as reported last, by their number. */
  readonly inputs: Map<number, boolean>;
  /** Until when (`elapsed`) an output is on, by its number. */
  readonly on: Map<number, number>;
  /** Commands for what it says it has not. */
  lacks: ReadonlySet<number>;
  /** Keys pressed so far. */
  keys: { readonly pressed: string; readonly at: number };
}

/** The key of a file. @throws Error with a sentence. */
function readKey(file: string): Buffer {
  const text = readFileSync(file, 'utf8').trim();
  if (!/^[0-9A-Fa-f]{32}$/.test(text)) throw new Error(`${file}: a key is 32 hex digits`);
  return Buffer.from(text, 'hex');
}

export const osdp = defineDriver({
  name: 'osdp',
  title: { en: 'OSDP card readers (RS-485)', zh: 'OSDP 读卡器（RS-485）' },
  options,
  line: ({ options: { connection } }) => lineName(connection),
  commands: ({ options: { outputs } }) => readerCommands(outputs),

  problems({ options: { keyFile, defaultKey } }) {
    if (keyFile === undefined) return [];
    if (defaultKey) return [{ path: ['defaultKey'], message: 'stands beside keyFile; keep one' }];
    try {
      readKey(keyFile);
      return [];
    } catch (error) {
      return [{ path: ['keyFile'], message: (error as Error).message }];
    }
  },

  async open(devices, host) {
    const { clock } = host;
    const [first] = devices as readonly Reader[];
    const stop = new AbortController();
    const decoder = osdpDecoder();
    let answer: ((frame: OsdpFrame) => void) | undefined;
    const take = (decoded: ReturnType<typeof decoder.push>) => {
      for (const one of decoded) {
        if ('discarded' in one) host.discarded(first?.id ?? '', one.reason, one.discarded);
        // Our own words, as half-duplex converters echo them, are no answers.
        else if (one.frame.reply) answer?.(one.frame);
      }
    };
    const line = await openLine((first as Reader).options.connection, host, (chunk) =>
      take(decoder.push(chunk)),
    );
    const states = (devices as readonly Reader[]).map((reader): State => {
      const { keyFile, defaultKey } = reader.options;
      return {
        reader,
        key: keyFile !== undefined ? readKey(keyFile) : defaultKey ? DEFAULT_KEY : undefined,
        sequence: 0,
        channel: undefined,
        greeted: false,
        heardAt: clock.elapsed(),
        nextAt: 0,
        misses: 0,
        online: undefined,
        storing: false,
        telling: false,
        queue: [],
        local: new Map(),
        inputs: new Map(),
        on: new Map(),
        lacks: new Set(),
        keys: { pressed: '', at: 0 },
      };
    });

    /** Writes a frame and waits for the answer of this reader under this number; undefined: none came. */
    const exchange = async (frame: OsdpFrame): Promise<OsdpFrame | undefined> => {
      take(decoder.silence());
      const { promise, resolve } = Promise.withResolvers<OsdpFrame | undefined>();
      answer = (got) => {
        if (got.address === frame.address && got.sequence === frame.sequence) resolve(got);
        else host.discarded(first?.id ?? '', 'an answer that nobody awaits', got.data.length);
      };
      // The time of the bytes on the line comes on top.
      const bytes = encodeOsdp(frame);
      const timer = clock.after(REPLY_MS + bytes.length * 2, () => resolve(undefined));
      try {
        await line.write(Buffer.concat([Buffer.of(0xff), bytes]));
        return await promise;
      } finally {
        timer.stop();
        answer = undefined;
      }
    };

    /** Asks one thing, the same again where no answer comes. undefined: the reader is not there, or starts over. */
    const ask = async (state: State, code: number, data: Uint8Array): Promise<OsdpFrame | undefined> => {
      const plain = {
        address: state.reader.options.address,
        reply: false,
        sequence: state.sequence,
        crc: true,
        code,
        data,
      };
      const frame = state.channel === undefined ? plain : state.channel.seal(plain);
      for (let tries = 0; tries < TRIES && !stop.signal.aborted; tries++) {
        const got = await exchange(frame);
        if (got === undefined) continue;
        if (got.code === replies.BUSY) return got;
        const opened = state.channel === undefined ? got : state.channel.open(got);
        if (opened === undefined) {
          // A NAK in clear says that the reader has no session any more, and needs no MAC for that.
          if (got.code !== replies.NAK) {
            host.discarded(state.reader.id, 'an answer that is not of the secure session', got.data.length);
            continue;
          }
          restart(state);
          return undefined;
        }
        state.sequence = (state.sequence % 3) + 1;
        if (opened.code === replies.NAK && NAK_RESTART.includes(opened.data[0] ?? 0)) {
          restart(state);
          return undefined;
        }
        return opened;
      }
      restart(state);
      return undefined;
    };
    const restart = (state: State) => {
      state.sequence = 0;
      state.channel = undefined;
      state.greeted = false;
    };

    /** The secure channel, in two questions. False: not now. */
    const secure = async (state: State, key: Buffer): Promise<boolean> => {
      const { address } = state.reader.options;
      const kind = key === DEFAULT_KEY ? 0 : 1;
      const hostRandom = randomBytes(8);
      const step = async (type: number, code: number, data: Uint8Array) => {
        const frame = {
          address,
          reply: false,
          sequence: state.sequence,
          crc: true,
          security: Uint8Array.of(type, kind),
          code,
          data,
        };
        for (let tries = 0; tries < TRIES; tries++) {
          const got = await exchange(frame);
          if (got === undefined) continue;
          state.sequence = (state.sequence % 3) + 1;
          return got;
        }
        return undefined;
      };
      const challenge = await step(0x11, commands.CHLNG, hostRandom);
      const fail = (reason: string) => {
        host.discarded(state.reader.id, reason, challenge?.data.length ?? 0);
        restart(state);
        return false;
      };
      if (challenge === undefined) return fail('no answer to a challenge');
      if (challenge.code !== replies.CCRYPT || challenge.data.length !== 32)
        return fail('the reader does not take the secure channel');
      const readerRandom = challenge.data.subarray(8, 16);
      const keys = sessionKeys(key, hostRandom);
      const { client, server } = cryptograms(keys, hostRandom, readerRandom);
      if (!client.equals(challenge.data.subarray(16))) return fail('the reader has another key');
      const confirmed = await step(0x13, commands.SCRYPT, server);
      const mac = initialMac(keys, server);
      if (confirmed?.code !== replies.RMAC_I || !mac.equals(confirmed.data))
        return fail('the reader has another key');
      state.channel = secureChannel(keys, mac);
      return true;
    };

    const greet = async (state: State): Promise<boolean> => {
      const { reader, key } = state;
      const first = await ask(state, commands.POLL, Buffer.alloc(0));
      if (first === undefined) return false;
      // It may tell at once what it could not tell before; under a key nothing in clear is believed.
      if (key === undefined) await takeReply(state, first, host);
      else if (!(await secure(state, key))) return false;
      const id = await ask(state, commands.ID, Buffer.of(0));
      if (id === undefined) return false;
      const about = id.code === replies.PDID ? idOf(id.data) : undefined;
      if (about !== undefined && state.online !== true)
        host.log.info({ device: reader.id, ...about }, 'a reader told who it is');
      const abilities = await ask(state, commands.CAP, Buffer.of(0));
      if (abilities?.code === replies.PDCAP) state.lacks = lacksOf(abilities.data);
      const status = await ask(state, commands.LSTAT, Buffer.alloc(0));
      if (status?.code === replies.LSTATR) await takeLocal(reader.id, state, status.data, host, true);
      if (reader.options.inputs.length > 0) {
        const inputs = await ask(state, commands.ISTAT, Buffer.alloc(0));
        if (inputs?.code === replies.ISTATR) await takeInputs(state, inputs.data, host, true);
      }
      // What should still be on is, everything else is at rest.
      for (const output of reader.options.outputs) {
        const left = (state.on.get(output.output) ?? 0) - clock.elapsed();
        const { code, data } = switchOutput(output, left === Number.POSITIVE_INFINITY ? undefined : left);
        if ((await ask(state, code, data)) === undefined) return false;
      }
      state.greeted = true;
      return true;
    };

    /** One turn of one reader. */
    const turn = async (state: State): Promise<boolean> => {
      if (!state.greeted) return await greet(state);
      const order = state.queue.shift();
      if (order !== undefined) {
        const got = await ask(state, order.code, order.data);
        order.resolve(outcomeOf(state, order, got));
        return got !== undefined;
      }
      const got = await ask(state, commands.POLL, Buffer.alloc(0));
      if (got === undefined) return false;
      // The others do not wait for the disk with this one; its own next question does.
      state.storing = true;
      state.telling = got.code !== replies.ACK;
      void takeReply(state, got, host)
        .catch(() => {})
        .finally(() => {
          state.storing = false;
        });
      return true;
    };

    const loop = async () => {
      while (!stop.signal.aborted) {
        const now = clock.elapsed();
        for (const state of states) checkSilence(state, now);
        const due = states.filter(({ nextAt, storing }) => nextAt <= now && !storing);
        if (due.length === 0) {
          const next = Math.min(
            ...states.map(({ nextAt, storing }) => (storing ? now + STORING_MS : nextAt)),
          );
          await clock.wait(Math.max(1, Math.min(next - now, TURN_MS)), stop.signal);
          continue;
        }
        // Who has waited longest is first.
        const state = due.reduce((a, b) => (a.nextAt <= b.nextAt ? a : b));
        const begun = clock.elapsed();
        const heard = await turn(state).catch((error: Error) => {
          host.log.warn({ device: state.reader.id, error: error.message }, 'a turn of a reader failed');
          return false;
        });
        if (stop.signal.aborted) return;
        follow(state, heard, begun);
      }
    };
    const follow = (state: State, heard: boolean, begun: number) => {
      const now = clock.elapsed();
      if (heard) {
        state.heardAt = now;
        state.misses = 0;
        if (state.online !== true)
          fault(host, state.reader.id, state.key === DEFAULT_KEY ? 'raised' : 'restored');
        state.online = true;
        host.link(state.reader.id, 'online');
        // Others who have waited longer go first all the same.
        state.nextAt = state.telling || state.queue.length > 0 ? now : begun + TURN_MS;
        return;
      }
      state.misses++;
      state.nextAt = now + Math.min(BACKOFF_MAX_MS, TURN_MS * 2 ** state.misses);
    };
    const checkSilence = (state: State, now: number) => {
      if (now - state.heardAt < OFFLINE_MS || state.online === false) return;
      state.online = false;
      host.link(state.reader.id, 'offline', `address ${state.reader.options.address} does not answer`);
      for (const { resolve } of state.queue.splice(0))
        resolve({ done: false, reason: `${state.reader.id} does not answer` });
    };
    const running = loop();

    return {
      ended: Promise.race([line.ended, running.then(() => line.ended)]),
      execute: async (command) => {
        const state = states.find(({ reader }) => reader.id === command.device);
        if (state === undefined) return { done: false, reason: `there is no reader ${command.device}` };
        const wanted = wantedOf(command, state.reader.options.outputs);
        if (typeof wanted === 'string') return { done: false, reason: wanted };
        if (state.online !== true) return { done: false, reason: `${command.device} does not answer` };
        if ('output' in wanted) {
          const until = wanted.ms === undefined ? Number.POSITIVE_INFINITY : clock.elapsed() + wanted.ms;
          state.on.set(wanted.output.output, until);
        }
        const orders = 'orders' in wanted ? wanted.orders : [switchOutput(wanted.output, wanted.ms)];
        const able = orders.filter(({ code }) => !state.lacks.has(code));
        if (able.length === 0) return { done: false, reason: `${command.device} says that it cannot` };
        state.nextAt = Math.min(state.nextAt, clock.elapsed());
        const outcomes = await Promise.all(
          able.map((order) => new Promise<Outcome>((resolve) => state.queue.push({ ...order, resolve }))),
        );
        return outcomes.find(({ done }) => !done) ?? { done: true };
      },
      async close() {
        stop.abort();
        await running;
        await line.close();
      },
    };
  },
});

function outcomeOf({ reader }: State, order: Order, got: OsdpFrame | undefined): Outcome {
  if (got === undefined) return { done: false, reason: `${reader.id} does not answer`, unknown: true };
  if (got.code === replies.NAK) return { done: false, reason: `the reader refuses it (${got.data[0] ?? 0})` };
  // COM says what it will really use.
  if (order.code === commands.COMSET && !Buffer.from(order.data).equals(got.data))
    return { done: false, reason: `the reader will use ${Buffer.from(got.data).toString('hex')} instead` };
  return { done: true };
}

/** The known key is in use: whoever listens on the line can open the door. */
const fault = (host: Host, device: string, state: 'raised' | 'restored') =>
  void host.report({ device, kind: 'fault', cause: 'default-key', state, initial: true }).catch(() => {});

/** LSTATR (7.6): tamper, then power; 1 is wrong. */
async function takeLocal(device: string, state: State, data: Uint8Array, host: Host, initial: boolean) {
  for (const [i, kind] of (['tamper', 'power'] as const).entries()) {
    const raised = data[i] === 1;
    if (state.local.get(kind) === raised) continue;
    await host.report({ device, kind, state: raised ? 'raised' : 'restored', ...(initial && { initial }) });
    state.local.set(kind, raised);
  }
}

/** ISTATR: a byte for each input; 1 is active, its contact closed. */
async function takeInputs(state: State, data: Uint8Array, host: Host, initial: boolean) {
  const { id: device, options } = state.reader;
  for (const { input, normal, kind = 'contact', zone: number } of options.inputs) {
    const raised = (data[input] === 1) === (normal === 'open');
    if (data[input] === undefined || state.inputs.get(input) === raised) continue;
    await host.report({
      device,
      kind,
      zone: zoneOf(options.inputs, number),
      state: raised ? 'raised' : 'restored',
      ...(initial && { initial }),
    });
    state.inputs.set(input, raised);
  }
}

/** A code that stops in the middle is forgotten. */
const KEYS_WITHIN_MS = 10_000;
const KEYS_MAX = 16;

/** Keys of a code, which # ends and * begins anew. */
function takeKeys(state: State, pressed: string, now: number): readonly string[] {
  const codes: string[] = [];
  let held = now - state.keys.at > KEYS_WITHIN_MS ? '' : state.keys.pressed;
  for (const key of pressed) {
    if (key === '#' && held !== '') codes.push(held);
    held = key === '#' || key === '*' || held.length >= KEYS_MAX ? '' : held + key;
  }
  state.keys = { pressed: held, at: now };
  return codes;
}

/** What a poll brought. Resolves when it is on disk: only then is the reader asked on, which tells it so. */
async function takeReply(state: State, { code, data }: OsdpFrame, host: Host): Promise<void> {
  const device = state.reader.id;
  switch (code) {
    case replies.ACK:
      return;
    case replies.LSTATR:
      return await takeLocal(device, state, data, host, false);
    case replies.ISTATR:
      return await takeInputs(state, data, host, false);
    case replies.RAW:
    case replies.FMT: {
      const parsed = code === replies.RAW ? cardOf(data, state.reader.options.formats) : textCardOf(data);
      if ('reason' in parsed) return host.discarded(device, parsed.reason, data.length);
      return await showCard(state, parsed.frame, host);
    }
    case replies.KEYPAD: {
      const pressed = keysOf(data);
      if (pressed === undefined) return host.discarded(device, 'keys that do not fit', data.length);
      for (const number of takeKeys(state, pressed, host.clock.elapsed()))
        await showCard(state, { format: 'keypad', number }, host);
      return;
    }
    default:
      host.discarded(device, 'a reply that is not known', data.length, `code ${code.toString(16)}`);
  }
}

async function showCard({ reader }: State, credential: Credential, host: Host): Promise<void> {
  const { id: device, options } = reader;
  const key = ['osdp', device, credential.format, credential.facility, credential.number].join('/');
  const repeat = { key, within: options.bounce };
  const report = () => host.report({ device, kind: 'credential', state: 'raised', credential, repeat });
  // The reader forgets the card with our next question: one that the disk refuses gets a second chance here.
  await report()
    .catch(() => host.clock.wait(1000).then(report))
    .catch(() => {});
}

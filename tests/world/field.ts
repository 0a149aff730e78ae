/**
 * The devices of a world, and their wires. A panel says one thing at a time and says it again until it is
 * acknowledged; a door and a siren do what they are told, and keep a list of it.
 */
import { z } from 'zod';
import {
  type Device,
  type Driver,
  defineDriver,
  type Host,
  LineError,
  type Session,
} from '../../drivers/contract/driver.ts';
import type { DeviceObservation, Receipt } from '../../drivers/contract/observation.ts';
import type { ManualClock } from '../clocks.ts';
import { createDice } from './dice.ts';
import type { Faults } from './faults.ts';

/** Something that a panel says: `n` is in its text, so that it is known again. */
export interface Said {
  readonly n: number;
  readonly observation: DeviceObservation;
  /** `elapsed()`. */
  readonly saidAt: number;
  /** When the panel heard that it was taken. */
  ackedAt?: number;
  /** It has a number of its own on disk; not so where it was folded or is no news. */
  isKept?: boolean;
}
/** What a device was told. */
export interface Done {
  readonly device: string;
  readonly action: string;
  readonly id: string;
  readonly at: number;
}

export interface Field {
  readonly driver: Driver;
  readonly devices: readonly Device[];
  readonly said: readonly Said[];
  readonly done: readonly Done[];
  /** When each device's line came up or went down: [at, up]. */
  wasDown(device: string, from: number, to: number): boolean;
  /** Lets things happen until `untilMs`. */
  begin(untilMs: number): void;
  /** The gateway is gone: what it had opened leads nowhere. */
  lose(): void;
  /** Whether nobody waits for an acknowledgement. */
  isQuiet(): boolean;
}

const PANELS = ['panel-1', 'panel-2', 'panel-3'];
const AGAIN_MS = 4000;
const AGAIN_FIRST_MS = 100;
const LINE_DOWN_MS = 20_000;
/** `within` of a repeat: longer than a world lasts. */
const REPEAT_MS = 86_400_000;

interface Line {
  up: boolean;
  session?: { readonly host: Host; end(reason: Error): void };
  /** [from, to] in which it was down. */
  readonly downs: [number, number][];
}

export function createField(
  seed: number,
  faults: Faults,
  time: ManualClock,
  onReceipt: (said: Said, receipt: Receipt) => void,
): Field {
  const dice = createDice(seed, 'field');
  const said: Said[] = [];
  const done: Done[] = [];
  const names = [...PANELS, 'door', 'siren'];
  const lines = new Map<string, Line>(names.map((name) => [name, { up: true, downs: [] }]));
  const lineOf = (device: string) => lines.get(device) as Line;

  const cutLine = (device: string) => {
    const line = lineOf(device);
    line.up = false;
    const from = time.elapsed();
    const upAgainMs = dice.between(100, LINE_DOWN_MS);
    line.downs.push([from, from + upAgainMs]);
    line.session?.end(new LineError('E_LINE_LOST', 'cut'));
    time.after(upAgainMs, () => {
      line.up = true;
    });
  };
  const panels = PANELS.map((name) =>
    createPanel(name, {
      time,
      faults,
      dice,
      hostOf: () => lineOf(name).session?.host,
      cut: () => cutLine(name),
      noteSaid: (make) => {
        const n = said.length + 1;
        const one: Said = { n, observation: make(n), saidAt: time.elapsed() };
        said.push(one);
        return one;
      },
      onReceipt,
    }),
  );
  const driver = defineDriver({
    name: 'field',
    title: { en: 'Devices of a world', zh: '模拟世界的设备' },
    options: z.strictObject({}),
    line: ({ id }) => id,
    async open([device], host): Promise<Session> {
      const { id } = device as Device;
      const line = lineOf(id);
      await time.wait(dice.between(1, 50), host.signal);
      if (!line.up) throw new LineError('E_LINE_REFUSED', 'down');
      const ended = Promise.withResolvers<void>();
      line.session = { host, end: ended.reject };
      const own = line.session;
      ended.promise.catch(() => {}).finally(() => line.session === own && delete line.session);
      host.link(id, 'online');
      return {
        ended: ended.promise,
        async execute({ id: command, action }) {
          await time.wait(dice.between(1, 100));
          done.push({ device: id, action, id: command, at: time.elapsed() });
          if (faults.happens('wire', 0.05)) cutLine(id);
          return { done: true };
        },
        close: async () => ended.resolve(),
      };
    },
  });
  return {
    driver: driver as Driver,
    devices: names.map((id) => ({
      id,
      driver: 'field',
      options: {},
      ...(id === 'door' && { commands: [{ action: 'unlock' }] }),
      ...(id === 'siren' && { commands: [{ action: 'activate' }] }),
    })),
    said,
    done,
    wasDown: (device, from, to) => lineOf(device).downs.some(([start, end]) => start < to && end > from),
    begin(untilMs) {
      for (const panel of panels) panel.begin(untilMs);
      for (const device of ['door', 'siren'])
        time.every(7000, () => {
          if (faults.happens('wire', 0.1)) cutLine(device);
        });
    },
    lose() {
      for (const line of lines.values()) delete line.session;
    },
    isQuiet: () => panels.every((panel) => panel.isQuiet()),
  };
}

interface PanelWorld {
  readonly time: ManualClock;
  readonly faults: Faults;
  readonly dice: ReturnType<typeof createDice>;
  readonly hostOf: () => Host | undefined;
  readonly cut: () => void;
  readonly noteSaid: (make: (n: number) => DeviceObservation) => Said;
  readonly onReceipt: (said: Said, receipt: Receipt) => void;
}

/** What panels say, more of it alarms than in life. */
const words = [
  { kind: 'panic', state: 'raised', zone: true },
  { kind: 'intrusion', state: 'raised', zone: true },
  { kind: 'fault', state: 'raised', zone: false },
  { kind: 'power', state: 'restored', zone: false },
  { kind: 'tamper', state: 'raised', zone: true },
] as const;

function createPanel(device: string, of: PanelWorld) {
  const { time, faults, dice } = of;
  const queue: Said[] = [];
  let busy = false;

  const speak = () => {
    const { kind, state, zone } = dice.pick(words);
    const number = dice.between(1, 4);
    queue.push(
      of.noteSaid((n) => ({
        device,
        kind,
        state,
        ...(zone && { zone: { number } }),
        text: `#${n}`,
        // As panels do: what is said again is the same, and says so.
        repeat: { key: `${device}/${n}`, within: REPEAT_MS },
      })),
    );
    void work();
  };
  /** One try: sent, lost, refused or taken; and the acknowledgement may be lost too. */
  const tryOnce = async (one: Said): Promise<boolean> => {
    const host = of.hostOf();
    if (host === undefined || faults.happens('wire', 0.1)) return false;
    const heard = Promise.withResolvers<boolean>();
    host.report({ ...one.observation }).then(
      (receipt) => {
        if (receipt.sequence !== null && !receipt.repeated) one.isKept = true;
        of.onReceipt(one, receipt);
        // What comes after the panel gave up tells it nothing.
        heard.resolve(!faults.happens('wire', 0.1));
      },
      () => heard.resolve(false),
    );
    const late = time.wait(dice.between(AGAIN_FIRST_MS, AGAIN_MS)).then(() => false);
    return await Promise.race([heard.promise, late]);
  };
  const work = async () => {
    if (busy) return;
    busy = true;
    for (let one = queue[0]; one !== undefined; one = queue[0]) {
      if (await tryOnce(one)) {
        one.ackedAt = time.elapsed();
        queue.shift();
      } else await time.wait(dice.between(500, AGAIN_MS));
      if (faults.happens('wire', 0.02)) of.cut();
    }
    busy = false;
  };
  return {
    begin(untilMs: number) {
      const next = () => {
        if (time.elapsed() >= untilMs) return;
        speak();
        // Now and then many at once.
        time.after(dice.chance(0.2) ? 5 : dice.between(200, 9000), next);
      };
      time.after(dice.between(10, 2000), next);
    },
    isQuiet: () => queue.length === 0,
  };
}

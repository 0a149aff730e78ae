/** The relays of a simulated reader: what OUT asks of them, one command or several, and their times. */
import { later } from '../simulator.ts';

/** Four bytes a command: output, control code, time in tenths of a second. */
const RECORD = 4;
/** Control codes of OUT: what rests, and what is only for a time and then rests again. */
const OFF = 1;
const ON = 2;
const OFF_AFTER_TIME = 3;
const ON_AFTER_TIME = 4;
const ON_FOR = 5;
const OFF_FOR = 6;

export interface Outputs {
  /** Does what the commands say. False: they make no sense, and nothing was done. */
  switch(data: Uint8Array): boolean;
  /** OSTATR: a byte each. */
  state(): Buffer;
}

export function createOutputs(count: number, did: (what: string) => void): Outputs {
  /** `rests`: what it is when no time runs; `for`: what a time makes of it. */
  const outputs = Array.from({ length: count }, () => ({
    rests: false,
    timed: undefined as boolean | undefined,
    turn: 0,
  }));
  const one = (output: (typeof outputs)[number], control: number, tenths: number) => {
    if (control === OFF || control === OFF_AFTER_TIME) output.rests = false;
    if (control === ON || control === ON_AFTER_TIME) output.rests = true;
    if (control === OFF || control === ON) output.timed = undefined;
    if (control !== ON_FOR && control !== OFF_FOR) return;
    output.timed = control === ON_FOR;
    const turn = ++output.turn;
    later(tenths * 100, () => {
      if (output.turn === turn) output.timed = undefined;
    });
  };
  return {
    switch(data) {
      const commands = Array.from({ length: data.length / RECORD }, (_, i) => {
        const [number = 0, control = 0, low = 0, high = 0] = data.subarray(i * RECORD);
        return { number, control, tenths: low + high * 256 };
      });
      if (commands.some(({ number, control }) => number >= count || control > OFF_FOR)) return false;
      for (const { number, control, tenths } of commands) {
        const words =
          { [OFF]: 'off', [ON]: 'on', [ON_FOR]: `on ${tenths / 10}s` }[control] ?? `control ${control}`;
        did(`output ${number} ${words}`);
        one(outputs[number] as (typeof outputs)[number], control, tenths);
      }
      return true;
    },
    state: () => Buffer.from(outputs.map(({ rests, timed }) => Number(timed ?? rests))),
  };
}

/** Outputs that are right each by its shape, and could not work: what never switches, or switches another. */
import type { z } from 'zod';
import type { Problem } from '../contract/driver.ts';
import type { OutputOptions, pulseOptions, registerOptions } from './output-options.ts';
import type { Point } from './point.ts';

type Register = z.output<typeof registerOptions>;
type Pulse = z.output<typeof pulseOptions>;

const ADDRESSES = 65_536;
const WORD_MOST = 0xffff;
/** Written to a coil, this is on, for good (V1.1b3, 6.5). */
const COIL_ON = 0xff00;

/** Something that an output writes. */
interface Written {
  readonly output: OutputOptions;
  readonly path: Problem['path'];
  readonly coil: boolean;
  readonly address: number;
  /** What is written there; undefined: anything. */
  readonly values?: readonly number[];
}

/** What an output switches, with where it stands. */
function switchesOf(output: OutputOptions): { readonly path: string[]; readonly by: number | Register }[] {
  if (output.kind === 'bollard')
    return (['raise', 'lower'] as const).map((key) => ({ path: [key], by: output[key] }));
  return (['coil', 'register'] as const).flatMap((key) => {
    const by = output[key];
    return by === undefined ? [] : [{ path: [key], by }];
  });
}

const writtenBy = (output: OutputOptions, index: number): Written[] =>
  switchesOf(output).map(({ path, by }) => ({
    output,
    path: ['outputs', index, ...path],
    ...(typeof by === 'number'
      ? { coil: true, address: by }
      : { coil: false, address: by.address, values: [by.on, by.off] }),
  }));

/** Two that write the same: one would switch the other. A register that takes commands has values for each. */
const isSame = (a: Written, b: Written) =>
  a.coil === b.coil &&
  a.address === b.address &&
  (a.values === undefined ||
    b.values === undefined ||
    (a.output === b.output
      ? // What stops one way must not drive the other: it is written before, after, and at each start.
        a.values[0] === b.values[0] || a.values[0] === b.values[1] || a.values[1] === b.values[0]
      : a.values.some((value) => b.values?.includes(value))));

function sharedProblems(outputs: readonly OutputOptions[]): Problem[] {
  const written = outputs.flatMap(writtenBy);
  return written.flatMap((one, i) => {
    const first = written.slice(0, i).find((other) => isSame(other, one));
    if (first === undefined) return [];
    const what = `${one.coil ? 'coil' : 'register'} ${one.address}`;
    const isOff = one.values !== undefined && one.values[0] !== first.values?.[0];
    const message =
      first.output !== one.output
        ? `${what} is switched by "${first.output.id}" already: give each output its own`
        : isOff
          ? `what is written to ${what} to stop one way drives the other: it would move at each start; say the value that stops it`
          : `${what} raises it already: give each way its own`;
    return [{ path: one.path, message }];
  });
}

/** Timed by one place of the device: the last that is written counts for both. */
function sharedPulses(outputs: readonly OutputOptions[]): Problem[] {
  const keyOf = (output: OutputOptions) => {
    if (!('pulse' in output) || output.pulse === undefined) return undefined;
    const { address, function: fn, before } = output.pulse;
    return `${fn === 5 ? 'coil' : 'register'} ${address} ${before}`;
  };
  return outputs.flatMap((output, index) => {
    const key = keyOf(output);
    const first = outputs.slice(0, index).find((other) => key !== undefined && keyOf(other) === key);
    if (first === undefined) return [];
    const message = `"${first.id}" is timed there already: give each output its own`;
    return [{ path: ['outputs', index, 'pulse', 'address'], message }];
  });
}

const places = (coil: boolean, from: number, to: number) => ({ coil, from, to });
/** Where the time of a pulse is written, with what stands before it. */
function pulsePlace(output: OutputOptions) {
  if (!('pulse' in output) || output.pulse === undefined) return undefined;
  const { address, function: fn, before } = output.pulse;
  return places(fn === 5, address, address + before.length);
}
const lies = ({ coil, address }: Written, place: ReturnType<typeof places>) =>
  coil === place.coil && address >= place.from && address <= place.to;

/** A pulse that is written over another output: its time would switch that. */
function pulsesOverOthers(outputs: readonly OutputOptions[]): Problem[] {
  const written = outputs.flatMap(writtenBy);
  return outputs.flatMap((output, index) => {
    const place = pulsePlace(output);
    const hit = written.find((one) => place !== undefined && one.output !== output && lies(one, place));
    if (hit === undefined) return [];
    const message = `${hit.coil ? 'coil' : 'register'} ${hit.address} is what switches "${hit.output.id}": say where the device times this one`;
    return [{ path: ['outputs', index, 'pulse', 'address'], message }];
  });
}

/** Outputs that the reset of an input would switch, with nothing that switches them off. */
function resetProblems(outputs: readonly OutputOptions[], points: readonly Point[]): Problem[] {
  return points.flatMap(({ reset }) => {
    if (reset === undefined) return [];
    const [what, place] =
      'coil' in reset
        ? [`coil ${reset.coil}`, places(true, reset.coil, reset.coil)]
        : [`register ${reset.register}`, places(false, reset.register, reset.register)];
    const switched = outputs
      .flatMap(writtenBy)
      .filter((one) => lies(one, place) && !('value' in reset && isOtherValue(one, reset.value)))
      .map(({ path }) => path);
    const timed = outputs.flatMap((output, index) => {
      const own = pulsePlace(output);
      const isHit =
        own !== undefined && own.coil === place.coil && own.from <= place.from && place.from <= own.to;
      return isHit ? [['outputs', index, 'pulse', 'address']] : [];
    });
    return [...switched, ...timed].map((path) => ({
      path,
      message: `the profile writes ${what} to reset an input: it would switch this; give each its own`,
    }));
  });
}
/** A register that takes commands has values for each. */
const isOtherValue = ({ values }: Written, value: number | boolean) =>
  typeof value === 'number' && values !== undefined && !values.includes(value);

const registerProblems = (output: OutputOptions): Problem[] =>
  switchesOf(output).flatMap(({ path, by }) =>
    typeof by === 'number' || by.on !== by.off
      ? []
      : [
          {
            path: [...path, 'off'],
            message: `${by.off} is written to switch it on too: say what switches it off`,
          },
        ],
  );

/** What its device times must fit what it counts in. */
function pulseProblems(output: OutputOptions): Problem[] {
  if (!('pulse' in output) || output.pulse === undefined) return [];
  const pulse: Pulse = output.pulse;
  const [key, ms] = output.kind === 'door' ? ['moment', output.moment] : ['limit', output.limit];
  const problems: Problem[] = [];
  const units = Math.ceil(ms / pulse.unit);
  const most = pulse.function === 5 ? COIL_ON - 1 : WORD_MOST;
  if (pulse.unit > ms)
    problems.push({
      path: ['pulse', 'unit'],
      message: `one of it is longer than \`${key}\`, ${ms} ms: it would be on for longer than it may`,
    });
  if (units > most)
    problems.push({
      path: ['pulse', 'unit'],
      message: `\`${key}\` is ${units} of it, and ${most} is the most that can be written: a shorter \`${key}\`, or a longer unit as the device has it`,
    });
  if (pulse.before.length > 0 && pulse.function !== 16)
    problems.push({
      path: ['pulse', 'before'],
      message: `function ${pulse.function} writes one value: say \`function: 16\`, or leave it out`,
    });
  if (pulse.address + pulse.before.length >= ADDRESSES)
    problems.push({
      path: ['pulse', 'address'],
      message: 'what is written from there reaches beyond 65535, the last register',
    });
  return problems;
}

/** `points`: of the profile. */
export function outputProblems(outputs: readonly OutputOptions[], points: readonly Point[] = []): Problem[] {
  const ids = outputs.map((output) => output.id);
  const own = outputs.flatMap((output, index) => {
    const problems: Problem[] = [...registerProblems(output), ...pulseProblems(output)];
    if (ids.indexOf(output.id) < index)
      problems.push({ path: ['id'], message: `"${output.id}" stands here twice` });
    if (output.kind !== 'bollard' && (output.coil === undefined) === (output.register === undefined))
      problems.push({ path: [], message: 'it needs one of `coil` and `register`' });
    return problems.map(({ path, message }) => ({ path: ['outputs', index, ...path], message }));
  });
  return [
    ...own,
    ...sharedProblems(outputs),
    ...sharedPulses(outputs),
    ...pulsesOverOthers(outputs),
    ...resetProblems(outputs, points),
  ];
}

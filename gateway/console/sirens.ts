/** What rules of the campus switch on for an alarm: sirens and lamps, which somebody must be able to switch off. */
import type { RuleConfig } from '../../config/sections/rules.ts';
import type { Clock } from '../../drivers/contract/clock.ts';
import type { Commands } from '../commands/index.ts';
import type { Alarms } from './contract/alarms.ts';

export type Siren = Alarms['sirens'][number];

export interface Sirens {
  list(): readonly Siren[];
}

export interface SirensOptions {
  /** What devices are called by people. */
  readonly names: ReadonlyMap<string, string | undefined>;
  readonly commands: Pick<Commands, 'onPerform'>;
  readonly time: Pick<Clock, 'elapsed'>;
}

const keyOf = (target: string, output: unknown) => `${target}\n${String(output)}`;

/** The outputs that rules for alarms switch on, each once, in the order of the config. */
function sirensIn(rules: readonly RuleConfig[], names: ReadonlyMap<string, string | undefined>) {
  const found = new Map<string, Omit<Siren, 'on'>>();
  for (const { when, do: actions } of rules) {
    if (!when.event.startsWith('alarm.')) continue;
    for (const { action, target, arguments: wanted } of actions) {
      const output = wanted['output'];
      if (action !== 'activate' || output === undefined) continue;
      const name = names.get(target);
      found.set(keyOf(target, output), {
        target,
        output: String(output),
        ...(name !== undefined && { name }),
      });
    }
  }
  return found;
}

/** Whether they are on is not known after a start: what devices did before, nobody tells. */
export function createSirens(rules: readonly RuleConfig[], { names, commands, time }: SirensOptions): Sirens {
  const sirens = sirensIn(rules, names);
  /** Until when they are on, `elapsed`. */
  const onUntil = new Map<string, number>();
  commands.onPerform(({ action, target, arguments: wanted }, outcome) => {
    if (action !== 'activate' && action !== 'deactivate') return;
    const { output, for: seconds } = wanted as { readonly output: string; readonly for?: number };
    const key = keyOf(target, output);
    if (!sirens.has(key)) return;
    const begunAt = time.elapsed();
    void outcome.then(({ done }) => {
      if (!done) return;
      if (action === 'deactivate') onUntil.set(key, Number.NEGATIVE_INFINITY);
      else onUntil.set(key, seconds === undefined ? Number.POSITIVE_INFINITY : begunAt + seconds * 1000);
    });
  });
  return {
    list: () =>
      [...sirens].map(([key, siren]) => {
        const until = onUntil.get(key);
        return { ...siren, ...(until !== undefined && { on: until > time.elapsed() }) };
      }),
  };
}

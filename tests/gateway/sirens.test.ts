import { describe, expect, it } from 'vitest';
import type { Asked, Result } from '../../config/catalogue/actions.ts';
import { configSchema } from '../../config/schema.ts';
import { createSirens } from '../../gateway/console/sirens.ts';
import { manualClock } from '../clocks.ts';

function campus() {
  const { rules } = configSchema.parse({
    campus: { id: '45001', name: '一中' },
    rules: [
      {
        id: 'night',
        do: [
          { target: 'io', action: 'activate', arguments: { output: 'siren' }, for: '60s' },
          { target: 'yard', action: 'snapshot' },
        ],
      },
      { id: 'again', do: [{ target: 'io', action: 'activate', arguments: { output: 'siren' } }] },
      {
        id: 'light',
        when: { event: 'device.offline' },
        do: [{ target: 'io', action: 'activate', arguments: { output: 'lamp' } }],
      },
    ],
  });
  const time = manualClock();
  let listener: (asked: Asked, outcome: Promise<Result>) => void = () => {};
  const sirens = createSirens(rules, {
    names: new Map([['io', '继电器']]),
    commands: {
      onPerform(given) {
        listener = given;
        return () => {};
      },
    },
    time,
  });
  const perform = async (action: 'activate' | 'deactivate', wanted: object, done = true) => {
    const asked = { id: 'x', action, target: 'io', arguments: wanted, from: { kind: 'rule', id: 'night' } };
    listener(asked as unknown as Asked, Promise.resolve({ done }));
    await time.advance(0);
  };
  return { sirens, time, perform, on: () => sirens.list().map(({ on }) => on) };
}

describe('the sirens', () => {
  it('are the outputs that rules for alarms switch on, each once; whether they are on is not known yet', () => {
    expect(campus().sirens.list()).toEqual([{ target: 'io', output: 'siren', name: '继电器' }]);
  });

  it('are on until their time is over, or somebody switches them off', async () => {
    const { on, perform, time } = campus();
    await perform('activate', { output: 'siren', for: 60 }, false);
    expect(on()).toEqual([undefined]);
    await perform('activate', { output: 'siren', for: 60 });
    expect(on()).toEqual([true]);
    await time.advance(60_000);
    expect(on()).toEqual([false]);
    await perform('activate', { output: 'siren' });
    await time.advance(600_000);
    expect(on()).toEqual([true]);
    await perform('deactivate', { output: 'siren' }, false);
    expect(on()).toEqual([true]);
    await perform('deactivate', { output: 'siren' });
    expect(on()).toEqual([false]);
  });
});

/**
 * What a part follows and serves that is made anew with another config: all of it ends with the part. Without that, each
 * reload would leave a listener behind, and what was asked for would reach a part that is closed.
 */
import type { Registry } from '../../config/catalogue/actions.ts';
import type { Commands } from '../commands/index.ts';
import type { Journal } from '../journal/index.ts';
import type { WallClock } from '../observe/clock.ts';
import type { Recorder } from '../road/recorder.ts';

/** What all parts are given of the gateway, as far as there is something to follow in it. */
export interface Leasable {
  readonly clock: WallClock;
  readonly journal: Journal;
  readonly recorder: Recorder;
  readonly commands: Commands;
  readonly registry: Registry;
}

type Follow = (listener: never) => () => void;

/** The same with some members of its own; getters stay what they are. */
const beside = <T extends object>(base: T, own: Partial<T>): T =>
  Object.assign(Object.create(base) as T, own);

/** @returns the same context; `end` takes back all that was followed and served by it. */
export function lease<C extends Leasable>(context: C): { readonly context: C; end(): void } {
  const ends: (() => void)[] = [];
  const until = <F extends Follow>(follow: F): F =>
    ((listener: Parameters<F>[0]) => {
      const end = follow(listener);
      ends.push(end);
      return end;
    }) as F;
  const { clock, journal, recorder, commands } = context;
  const leased = beside(commands, {
    serve: (handlers) => void ends.push(commands.serveUntil(handlers)),
    onPerform: until(commands.onPerform),
  });
  return {
    context: {
      ...context,
      clock: beside(clock, { onStep: until(clock.onStep) }),
      journal: beside(journal, {
        onAppended: until(journal.onAppended),
        onCondition: until(journal.onCondition),
        onOpened: until(journal.onOpened),
      }),
      recorder: beside(recorder, {
        onState: until(recorder.onState),
        onStored: until(recorder.onStored),
        onUnsaved: until(recorder.onUnsaved),
      }),
      commands: leased,
      registry: leased,
    },
    end() {
      for (const end of ends.splice(0)) end();
    },
  };
}

/** Known bugs, to be planted: that a world is whole proves something only if it breaks with each of these. */
import type { Channel } from '../../drivers/contract/transport.ts';
import type { Backing, Questions } from '../../gateway/journal/backing.ts';
import type { Journal } from '../../gateway/journal/index.ts';
import type { Plant } from './life.ts';

type Changes = Parameters<Questions['commit']>[0];

/** A journal that is another one in some of its methods. */
const over = (journal: Journal, changes: Partial<Journal>): Journal =>
  Object.assign(Object.create(journal) as Journal, changes);

/** Each with what shows it. */
export const plants: Readonly<Record<string, Plant & { readonly shows: RegExp }>> = {
  'an fsync that fails is ignored: who waits is told that it is on disk': {
    shows: /was acknowledged .* not on disk/,
    backing(backing) {
      let last = 0;
      const commit = async (changes: Changes) => {
        try {
          const done = await backing.ask('commit', changes);
          for (const one of done.entries) if ('sequence' in one) last = Math.max(last, one.sequence);
          return done;
        } catch {
          const entries = changes.entries.map(({ id }) => ({ sequence: ++last, id, repeated: false }));
          return { entries, refused: [] };
        }
      };
      const ask = (name: 'commit', changes: Changes) =>
        name === 'commit' ? commit(changes) : backing.ask(name as 'commit', changes);
      return { ...backing, ask: ask as Backing['ask'] };
    },
  },
  'what was handed to the network counts as taken': {
    shows: /has not got/,
    transport: (transport) => ({
      ...transport,
      async open(options, host): Promise<Channel> {
        const channel = await transport.open(options, host);
        return {
          ...channel,
          send(event, done) {
            channel.send(event, () => {});
            setImmediate(() => done({ is: 'taken' }));
          },
        };
      },
    }),
  },
  'what a panel says again is another event': {
    shows: /is on disk \d+ times/,
    journal: (journal) =>
      over(journal, { append: ({ repeat: _forgotten, ...entry }) => journal.append(entry) }),
  },
  'a command that a crash cut off is carried out again': {
    shows: /the door moved \d times/,
    journal: (journal) =>
      over(journal, {
        command: async () => undefined,
        async begin(command) {
          const begun = await journal.begin(command);
          return begun.known && begun.outcome === null ? { known: false } : begun;
        },
        interrupted: async () => [],
      }),
  },
  'what a platform refuses is forgotten at a restart': {
    shows: /has not got|behind/,
    journal: (journal) => over(journal, { held: () => [] }),
  },
  'the chain begins anew with each connection': {
    shows: /came as|before it/,
    journal: (journal) =>
      over(journal, {
        position: (uplink, lane) => ({ sequence: journal.position(uplink, lane).sequence, sent: 0 }),
      }),
  },
  'the last of a full read is left out': {
    shows: /has not got|came as|before it/,
    journal: (journal) =>
      over(journal, {
        read(lane, after, limit) {
          const got = journal.read(lane, after, 8);
          return got instanceof Promise || got.length < Math.min(8, limit) ? got : got.slice(1);
        },
      }),
  },
};

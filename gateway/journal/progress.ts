/** Where the uplinks stand, in memory: cursors, marks and holds, and which of them the disk does not know yet. */
import { type Lane, lanes } from '../../drivers/contract/lane.ts';
import type { Cursor, Held, Mark, Progress, Stage } from './batch.ts';

export interface Position {
  readonly sequence: number;
  readonly sent: number;
}

export interface ProgressBook {
  position(uplink: string, lane: Lane): Position;
  advance(uplink: string, lane: Lane, to: Position): void;
  /** `at`: epoch ms. */
  mark(uplink: string, lane: Lane, stage: Stage, sequence: number, at: number): void;
  held(uplink: string): readonly Held[];
  hold(held: Held): void;
  release(uplink: string, topic: string): void;
  /** Forgets all but the marks, and goes on from what is on disk. */
  reset(from: Pick<Progress, 'cursors'> & { readonly held: readonly Held[] }): void;
  /** Nothing was sent yet, in the numbering that begins: chains begin anew. */
  restart(): void;
  /** Whether there is something to be written. */
  isChanged(): boolean;
  /** What is to be written, once. */
  takeChanges(): Progress;
  /** It was not written: it is to be, as it is by then. */
  putBack(changes: Progress): void;
}

const keyOf = (uplink: string, ...parts: readonly (string | number)[]) => [uplink, ...parts].join('\n');

export function createProgressBook(): ProgressBook {
  const cursors = new Map<string, Cursor>();
  const helds = new Map<string, Held>();
  const moved = new Set<string>();
  const marks = new Map<string, Mark>();
  const changedHolds = new Map<string, { readonly uplink: string; readonly topic: string }>();

  const putMark = (mark: Mark) => void marks.set(keyOf(mark.uplink, mark.lane, mark.stage), mark);
  const setHold = (uplink: string, topic: string, held: Held | undefined) => {
    const key = keyOf(uplink, topic);
    if (held === undefined) helds.delete(key);
    else helds.set(key, held);
    changedHolds.set(key, { uplink, topic });
  };
  return {
    position(uplink, lane) {
      const { sequence, sent } = cursors.get(keyOf(uplink, lanes.indexOf(lane))) ?? { sequence: 0, sent: 0 };
      return { sequence, sent };
    },
    advance(uplink, lane, { sequence, sent }) {
      const index = lanes.indexOf(lane);
      const key = keyOf(uplink, index);
      cursors.set(key, { uplink, lane: index, sequence, sent });
      moved.add(key);
    },
    mark: (uplink, lane, stage, sequence, at) =>
      putMark({ uplink, lane: lanes.indexOf(lane), stage, sequence, at }),
    held: (uplink) => [...helds.values()].filter((held) => held.uplink === uplink),
    hold: (held) => setHold(held.uplink, held.topic, held),
    release: (uplink, topic) => setHold(uplink, topic, undefined),
    reset(from) {
      cursors.clear();
      for (const cursor of from.cursors) cursors.set(keyOf(cursor.uplink, cursor.lane), cursor);
      helds.clear();
      for (const held of from.held) helds.set(keyOf(held.uplink, held.topic), held);
      moved.clear();
      changedHolds.clear();
    },
    restart() {
      for (const [key, cursor] of cursors) {
        cursors.set(key, { ...cursor, sent: 0 });
        moved.add(key);
      }
    },
    isChanged: () => moved.size > 0 || marks.size > 0 || changedHolds.size > 0,
    takeChanges() {
      const changes: Progress = {
        cursors: [...moved].flatMap((key) => cursors.get(key) ?? []),
        marks: [...marks.values()],
        held: [...changedHolds].map(([key, topic]) => helds.get(key) ?? { ...topic, ended: true }),
      };
      moved.clear();
      marks.clear();
      changedHolds.clear();
      return changes;
    },
    putBack(changes) {
      for (const { uplink, lane } of changes.cursors) moved.add(keyOf(uplink, lane));
      for (const mark of changes.marks) {
        // What was marked meanwhile is further.
        if (!marks.has(keyOf(mark.uplink, mark.lane, mark.stage))) putMark(mark);
      }
      for (const { uplink, topic } of changes.held) changedHolds.set(keyOf(uplink, topic), { uplink, topic });
    },
  };
}

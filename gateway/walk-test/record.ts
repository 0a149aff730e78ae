/** What a walk test leaves: the facts of a commissioning report, as they were when it ended. It is never changed. */
import type { Facts } from './facts.ts';
import type { Point } from './points.ts';
import { isTested, type Other, type Tick } from './walk.ts';

/** `asked`: by somebody; `time`: it was over; `elsewhere`: a platform, or somebody by another page, ended the mark. */
export type Ending = 'asked' | 'time' | 'elsewhere';

export interface RecordedPoint extends Point {
  readonly tick?: Tick;
  readonly remark?: { readonly text: string; readonly by: string };
}

export interface RecordedDevice {
  readonly id: string;
  readonly name?: string | undefined;
  readonly driver: string;
  readonly line?: string | undefined;
  readonly maker?: string | undefined;
  readonly model?: string | undefined;
  readonly firmware?: string | undefined;
  readonly serial?: string | undefined;
  /** null: not heard of since the gateway started. */
  readonly online: boolean | null;
}

export interface RecordedPlatform {
  readonly id: string;
  readonly protocol: string;
  /** Without secrets. */
  readonly where: string;
  readonly connected: boolean;
  /** It says what it has stored, and is waited for. */
  readonly receipts: boolean;
}

/** Times are RFC 3339. */
export interface WalkRecord extends Facts {
  readonly format: 1;
  readonly id: string;
  readonly campus: { readonly id: string; readonly name: string };
  readonly timezone: string;
  /** Where the journal is. */
  readonly dataDir: string;
  /** Of the gateway. */
  readonly version: string;
  readonly by: string;
  readonly startedAt: string;
  readonly endedAt: string;
  readonly ending: Ending;
  /** null: the whole campus. */
  readonly areas: readonly { readonly id: string; readonly name: string }[] | null;
  /** Those under test. */
  readonly points: readonly RecordedPoint[];
  readonly others: readonly Other[];
  /** What devices told since the gateway started and no rule maps. */
  readonly unmapped: readonly { readonly device: string; readonly what: string; readonly count: number }[];
  readonly devices: readonly RecordedDevice[];
  readonly platforms: readonly RecordedPlatform[];
}

export interface WalkSummary
  extends Pick<WalkRecord, 'id' | 'by' | 'startedAt' | 'endedAt' | 'ending' | 'areas'> {
  readonly points: number;
  readonly tried: number;
}

export const summaryOf = ({
  id,
  by,
  startedAt,
  endedAt,
  ending,
  areas,
  points,
}: WalkRecord): WalkSummary => ({
  ...{ id, by, startedAt, endedAt, ending, areas },
  points: points.length,
  tried: points.filter(isTested).length,
});

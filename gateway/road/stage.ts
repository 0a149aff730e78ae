/** One step between a device and the disk. */
import type { Observation, Receipt } from '../../drivers/contract/observation.ts';

/** Resolves when it is on disk or needs not be; rejects when the disk refused: no acknowledgement. */
export type Pass = (observation: Observation) => Promise<Receipt>;
export interface Stage {
  /** An observation that no stage claims costs one pass of each: none of them wraps what it hands on. */
  readonly pass: Pass;
}
/** Makes a stage that hands on to `onward`: what devices said, and what it says itself. */
export type MakeStage<S extends Stage> = (onward: Pass) => S;

type Stages = Readonly<Record<string, Stage>>;

/** Lays the stages, first named, first passed, before `record`. @returns the way in, and the stages by name. */
export function layRoad<S extends Stages>(
  record: Pass,
  makers: { readonly [Name in keyof S]: MakeStage<S[Name]> },
): { readonly enter: Pass; readonly stages: S } {
  const stages: Record<string, Stage> = {};
  const names = Object.keys(makers) as (keyof S & string)[];
  const enter = names.reduceRight<Pass>((onward, name) => {
    const stage = makers[name](onward);
    stages[name] = stage;
    return stage.pass;
  }, record);
  return { enter, stages: stages as S };
}

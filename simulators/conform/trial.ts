/** What a trial is, and what most of them end with. */
import type { Played, Stage } from './stage.ts';

export type Words = readonly [en: string, zh: string];

export interface Trial {
  readonly name: string;
  readonly what: Words;
  /** undefined: it does the right thing; else what it did not do. @throws where the broker is gone. */
  readonly run: (stage: Stage) => Promise<Words | undefined>;
}

const unconfirmed = ({ lane, sequence }: Played, stage: Stage): Words => [
  `no receipt up to ${sequence} of the lane ${lane}; the last one says ${stage.confirmed(lane)}`,
  `没有收到通道 ${lane} 到 ${sequence} 的回执；最后一次为 ${stage.confirmed(lane)}`,
];
/** What is wrong where it is not confirmed in time. */
export const orUnconfirmed = async (event: Played | undefined, stage: Stage): Promise<Words | undefined> =>
  event === undefined || (await stage.isConfirmed(event)) ? undefined : unconfirmed(event, stage);

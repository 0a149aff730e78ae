/**
 * A device model as data: which bits and registers mean what. Profiles are files in config/profiles/; a model is
 * never code. Vendors' maps differ: a profile is an example until it was checked on the hardware (`verified`).
 */
import { z } from 'zod';
import type { ReadFunction } from './codec.ts';
import { type Point, pointSchema, widthOf } from './point.ts';
import { profileMistakes } from './profile-check.ts';

export const profileSchema = z
  .strictObject({
    title: z.strictObject({ en: z.string(), zh: z.string() }),
    verified: z.boolean().describe('Checked on the hardware, not only from a manual'),
    maxGap: z
      .int()
      .min(0)
      .max(1000)
      .default(0)
      .describe('Points that lie so far apart are read together; many devices refuse what lies between'),
    maxRegisters: z
      .int()
      .min(1)
      .max(125)
      .default(64)
      .describe('In one request; registers, or coils and inputs'),
    points: z.array(pointSchema).min(1),
  })
  .superRefine((profile, context) => {
    for (const { path, en, zh } of profileMistakes(profile))
      context.addIssue({ code: 'custom', path: [...path], message: en, params: { zh } });
  });
export type Profile = z.output<typeof profileSchema>;

/** One read transaction that covers neighbouring points. */
export interface Read {
  readonly function: ReadFunction;
  readonly address: number;
  readonly count: number;
  readonly points: readonly Point[];
}

/** The fewest reads that cover all points of a profile. */
export function readsOf({
  points,
  maxGap,
  maxRegisters,
}: Pick<Profile, 'points' | 'maxGap' | 'maxRegisters'>): Read[] {
  const reads: { function: ReadFunction; address: number; count: number; points: Point[] }[] = [];
  const sorted = [...points].sort((a, b) => a.function - b.function || a.address - b.address);
  for (const one of sorted) {
    const last = reads.at(-1);
    const end = one.address + widthOf(one);
    const isNear =
      last !== undefined &&
      last.function === one.function &&
      one.address - last.address - last.count <= maxGap &&
      end - last.address <= maxRegisters;
    if (isNear) {
      last.count = Math.max(last.count, end - last.address);
      last.points.push(one);
    } else reads.push({ function: one.function, address: one.address, count: widthOf(one), points: [one] });
  }
  return reads;
}

/** Values by function and address: 0 or 1 for coils and inputs, 0 to 65535 for registers. What was not read is not there. */
export type Image = ReadonlyMap<string, number>;
export const imageKey = (fn: number, address: number) => `${fn}/${address}`;

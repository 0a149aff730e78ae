/** A lane never waits for a lower one. Their order here is their rank and, as an index, their number on disk. */
export const lanes = ['urgent', 'normal', 'bulk'] as const;
export type Lane = (typeof lanes)[number];

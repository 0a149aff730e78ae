/**
 * What is in a backup: its first entry, `manifest.json`. The rest are the files that it lists, with what they are checked
 * by.
 *
 *   data/NAME        in the data folder: the journal, users, the plan, the ledger, …
 *   config/NAME      the config, and what it names, in the folder of the config or below
 *   elsewhere/PATH   what it names at another place, without the first slash
 */
import { z } from 'zod';

/** The version of this layout; another one is refused. */
export const FORMAT = 1;
export const MANIFEST = 'manifest.json';

const fileSchema = z.object({
  path: z
    .string()
    .max(4096)
    .regex(/^(data|config|elsewhere)\/[^\0]+$/)
    .refine((path) => path.split('/').every((part) => !['', '.', '..'].includes(part))),
  bytes: z.int().min(0),
  /** As in chmod. */
  mode: z.int().min(0).max(0o777),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});
export type BackedFile = z.output<typeof fileSchema>;

export const manifestSchema = z.object({
  format: z.literal(FORMAT),
  /** Of the gateway that made it. */
  version: z.string(),
  /** RFC 3339. */
  at: z.string(),
  campus: z.object({ id: z.string(), name: z.string() }),
  host: z.string(),
  /** Where the config was, absolute. */
  configFile: z.string(),
  /** As it stands in the config: absolute, or relative to the config. */
  dataDir: z.string(),
  journal: z.object({
    /** Of the numbering that it had; it goes on under another. */
    id: z.string(),
    /** The highest number in it; 0: it is empty. */
    last: z.number(),
    /** The version of its tables. */
    schema: z.number(),
  }),
  files: z.array(fileSchema).max(1_000_000),
  /** Names that the config takes from the environment: what they stand for is not in the backup. */
  environment: z.array(z.string()),
  /** What was left out, and why. */
  left: z.array(z.object({ file: z.string(), why: z.string() })),
});
export type Manifest = z.output<typeof manifestSchema>;

/** The journal, as an entry. */
export const JOURNAL = 'data/journal.sqlite';

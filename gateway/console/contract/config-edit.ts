/** The config as it is changed in a browser. */
import { z } from 'zod';
import { configVersionSchema } from './config.ts';

/** Characters: of UTF-8 at most as many bytes as a config may have (CONFIG_FILE_MAX) are taken up. */
const TEXT_MAX = 4_194_304;

/** The file with its secrets hidden. `sha256`: of the file as it is; what is written over it must be its change. */
export const configDraftSchema = z.object({ text: z.string(), sha256: z.string() });
export type ConfigDraft = z.output<typeof configDraftSchema>;

export const writtenConfigSchema = z.object({
  text: z.string().max(TEXT_MAX),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});

export const configVersionsSchema = z.object({ versions: z.array(configVersionSchema) });
export type ConfigVersions = z.output<typeof configVersionsSchema>;

export const configTextOfVersionSchema = z.object({ text: z.string() });

/**
 * The config as it is taken up while the gateway runs: what a text would change, what came of it, and the versions that
 * are kept. Values of the config are never in it: any of them may be a secret.
 */
import { z } from 'zod';

const words = z.object({ en: z.string(), zh: z.string() });

/** One difference between two configs: of a whole section, or of one thing of it. */
export const configChangeSchema = z.object({
  /** `devices`, `uplinks`, `areas`, `retention`. */
  section: z.string(),
  /** Of a section that is a list. */
  id: z.string().optional(),
  what: z.enum(['added', 'removed', 'changed']),
  /** Of what changed, where: `connection.tcp.port`, `zones[3].name`; the first of them. */
  keys: z.array(z.string()),
  /** All of it as a sentence. */
  ...words.shape,
});
export type ConfigChange = z.output<typeof configChangeSchema>;

/** A mistake, where it stands. */
export const configMistakeSchema = z.object({
  /** Absent where it is the config itself. */
  file: z.string().optional(),
  /** From 1. */
  line: z.number(),
  column: z.number(),
  ...words.shape,
});
export type ConfigMistake = z.output<typeof configMistakeSchema>;

/** What a text would change. It can be taken up where `errors` is empty and `why` is absent. */
export const configDifferenceSchema = z.object({
  /** Against what the gateway runs with; empty: nothing. */
  changes: z.array(configChangeSchema),
  /** The first mistakes; then `changes` is empty. */
  errors: z.array(configMistakeSchema),
  /** Why it cannot be taken up though it is right: it is another campus, another data folder, a port is taken. */
  why: words.optional(),
});
export type ConfigDifference = z.output<typeof configDifferenceSchema>;

/** What came of it. `why`: also what could not be started, after which the old config came back. */
export const configAppliedSchema = configDifferenceSchema.extend({
  done: z.boolean(),
  /** The version that the gateway runs with now. */
  version: z.string().optional(),
});
export type ConfigApplied = z.output<typeof configAppliedSchema>;

export const configVersionSchema = z.object({
  /** `v12`: what it is called for `back` and `text`. */
  name: z.string(),
  number: z.number(),
  /** RFC 3339: when it was kept. */
  at: z.string(),
  /** Of the file, hex. */
  sha256: z.string(),
  /** Who took it up: a user of the console, `root` of the command line, `start` where the gateway began with it. */
  by: z.string(),
  bytes: z.number(),
  /** Whether the gateway runs with it. */
  isTaken: z.boolean(),
});
export type ConfigVersion = z.output<typeof configVersionSchema>;

/** What the console is given of it. */
export interface Reloading {
  /** The newest first, 50 at most. */
  versions(): Promise<readonly ConfigVersion[]>;
  /** The file of a version, with its secrets; undefined: there is none of that name. */
  text(name: string): Promise<string | undefined>;
  /** Checks a text in a thread apart, and changes nothing. Never rejects. */
  difference(text: string): Promise<ConfigDifference>;
  /**
   * Checks a text, writes it to the config's file and takes it up; where that fails, the file and what runs are as before.
   * One after the other; each is in the audit with `by`. Never rejects.
   */
  apply(text: string, by: string): Promise<ConfigApplied>;
  /** The same with the text of a version. */
  back(name: string, by: string): Promise<ConfigApplied>;
}

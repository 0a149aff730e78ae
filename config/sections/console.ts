/** The technician's pages. */
import { z } from 'zod';
import { commandRate, commandRule } from './rights.ts';

export const consoleSchema = z.strictObject({
  host: z
    .string()
    .default('127.0.0.1')
    .describe('Loopback until told otherwise; elsewhere put a proxy with TLS before it'),
  port: z.int().min(1).max(65_535),
  names: z.array(z.string()).default([]).describe('Names, beside `host`, that it answers to'),
  commands: z
    .array(commandRule)
    .optional()
    .describe('Narrows what its users may command; default what their roles allow'),
  commandRate: commandRate.describe('How many commands its users may send; more are refused'),
});
export type ConsoleConfig = z.output<typeof consoleSchema>;

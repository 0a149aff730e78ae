/** What a platform says it has stored. */
import { z } from 'zod';
import { wrongOf } from '../../drivers/contract/driver.ts';

/** A sequence as it stands in events: a decimal string. */
const sequence = z
  .string()
  .regex(/^\d{1,15}$/)
  .transform(Number);

/** For each lane the highest sequence that the platform has stored. */
export const receiptSchema = z.object({
  journal: z.string().describe('The `journal` of the events; a receipt for another one is ignored'),
  urgent: sequence.optional(),
  normal: sequence.optional(),
  bulk: sequence.optional(),
});

const MAX_BYTES = 16_384;

/** Reads a receipt, JSON. Never throws; `wrong` says why it is none. */
export function readReceipt(
  bytes: Uint8Array,
): { readonly receipt: z.output<typeof receiptSchema> } | { readonly wrong: string } {
  if (bytes.length > MAX_BYTES) return { wrong: 'too large' };
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return { wrong: 'no JSON' };
  }
  const parsed = receiptSchema.safeParse(json);
  return parsed.success ? { receipt: parsed.data } : { wrong: wrongOf(parsed.error) };
}

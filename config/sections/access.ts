/** Cards at doors. */
import { z } from 'zod';
import { duration, identifier } from '../../drivers/contract/options.ts';
import { clockTime, onDays, zoneName } from './values.ts';

export const access = z.strictObject({
  credentialsFile: z
    .string()
    .optional()
    .describe(
      'CSV: number, facility, holder, groups, validFrom, validUntil, blocked, children, pin, format; taken up when it changes',
    ),
  personsFile: z
    .string()
    .optional()
    .describe(
      'CSV: id, name, class; names for the gate screen of the console, and there for who may see who is inside; in no event',
    ),
  lowBits: z
    .array(
      z.strictObject({
        reader: z.string().describe('The device'),
        bits: z.int().min(16).max(64).describe('24: Wiegand 26; 16: its facility counts for nothing'),
        first: z
          .boolean()
          .default(false)
          .describe(
            'The first bits of a UID instead: a reader of 26 bits that sends the bytes the wrong way round, and has `reverse: true`',
          ),
      }),
    )
    .default([])
    .describe(
      'Readers that see only the lowest bits of the numbers that the list has: their cards are found by these. Where two cards of the lists have the same, neither opens anything there',
    ),
  timeTables: z
    .array(
      z.strictObject({
        id: identifier(),
        on: onDays().default('every'),
        from: clockTime(),
        to: clockTime().describe('A time before it'),
      }),
    )
    .default([]),
  groups: z
    .array(
      z.strictObject({
        id: identifier(),
        doors: z.array(z.string()).min(1).describe('Which doors its cards open'),
        times: z.array(z.string()).min(1).optional().describe('Time tables; default always'),
        lockdown: z.boolean().default(false).describe('Whether its cards open doors in a lockdown too'),
      }),
    )
    .default([]),
  codes: z
    .strictObject({
      tries: z
        .int()
        .min(3)
        .max(10)
        .default(5)
        .describe(
          'After so many wrong codes within `within` at a reader it takes none for a while, and that is a tamper alarm',
        ),
      within: duration({ least: '1m', most: '1d' })
        .prefault('10m')
        .describe(
          'A wrong code is forgotten after so long, and by nothing else: a right one in between takes none away',
        ),
      lockout: duration({ least: '30s', most: '1h' })
        .prefault('90s')
        .describe('For so long; then each further wrong one does it again'),
      wait: duration({ least: '1s', most: '5m' })
        .prefault('15s')
        .describe('A PIN comes at most so long after its card'),
    })
    .prefault({})
    .describe('Codes that are typed at readers with keys'),
  doors: z
    .array(
      z.strictObject({
        id: identifier(),
        name: z.string().max(100).optional().describe('Its name for people'),
        reader: z
          .union([z.string(), z.array(z.string()).min(1)])
          .transform((one) => (typeof one === 'string' ? [one] : one))
          .describe('The device at which cards or faces are shown; or several'),
        mode: z
          .enum(['card', 'card-and-pin', 'card-or-pin'])
          .default('card')
          .describe(
            'What opens it: a card; a card and then its PIN; a card, or a code of a row without a number. Both are `pin` in the `credentialsFile`',
          ),
        unlock: z
          .array(z.strictObject({ target: z.string(), output: z.string() }))
          .default([])
          .describe('What opens: devices and their outputs'),
        direction: z.enum(['in', 'out']).optional().describe('Which way people go who show a card here'),
        passback: duration()
          .optional()
          .describe('The same person the same way again within this time is refused; needs `direction`'),
        persons: z
          .int()
          .min(1)
          .max(3)
          .default(1)
          .describe('So many different people must show their cards, within `together`, before it opens'),
        together: duration().prefault('20s'),
        pickup: z
          .boolean()
          .default(false)
          .describe('Where guardians come for children: a card must be bound to some'),
        contact: zoneName.optional().describe('Tells whether it is open: a zone of the kind `contact`'),
        exitRequest: zoneName
          .optional()
          .describe('The button to go out: a zone of the kind `exit-request`; it opens what `unlock` names'),
        openWithin: duration()
          .prefault('10s')
          .describe('Opened later than so long after it was unlocked, it is forced'),
        heldAfter: duration().prefault('30s').describe('Open for longer than that, it is held'),
      }),
    )
    .default([]),
});
export type AccessConfig = z.output<typeof access>;

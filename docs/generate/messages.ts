/** The messages over MQTT that are no events: their shapes, topics and words. */
import { z } from 'zod';
import { commandActions } from '../../config/catalogue/actions.ts';
import { campusMessage } from '../../drivers/contract/campus.ts';
import { receiptSchema } from '../../gateway/uplink/receipts.ts';
import { commandPayload } from './actions.ts';
import { payloadOf } from './json-schema.ts';

/** Retained messages that are no events. */
const presence = z.strictObject({
  campus: z.string(),
  state: z.enum(['online', 'offline']),
  contract: z.string().describe('Version of the contract'),
  ends: z.iso
    .date()
    .optional()
    .describe(
      'The last day of this major version of the contract, once a later one takes its place; no gateway says it yet',
    ),
  version: z.string().optional().describe('Of the gateway; online only'),
  startedAt: z.iso.datetime().optional(),
  devices: z.array(z.string()).optional(),
  at: z.iso.datetime().optional().describe('When it said goodbye; absent in the will'),
});
const state = z.strictObject({
  campus: z.string(),
  device: z.string(),
  state: z.enum(['online', 'offline', 'unknown']),
  active: z
    .array(
      z.strictObject({
        type: z.string(),
        kind: z.string(),
        subject: z.string().optional(),
        cause: z.string().optional(),
        since: z.iso.datetime(),
        id: z.uuidv7().describe('The event that began it'),
        sequence: z.string(),
      }),
    )
    .describe('Alarms, faults, armed areas and bypasses that have not ended'),
});
const identity = z.strictObject({
  campus: z.string(),
  journal: z.string().describe('The numbering of its events'),
  lease: z.string().describe('A random word that changes now and then; a copy of the gateway has another'),
});

const time = z.iso.datetime();
const life = z.strictObject({
  campus: z.string(),
  alarms: z.array(
    z.strictObject({
      id: z.uuidv7().describe('The event `alarm.raised`'),
      sequence: z.int(),
      seen: time.describe('By the gateway'),
      stored: time.describe('On its disk'),
      uplinks: z
        .record(z.string(), z.strictObject({ broker: time.optional(), platform: time.optional() }))
        .describe('By the id of the uplink: when its broker, and, with receipts, its platform had it'),
      acknowledged: z
        .strictObject({ at: time, by: z.string(), uplink: z.string() })
        .optional()
        .describe('By an operator'),
    }),
  ),
});
const reply = z.strictObject({
  id: z.string().nullable().describe('Of the command; null where it had none that could be read'),
  done: z.boolean(),
  reason: z.string().optional().describe('Why not'),
  unknown: z.literal(true).optional().describe('It may or may not have been done'),
  result: z.record(z.string(), z.unknown()).optional(),
});

/** The messages that are no events, by channel. */
export const others = {
  state: {
    payload: payloadOf(state),
    action: 'send',
    path: 'state/{deviceId}',
    words:
      'The state of a device; of `gateway`: lockdown and visits. Retained, QoS 0, sent again at each connection.',
  },
  identity: {
    payload: payloadOf(identity),
    action: 'send',
    path: 'identity',
    words:
      'Which numbering the gateway has. It reads it, too, to find a copy of itself. Nobody else needs it, and nobody else may write it. Retained, QoS 0, sent again at each connection and every five minutes.',
  },
  presence: {
    payload: payloadOf(presence),
    action: 'send',
    path: 'presence',
    words:
      'Whether the gateway is there. Retained, QoS 0, sent again at each connection and every ten minutes; offline by its will where it vanishes.',
  },
  campus: {
    payload: payloadOf(campusMessage),
    action: 'send',
    path: 'campus',
    words:
      'Master data of the campus: id and name, and what else the config lets this platform know. Retained, QoS 0, sent again at each connection, where it changed, and each hour: what is not in it any more was taken back.',
  },
  life: {
    payload: payloadOf(life),
    action: 'send',
    path: 'life',
    words: 'How far the newest alarms have come. QoS 0, not retained; for uplinks that get alarms.',
  },
  ack: {
    payload: payloadOf(receiptSchema),
    action: 'receive',
    path: 'ack',
    words:
      'Receipts of the platform, for uplinks with `receipts: true`: for each lane the highest sequence that it has stored. Retained, so that a gateway that comes back hears it.',
  },
  command: {
    payload: commandPayload(commandActions),
    action: 'receive',
    path: 'command/{target}',
    words:
      'Commands to a device, an area or the gateway (`gateway`), each with arguments of its own; the config of the uplink says which are allowed. The same id again does nothing and gets the first answer.',
  },
  notice: {
    payload: commandPayload(['warn']),
    action: 'receive',
    path: 'notice/{noticeId}',
    words: 'Warnings to the school: the command `warn`, retained. An empty payload is no command.',
  },
  reply: {
    payload: payloadOf(reply),
    action: 'send',
    path: 'reply/{commandId}',
    words: 'The answer to a command that named no response topic.',
  },
} as const;

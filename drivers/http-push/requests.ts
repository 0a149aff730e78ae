/**
 * What terminals ask, and what they want to hear: paths, methods, and answers as data, with the time of now and what
 * stood in the question. Terminals that do not hear what they expect keep their events and send them for ever.
 */
import { z } from 'zod';
import { isScalar, offset, type Path, path } from './reading.ts';

const PATH = /^(\/[A-Za-z0-9._~-]*|\/\{device\})+$/;

const nowForms = ['local', 'rfc3339', 'seconds', 'ms'] as const;
const now = z.strictObject({ now: z.enum(nowForms).describe('The time'), offset: offset.optional() });
const echo = z.strictObject({ echo: path.describe('What stood there in the question') });
/** An answer: JSON whose objects `{ now: ... }` and `{ echo: ... }` are filled in. */
type Template =
  | string
  | number
  | boolean
  | null
  | readonly Template[]
  | { readonly [name: string]: Template };

const json = z.json().transform((value, context): Template => {
  for (const { placeholder, at } of placeholdersOf(value as Template)) {
    const parsed = ('now' in placeholder ? now : echo).safeParse(placeholder);
    for (const { message, path: inside } of parsed.error?.issues ?? [])
      context.addIssue({ code: 'custom', message, path: [...at, ...inside.map(String)] });
  }
  return value as Template;
});

export const requestRule = z.strictObject({
  path: z
    .string()
    .max(200)
    .regex(PATH, 'a path such as /api/event, with {device} where the id of the device stands'),
  method: z.enum(['POST', 'PUT', 'GET']).default('POST').describe('Of GET, its query is what it says'),
  events: z.boolean().default(true).describe('Whether it tells anything but that it is there'),
  reply: z
    .union([
      z.strictObject({ text: z.string().max(2000).describe('As it is') }),
      z.strictObject({
        json: json.describe('JSON; { now: local | rfc3339 | seconds | ms } and { echo: PATH } are filled in'),
      }),
    ])
    .optional()
    .describe('What it hears when all of it is on disk; nothing, where it is not said'),
});
export type RequestRule = z.output<typeof requestRule>;
export type Reply = NonNullable<RequestRule['reply']>;

/** What every terminal may do, whatever its profile. */
export const pushRule: RequestRule = { path: '/push/{device}', method: 'POST', events: true };

const lapi = (at: string, events: boolean, json: Template): RequestRule => ({
  path: at,
  method: 'POST',
  events,
  reply: { json },
});
const record = (at: string) =>
  lapi(at, true, {
    Response: {
      ResponseURL: at,
      StatusCode: 0,
      StatusString: 'Succeed',
      Data: { RecordID: { echo: 'Seq' } },
    },
  });
const ALARM = '/LAPI/V1.0/System/Event/Notification/Alarm';
const HEARTBEAT = '/LAPI/V1.0/PACS/Controller/HeartReportInfo';
/**
 * Uniview's 宇视 LAPI: the paths stand in the terminal. Without this answer to a heartbeat it is not connected, and a
 * record whose number (`Seq`) does not come back is sent again. A profile may have other answers to the same paths.
 */
export const lapiRules: readonly RequestRule[] = [
  lapi(HEARTBEAT, false, {
    ResponseURL: HEARTBEAT,
    Code: 0,
    Data: { Time: { now: 'local', offset: '+08:00' } },
  }),
  record('/LAPI/V1.0/PACS/Controller/Event/Notifications'),
  record('/LAPI/V1.0/System/Event/Notification/PersonVerification'),
  lapi(ALARM, true, {
    Response: {
      ResponseURL: ALARM,
      ResponseCode: 0,
      SubResponseCode: 0,
      ResponseString: 'Succeed',
      StatusCode: 0,
      StatusString: 'Succeed',
      Data: null,
    },
  }),
];

const isObject = (value: Template): value is { readonly [name: string]: Template } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isPlaceholder = (value: Template) => isObject(value) && ('now' in value || 'echo' in value);

function placeholdersOf(
  value: Template,
  at: readonly string[] = [],
): readonly { readonly placeholder: object; readonly at: readonly string[] }[] {
  if (typeof value !== 'object' || value === null) return [];
  if (isPlaceholder(value)) return [{ placeholder: value, at }];
  return Object.entries(value).flatMap(([name, one]) => placeholdersOf(one, [...at, name]));
}

/** The paths of a question that its answer needs. */
export function echoesOf(reply: Reply | undefined): readonly Path[] {
  if (reply === undefined || !('json' in reply)) return [];
  return placeholdersOf(reply.json).flatMap(({ placeholder }) =>
    'echo' in placeholder ? [String(placeholder.echo).split('.')] : [],
  );
}

function nowAs(form: (typeof nowForms)[number], wall: number, zone = '+00:00'): string | number {
  if (form === 'seconds') return Math.floor(wall / 1000);
  if (form === 'ms') return wall;
  const [hours = 0, minutes = 0] = zone.slice(1).split(':').map(Number);
  const shift = (hours * 60 + minutes) * 60_000 * (zone.startsWith('-') ? -1 : 1);
  const local = new Date(wall + shift).toISOString().slice(0, 19);
  return form === 'local' ? local.replace('T', ' ') : `${local}${zone}`;
}

/** An answer as it is sent. `echoes`: what stood in the question, in the order of `echoesOf`. */
export function renderReply(
  reply: Reply,
  { wall, echoes }: { readonly wall: number; readonly echoes: readonly unknown[] },
): { readonly contentType: string; readonly body: string } {
  if ('text' in reply) return { contentType: 'text/plain; charset=utf-8', body: reply.text };
  const left = [...echoes];
  const fill = (value: Template): unknown => {
    if (typeof value !== 'object' || value === null) return value;
    if (isPlaceholder(value)) {
      if ('echo' in value) {
        const found = left.shift();
        return isScalar(found) ? found : null;
      }
      const { now: form, offset: zone } = value as z.output<typeof now>;
      return nowAs(form, wall, zone);
    }
    if (Array.isArray(value)) return value.map(fill);
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, fill(one as Template)]));
  };
  return { contentType: 'application/json; charset=utf-8', body: JSON.stringify(fill(reply.json)) };
}

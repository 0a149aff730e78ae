/**
 * Face terminals and a visitor kiosk, as their makers' protocols have them: they push over HTTP and keep what was not
 * answered with 200, or hold a stream open that the gateway reads.
 */
import { createPush, type Delivery, serveStream } from './face-terminal/delivery.ts';
import { type Happening, messageOf } from './face-terminal/messages.ts';
import { digestGuard } from './http.ts';
import type { TerminalKind } from './kinds.ts';
import { type Action, actions, garbage, milliseconds, type Simulator } from './simulator.ts';

export interface TerminalOptions {
  readonly id?: string;
  readonly kind: TerminalKind;
  /** Where it pushes to; ZKTeco and Uniview: the server only. */
  readonly to?: string | undefined;
  /** ZKTeco. */
  readonly serial?: string | undefined;
  /** Where its stream is read instead; hikvision and dahua. */
  readonly listen?: { readonly host: string; readonly port: number } | undefined;
  readonly username?: string | undefined;
  /** Said where it pushes, wanted where it is read. */
  readonly password?: string | undefined;
}

const HEARTBEAT_MS = 10_000;

export async function startFaceTerminal(options: TerminalOptions): Promise<Simulator> {
  const { id = 'terminal', kind, to = '', serial, listen } = options;
  const { username = 'admin', password } = options;
  let clockOffset = 0;
  const delivery =
    listen === undefined
      ? createPush({ to, serial, login: password === undefined ? undefined : { username, password } })
      : await serveStream(listen, digestGuard(kind, username, password ?? ''));
  const happen = (happening: Happening) => {
    const packet = messageOf[kind](happening, new Date(Date.now() + clockOffset));
    if (packet === undefined) throw new Error(`a ${kind} terminal does not know ${happening.what}`);
    delivery.send(packet, happening.what !== 'heartbeat');
  };
  const beating = setInterval(() => happen({ what: 'heartbeat' }), HEARTBEAT_MS);
  if (kind === 'zkteco') happen({ what: 'heartbeat' });

  return {
    id,
    ...(delivery.undelivered !== undefined && { undelivered: delivery.undelivered }),
    ...(delivery.refused !== undefined && { refused: delivery.refused }),
    ...(delivery.unheard !== undefined && { unheard: delivery.unheard }),
    ...actions(id, {
      ...kindActions(kind, happen),
      heartbeat: { help: 'say that it is there', run: () => happen({ what: 'heartbeat' }) },
      ...troubleActions(delivery),
      'clock TIME': {
        help: 'put its clock wrong, e.g. -2h',
        run: (time: string) => {
          clockOffset = milliseconds(time);
        },
      },
    }),
    async close() {
      clearInterval(beating);
      await delivery.close();
    },
  };
}

/** What can happen at a terminal of this kind. */
function kindActions(
  kind: TerminalKind,
  happen: (happening: Happening) => void,
): Readonly<Record<string, Action>> {
  if (kind === 'kiosk')
    return {
      'arrive VISIT [NAME]': {
        help: 'a visitor comes',
        run: (visit: string, name?: string) =>
          happen({ what: 'visit', visit, event: 'arrived', ...(name !== undefined && { name }) }),
      },
      'leave VISIT': {
        help: 'and goes',
        run: (visit: string) => happen({ what: 'visit', visit, event: 'left' }),
      },
    };
  const known =
    (what: 'face' | 'card', passed: boolean) =>
    (number: string, match = '95') =>
      happen({ what, number, passed, match: Number(match) / 100 });
  return {
    'face PERSON [MATCH]': { help: 'somebody is recognised and passes', run: known('face', true) },
    'face-refused PERSON [MATCH]': {
      help: 'somebody is recognised and may not pass',
      run: known('face', false),
    },
    'card NUMBER': { help: 'a card that passes', run: known('card', true) },
    ...(kind !== 'zkteco' && {
      stranger: { help: 'a face that nobody knows', run: () => happen({ what: 'stranger' }) },
    }),
    ...(kind === 'hikvision' && {
      'code MAJOR MINOR': {
        help: 'what HCNetSDK has a number for: 5 27 a forced door, 1 1034 duress',
        run: (major: string, minor: string) => happen({ what: 'code', code: [major, minor] }),
      },
      'cid CODE ZONE': {
        help: "an alarm host's report: 1130 a burglary, 3130 its end",
        run: (code: string, zone: string) => happen({ what: 'code', code: ['cid', code, zone] }),
      },
    }),
    ...(kind === 'zkteco' && {
      'event CODE': {
        help: 'what the push protocol has a number for: 102 a forced door, 101 duress',
        run: (code: string) => happen({ what: 'code', code: [code] }),
      },
    }),
    ...(kind === 'dahua' && {
      'code CODE ACTION': {
        help: 'an event without data: BreakIn Start, DoorNotClosed Stop',
        run: (code: string, action: string) => happen({ what: 'code', code: [code, action] }),
      },
    }),
    ...((kind === 'hikvision' || kind === 'dahua') && {
      tamper: { help: 'open its case', run: () => happen({ what: 'tamper' }) },
    }),
  };
}

/** What goes wrong. */
const troubleActions = (delivery: Delivery): Readonly<Record<string, Action>> => ({
  garbage: { help: 'send what is no message', run: () => delivery.sendNoise(garbage()) },
  cut: { help: 'drop the streams that are being read', run: delivery.cut },
});

/**
 * Face terminals and a visitor kiosk, as their makers' protocols have them: they push over HTTP and keep what was not
 * answered with 200, or hold a stream open that the gateway reads.
 */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { digestGuard } from './http.ts';
import type { TerminalKind } from './kinds.ts';
import { actions, garbage, milliseconds, type Simulator } from './simulator.ts';

export interface TerminalOptions {
  readonly id?: string;
  readonly kind: TerminalKind;
  /** Where it pushes to; ZKTeco: the server only. */
  readonly to?: string | undefined;
  /** ZKTeco. */
  readonly serial?: string | undefined;
  readonly authorization?: string | undefined;
  /** Where its stream is read instead; hikvision and dahua. */
  readonly listen?: { readonly host: string; readonly port: number } | undefined;
  readonly username?: string;
  readonly password?: string;
}

/** What somebody did in front of it. */
type Happening =
  | {
      readonly what: 'face' | 'card';
      readonly number: string;
      readonly passed: boolean;
      readonly match: number;
    }
  | { readonly what: 'stranger' | 'tamper' | 'heartbeat' }
  | { readonly what: 'visit'; readonly visit: string; readonly event: string; readonly name?: string };

interface Packet {
  readonly contentType: string;
  readonly bytes: Buffer;
  /** Of the URL, where it is not the terminal's own. */
  readonly path?: string;
}

/** The smallest JPEG that there is, grey. */
const FACE = Buffer.from(
  'ffd8ffe000104a46494600010100000100010000ffdb004300' +
    '03020202020203020202030303030406040404040408060605060908' +
    '0a0a090809090a0c0f0c0a0b0e0b09090d110d0e0f101011100a0c12131210130f101010' +
    'ffc9000b080001000101011100ffcc000600101005ffda0008010100003f00d2cf20ffd9',
  'hex',
);
const local = (date: Date) => new Date(date.getTime() + 8 * 3_600_000).toISOString().slice(0, 19);

let serialNo = 0;

/** As a maker says it. */
const speak: Readonly<Record<TerminalKind, (happening: Happening, now: Date) => Packet | undefined>> = {
  hikvision(happening, now) {
    const { what } = happening;
    const at = `${local(now)}+08:00`;
    const common = {
      ipAddress: '10.0.0.31',
      portNo: 80,
      protocol: 'HTTP',
      channelID: 1,
      dateTime: at,
      activePostCount: 1,
    };
    if (what === 'visit') return undefined;
    if (what === 'heartbeat') {
      const xml = `<EventNotificationAlert version="2.0" xmlns="http://www.hikvision.com/ver20/XMLSchema"><ipAddress>10.0.0.31</ipAddress><dateTime>${at}</dateTime><eventType>videoloss</eventType><eventState>inactive</eventState><eventDescription>videoloss alarm</eventDescription></EventNotificationAlert>`;
      return { contentType: 'application/xml; charset="UTF-8"', bytes: Buffer.from(xml) };
    }
    const [majorEventType, subEventType] = {
      face: [5, 'passed' in happening && happening.passed ? 75 : 76],
      card: [5, 'passed' in happening && happening.passed ? 1 : 9],
      stranger: [5, 76],
      tamper: [1, 1028],
    }[what] as [number, number];
    const event = {
      ...common,
      eventType: 'AccessControllerEvent',
      eventState: 'active',
      eventDescription: 'Access Controller Event',
      AccessControllerEvent: {
        deviceName: 'Access Controller',
        majorEventType,
        subEventType,
        ...(what === 'face' &&
          'number' in happening && { employeeNoString: happening.number, currentVerifyMode: 'face' }),
        ...(what === 'card' && 'number' in happening && { cardNo: happening.number, cardType: 1 }),
        serialNo: ++serialNo,
        userType: 'normal',
        attendanceStatus: 'undefined',
        statusValue: 0,
      },
    };
    const boundary = 'MIME_boundary';
    const json = Buffer.from(JSON.stringify(event, undefined, 1));
    const parts = [
      `--${boundary}\r\nContent-Disposition: form-data; name="event_log"\r\nContent-Type: application/json; charset="UTF-8"\r\nContent-Length: ${json.length}\r\n\r\n`,
      json,
      `\r\n--${boundary}\r\nContent-Disposition: form-data; name="Picture"; filename="Picture.jpg"\r\nContent-Type: image/jpeg\r\nContent-Length: ${FACE.length}\r\n\r\n`,
      FACE,
      `\r\n--${boundary}--\r\n`,
    ];
    return {
      contentType: `multipart/form-data; boundary=${boundary}`,
      bytes: Buffer.concat(parts.map((part) => Buffer.from(part))),
    };
  },
  dahua(happening, now) {
    const { what } = happening;
    if (what === 'visit') return undefined;
    const text = (code: string, data: object, action = 'Pulse') => ({
      contentType: 'text/plain',
      bytes: Buffer.from(
        `Code=${code};action=${action};index=0;data=${JSON.stringify(data, undefined, 3)}\r\n`,
      ),
    });
    if (what === 'heartbeat') return { contentType: 'text/plain', bytes: Buffer.from('Heartbeat') };
    if (what === 'tamper') return text('ChassisIntruded', { Name: 'chassis' }, 'Start');
    const known = 'number' in happening;
    return text('AccessControl', {
      CardNo: what === 'card' && known ? happening.number : '',
      UserID: what === 'face' && known ? happening.number : what === 'stranger' ? '0' : '',
      Method: what === 'card' ? 1 : 15,
      Status: known && happening.passed ? 1 : 0,
      Similarity: known ? Math.round(happening.match * 100) : 0,
      Type: 'Entry',
      Door: 0,
      RecNo: ++serialNo,
      UTC: Math.floor(now.getTime() / 1000),
    });
  },
  zkteco(happening, now) {
    const { what } = happening;
    if (what === 'heartbeat')
      return { contentType: 'text/plain', bytes: Buffer.alloc(0), path: '/iclock/getrequest' };
    if (what !== 'face' && what !== 'card') return undefined;
    const line = [
      happening.number,
      local(now).replace('T', ' '),
      '0',
      what === 'face' ? '15' : '2',
      '0',
      '0',
      '0',
    ];
    return {
      contentType: 'text/plain',
      bytes: Buffer.from(`${line.join('\t')}\n`),
      path: '/iclock/cdata?table=ATTLOG&Stamp=9999',
    };
  },
  kiosk(happening, now) {
    if (happening.what === 'heartbeat') return { contentType: 'application/json', bytes: Buffer.from('{}') };
    if (happening.what !== 'visit') return undefined;
    const { visit, event, name } = happening;
    const message = { visit, event, ...(name !== undefined && { name }), time: now.toISOString() };
    return { contentType: 'application/json', bytes: Buffer.from(JSON.stringify(message)) };
  },
};

const RETRY_MS = 500;
const HEARTBEAT_MS = 10_000;

export async function startFaceTerminal(options: TerminalOptions): Promise<Simulator> {
  const {
    id = 'terminal',
    kind,
    to,
    serial,
    authorization,
    listen,
    username = 'admin',
    password = '',
  } = options;
  const over = new AbortController();
  const { signal } = over;
  let clockOffset = 0;
  let waiting = Promise.resolve();
  const readers = new Set<ServerResponse>();

  const urlOf = (path: string | undefined) => {
    const url = new URL(path ?? to ?? '', to);
    if (serial !== undefined) url.searchParams.set('SN', serial);
    return url;
  };
  /** One after another, each until it is taken; a 4xx is a word, not an outage. */
  const push = async ({ contentType, bytes, path }: Packet) => {
    const isQuestion = path?.startsWith('/iclock/getrequest') === true;
    while (!signal.aborted) {
      const answer = await fetch(urlOf(path), {
        method: isQuestion ? 'GET' : 'POST',
        headers: { 'content-type': contentType, ...(authorization !== undefined && { authorization }) },
        ...(!isQuestion && { body: new Uint8Array(bytes) }),
        signal,
      }).catch(() => undefined);
      if (answer !== undefined && answer.status < 500) return;
      await delay(RETRY_MS, undefined, { signal }).catch(() => {});
    }
  };
  const stream = ({ contentType, bytes }: Packet, response: ServerResponse) => {
    // Their own parts, or, of a multipart, its first part alone: pictures follow in parts of their own.
    if (!contentType.startsWith('multipart/')) {
      response.write(
        `--myboundary\r\nContent-Type: ${contentType}\r\nContent-Length: ${bytes.length}\r\n\r\n`,
      );
      response.write(bytes);
      response.write('\r\n');
      return;
    }
    const text = bytes
      .toString('latin1')
      .replaceAll('--MIME_boundary--', '')
      .replaceAll('--MIME_boundary', '--myboundary');
    response.write(
      Buffer.from(text.replace(/form-data; name="[^"]*"(; filename="[^"]*")?/g, 'inline'), 'latin1'),
    );
  };
  const happen = (happening: Happening) => {
    const packet = speak[kind](happening, new Date(Date.now() + clockOffset));
    if (packet === undefined) throw new Error(`a ${kind} terminal does not know ${happening.what}`);
    if (listen === undefined) waiting = waiting.then(() => push(packet));
    else for (const response of readers) stream(packet, response);
  };

  const guard = digestGuard(kind, username, password);
  const server = createServer((request, response) => {
    if (!guard(request, response)) return;
    response.writeHead(200, { 'content-type': 'multipart/mixed; boundary=myboundary' });
    response.flushHeaders();
    readers.add(response);
    response.on('close', () => readers.delete(response));
  });
  if (listen !== undefined) {
    server.listen(listen);
    await once(server, 'listening');
  }
  const beating = setInterval(() => happen({ what: 'heartbeat' }), HEARTBEAT_MS);
  if (kind === 'zkteco')
    waiting = push({ contentType: '', bytes: Buffer.alloc(0), path: '/iclock/getrequest' });

  const known =
    (what: 'face' | 'card', passed: boolean) =>
    (number: string, match = '95') =>
      happen({ what, number, passed, match: Number(match) / 100 });
  return {
    id,
    ...actions(id, {
      ...(kind !== 'kiosk' && {
        'face PERSON [MATCH]': { help: 'somebody is recognised and passes', run: known('face', true) },
        'face-refused PERSON [MATCH]': {
          help: 'somebody is recognised and may not pass',
          run: known('face', false),
        },
        'card NUMBER': { help: 'a card that passes', run: known('card', true) },
      }),
      ...((kind === 'hikvision' || kind === 'dahua') && {
        stranger: { help: 'a face that nobody knows', run: () => happen({ what: 'stranger' }) },
        tamper: { help: 'open its case', run: () => happen({ what: 'tamper' }) },
      }),
      ...(kind === 'kiosk' && {
        'arrive VISIT [NAME]': {
          help: 'a visitor comes',
          run: (visit: string, name?: string) =>
            happen({ what: 'visit', visit, event: 'arrived', ...(name !== undefined && { name }) }),
        },
        'leave VISIT': {
          help: 'and goes',
          run: (visit: string) => happen({ what: 'visit', visit, event: 'left' }),
        },
      }),
      heartbeat: { help: 'say that it is there', run: () => happen({ what: 'heartbeat' }) },
      garbage: {
        help: 'send what is no message',
        run: () => {
          const packet = { contentType: 'application/json', bytes: garbage() };
          if (listen === undefined) waiting = waiting.then(() => push(packet));
          else for (const response of readers) response.write(packet.bytes);
        },
      },
      cut: {
        help: 'drop the streams that are being read',
        run: () => {
          for (const response of readers) response.destroy();
        },
      },
      'clock TIME': {
        help: 'put its clock wrong, e.g. -2h',
        run: (time: string) => {
          clockOffset = milliseconds(time);
        },
      },
    }),
    async close() {
      clearInterval(beating);
      over.abort();
      for (const response of readers) response.destroy();
      server.close();
      await waiting;
    },
  };
}

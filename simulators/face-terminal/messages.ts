/** What somebody did at a terminal, as its maker's protocol says it. */
import type { TerminalKind } from '../kinds.ts';

/** What somebody did in front of it. */
export type Happening =
  | {
      readonly what: 'face' | 'card';
      readonly number: string;
      readonly passed: boolean;
      readonly match: number;
    }
  | { readonly what: 'stranger' | 'tamper' | 'heartbeat' }
  /** Anything else, by the numbers and names of the maker. */
  | { readonly what: 'code'; readonly code: readonly string[] }
  | { readonly what: 'visit'; readonly visit: string; readonly event: string; readonly name?: string };

export interface Packet {
  readonly contentType: string;
  readonly bytes: Buffer;
  /** Of the URL, where it is not the terminal's own. */
  readonly path?: string;
  /** As its memory has it, for who asks later. */
  readonly record?: Readonly<Record<string, unknown>>;
  /** Whether an answer says that it was taken; until then it is sent again. Any that is no 5xx, where this is not said. */
  readonly isHeard?: (answer: string) => boolean;
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
/** ZKTeco: what is not answered so is sent again. */
const isOk = (answer: string) => answer.startsWith('OK');

/** As a maker says it; undefined: it has no word for that. */
export const messageOf: Readonly<
  Record<TerminalKind, (happening: Happening, now: Date) => Packet | undefined>
> = {
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
      code: happening.what === 'code' ? happening.code.map(Number) : [],
      face: [5, 'passed' in happening && happening.passed ? 75 : 76],
      card: [5, 'passed' in happening && happening.passed ? 1 : 9],
      stranger: [5, 76],
      tamper: [1, 1028],
    }[what] as [number, number];
    if (happening.what === 'code' && happening.code[0] === 'cid') return cidEvent(happening.code, common);
    const event = {
      ...common,
      eventType: 'AccessControllerEvent',
      eventState: 'active',
      eventDescription: 'Access Controller Event',
      AccessControllerEvent: {
        deviceName: 'Access Controller',
        majorEventType,
        subEventType,
        doorNo: 1,
        cardReaderNo: 1,
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
    const { majorEventType: major, subEventType: minor, ...info } = event.AccessControllerEvent;
    return {
      contentType: `multipart/form-data; boundary=${boundary}`,
      bytes: Buffer.concat(parts.map((part) => Buffer.from(part))),
      record: { major, minor, time: at, ...info },
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
    if (happening.what === 'code') return text(happening.code[0] ?? '', {}, happening.code[1]);
    if (what === 'tamper') return text('ChassisIntruded', { Name: 'chassis' }, 'Start');
    const known = 'number' in happening;
    const data = {
      CardNo: what === 'card' && known ? happening.number : '',
      UserID: what === 'face' && known ? happening.number : what === 'stranger' ? '0' : '',
      Method: what === 'card' ? 1 : 15,
      Status: known && happening.passed ? 1 : 0,
      Similarity: known ? Math.round(happening.match * 100) : 0,
      Type: 'Entry',
      Door: 0,
      RecNo: ++serialNo,
      UTC: Math.floor(now.getTime() / 1000),
    };
    return { ...text('AccessControl', data), record: { ...data, CreateTime: data.UTC } };
  },
  zkteco(happening, now) {
    const { what } = happening;
    if (what === 'heartbeat')
      return { contentType: 'text/plain', bytes: Buffer.alloc(0), path: '/iclock/getrequest' };
    if (happening.what === 'code') {
      const cells = {
        time: local(now).replace('T', ' '),
        pin: 0,
        cardno: 0,
        eventaddr: 1,
        event: happening.code[0],
        inoutstatus: 2,
        verifytype: 200,
        index: ++serialNo,
      };
      const text = Object.entries(cells)
        .map((pair) => pair.join('='))
        .join('\t');
      return {
        contentType: 'text/plain',
        bytes: Buffer.from(`${text}\n`),
        path: '/iclock/cdata?table=rtlog',
        isHeard: isOk,
      };
    }
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
      isHeard: isOk,
    };
  },
  uniview,
  kiosk(happening, now) {
    if (happening.what === 'heartbeat') return { contentType: 'application/json', bytes: Buffer.from('{}') };
    if (happening.what !== 'visit') return undefined;
    const { visit, event, name } = happening;
    const message = { visit, event, ...(name !== undefined && { name }), time: now.toISOString() };
    return { contentType: 'application/json', bytes: Buffer.from(JSON.stringify(message)) };
  },
};

/** An alarm host's report. */
function cidEvent(
  [, code = '', zone = '']: readonly string[],
  common: { readonly dateTime: string },
): Packet {
  const trigger = common.dateTime;
  const CIDEvent = {
    code: Number(code),
    standardCIDcode: Number(code),
    type: 'zoneAlarm',
    trigger,
    upload: trigger,
    zone: Number(zone),
  };
  const event = {
    ...common,
    eventType: 'cidEvent',
    eventState: 'active',
    eventDescription: 'CID event',
    CIDEvent,
  };
  return { contentType: 'application/json; charset="UTF-8"', bytes: Buffer.from(JSON.stringify(event)) };
}

/** What stands at a place of a JSON answer; undefined where it is none. */
function memberOf(answer: string, path: readonly string[]): unknown {
  try {
    return path.reduce<unknown>(
      (value, name) => (value as Readonly<Record<string, unknown>> | undefined)?.[name],
      JSON.parse(answer),
    );
  } catch {
    return undefined;
  }
}

/** Uniview's LAPI: what it told is taken when its number comes back. */
function uniview(happening: Happening, now: Date): Packet | undefined {
  const { what } = happening;
  const json = (path: string, body: object, isHeard: Packet['isHeard']): Packet => ({
    contentType: 'application/json',
    bytes: Buffer.from(JSON.stringify(body)),
    path,
    ...(isHeard !== undefined && { isHeard }),
  });
  const DeviceCode = '210235C3FW0000000000';
  if (what === 'heartbeat')
    return json(
      '/LAPI/V1.0/PACS/Controller/HeartReportInfo',
      { RefId: 'e5', Time: local(now).replace('T', ' '), DeviceCode, DeviceType: 5 },
      (answer) => memberOf(answer, ['Code']) === 0,
    );
  if (what !== 'face' && what !== 'card' && what !== 'stranger') return undefined;
  const Seq = ++serialNo;
  const Timestamp = Math.floor(now.getTime() / 1000);
  const isCard = what === 'card';
  const known = 'number' in happening ? happening : undefined;
  const number = known?.number ?? '';
  const person = isCard ? '' : number;
  const face = {
    ID: Seq,
    Timestamp,
    CapSrc: 1,
    FaceImage: { Name: '1.jpg', Size: FACE.length, Data: FACE.toString('base64') },
  };
  const card = {
    ID: Seq,
    Timestamp,
    CapSrc: 2,
    CardType: 1,
    CardID: number,
    CardStatus: 1,
  };
  return json(
    '/LAPI/V1.0/System/Event/Notification/PersonVerification',
    {
      Reference: '10.0.0.9:8080/Subscription/Subscribers/1000',
      Seq,
      DeviceCode,
      Timestamp,
      NotificationType: 0,
      FaceInfoNum: isCard ? 0 : 1,
      FaceInfoList: isCard ? [] : [face],
      CardInfoNum: isCard ? 1 : 0,
      CardInfoList: isCard ? [card] : [],
      GateInfoNum: 0,
      GateInfoList: [],
      LibMatInfoNum: 1,
      LibMatInfoList: [
        {
          ID: Seq,
          LibID: 3,
          LibType: 3,
          MatchStatus: known === undefined ? 2 : known.passed ? 1 : 3,
          MatchPersonID: Number(person),
          MatchFaceID: 0,
          MatchPersonInfo: {
            PersonCode: person,
            PersonName: '',
            CardID: '',
          },
          ...(known && { MatchFaceConfidence: Math.round(known.match * 100) }),
        },
      ],
    },
    (answer) => memberOf(answer, ['Response', 'Data', 'RecordID']) === Seq,
  );
}

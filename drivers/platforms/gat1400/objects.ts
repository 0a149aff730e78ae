/**
 * What of our events is an object of GA/T 1400.3, and as what: one table. An object is sent with its picture or not at all.
 * Members that a driver does not know are left out; those that the standard wants all the same say that it is not known. Pure.
 */
import { alarmNames } from '../../contract/gb28181.ts';
import { type AlarmKind, isAlarmKind } from '../../contract/observation.ts';
import { paths } from './codec.ts';
import { imageId, seenId, serialOf } from './ids.ts';
import { sizeOf } from './picture.ts';

/** So much of an event as an object needs; as in docs/events. */
export interface SeenEvent {
  readonly id: string;
  /** With or without the prefix of CloudEvents. */
  readonly type: string;
  /** RFC 3339. */
  readonly time: string;
  readonly sequence?: unknown;
  readonly data: {
    readonly kind?: string | undefined;
    readonly state?: string | undefined;
    readonly device: { readonly id: string; readonly name?: string | undefined };
    readonly zone?: { readonly number: number; readonly name?: string | undefined } | undefined;
    /** A visitor's; only where the uplink lets names leave. */
    readonly visit?: { readonly name?: string | undefined } | undefined;
    readonly details?: Readonly<Record<string, unknown>> | undefined;
    readonly test?: string | undefined;
    /** Its reference. */
    readonly picture?: string | undefined;
    /** Of `media.kept`: of what event it is, by id and type. */
    readonly event?: string | undefined;
    readonly of?: string | undefined;
    readonly contentType?: string | undefined;
  };
}

export type Kind = 'face' | 'person' | 'vehicle' | 'image';

export const pathOf: Readonly<Record<Kind, string>> = {
  face: paths.faces,
  person: paths.persons,
  vehicle: paths.vehicles,
  image: paths.images,
};

const shortOf = (type: string) => type.replace(/^cn\.campus\./, '');

/** What may leave without `faces`: pictures of alarms. */
const isAlarm = (type: string | undefined) => type === 'access.forced' || type?.startsWith('alarm.') === true;

/** Patterns of the events that may become an object, as in `events` of an uplink. */
export const carriedOf = (faces: boolean): readonly string[] =>
  faces
    ? ['alarm.raised', 'access.*', 'visitor.*', 'video.*', 'media.kept']
    : ['alarm.raised', 'access.forced', 'media.kept'];

/** What the picture of an event shows. At a card, too, a terminal takes the face of who stands there. */
function seenAt(type: string): Kind {
  if (isAlarm(type)) return 'image';
  if (type === 'video.face' || /^access\.(granted|denied|unknown|pickup)$/.test(type)) return 'face';
  if (type === 'video.vehicle') return 'vehicle';
  return type === 'video.person' || type.startsWith('visitor.') ? 'person' : 'image';
}

/** Where events of a type go, before it is known what a camera's picture is of. */
export const addressOf = (type: string): string => pathOf[seenAt(type)];

/**
 * What an event is sent as. undefined: not at all: it has no picture, is the end of something, or, without `faces`, is no
 * alarm.
 */
export function kindOf({ type, data }: SeenEvent, faces: boolean): Kind | undefined {
  const { state, picture, contentType, of } = data;
  if (picture === undefined || state === 'restored') return undefined;
  const short = shortOf(type);
  if (short !== 'media.kept') return faces || isAlarm(short) ? seenAt(short) : undefined;
  // A clip is none.
  if (contentType?.startsWith('image/') !== true) return undefined;
  if (isAlarm(of)) return 'image';
  if (!faces) return undefined;
  // A camera beside a door sees whoever comes, and not where the face is.
  return of?.startsWith('access.') ? 'person' : seenAt(of ?? '');
}

/** `20261128233000` in a zone, an IANA name (1400.3, dateTime). */
export function compactTime(time: string, timeZone: string): string {
  const parts = new Intl.DateTimeFormat('sv-SE', {
    ...{ timeZone, year: 'numeric', month: '2-digit', day: '2-digit' },
    ...{ hour: '2-digit', minute: '2-digit', second: '2-digit' },
  });
  return parts.format(new Date(time)).replace(/\D/g, '');
}

/** EventSort (GA/T 2000.254): 01 vehicles pass, 02 persons do, 04 running, 05 a line, 06 intrusion, 07 the wrong way, … */
const sorts: Readonly<Record<string, number>> = {
  'video.fast-movement': 4,
  'video.line-crossed': 5,
  'video.zone-entered': 6,
  'video.wrong-way': 7,
  'video.loitering': 8,
  'video.crowd': 11,
};
const INTRUSIONS: readonly AlarmKind[] = ['intrusion', 'perimeter', 'fence'];

function sortOf(what: Kind, { type, data: { kind, of } }: SeenEvent): number | undefined {
  if (what === 'vehicle') return 1;
  if (what !== 'image') return 2;
  if (kind !== undefined && isAlarmKind(kind)) return INTRUSIONS.includes(kind) ? 6 : undefined;
  const short = of ?? shortOf(type);
  return Object.hasOwn(sorts, short) ? sorts[short] : undefined;
}

/** Type of a picture (1400.3, B.3): 10 a person, 11 a face, 14 a scene. What a vehicle stands on is a scene here. */
const pictureTypes: Readonly<Record<Kind, string>> = { face: '11', person: '10', vehicle: '14', image: '14' };
/** Of who collects: 1, a machine. */
const AUTOMATIC = 1;
/** Of the questions whether somebody is a driver, a foreigner, a suspect: 2, nobody knows. */
const UNKNOWN = 2;
/** Of codes of colours and classes: another one, or none that is known. */
const OTHER = '99';
/** Who filmed: another enterprise or public institution (1400.3, B.3, VideoSource). */
const INSTITUTION = '10';
/** SecurityLevel (1400.3, B.3.5): internal. */
const INTERNAL = '4';

/** A picture, and by what the platform knows who took it and when. */
export interface Shot {
  readonly bytes: Buffer;
  readonly contentType: string;
  /** 20 digits. */
  readonly device: string;
  /** IANA name of the campus's time zone. */
  readonly timeZone: string;
}

export interface ViewObject {
  readonly path: string;
  /** What its status comes back with. */
  readonly id: string;
  readonly body: string;
}

const formatOf = (contentType: string) => (contentType === 'image/png' ? 'Png' : 'Jpeg');
/** The longest that the standard has for a place and for a name (1400.3, B.3), characters. */
const PLACE_MAX = 100;
const NAME_MAX = 50;
const placeOf = ({ data: { device, zone } }: SeenEvent) =>
  (zone?.name ?? [device.name ?? device.id, zone?.number].join(' ').trim()).slice(0, PLACE_MAX);

/** The object of an event; the same for the same event, however often. */
export function objectOf(what: Kind, event: SeenEvent, shot: Shot): ViewObject {
  const at = compactTime(event.time, shot.timeZone);
  const image = imageId(shot.device, at, serialOf(event));
  const { width, height } = sizeOf(shot.bytes) ?? { width: 0, height: 0 };
  const sort = sortOf(what, event);
  const picture = {
    ImageID: image,
    ...(sort !== undefined && { EventSort: sort }),
    DeviceID: shot.device,
    Type: pictureTypes[what],
    FileFormat: formatOf(shot.contentType),
    ShotTime: at,
    Width: width,
    Height: height,
    FileSize: shot.bytes.length,
  };
  const Data = shot.bytes.toString('base64');
  if (what === 'image') {
    const body = { ImageInfo: { ...picture, ...aboutImage(event) }, Data };
    return { path: pathOf.image, id: image, body: JSON.stringify({ ImageListObject: { Image: [body] } }) };
  }
  const common = {
    InfoKind: AUTOMATIC,
    SourceID: image,
    DeviceID: shot.device,
    // Of no driver is known where on the picture it is: somewhere on all of it.
    ...{ LeftTopX: 0, LeftTopY: 0, RightBtmX: width, RightBtmY: height },
    SubImageList: { SubImageInfoObject: [{ ...picture, Data }] },
  };
  const id = seenId(image, what);
  const written = {
    face: () => ({ FaceListObject: { FaceObject: [{ FaceID: id, ...common, ...aboutFace(event, at) }] } }),
    person: () => ({
      PersonListObject: { PersonObject: [{ PersonID: id, ...common, ...aboutPerson(event, at) }] },
    }),
    vehicle: () => ({
      MotorVehicleListObject: {
        MotorVehicleObject: [{ MotorVehicleID: id, ...common, ...aboutVehicle(at) }],
      },
    }),
  }[what];
  return { path: pathOf[what], id, body: JSON.stringify(written()) };
}

function aboutImage(event: SeenEvent) {
  const { kind, test, event: of } = event.data;
  const words = kind !== undefined && isAlarmKind(kind) ? alarmNames[kind] : '报警图片';
  return {
    InfoKind: AUTOMATIC,
    ImageSource: INSTITUTION,
    Title: `${words}${test === undefined ? '' : '（测试）'}`,
    // By what the alarm is known on other ways: beside MQTT, and where GB/T 28181 says `eventId`.
    ContentDescription: of ?? event.id,
    ShotPlaceFullAdress: placeOf(event),
    SecurityLevel: INTERNAL,
  };
}

/** What is asked of everybody. */
const judged = {
  IsDriver: UNKNOWN,
  IsForeigner: UNKNOWN,
  IsSuspectedTerrorist: UNKNOWN,
  IsCriminalInvolved: UNKNOWN,
  IsDetainees: UNKNOWN,
  IsVictim: UNKNOWN,
  IsSuspiciousPerson: UNKNOWN,
};

const nameOf = ({ data: { visit } }: SeenEvent) =>
  visit?.name === undefined ? {} : { Name: visit.name.slice(0, NAME_MAX) };

function aboutFace(event: SeenEvent, at: string) {
  const match = event.data.details?.['match'];
  return {
    LocationMarkTime: at,
    FaceAppearTime: at,
    FaceDisAppearTime: at,
    ...nameOf(event),
    ...judged,
    ...(typeof match === 'number' && { Similaritydegree: match }),
  };
}

const aboutPerson = (event: SeenEvent, at: string) => ({
  LocationMarkTime: at,
  PersonAppearTime: at,
  PersonDisAppearTime: at,
  ...nameOf(event),
  ...judged,
});

/** No driver reads plates: the standard's word for one that could not be read at all stands there. */
const aboutVehicle = (at: string) => ({
  MarkTime: at,
  AppearTime: at,
  DisappearTime: at,
  PassTime: at,
  HasPlate: '0',
  PlateClass: OTHER,
  PlateColor: OTHER,
  PlateNo: '无车牌',
  VehicleColor: OTHER,
});

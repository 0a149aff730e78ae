/**
 * What is sent to a simulated view library: faces, persons, vehicles, images (GA/T 1400.3-2017), and what is wrong with
 * each. It looks at what libraries in use refuse: ids of the right length, times, pictures that are some. Pure.
 */
type Members = Readonly<Record<string, unknown>>;

export interface Picture {
  readonly id: string;
  /** `11` a face, `14` a scene (1400.3, B.3). */
  readonly type: string;
  readonly bytes: Buffer;
}

export interface Sent {
  readonly kind: Kind;
  readonly id: string;
  readonly device: string;
  /** `20261128233000`. */
  readonly time: string;
  readonly pictures: readonly Picture[];
  /** Sentences; none: it can be kept. */
  readonly problems: readonly string[];
}

interface Shape {
  /** `FaceListObject.FaceObject`. */
  readonly list: string;
  readonly item: string;
  readonly id: string;
  /** Digits of its id: 41 of what was filmed, 48 of what is seen on it (GA/T 1400.1, tables 3 and 4). */
  readonly digits: number;
}
const shapes = {
  face: { list: 'FaceListObject', item: 'FaceObject', id: 'FaceID', digits: 48 },
  person: { list: 'PersonListObject', item: 'PersonObject', id: 'PersonID', digits: 48 },
  vehicle: {
    ...{ list: 'MotorVehicleListObject', item: 'MotorVehicleObject', id: 'MotorVehicleID', digits: 48 },
  },
  image: { list: 'ImageListObject', item: 'Image', id: 'ImageID', digits: 41 },
} as const satisfies Readonly<Record<string, Shape>>;
export type Kind = keyof typeof shapes;

/** GA/T 1400.4-2017, 7.2. */
export const kindsByPath: ReadonlyMap<string, Kind> = new Map([
  ['/VIID/Faces', 'face'],
  ['/VIID/Persons', 'person'],
  ['/VIID/MotorVehicles', 'vehicle'],
  ['/VIID/Images', 'image'],
]);

/** More at once nobody sends. */
const OBJECTS_MAX = 200;
const PICTURES_MAX = 20;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
const TIME = /^\d{14}$/;

const membersOf = (value: unknown): Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Members) : {};
const allOf = (value: unknown, most: number): readonly unknown[] =>
  (Array.isArray(value) ? value : value === undefined ? [] : [value]).slice(0, most);
const textOf = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number' ? String(value).slice(0, 200) : '';

/** What the bytes are, by how they begin; '' is neither. */
const formatOf = (bytes: Buffer): '' | 'Jpeg' | 'Png' => {
  if (bytes.subarray(0, 3).equals(Buffer.of(0xff, 0xd8, 0xff))) return 'Jpeg';
  return bytes.subarray(0, 4).equals(Buffer.of(0x89, 0x50, 0x4e, 0x47)) ? 'Png' : '';
};

/** A picture, and what is wrong with it. */
function readPicture(about: Members, data: unknown, problems: string[]): Picture {
  const id = textOf(about['ImageID']);
  const text = typeof data === 'string' ? data : '';
  const bytes = BASE64.test(text) && text.length % 4 === 0 ? Buffer.from(text, 'base64') : Buffer.alloc(0);
  const [format, said] = [formatOf(bytes), textOf(about['FileFormat'])];
  if (!/^\d{41}$/.test(id)) problems.push('ImageID is no 41 digits');
  if (bytes.length === 0) problems.push('Data is no Base64');
  else if (format === '') problems.push('Data is no JPEG or PNG');
  else if (said.toLowerCase() !== format.toLowerCase()) problems.push(`FileFormat ${said} is ${format}`);
  if (!TIME.test(textOf(about['ShotTime']))) problems.push('ShotTime is no yyyyMMddHHmmss');
  return { id, type: textOf(about['Type']), bytes };
}

function readObject(kind: Kind, value: unknown): Sent {
  const shape: Shape = shapes[kind];
  const whole = membersOf(value);
  const about = kind === 'image' ? membersOf(whole['ImageInfo']) : whole;
  const problems: string[] = [];
  const [id, device] = [textOf(about[shape.id]), textOf(about['DeviceID'])];
  if (id.length !== shape.digits || !/^\d+$/.test(id))
    problems.push(`${shape.id} is no ${shape.digits} digits`);
  if (!/^\d{20}$/.test(device)) problems.push('DeviceID is no 20 digits');
  const subImages = allOf(membersOf(whole['SubImageList'])['SubImageInfoObject'], PICTURES_MAX).map(
    membersOf,
  );
  const pictures =
    kind === 'image'
      ? [readPicture(about, whole['Data'], problems)]
      : subImages.map((one) => readPicture(one, one['Data'], problems));
  if (pictures.length === 0) problems.push('there is no picture in SubImageList');
  if (kind !== 'image' && !/^\d{41}$/.test(textOf(about['SourceID'])))
    problems.push('SourceID is no 41 digits');
  const time = textOf(kind === 'image' ? about['ShotTime'] : subImages[0]?.['ShotTime']);
  return { kind, id, device, time, pictures, problems };
}

/** undefined: it is no list of these. */
export function readObjects(kind: Kind, body: Buffer): readonly Sent[] | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body.toString());
  } catch {
    return undefined;
  }
  const { list, item } = shapes[kind];
  const all = allOf(membersOf(membersOf(parsed)[list])[item], OBJECTS_MAX);
  return all.length === 0 ? undefined : all.map((one) => readObject(kind, one));
}

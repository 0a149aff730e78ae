/**
 * GA/T 1400.4 on the wire: JSON over HTTP, what is asked and what a view library (视图库) answers. Pure; whatever comes,
 * nothing here throws.
 */

/** Where things are asked (GA/T 1400.4-2017, 7.2). */
export const paths = {
  register: '/VIID/System/Register',
  unregister: '/VIID/System/UnRegister',
  keepalive: '/VIID/System/Keepalive',
  time: '/VIID/System/Time',
  faces: '/VIID/Faces',
  persons: '/VIID/Persons',
  vehicles: '/VIID/MotorVehicles',
  images: '/VIID/Images',
} as const;

/** What each request says of itself; `User-Identify` is who asks. */
export const headersOf = (device: string): Readonly<Record<string, string>> => ({
  'content-type': 'application/VIID+JSON;charset=UTF-8',
  accept: 'application/VIID+JSON, application/json',
  'user-identify': device,
});

export const registerBody = (device: string) => JSON.stringify({ RegisterObject: { DeviceID: device } });
export const unregisterBody = (device: string) => JSON.stringify({ UnRegisterObject: { DeviceID: device } });
export const keepaliveBody = (device: string) => JSON.stringify({ KeepaliveObject: { DeviceID: device } });

/** What became of one object: ResponseStatus (1400.3, A.26). `code` 0: it is stored. */
export interface Status {
  readonly id: string | undefined;
  readonly code: number;
  readonly words: string;
  /** `20261128233000`, as the platform wrote it. */
  readonly localTime: string | undefined;
}

/** An answer is about one object, a few hundred bytes; a platform that says more of it is not read further. */
const STATUSES_MAX = 100;
const WORDS_MAX = 200;

type Members = Readonly<Record<string, unknown>>;
const membersOf = (value: unknown): Members | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Members) : undefined;
const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' || typeof value === 'number' ? String(value).slice(0, WORDS_MAX) : undefined;

function jsonOf(bytes: Buffer): Members | undefined {
  try {
    return membersOf(JSON.parse(bytes.toString('utf8').replace(/^\ufeff/, '')));
  } catch {
    return undefined;
  }
}

function statusOf(value: unknown): Status | undefined {
  const members = membersOf(value);
  // The standard has a number; platforms in use write it as a text too.
  const code = textOf(members?.['StatusCode'])?.trim() ?? '';
  if (members === undefined || !/^-?\d{1,9}$/.test(code)) return undefined;
  return {
    id: textOf(members['Id']),
    code: Number(code),
    words: textOf(members['StatusString']) ?? '',
    localTime: textOf(members['LocalTime']),
  };
}

/**
 * What an answer says of each object: ResponseStatusList, or one ResponseStatus, as platforms send either for the other.
 * Empty: it says nothing that can be read.
 */
export function readStatuses(bytes: Buffer): readonly Status[] {
  const answer = jsonOf(bytes);
  const list = membersOf(answer?.['ResponseStatusListObject']) ?? membersOf(answer?.['ResponseStatusList']);
  const said = list?.['ResponseStatusObject'] ?? answer?.['ResponseStatusObject'];
  return (Array.isArray(said) ? said.slice(0, STATUSES_MAX) : [said])
    .map(statusOf)
    .filter((status) => status !== undefined);
}

/** What an answer says of the object with this id, the only one that was sent. undefined: nothing. */
export function statusFor(bytes: Buffer, id: string): Status | undefined {
  const statuses = readStatuses(bytes);
  return statuses.find((one) => one.id === id) ?? statuses.find(({ code }) => code !== 0) ?? statuses[0];
}

/** `20261128233000`, or the same with marks between, as RFC 3339 without a zone. undefined: it is no time. */
export function readTime(text: string | undefined): string | undefined {
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})\D?(\d\d)\D?(\d\d)\D?(\d\d)\D?(\d\d)\D?(\d\d)/.exec(text ?? '') ?? [];
  return year === undefined ? undefined : `${year}-${month}-${day}T${hour}:${minute}:${second}`;
}

/** What SystemTime (1400.3, A.30) says: local time, as `readTime` gives it. undefined: no time. */
export const readSystemTime = (bytes: Buffer): string | undefined =>
  readTime(textOf(membersOf(jsonOf(bytes)?.['SystemTimeObject'])?.['LocalTime']));

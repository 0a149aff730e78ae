/**
 * What stands in the brackets after the data (DC-09, annex on extended data): one letter, then its value. A: a hash, and
 * K, in which a panel asks for a new key, are no news for anybody and are not kept.
 */
import type { DeviceObservation } from '../contract/observation.ts';
import { parseTimestamp } from './codec.ts';

const names: Readonly<Record<string, string>> = {
  C: 'supervisionCategory',
  I: 'alarmText',
  J: 'networkPath',
  L: 'location',
  M: 'mac',
  N: 'networkAddress',
  O: 'building',
  P: 'programData',
  R: 'room',
  S: 'site',
  T: 'trigger',
  V: 'verification',
  X: 'longitude',
  Y: 'latitude',
  Z: 'altitude',
};
const NOT_KEPT = /^[AK]/;
/** The longest that the annex allows; where several events share it, it stands in each. */
const MAX_VALUE = 256;
const MAX_SHARED = 64;
/** A detector takes some pictures of an alarm; a stranger names as many as fit. */
const MAX_PICTURES = 4;

export interface Extended {
  readonly details: Readonly<Record<string, string>>;
  /** H: when it happened, where that is not when it was sent; epoch ms, as the wire has it. */
  readonly occurredAt?: number;
  /** V, where it is the address of a picture, or of several, with commas between them. */
  readonly pictureAddresses: readonly string[];
}

/** An address without the name and password that may stand in it: those are nobody's but the camera's. */
const withoutCredentials = (value: string) => value.replace(/\/\/[^/?#,\s]*@/g, '//');

export function readExtended(blocks: readonly string[] = [], events = 1): Extended {
  const details: Record<string, string> = {};
  const unknown: string[] = [];
  let occurredAt: number | undefined;
  const pictureAddresses: string[] = [];
  const most = events > 1 ? MAX_SHARED : MAX_VALUE;
  for (const block of blocks) {
    const letter = block.slice(0, 1);
    const value = block.slice(1).trim();
    const name = names[letter];
    const time = letter === 'H' ? parseTimestamp(value) : undefined;
    if (time !== undefined) occurredAt ??= time;
    else if (letter === 'V' && /^https?:\/\//i.test(value)) {
      const addresses = value.split(/,\s*(?=https?:\/\/)/i).filter((one) => URL.canParse(one));
      pictureAddresses.push(...addresses.slice(0, MAX_PICTURES - pictureAddresses.length));
      details['pictureAddress'] ??= withoutCredentials(value).slice(0, MAX_VALUE);
    } else if (name !== undefined && value !== '') details[name] ??= withoutCredentials(value).slice(0, most);
    else if (block !== '' && !NOT_KEPT.test(block)) unknown.push(block);
  }
  if (unknown.length > 0) details['extended'] = unknown.join('|').slice(0, most);
  return {
    details,
    ...(occurredAt !== undefined && { occurredAt }),
    pictureAddresses,
  };
}

/** An observation with what is known beside. `at`: of H, and whether the panel's clock is believed. */
export function withExtended(
  observation: DeviceObservation,
  { details }: Extended,
  at: DeviceObservation['at'],
): DeviceObservation {
  const { alarmText, ...others } = details;
  const text = observation.text ?? alarmText;
  return {
    ...observation,
    ...(at !== undefined && { at }),
    ...(text !== undefined && { text }),
    details: {
      ...others,
      ...(observation.text !== undefined && alarmText !== undefined && { alarmText }),
      ...observation.details,
    },
  };
}

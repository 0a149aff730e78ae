/**
 * Where campuses are, in one datum, and in the plane of the map.
 *
 * GCJ-02 is what maps made in China are drawn in: WGS 84, shifted by a few hundred metres by a formula that was never
 * published and is known all the same. Its constants are those of every implementation: Krasovsky's ellipsoid of 1940.
 */
export interface Place {
  /** Degrees. */
  readonly latitude: number;
  readonly longitude: number;
}
export interface Coordinates extends Place {
  readonly datum: 'GCJ-02' | 'WGS 84';
}

const AXIS_M = 6_378_245;
const ECCENTRICITY_SQUARED = 0.006693421622965943;
const { PI, abs, cos, sin, sqrt } = Math;
const radians = (degrees: number) => (degrees * PI) / 180;

/** Outside of this nothing is shifted. A rectangle: it has parts of the neighbours in it, as everywhere. */
const isShifted = ({ latitude, longitude }: Place) =>
  longitude >= 72.004 && longitude <= 137.8347 && latitude >= 0.8293 && latitude <= 55.8271;

/** What waves, each of an amplitude and half a length, add up to. */
const waves = (x: number, all: readonly (readonly [amplitude: number, length: number])[]) =>
  (all.reduce((sum, [amplitude, length]) => sum + amplitude * sin((x / length) * PI), 0) * 2) / 3;
const COMMON = [
  [20, 1 / 6],
  [20, 1 / 2],
] as const;
const SHORT = [
  [20, 1],
  [40, 3],
] as const;
const NORTH = [...SHORT, [160, 12], [320, 30]] as const;
const EAST = [...SHORT, [150, 12], [300, 30]] as const;

/** By how much GCJ-02 is off there, degrees. */
function shiftAt({ latitude, longitude }: Place): Place {
  const [x, y] = [longitude - 105, latitude - 35];
  const common = 0.1 * x * y + waves(x, COMMON);
  const north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.2 * sqrt(abs(x)) + common + waves(y, NORTH);
  const east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * sqrt(abs(x)) + common + waves(x, EAST);
  const angle = radians(latitude);
  const bend = 1 - ECCENTRICITY_SQUARED * sin(angle) ** 2;
  const meridian = (AXIS_M * (1 - ECCENTRICITY_SQUARED)) / bend ** 1.5;
  const parallel = (AXIS_M / sqrt(bend)) * cos(angle);
  return { latitude: (north / meridian) * (180 / PI), longitude: (east / parallel) * (180 / PI) };
}

export function gcj02Of(place: Place): Place {
  if (!isShifted(place)) return place;
  const by = shiftAt(place);
  return { latitude: place.latitude + by.latitude, longitude: place.longitude + by.longitude };
}

/** Far below what a school measures. */
const NEAR_DEGREES = 1e-9;
const TRIES = 12;

/** The way back has no formula: what is off is put right until nothing is. */
export function wgs84Of(coordinates: Coordinates): Place {
  const { latitude, longitude, datum } = coordinates;
  if (datum === 'WGS 84' || !isShifted(coordinates)) return { latitude, longitude };
  let found: Place = { latitude, longitude };
  for (let i = 0; i < TRIES; i++) {
    const there = gcj02Of(found);
    const [north, east] = [latitude - there.latitude, longitude - there.longitude];
    found = { latitude: found.latitude + north, longitude: found.longitude + east };
    if (abs(north) < NEAR_DEGREES && abs(east) < NEAR_DEGREES) break;
  }
  return found;
}

/** In the plane, from 0 to 1 over the whole world; y goes down. */
export interface Point {
  readonly x: number;
  readonly y: number;
}
/** Mercator's ends (EPSG:3857): there is no school nearer to a pole. */
const LATITUDE_MAX = 85.0511;

/** Mercator's plane: north is up, and nothing is bent. */
export function pointOf({ latitude, longitude }: Place): Point {
  const angle = radians(Math.max(-LATITUDE_MAX, Math.min(LATITUDE_MAX, latitude)));
  return { x: (longitude + 180) / 360, y: (1 - Math.log(Math.tan(angle) + 1 / cos(angle)) / PI) / 2 };
}

const EQUATOR_M = 40_075_016.686;
/** How many metres one of the plane's units is at this height of it. */
export const metresPerUnit = (y: number): number => EQUATOR_M / Math.cosh(PI * (1 - 2 * y));

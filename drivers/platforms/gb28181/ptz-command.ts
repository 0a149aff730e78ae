/** PTZCmd: 8 bytes by which a platform turns a camera (2016 and 2022, annex A.3). Pure. */

/** In the words of our actions. Speeds are -1 to 1: to the right, up, in. */
export type PtzOrder =
  | { readonly is: 'move'; readonly pan: number; readonly tilt: number; readonly zoom: number }
  /** All that moves: the camera, its zoom, its lens. */
  | { readonly is: 'halt' }
  | { readonly is: 'preset' | 'save-preset' | 'delete-preset'; readonly preset: number }
  /** What our cameras cannot be told: iris and focus, cruises, scans, switches. */
  | { readonly is: 'lens' | 'cruise' | 'scan' | 'auxiliary' };

/** Byte 1, always (A.3.1). */
const FIRST = 0xa5;
/** Slower than so much some cameras take for standing still. */
const SLOWEST = 1 / 16;

/** A.3.4, table A.6; A.3.5 to A.3.7. */
const presets: Readonly<Record<number, 'save-preset' | 'preset' | 'delete-preset'>> = {
  129: 'save-preset',
  130: 'preset',
  131: 'delete-preset',
};
const others: Readonly<Record<number, 'cruise' | 'scan' | 'auxiliary'>> = {
  ...{ 132: 'cruise', 133: 'cruise', 134: 'cruise', 135: 'cruise', 136: 'cruise' },
  ...{ 137: 'scan', 138: 'scan', 140: 'auxiliary', 141: 'auxiliary' },
};

const SUM_WRONG = 'a PTZCmd whose checksum is not right';
const NO_SENSE = 'a PTZCmd that makes no sense';

/** @returns what it orders, or why it orders nothing: one of a few sentences. */
export function readPtzCommand(hex: string): PtzOrder | string {
  if (!/^[\da-f]{16}$/i.test(hex)) return 'a PTZCmd that is not 8 bytes';
  const bytes = [...Buffer.from(hex, 'hex')];
  const [first = 0, second = 0, , code = 0, data1 = 0, data2 = 0, seventh = 0, sum] = bytes;
  // A.3.1: the low half of byte 2 is the sum of the three halves before it; byte 8 that of all bytes.
  const isCombined = (second & 15) === ((first >> 4) + (first & 15) + (second >> 4)) % 16;
  const total = bytes.slice(0, 7).reduce((all, one) => all + one, 0);
  if (first !== FIRST || !isCombined || sum !== total % 256) return SUM_WRONG;
  const order = presets[code];
  if (order !== undefined) return data2 === 0 ? NO_SENSE : { is: order, preset: data2 };
  const other = others[code];
  if (other !== undefined) return { is: other };
  // A.3.3: bit 6 is of the lens; without a direction it stands.
  if ((code & 0xf0) === 0x40) return (code & 15) === 0 ? { is: 'halt' } : { is: 'lens' };
  return code > 0x3f ? NO_SENSE : moveOf(code, data1, data2, seventh >> 4);
}

/** A.3.2, table A.4: a bit a direction, a speed of 0 to 255 to the side and up, of 0 to 15 for the zoom. */
function moveOf(code: number, side: number, up: number, zoom: number): PtzOrder | string {
  const of = (plus: number, minus: number, speed: number): number | undefined => {
    const [isPlus, isMinus] = [(code & plus) !== 0, (code & minus) !== 0];
    if (isPlus && isMinus) return undefined;
    return isPlus || isMinus ? Math.max(speed, SLOWEST) * (isPlus ? 1 : -1) : 0;
  };
  const pan = of(0x01, 0x02, side / 255);
  const tilt = of(0x08, 0x04, up / 255);
  const zoomed = of(0x10, 0x20, zoom / 15);
  if (pan === undefined || tilt === undefined || zoomed === undefined) return NO_SENSE;
  return pan === 0 && tilt === 0 && zoomed === 0 ? { is: 'halt' } : { is: 'move', pan, tilt, zoom: zoomed };
}

/** Orders of a platform to a camera or an alarm input, as MANSCDP says them (GB/T 28181-2016, A.2.3 and A.3). Pure. */
import type { Fields } from '../../drivers/platforms/gb28181/manscdp.ts';

/** A.3.2: the bits of byte 4. */
const moves: Readonly<Record<string, number>> = {
  ...{ right: 0x01, left: 0x02, down: 0x04, up: 0x08, in: 0x10, out: 0x20, stop: 0 },
};
export const directions = Object.keys(moves);

/** Eight bytes in hexadecimal, the last of them the sum of the others (A.3.1). */
function frame(...rest: readonly number[]): string {
  const bytes = [0xa5, 0x0f, 0x01, ...rest];
  const sum = bytes.reduce((total, one) => total + one, 0) & 0xff;
  return Buffer.from([...bytes, sum])
    .toString('hex')
    .toUpperCase();
}

/** `speed`: 1 to 255; of the zoom it is a sixteenth of that. */
export function moveCommand(direction: string, speed: number): string {
  const bits = moves[direction] ?? 0;
  const pan = (bits & 0x03) === 0 ? 0 : speed;
  const tilt = (bits & 0x0c) === 0 ? 0 : speed;
  const zoom = (bits & 0x30) === 0 ? 0 : Math.max(1, speed >> 4);
  return frame(bits, pan, tilt, zoom << 4);
}

/** A.3.4: 0x82 goes to a preset. */
export const presetCommand = (preset: number): string => frame(0x82, 0, preset, 0);

export const ptz = (command: string): Fields => [
  ['PTZCmd', command],
  ['Info', [['ControlPriority', 5]]],
];
/** 2016 spells it so; 2022 has its letter. */
export const keyPicture = (isOf2022: boolean): Fields => [[isOf2022 ? 'IFrameCmd' : 'IFameCmd', 'Send']];
export const guard = (on: boolean): Fields => [['GuardCmd', on ? 'SetGuard' : 'ResetGuard']];
export const resetAlarm: Fields = [['AlarmCmd', 'ResetAlarm']];
export const restart: Fields = [['TeleBoot', 'Boot']];

/** `PLAY MANSRTSP/1.0`, `PAUSE` (2016, annex B). */
export function playerOrder(
  order: 'pause' | 'resume' | 'scale' | 'seek',
  value: number,
  cseq: number,
): Buffer {
  const lines = {
    pause: ['PAUSE MANSRTSP/1.0', `CSeq: ${cseq}`, 'PauseTime: now'],
    resume: ['PLAY MANSRTSP/1.0', `CSeq: ${cseq}`, 'Range: npt=now-'],
    scale: ['PLAY MANSRTSP/1.0', `CSeq: ${cseq}`, `Scale: ${value.toFixed(6)}`],
    seek: ['PLAY MANSRTSP/1.0', `CSeq: ${cseq}`, `Range: npt=${value}-`],
  }[order];
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`);
}

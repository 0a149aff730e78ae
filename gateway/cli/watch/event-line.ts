import { styleText } from 'node:util';
import type { Event } from '../../../config/catalogue/events.ts';
import { printable } from '../../printable.ts';

/** One event on one line, for people: time, type, where, what. Colour where the terminal has it. */
export function eventLine({ time, type, subject, source, data }: Event): string {
  const short = printable(type.replace('cn.campus.', ''));
  const device = source.slice(source.lastIndexOf('/') + 1);
  const where = subject === undefined ? device : `${device}/${subject}`;
  const kind = data['kind'] === undefined ? '' : String(data['kind']);
  const what = [kind, data['cause'], data['text']]
    .filter((word) => word !== undefined && word !== '')
    .join(' ');
  const colour =
    short === 'alarm.raised'
      ? 'red'
      : short.startsWith('alarm')
        ? 'green'
        : short.startsWith('device')
          ? 'yellow'
          : 'cyan';
  return `${new Date(time).toTimeString().slice(0, 8)}  ${styleText(colour, short.padEnd(18))} ${printable(where).padEnd(32)} ${printable(what)}`;
}

/** What it costs to make a text printable, whatever stands in it. */
import { it } from 'vitest';
import { printableOutput } from '../../gateway/printable.ts';
import { expectLinear, repeated } from '../linear.ts';

it.each(['\u001b[', '\u001b[1;', '\n', '\u009b', 'a'])('printable output, %j again and again', (unit) => {
  expectLinear(printableOutput, (bytes) => repeated(unit, bytes));
});

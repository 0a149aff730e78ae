/** What goes to a sign: the text that it shows to everybody, with the bytes around it. */
import type { Explain } from '../contract/tap.ts';
import { explainPieces } from '../explaining.ts';

export const explain: Explain = (pieces) =>
  explainPieces(pieces, ({ said, bytes }) => ({
    what: said ? 'text' : 'bytes from a device that says nothing',
    detail: said
      ? Buffer.from(bytes)
          .toString('latin1')
          .replace(/[^ -~]+/g, ' ')
          .trim()
      : '',
  }));

/** What comes of a simulated panel's messages, told as it changes: as a panel's keypad shows it to the installer. */
import type { Dc09Frame } from '../../drivers/dc09/codec.ts';

export type PanelNews =
  /** ACK. */
  | { readonly is: 'taken' }
  /** DUH: the frame is not understood, or not as the account must send it. */
  | { readonly is: 'not-understood' }
  /** NAK: its clock is wrong. */
  | { readonly is: 'clock' }
  /** What was sent got no answer. */
  | { readonly is: 'unanswered' }
  /** The connection was closed on it. */
  | { readonly is: 'closed' }
  /** No connection, and what the system says of it. */
  | { readonly is: 'away'; readonly reason: string };

const answers: Readonly<Record<string, PanelNews>> = {
  ACK: { is: 'taken' },
  DUH: { is: 'not-understood' },
  NAK: { is: 'clock' },
};
export const newsOf = ({ id }: Dc09Frame): PanelNews | undefined => answers[id];

/** Each once, until something else comes. */
export function onChange(tell: (news: PanelNews) => void): (news: PanelNews | undefined) => void {
  let last = '';
  return (news) => {
    if (news === undefined) return;
    const now = JSON.stringify(news);
    // Who gets no answer is hung up on in the end, again and again.
    if (now === last || (news.is === 'closed' && last === JSON.stringify({ is: 'unanswered' }))) return;
    last = now;
    tell(news);
  };
}

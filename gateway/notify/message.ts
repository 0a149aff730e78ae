/** One message to one contact, whatever carries it. */
export interface Message {
  /** The same for each try: who gets it twice can tell. */
  readonly id: string;
  readonly subject: string;
  readonly text: string;
  /** For programs: what a webhook gets beside the text. */
  readonly facts: readonly object[];
}

/** In which form a camera bears its questions, learnt from how it refuses them: each other form is tried once. Pure. */

export interface Form {
  /** The media type says the action (RFC 3902, 3): some answer nothing without, some refuse it; undefined: as usual. */
  readonly action: boolean | undefined;
  /** Headers say that they must be understood (SOAP 1.2 part 1, 5.2.3). */
  readonly mustUnderstand: boolean;
}

/** wsa:ActionNotSupported (WS-Addressing 1.0 SOAP binding, 6.4.3), by its name and its words. */
const ACTION = /wsa\w*:ActionNotSupported|\[action\] cannot be processed/i;
/** SOAP 1.2 part 1, 5.4.8, and the words of gSOAP. */
const UNDERSTAND = /\bMustUnderstand\b|must be understood/i;

export type Manner = ReturnType<typeof createManner>;

export function createManner() {
  let form: Form = { action: undefined, mustUnderstand: true };
  /** Forms that were of no use to questions: there are some twenty. */
  const useless = new Set<string>();
  const complaint = (status: number, text: string, isFault: boolean) => {
    if (status < 300 && text.trim() === '') return 'empty';
    if (!isFault) return undefined;
    return UNDERSTAND.test(text) ? 'understand' : ACTION.test(text) ? 'action' : undefined;
  };
  return {
    form: () => form,
    complaint,
    /** What to try after a complaint; undefined: nothing that was not tried. */
    other(why: ReturnType<typeof complaint>, what: string, saysAction: boolean): Form | undefined {
      if (why === undefined || useless.has(`${why} ${what}`)) return undefined;
      if (why === 'understand') return form.mustUnderstand ? { ...form, mustUnderstand: false } : undefined;
      return why === 'empty' && saysAction ? undefined : { ...form, action: !saysAction };
    },
    learn(better: Form) {
      form = better;
    },
    /** It was of no use. */
    forget: (why: string, what: string) => void useless.add(`${why} ${what}`),
  };
}

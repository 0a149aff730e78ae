/**
 * Why something was discarded, as a label. Labels are kept for ever, so that they come out of a few fixed sentences; what
 * somebody else wrote goes beside them, and a little of it.
 */
export interface Told {
  readonly reason: string;
  /** For the log alone. */
  readonly detail?: string;
}

/** A driver, or a platform protocol, has a dozen. */
const REASONS_MAX = 50;
const OTHER = 'something else';
/** Characters. */
const DETAIL_MAX = 200;

/** Knows the reasons of one driver or uplink; past the most, they are all `something else`, with what was said as detail. */
export function createReasons(): (said: string, ...details: readonly (string | undefined)[]) => Told {
  const known = new Set<string>();
  return (said, ...details) => {
    const isKnown = known.has(said) || known.size < REASONS_MAX;
    if (isKnown) known.add(said);
    const foreign = [isKnown ? undefined : said, ...details];
    const detail = foreign
      .filter((one) => one !== undefined && one !== '')
      .join(' ')
      .slice(0, DETAIL_MAX);
    return { reason: isKnown ? said : OTHER, ...(detail !== '' && { detail }) };
  };
}

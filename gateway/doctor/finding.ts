/** What a doctor finds, in both languages, whoever reads it. Pure. */

/** What it is about, in the order in which it is told. */
export const subjects = [
  'clock',
  'disk',
  'files',
  'memory',
  'watchdog',
  'video',
  'ports',
  'names',
  'platforms',
  'devices',
  'contacts',
] as const;
export type Subject = (typeof subjects)[number];

/** `bad`: alarms are lost or late like this; `note`: it works, and should not stay so. */
export type Grade = 'good' | 'note' | 'bad';

export interface Finding {
  readonly about: Subject;
  readonly is: Grade;
  /** What was found, and after it, where that is not good, what to do. */
  readonly en: string;
  readonly zh: string;
}

export interface Report {
  /** RFC 3339. */
  readonly at: string;
  readonly findings: readonly Finding[];
}

type Said = (en: string, zh: string) => Finding;

/** Makes findings about one thing. */
export const findingsAbout = (about: Subject): Readonly<Record<Grade, Said>> => ({
  good: (en, zh) => ({ about, is: 'good', en, zh }),
  note: (en, zh) => ({ about, is: 'note', en, zh }),
  bad: (en, zh) => ({ about, is: 'bad', en, zh }),
});

export const inOrder = (findings: readonly Finding[]): readonly Finding[] =>
  [...findings].sort((one, other) => subjects.indexOf(one.about) - subjects.indexOf(other.about));

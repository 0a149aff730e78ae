/** English, Chinese. */
export type Word = readonly [en: string, zh: string];
export type Words = Readonly<Record<string, Word>>;

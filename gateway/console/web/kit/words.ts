/** One of two languages: by choice, then as the browser says; English where it says neither. */
import { effect, signal } from '@preact/signals';
import { labels } from '../words/labels.ts';
import { sayingInChinese } from '../words/sayings.ts';
import type { Word, Words } from '../words/word.ts';

export type { Word, Words };
export type Language = 'en' | 'zh';

const KEPT = 'campus-language';
const ofBrowser = (): Language => {
  const found = navigator.languages
    .map((one) => one.slice(0, 2).toLowerCase())
    .find((one) => one === 'zh' || one === 'en');
  return found === 'zh' ? 'zh' : 'en';
};
const kept = (): Language | undefined => {
  const choice = localStorage.getItem(KEPT);
  return choice === 'zh' || choice === 'en' ? choice : undefined;
};
export const language = signal<Language>(kept() ?? ofBrowser());
effect(() => {
  document.documentElement.lang = language.value === 'zh' ? 'zh-CN' : 'en';
});
export function choose(chosen: Language): void {
  localStorage.setItem(KEPT, chosen);
  language.value = chosen;
}

/** The word in the language of now, `{name}` filled in. */
export function t([en, zh]: Word, values: Readonly<Record<string, string | number>> = {}): string {
  const text = language.value === 'zh' ? zh : en;
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

export type LabelKind = keyof typeof labels;
/** The short name of a word of the catalogue, or a sentence of the gateway's; the word itself where it has none. */
export function label(kind: LabelKind, word: string | undefined): string {
  if (word === undefined) return '';
  const known = (labels[kind] as Words)[word];
  if (known !== undefined) return t(known);
  // Most reasons are sentences, which the gateway writes in English.
  return kind === 'reason' && language.value === 'zh' ? sayingInChinese(word) : word;
}

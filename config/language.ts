/** Which language to speak to people at the terminal: `CAMPUS_LANG`, else the system's. A page's reader chooses another. */
const wanted =
  process.env['CAMPUS_LANG'] ??
  process.env['LC_ALL'] ??
  process.env['LC_MESSAGES'] ??
  process.env['LANG'] ??
  '';
let chinese = /^zh/i.test(wanted);

/**
 * Speaks this language from now on, in all of this thread: for one that answers one question after another, each in the
 * language of who asks.
 */
export function speak(language: 'en' | 'zh'): void {
  chinese = language === 'zh';
}

export function say(en: string, zh: string): string {
  return chinese ? zh : en;
}

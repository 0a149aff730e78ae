/** Which language to speak to people at the terminal: `CAMPUS_LANG`, else the system's. */
const wanted =
  process.env['CAMPUS_LANG'] ??
  process.env['LC_ALL'] ??
  process.env['LC_MESSAGES'] ??
  process.env['LANG'] ??
  '';
const chinese = /^zh/i.test(wanted);

export function say(en: string, zh: string): string {
  return chinese ? zh : en;
}

/**
 * The man page, made of what each command says of itself, when a package is made: `node docs/generate/man-page.ts` prints it.
 * In English, as man pages are; `--help` speaks Chinese too.
 */
import { say, speak } from '../../config/language.ts';
import type { Command } from '../../gateway/cli/command.ts';

/** The commands say what they are in the language that is spoken when they are loaded. */
async function commandsInEnglish(): Promise<readonly Command[]> {
  const before = say('en', 'zh') as 'en' | 'zh';
  speak('en');
  try {
    const { loadCommands } = await import('../../gateway/cli.ts');
    return await loadCommands();
  } finally {
    speak(before);
  }
}

/** A line of text for roff (groff_char(7)): no escapes, no requests, a minus that can be copied. */
const line = (text: string) => text.replaceAll('\\', '\\e').replaceAll('-', '\\-').replace(/^[.']/, '\\&$&');
const block = (text: string) => ['.nf', ...text.split('\n').map(line), '.fi'].join('\n');

export async function manPage(): Promise<string> {
  const entries = (await commandsInEnglish()).map(({ name, summary, usage }) =>
    [`.SS ${line(name)}`, line(`${summary[0]}.`), '.PP', block(usage)].join('\n'),
  );
  return `.\\" Made by npm run docs.
.TH CAMPUS\\-GATEWAY 1
.nh
.ad l
.SH NAME
campus\\-gateway \\- a durable road from a school's security hardware to the platforms
.SH SYNOPSIS
.B campus\\-gateway
.I COMMAND
[\\fIARGUMENT\\fR...]
.PP
.B campus\\-gateway
.I COMMAND
.B \\-\\-help
.SH DESCRIPTION
Bridges alarm panels, fences, readers, terminals and cameras of a school to the platforms of the police and the education
bureau. What a device reports is on disk before the device hears that it was taken, and stays there until each platform has it.
.SH COMMANDS
${entries.join('\n')}
.SH EXIT STATUS
.TP
0
Done.
.TP
1
It ran and found something wrong, which is said above it.
.TP
2
The command was not understood.
.TP
3
It could not run: a port or the data folder is taken, no broker answers.
.TP
4
Its event loop stood still.
.SH ENVIRONMENT
.TP
CAMPUS_LANG
.B en
or
.BR zh :
the language of messages and of this help; default that of the system.
.TP
MQTT_PASSWORD
The password of
.BR watch .
.SH FILES
.TP
/etc/campus\\-gateway/campus.yaml
The config.
.TP
/etc/campus\\-gateway/secrets
Passwords and keys, a file each.
.TP
/var/lib/campus\\-gateway
The journal, pictures, clips.
.TP
/usr/share/doc/campus\\-gateway
The guide in English and Chinese (docs/guide), every key of the config, a whole example.
.SH SEE ALSO
.BR systemctl (1),
.BR journalctl (1)
`;
}

if (import.meta.main) process.stdout.write(await manPage());

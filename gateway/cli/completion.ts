/** What a shell completes, made of the commands themselves: their names, the words that stand behind them, their options. */
import { parseArgs } from 'node:util';
import { say } from '../../config/language.ts';
import { atMost, type Command, UsageError } from './command.ts';
import { optionsOf } from './mistakes.ts';

/** `check` and `import` of `campus-gateway credentials check CONFIG FILE.csv`; none where a file is what follows. */
export function wordsOf({ name, usage }: Pick<Command, 'name' | 'usage'>): readonly string[] {
  const lines = usage.matchAll(new RegExp(`^campus-gateway ${name} +([a-z0-9|-]+)(?= |$)`, 'gm'));
  const words = [...lines].flatMap(([, word = '']) => word.split('|')).filter((word) => /^[a-z]/.test(word));
  return [...new Set(words)];
}

const shells = { bash, zsh } as const;
type Shell = keyof typeof shells;
const isShell = (word: string | undefined): word is Shell => word !== undefined && word in shells;

/** @param load all commands, this one too. */
export function completionOf(load: () => Promise<readonly Command[]>): Command {
  return {
    name: 'completion',
    summary: ['Print what completes this command in bash or zsh', '输出 bash 或 zsh 的命令补全脚本'],
    usage: `campus-gateway completion bash|zsh

  source <(campus-gateway completion bash)                                         # in ~/.bashrc
  campus-gateway completion zsh > "\${fpath[1]}/_campus-gateway"                    # before compinit

${say('The Debian package has brought both already.', 'Debian 软件包已包含二者。')}`,

    async run(args, { stdout }) {
      const { positionals } = parseArgs({ args, allowPositionals: true });
      const [shell] = positionals;
      if (!isShell(shell)) throw new UsageError(say('bash or zsh', '请给出 bash 或 zsh'));
      atMost(1, positionals);
      stdout.write(shells[shell](await load()));
      return 0;
    },
  };
}

/** Whether a file may stand where such a word may: `campus-gateway backup CONFIG`. */
const takesFile = ({ name, usage }: Command) =>
  new RegExp(`^campus-gateway ${name} +\\[?[A-Z]`, 'm').test(usage);

const casesOf = (commands: readonly Command[]) =>
  commands.map((command) => ({
    name: command.name,
    words: wordsOf(command).join(' '),
    files: takesFile(command) ? 'yes' : '',
    options: [...optionsOf(command.usage), '--help'].join(' '),
  }));

/** Words of their own behind a command; behind these, and where there are none, files. */
function bash(commands: readonly Command[]): string {
  const names = [...commands.map(({ name }) => name), '--help', '--version'].join(' ');
  const cases = casesOf(commands).map(
    ({ name, words, files, options }) =>
      `    ${name}) words='${words}' files='${files}' options='${options}' ;;`,
  );
  return `# bash completion of campus-gateway: campus-gateway completion bash
_campus_gateway() {
  local current=\${COMP_WORDS[COMP_CWORD]} words='' files='' options=''
  if [ "$COMP_CWORD" -eq 1 ]; then
    mapfile -t COMPREPLY < <(compgen -W '${names}' -- "$current")
    return
  fi
  case \${COMP_WORDS[1]} in
${cases.join('\n')}
  esac
  if [[ $current == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
  elif [ "$COMP_CWORD" -eq 2 ] && [ -n "$words" ]; then
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current"; [ -z "$files" ] || compgen -f -- "$current")
  else
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
  fi
}
complete -o filenames -F _campus_gateway campus-gateway
`;
}

function zsh(commands: readonly Command[]): string {
  const quoted = (text: string) => text.replaceAll("'", "'\\''");
  const names = commands.map(({ name, summary }) => `    '${name}:${quoted(say(...summary))}'`);
  const cases = casesOf(commands).map(
    ({ name, words, files, options }) =>
      `    ${name}) words_of=(${words}) files='${files}' options=(${options}) ;;`,
  );
  return `#compdef campus-gateway
# zsh completion of campus-gateway: campus-gateway completion zsh
_campus_gateway() {
  local -a commands options words_of
  local files
  commands=(
${names.join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  case $words[2] in
${cases.join('\n')}
  esac
  if [[ $words[CURRENT] == -* ]]; then
    compadd -- $options
  elif (( CURRENT == 3 && \${#words_of} )); then
    compadd -- $words_of
    [[ -z $files ]] || _files
  else
    _files
  fi
}
if [ "$funcstack[1]" = _campus-gateway ]; then _campus_gateway "$@"; else compdef _campus_gateway campus-gateway; fi
`;
}

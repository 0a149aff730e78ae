/** The page of what each driver was tried on, and how far it is by the same rules for all. */
import { drivers, platforms } from '../../drivers/index.ts';
import { NOTE } from './json-schema.ts';
import { type Peer, type Rule, readScale, rules, type Scale, type Status, testsOf } from './scale.ts';

const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ').trim();
const row = (...cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`;
const table = (head: readonly string[], rows: readonly (readonly string[])[]) => [
  row(...head),
  row(...head.map(() => '---')),
  ...rows.map((cells) => row(...cells)),
];

const word = (status: Status) => (['done', 'todo', 'exempt'] as const).find((one) => one in status) ?? '';

/** `tests/a.test.ts: words` as a link to the file, the words behind it. */
function link(test: string): string {
  const [file = '', ...words] = test.split(': ');
  const name = file.replace('tests/', '');
  return `[${name}](../${file})${words.length === 0 ? '' : `: ${words.join(': ')}`}`;
}

function reasonOf(status: Status): string {
  if ('todo' in status) return status.todo;
  if ('exempt' in status) return status.exempt;
  return [...('note' in status ? [status.note] : []), testsOf(status).map(link).join('; ')]
    .filter(Boolean)
    .join(' ');
}

const peerRow = ({ peer, version, tried, result, status }: Peer) => [
  peer,
  version,
  tried,
  word(status),
  [result, reasonOf(status)].filter(Boolean).join(' '),
];

interface Rated {
  readonly folder: string;
  readonly name: string;
  readonly title: string;
  readonly scale: Scale;
}

const section = ({ folder, name, title, scale }: Rated) => [
  `## ${name}: ${title}`,
  '',
  ...(scale.peers.length === 0
    ? ['Tried on nothing but our own simulator.']
    : table(
        ['Device or peer', 'Version', 'What was tried', 'Status', 'Result, and where it is seen'],
        scale.peers.map(peerRow),
      )),
  '',
  ...table(
    ['Rule', 'Status', 'Where it is seen, or why not'],
    (Object.keys(rules) as Rule[]).map((rule) => [
      `\`${rule}\``,
      word(scale.rules[rule]),
      reasonOf(scale.rules[rule]),
    ]),
  ),
  '',
  `From [drivers/${folder}/scale.yaml](../drivers/${folder}/scale.yaml).`,
  '',
];

/** Every driver and every platform protocol of the registry, with its folder in drivers/. */
export const rated = (): readonly Rated[] =>
  [
    ...drivers.map(({ name, title }) => ({ folder: name, name, title: title.en })),
    ...platforms.map(({ name, title }) => ({ folder: `platforms/${name}`, name, title: title.en })),
  ].map((one) => ({ ...one, scale: readScale(one.folder) }));

function metWords(all: readonly Rated[]): string {
  const met = all.filter(({ scale }) => 'done' in scale.rules.hardware).map(({ name }) => `\`${name}\``);
  return met.length === 0
    ? '**None has met real hardware yet.**'
    : `Real hardware was met by: ${met.join(', ')}.`;
}

export function devicesPage(): string {
  const all = rated();
  return [
    `<!-- ${NOTE} -->`,
    '# What was tried on what',
    '',
    'Each driver and each platform protocol by the same rules, and each device and program that it was tried on. `done` names a',
    'test that runs in CI; `todo` says what is missing; `exempt` says why it cannot be asked. Each comes from the `scale.yaml` of',
    `the driver. ${metWords(all)} What is known of devices comes from standards, makers’ manuals, captured frames and programs`,
    'of others.',
    '',
    ...table(
      ['Rule', ...all.map(({ name }) => name)],
      (Object.keys(rules) as Rule[]).map((rule) => [
        `\`${rule}\``,
        ...all.map(({ scale }) => word(scale.rules[rule])),
      ]),
    ),
    '',
    ...table(
      ['Rule', 'Done means'],
      Object.entries(rules).map(([rule, meaning]) => [`\`${rule}\``, meaning]),
    ),
    '',
    ...all.flatMap(section),
  ]
    .join('\n')
    .trimEnd()
    .concat('\n');
}

import { execFileSync } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { actionOf, commandActions } from '../config/catalogue/actions.ts';
import { contractVersion } from '../config/catalogue/events.ts';
import { platformPage } from '../docs/generate/platform-page.ts';
import { generate } from '../docs/generate.ts';
import { authorise, readCommand } from '../gateway/commands/command.ts';
import { trials } from '../simulators/conform/trials.ts';
import { temporaryDirectory } from './helpers.ts';

const docs = join(import.meta.dirname, '../docs');
const files = generate();

describe('docs', () => {
  it.each(Object.keys(files))('%s is what the code says (else: npm run docs)', (path) => {
    expect(readFileSync(join(docs, path), 'utf8')).toBe(files[path]);
  });

  it('holds no schema of an event that is gone', () => {
    expect(
      readdirSync(join(docs, 'events'))
        .map((name) => `events/${name}`)
        .sort(),
    ).toEqual(
      Object.keys(files)
        .filter((path) => path.startsWith('events/'))
        .sort(),
    );
  });

  it('describes the topics in valid AsyncAPI 3, and every schema that it names is there', () => {
    const require = createRequire(import.meta.url);
    const schema = require('@asyncapi/specs/schemas/3.0.0-without-$id.json') as object;
    const document = parse(files['asyncapi.yaml'] ?? '') as {
      components: { messages: Record<string, { payload: { $ref?: string } }> };
    };
    const validate = new Ajv({ strict: false, validateFormats: false }).compile(schema);
    validate(document);
    expect(validate.errors).toBeNull();
    for (const { payload } of Object.values(document.components.messages)) {
      if (payload.$ref !== undefined) expect(existsSync(join(docs, payload.$ref)), payload.$ref).toBe(true);
    }
  });

  it('says in AsyncAPI what each command may have, as the catalogue reads it', () => {
    const { components } = parse(files['asyncapi.yaml'] ?? '') as {
      components: { messages: Record<string, { payload: object }>; schemas: Record<string, object> };
    };
    const takes = (message: string) => {
      const { payload } = components.messages[message] as { payload: object };
      const ajv = new Ajv({ strict: false, validateFormats: false });
      return ajv.compile({ ...payload, components: { schemas: components.schemas } });
    };
    const takesCommand = takes('command');
    const takesNotice = takes('notice');
    for (const action of commandActions) {
      const nothing = { id: '1', action };
      // JSON Schema does not say of `erase` that one of three is needed; its words do.
      expect(takesCommand(nothing), action).toBe(
        actionOf(action).arguments.safeParse({}).success || action === 'erase',
      );
      expect(takesCommand({ ...nothing, arguments: { nonsense: 1 } }), action).toBe(false);
    }
    const warning = { severity: 'warning', text: '台风', validUntil: '2026-11-26T08:00:00Z' };
    const examples: readonly (readonly [string, string, object, boolean])[] = [
      ['command', 'activate', { output: 'siren', for: 60 }, true],
      ['command', 'activate', { output: 'siren', for: 100_000 }, false],
      ['command', 'arm', { force: true, exitDelay: 30, by: 'Wang' }, true],
      ['command', 'arm', { output: 'siren' }, false],
      ['command', 'indicate', { granted: true }, false],
      ['notice', 'warn', warning, true],
      ['notice', 'unlock', { output: 'gate' }, false],
    ];
    for (const [message, action, wanted, good] of examples) {
      const isTaken = message === 'notice' ? takesNotice : takesCommand;
      expect(isTaken({ id: '1', action, arguments: wanted }), `${action} as a ${message}`).toBe(good);
    }
  });

  it.each([
    ['README.md', /contract, version ([\d.]+):/],
    ['docs/README.zh-CN.md', /契约版本 ([\d.]+)：/],
    ['CHANGELOG.md', /contract has a version of its own, now ([\d.]+)\.\n/],
  ])('%s names the version of the contract', (page, named) => {
    expect(named.exec(readFileSync(join(docs, '..', page), 'utf8'))?.[1]).toBe(contractVersion);
  });

  it('signs a command with openssl as it says', async () => {
    const page = readFileSync(join(docs, 'platform.md'), 'utf8');
    const [, script = '', printed] =
      /<!-- vector: a signed command -->\n```sh\n(.*?)```\n\nIt prints `([\w-]+)`/s.exec(page) ?? [];
    const directory = temporaryDirectory();
    expect(execFileSync('bash', ['-ec', script], { cwd: directory, encoding: 'utf8' }).trim()).toBe(printed);
    const message = JSON.parse(readFileSync(join(directory, 'command.json'), 'utf8')) as { target: string };
    const read = readCommand(Buffer.from(JSON.stringify({ ...message, signature: printed })));
    if ('wrong' in read) throw new Error(read.wrong);
    const key = createPublicKey(readFileSync(join(directory, 'key.pem'), 'utf8'));
    const judged = authorise(
      read.command,
      { campus: '4503000001', target: 'gate-io' },
      {
        id: 'police',
        rules: [{ actions: ['unlock'], targets: ['gate-io'], signed: true }],
        keys: [{ issuer: 'duty-officer', key }],
      },
      Date.parse('2026-11-24T08:00:00Z'),
    );
    expect(judged).toEqual({ scope: expect.stringMatching(/^key:[0-9a-f]{32}$/) });
  });

  it('has its parts of the page for platforms in their places', () => {
    const page = files['platform.md'] ?? '';
    expect(page).toContain(`version <!-- generated: contract version -->${contractVersion}<!-- end -->`);
    for (const action of commandActions) expect(page).toContain(`\n| \`${action}\` |`);
    expect(page).not.toContain('`indicate`');
    const stale = page.replace(contractVersion, '0.9.0').replace('| `arm` |', '| `amr` |');
    expect(platformPage(stale)).toBe(page);
    expect(() => platformPage(page.replace('generated: actions', 'generated: acts'))).toThrow('"acts"');
    expect(() => platformPage('')).toThrow('no place for contract version, harmless actions, actions');
  });
});

describe('how the contract changes', () => {
  it('names trials of the kit that there are', () => {
    const [, section = ''] = readFileSync(join(docs, 'platform.md'), 'utf8').split(
      '## How the contract changes',
    );
    const [, named = ''] = /conform` tries your consumer for it: (.*)/s.exec(section) ?? [];
    const names = [...named.matchAll(/`([a-z-]{6,})`/g)].map(([, name]) => name);
    expect(names).toEqual(['unknown', 'later-class', 'later-topics', 'campus', 'withdrawn']);
    expect(trials.map(({ name }) => name)).toEqual(expect.arrayContaining(names));
  });
});

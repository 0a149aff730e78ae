/** `campus-gateway users`: the console's accounts from a terminal. */
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../drivers/contract/clock.ts';
import { usePassword } from '../../gateway/console/accounts-acts.ts';
import { accountsFile } from '../../gateway/console/accounts-file.ts';
import { temporaryDirectory } from '../helpers.ts';
import { run } from './terminal.ts';

function school(console = 'console: { port: 8080 }') {
  const directory = temporaryDirectory();
  const file = join(directory, 'campus.yaml');
  writeFileSync(file, `campus: { id: "4503000001", name: x }\ndataDir: data\n${console}\n`);
  const dataDir = join(directory, 'data');
  const users = (what: string, ...rest: string[]) => run('users', what, file, ...rest);
  const disk = accountsFile(dataDir, systemClock);
  /** What somebody does with a link. */
  const use = (link: string, name: string) =>
    disk.change((draft) => usePassword(link, name, '$scrypt$').edit(draft, Date.now()));
  return { users, dataDir, disk, use, make: () => mkdirSync(dataDir) };
}
const linkIn = (text: string) => /\/setup#([\w-]{32})$/m.exec(text)?.[1] ?? '';

describe('campus-gateway users', () => {
  it('makes links for the first administrator and for others, each good once, and lists who there is', async () => {
    const { users, make, use, dataDir, disk } = school();
    make();
    const first = await users('link');
    expect(first).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('http://127.0.0.1:8080/setup#'),
    });
    await use(linkIn(first.stdout), '李主任');
    const added = await users('add', 'wang', '--role', 'guard');
    expect(added.status).toBe(0);
    expect((await users('list')).stdout).toMatch(
      /^李主任 {2}administrator\nwang {2}guard {2}link until .* UTC\n$/,
    );
    await use(linkIn(added.stdout), 'wang');
    await expect(use(linkIn(added.stdout), 'wang')).rejects.toThrow('no-such-link');
    expect(await users('role', 'Wang', '--role', 'operator')).toMatchObject({
      ...{ status: 0, stdout: 'Wang is operator now; the sessions end\n' },
    });
    expect((await users('list')).stdout).toContain('wang  operator\n');
    expect(await users('remove', 'wang')).toMatchObject({
      ...{ status: 0, stdout: 'wang is removed; the sessions and tokens end\n' },
    });
    // What the gateway tells the audit when it sees it.
    const { notes } = await disk.read();
    expect(notes.map(({ body }) => [body['kind'], body['from'], body['about']])).toEqual([
      ['link-made', 'terminal', null],
      ['user-added', 'terminal', 'wang'],
      ['link-made', 'terminal', 'wang'],
      ['role-changed', 'terminal', 'Wang'],
      ['user-removed', 'terminal', 'wang'],
    ]);
    expect(readdirSync(dataDir)).toEqual(['console.accounts']);
    expect(statSync(join(dataDir, 'console.accounts')).mode & 0o777).toBe(0o600);
  });

  it('makes tokens with an end, of screens without one, shows them once, and withdraws them', async () => {
    const { users, make, disk } = school();
    make();
    const token = (await users('token', 'report', '--role', 'viewer', '--for', '1h')).stdout.trim();
    await users('token', 'gate', '--role', 'screen');
    expect(token).toMatch(/^[\w-]{32}$/);
    const listed = (await users('list')).stdout;
    expect(listed).not.toContain(token);
    const [, id = ''] = /^(\S+) {2}token report {2}viewer {2}until /m.exec(listed) ?? [];
    expect(listed).toMatch(/token gate {2}screen {2}no end/);
    expect(await users('withdraw', id)).toMatchObject({
      ...{ status: 0, stdout: `the token ${id} is withdrawn\n` },
    });
    expect((await disk.read()).tokens.map(({ label }) => label)).toEqual(['gate']);
  });

  it('says what cannot be, and changes nothing', async () => {
    const { users, make, use, disk } = school();
    expect((await users('list')).stderr).toContain('start the gateway first');
    make();
    await use(linkIn((await users('link')).stdout), 'li');
    const before = await disk.read();
    for (const [args, status, words] of [
      [['remove', 'li'], 3, 'make another administrator first'],
      [['remove', 'nobody'], 3, 'no such user'],
      [['add', 'LI', '--role', 'guard'], 3, 'already'],
      [['add', 'a/b', '--role', 'guard'], 3, 'a name has'],
      [['add', 'wang', '--role', 'king'], 2, '--role'],
      [['add', 'wang', '--role', 'screen'], 2, '--role'],
      [['add'], 2, 'whose name'],
      [['token', 'x', '--role', 'viewer', '--for', '401d'], 2, '--for'],
      [['withdraw', 'x'], 3, 'no such token'],
      [['crown', 'li'], 2, 'crown'],
    ] as const) {
      const [what, ...rest] = args;
      const { stderr, ...ended } = await users(what, ...rest);
      expect([ended.status, stderr], args.join(' ')).toEqual([status, expect.stringContaining(words)]);
    }
    expect(await disk.read()).toEqual(before);
    const without = school('');
    without.make();
    expect((await without.users('list')).stderr).toContain('no `console`');
  });

  it('leads to the name of a console that listens everywhere', async () => {
    const { users, make } = school(
      'console: { host: "::", port: 8443, names: [console.school], tls: self-signed }',
    );
    make();
    expect((await users('link')).stdout).toContain(' https://console.school:8443/setup#');
  });
});

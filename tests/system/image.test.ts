/**
 * The Dockerfile, step by step, where there is no Docker: its instructions are read and carried out on a machine of the
 * test's, with what .dockerignore leaves of the repository; then the image is run as it says, as its user, and its health
 * check asked. Not carried out: the base image (this machine's Debian and the project's Node stand for it), and what needs a
 * network (apt-get; npm takes what its cache has). In `npm run test:long -- debian`.
 */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { version } from '../../gateway/version.ts';
import { temporaryDirectory } from '../helpers.ts';
import { type OtherMachine, otherMachine } from './other-machine.ts';
import { until } from './tools.ts';

const root = join(import.meta.dirname, '../..');

interface Step {
  readonly word: string;
  readonly rest: string;
}

/** The instructions of a Dockerfile, without comments, with lines that go on put together. */
export const stepsOf = (dockerfile: string): readonly Step[] =>
  dockerfile
    .replace(/^#.*\n/gm, '')
    .replace(/\\\n\s*/g, ' ')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => ({ word: line.split(' ', 1)[0] ?? '', rest: line.slice(line.indexOf(' ') + 1) }));

/** What is sent to a build: the repository's files that .dockerignore does not name. */
function contextFiles(): readonly string[] {
  const lines = readFileSync(join(root, '.dockerignore'), 'utf8').trim().split('\n');
  const back = lines.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
  const left = lines.filter((line) => !line.startsWith('!')).map((line) => line.replace(/\/\*$/, ''));
  const isLeft = (name: string) => left.some((one) => name === one || name.startsWith(`${one}/`));
  return execFileSync('git', ['ls-files'], { cwd: root, encoding: 'utf8' })
    .trim()
    .split('\n')
    .filter((name) => existsSync(join(root, name)) && (back.includes(name) || !isLeft(name)));
}

/** Carries the steps out. @returns what the image says of how it is run. */
function build({ sh }: OtherMachine, steps: readonly Step[], env: string) {
  const said: Record<string, string> = {};
  const good = (line: string) => {
    const { status, said: words } = sh(line);
    expect(status, `${line}: ${words.slice(-2000)}`).toBe(0);
  };
  for (const { word, rest } of steps) {
    said[word] = rest;
    // The next stage begins with nothing of the last one but what it copies.
    if (word === 'FROM') sh('if [ -d /app ]; then rm -rf /built; mv /app /built; fi');
    if (word === 'WORKDIR') good(`mkdir -p ${rest}`);
    if (word === 'COPY') {
      const [, from, names = ''] = /^(--from=build )?(.+)$/.exec(rest) ?? [];
      const words = names.split(' ');
      const to = words.pop() ?? '.';
      const place = from === undefined ? '/context/' : '/built/';
      const files = words.map((name) => `${place}${name.replace(/^\/app\//, '')}`);
      // Of a folder its content is copied.
      for (const file of files)
        good(
          `cd /app && case ${to} in */|.) mkdir -p ${to};; esac; if [ -d ${file} ]; then mkdir -p ${to} && cp -a ${file}/. ${to}; else cp -a ${file} ${to}; fi`,
        );
    }
    if (word === 'RUN' && !rest.startsWith('apt-get')) good(`cd /app && ${env} && ${rest}`);
  }
  return said;
}

it.runIf(process.env['DEBIAN'] !== undefined)(
  'the image is built as its file says, runs as its user, and is healthy',
  { timeout: 600_000 },
  async (context) => {
    const machine = await otherMachine(context, temporaryDirectory());
    const { sh, begin } = machine;
    const files = contextFiles().join('\n');
    expect(files).toContain('docs/sbom.ts');
    expect(files).not.toMatch(/^(tests|\.git|node_modules)\//m);
    const list = Buffer.from(files).toString('base64');
    sh(`mkdir /context; cd ${root} && echo ${list} | base64 -d | tar c -T - | tar x -C /context`);
    // The base image: Node 24 and npm, and its user.
    sh(
      `cp ${root}/node_modules/node/bin/node /usr/local/bin/node; ls /usr/local/bin/npm || ln -s $(readlink -f $(command -v npm)) /usr/local/bin/npm`,
    );
    sh('getent passwd node || useradd --create-home node');
    const env =
      'export PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin npm_config_offline=true npm_config_cache=/root/.npm';
    const image = build(machine, stepsOf(readFileSync(join(root, 'Dockerfile'), 'utf8')), env);

    expect(image['USER']).toBe('node');
    expect(sh('stat -c "%a %U" /data').said).toBe('700 node\n');
    sh(
      `mkdir -p /etc/campus-gateway; printf 'campus: { id: "4503000001", name: x }\\ndataDir: /data\\n' > /etc/campus-gateway/campus.yaml`,
    );
    const [entry] = JSON.parse(image['ENTRYPOINT'] ?? '[]') as string[];
    const command = (JSON.parse(image['CMD'] ?? '[]') as string[]).join(' ');
    const asUser =
      'runuser -u node -- env NODE_ENV=production PATH=/usr/local/bin:/usr/bin:/bin CAMPUS_LANG=en';
    expect(sh(`cd /app && ${asUser} ${entry} --version`).said).toBe(`${version}\n`);
    const check = (JSON.parse(/\[.*\]/.exec(image['HEALTHCHECK'] ?? '')?.[0] ?? '[]') as string[]).join(' ');
    expect(sh(`${asUser} ${check}`)).toMatchObject({
      status: 1,
      said: expect.stringContaining('no gateway answers'),
    });
    const daemon = begin(`${asUser} ${entry} ${command}`);
    await until('it is healthy', () => sh(`${asUser} ${check}`).status === 0, 60_000);
    const ended = once(daemon, 'exit');
    sh(`kill $(pgrep -f "max-old-space-size.*${command}")`);
    expect((await ended)[0]).toBe(0);
    expect(sh('find /app -newer /etc/campus-gateway/campus.yaml -not -type d').said).toBe('');
  },
);

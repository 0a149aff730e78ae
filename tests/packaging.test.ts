/** What packages are made of; that they install and run: tests/system/package.test.ts. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { version } from '../gateway/version.ts';
import { publishable } from '../packaging/npm.ts';
import { linksOf, pagesOf } from '../packaging/pages.ts';
import { namesPackages, released, withVersion } from '../packaging/release.ts';
import { strippedOf, writeDist } from '../packaging/strip.ts';
import { temporaryDirectory } from './helpers.ts';

const root = join(import.meta.dirname, '..');

describe('the sources as JavaScript', () => {
  it('name each other as they are called then, in imports, workers and modules by URL', () => {
    const folder = temporaryDirectory();
    const file = join(folder, 'a.ts');
    writeFileSync(join(folder, 'b.ts'), 'export const b = 1;\n');
    // What looks at the imports of this file takes these for none.
    const sources = (module: string) =>
      [
        'import { b } from MODULE;',
        'const url: URL = new URL(MODULE, import.meta.url);',
        'const later = () => import(MODULE);',
        "const piece = '%s.ts';",
      ].map((line) => line.replace('MODULE', `'${module}'`));
    writeFileSync(file, sources('./b.ts').join('\n'));
    const lines = strippedOf(file).split('\n');
    expect(lines.map((line) => line.replace(/\s+/g, ' ').trim())).toEqual(
      sources('./b.js').map((line) => line.replace(': URL', '')),
    );
    // A stack trace says where it is in the source, too.
    expect(lines[1]?.indexOf('new URL')).toBe(sources('./b.ts')[1]?.indexOf('new URL'));
    writeFileSync(file, sources('./gone.ts').join('\n'));
    expect(() => strippedOf(file)).toThrow(/there is no \.\/gone\.ts/);
  });

  it('are all there with what they read, and say which version they are', () => {
    const to = join(temporaryDirectory(), 'dist');
    writeDist(to);
    const files = readdirSync(to, { recursive: true, encoding: 'utf8' });
    expect(files.filter((file) => file.endsWith('.ts'))).toEqual([]);
    expect(files).toEqual(
      expect.arrayContaining([
        'gateway/cli.js',
        'gateway/journal/worker.js',
        'gateway/console/web/index.html',
        'gateway/platform/web/index.html',
        'config/demo.yaml',
        'simulators/clip.h264',
      ]),
    );
    expect(statSync(join(to, 'gateway/media/ffmpeg-stream.sh')).mode & 0o111).toBe(
      statSync(join(root, 'gateway/media/ffmpeg-stream.sh')).mode & 0o111,
    );
    expect(JSON.parse(readFileSync(join(to, 'package.json'), 'utf8'))).toMatchObject({
      version,
      type: 'module',
    });
  });
});

describe('the Debian package', () => {
  it.each([
    'preinst',
    'postinst',
    'prerm',
    'postrm',
    'campus-gateway',
    'guide',
    'is-configured',
    'trial',
    'install.sh',
  ])('has a %s that sh reads', (name) => {
    const file = join(root, 'packaging/debian', name);
    expect(spawnSync('sh', ['-n', file], { encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
  });

  it.each([
    [{ LANG: 'zh_CN.UTF-8' }, 'zh'],
    [{ LANG: 'en_US.UTF-8' }, 'en'],
    [{ LANG: 'en_US.UTF-8', LC_ALL: 'zh_CN.UTF-8' }, 'zh'],
    [{ LANG: 'zh_CN.UTF-8', CAMPUS_LANG: 'en' }, 'en'],
  ])('names the guide in the language of the machine: %j', (env, language) => {
    const { stdout } = spawnSync('sh', [join(root, 'packaging/debian/guide')], { encoding: 'utf8', env });
    const page = `docs/guide/${language}/README.md`;
    expect(stdout).toBe(`/usr/share/doc/campus-gateway/${page}\n`);
    expect(pagesOf({ pictures: true }).has(page)).toBe(true);
  });

  it('has a unit that may use serial ports of boards and of cards with many, by their names in /proc/devices', () => {
    const unit = readFileSync(join(root, 'packaging/debian/campus-gateway.service'), 'utf8');
    const allowed = [...unit.matchAll(/^DeviceAllow=char-(\S+) rw$/gm)].map(([, name]) => name);
    // uart_driver.dev_name of each, in Linux's drivers/tty.
    expect(allowed).toEqual(
      expect.arrayContaining(
        'ttyS ttyUSB ttyACM ttyAMA ttymxc ttyPS ttyHS ttyO ttyMSM ttySAC ttyR ttyMI ttyXR*'.split(' '),
      ),
    );
    expect(unit).toMatch(/^DevicePolicy=closed$/m);
  });

  it('is named in the docs as it is called', () => {
    const pages = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' });
    const files = [
      'README.md',
      ...pages.filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`),
    ];
    const named = files.flatMap((name) => namesPackages(readFileSync(join(root, name), 'utf8')));
    expect(named.length).toBeGreaterThan(6);
    expect(named.filter((name) => !name.endsWith(version))).toEqual([]);
  });
});

describe('the pages in the packages', () => {
  it.each([true, false])(
    'are the guide and what it links to, and nothing else is linked to (pictures: %s)',
    (pictures) => {
      const pages = pagesOf({ pictures });
      const has = (file: string) =>
        pages.has(file) || [...pages.keys()].some((name) => name.startsWith(`${file}/`));
      for (const language of ['en', 'zh'])
        for (const name of readdirSync(join(root, 'docs/guide', language)))
          expect(has(`docs/guide/${language}/${name}`), name).toBe(true);
      for (const name of [
        'docs/README.zh-CN.md',
        'docs/grafana-dashboard.json',
        'docs/prometheus-alerts.yaml',
      ])
        expect(has(name), name).toBe(true);
      const links = [...pages]
        .filter(([name]) => name.endsWith('.md'))
        .flatMap(([name, content]) =>
          linksOf(name, content.toString()).map(({ target, file }) => ({ page: name, target, file })),
        );
      expect(links.length).toBeGreaterThan(200);
      expect(links.filter(({ file }) => !has(file))).toEqual([]);
      expect(links.some(({ file }) => file.endsWith('.png'))).toBe(pictures);
      expect([...pages.keys()].filter((name) => /\.ts$|^tests/.test(name))).toEqual([]);
      // Of a link to a source the words stay.
      expect(readFileSync(join(root, 'README.md'), 'utf8')).toContain('](CONTRIBUTING.md)');
      expect(pages.get('README.md')?.toString()).not.toContain('](CONTRIBUTING.md)');
      const bytes = [...pages.values()].reduce((sum, { length }) => sum + length, 0);
      expect(bytes).toBeLessThan(pictures ? 5e6 : 2.5e6);
    },
  );
});

describe('the npm package', () => {
  it('may be published, with provenance and a man page, as the repository may not', () => {
    const own = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    expect(own.private).toBe(true);
    const made = publishable(own);
    expect(made).toMatchObject({
      name: 'campus-gateway',
      version,
      publishConfig: { access: 'public', provenance: true },
      man: ['./man/campus-gateway.1'],
      files: expect.arrayContaining(['dist', 'docs', 'man', 'gateway/campus-gateway.js']),
    });
    expect(made).not.toHaveProperty('private');
    expect(Object.keys(made.scripts)).not.toContain('prepack');
    expect(made['repository']).toEqual(own.repository);
  });
});

describe('the image', () => {
  const [, ...stages] = readFileSync(join(root, 'Dockerfile'), 'utf8').split(/^FROM /m);

  it('is made of files that there are, and that are given to its build', () => {
    const left = readFileSync(join(root, '.dockerignore'), 'utf8').trim().split('\n');
    const copied = stages.flatMap((stage) =>
      [...stage.matchAll(/^COPY (--from=build )?(.+) \S+$/gm)].flatMap(([, from, names = '']) =>
        names.split(' ').map((name) => (from === undefined ? name : name.replace('/app/', ''))),
      ),
    );
    expect(copied).toEqual(
      expect.arrayContaining(['package-lock.json', 'dist', 'gateway/campus-gateway.js']),
    );
    const made = ['node_modules', 'dist', 'sbom.cdx.json'];
    const given = copied.filter((name) => !made.includes(name));
    expect(given.filter((name) => !existsSync(join(root, name)) || left.includes(name))).toEqual([]);
    // What its steps run is given to them, too.
    for (const name of ['packaging/strip.ts', 'docs/sbom.ts'])
      expect(stages[0]).toContain(name.replace('docs/sbom.ts', 'sbom'));
    expect(left).toContain('!docs/sbom.ts');
  });

  it('is run as the compose file says: its command, its check, its folders', () => {
    const [, image = ''] = stages;
    const { services, secrets, volumes } = parse(readFileSync(join(root, 'docs/compose.yaml'), 'utf8'));
    const { gateway } = services;
    const check = JSON.parse(/HEALTHCHECK [^[]*(\[.*\])/.exec(image)?.[1] ?? '[]');
    expect(gateway.healthcheck.test).toEqual(['CMD', ...check]);
    expect(image).toContain(`VOLUME ${gateway.volumes.at(-1).split(':')[1]}\n`);
    expect(Object.keys(volumes)).toEqual([gateway.volumes.at(-1).split(':')[0]]);
    expect(Object.keys(secrets)).toEqual(gateway.secrets);
    expect(gateway).toMatchObject({
      image: `campus-gateway:${version}`,
      network_mode: 'host',
      read_only: true,
    });
  });
});

describe('a release', () => {
  const standing = '# Changelog\n\nWords.\n\n';

  it('has all that was unreleased, in its sections, and again what was added since', () => {
    const first = `${standing}## [Unreleased]\n\n### Fixed\n\n- a\n\n### Added\n\n- b\n  more\n\n## [0.1.0] - 2026-01-01\n\n- old\n`;
    const once = released(first, '0.2.0', '2026-02-02');
    const of2 = '## [0.2.0] - 2026-02-02\n\n### Added\n\n- b\n  more\n\n### Fixed\n\n- a\n\n';
    expect(once).toBe(`${standing}## [Unreleased]\n\n${of2}## [0.1.0] - 2026-01-01\n\n- old\n`);
    const later = once.replace('## [Unreleased]\n', '## [Unreleased]\n\n### Fixed\n\n- c\n');
    const both = of2.replace('- a', '- c\n- a');
    expect(released(later, '0.2.0', '2026-03-03')).toBe(
      `${standing}## [Unreleased]\n\n${both}## [0.1.0] - 2026-01-01\n\n- old\n`,
    );
  });

  it('names packages by it, and nothing else', () => {
    const text =
      'campus-gateway:0.1.0 campus-gateway_0.1.0_amd64.deb campus-gateway-0.1.0.tgz listen 0.0.0.0 campus-gateway 0.1.0';
    expect(withVersion(text, '1.2.3-rc1')).toBe(
      'campus-gateway:1.2.3-rc1 campus-gateway_1.2.3-rc1_amd64.deb campus-gateway-1.2.3-rc1.tgz listen 0.0.0.0 campus-gateway 0.1.0',
    );
    expect(() => released('# Changelog\n', '1.0.0', '2026-01-01')).toThrow(/Unreleased/);
  });
});

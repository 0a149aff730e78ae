/** `npm run package`: the npm package, the Debian packages and, where asked for, bundles, into `release/`. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { version } from '../gateway/version.ts';
import { makeBundle } from './bundle.ts';
import { type Architecture, architectures, type Deb, makeDeb } from './deb.ts';
import { makeNpmPackage } from './npm.ts';

const root = join(import.meta.dirname, '..');
const compressions = ['xz', 'gzip', 'none'] as const;

const { values } = parseArgs({
  options: {
    out: { type: 'string', default: 'release' },
    deb: { type: 'string', default: Object.keys(architectures).join(',') },
    compression: { type: 'string', default: 'xz' },
    bundle: { type: 'boolean', default: false },
    mirror: { type: 'string', default: 'http://deb.debian.org/debian' },
    help: { type: 'boolean', default: false },
  },
});
const wanted = values.deb.split(',').filter((one) => one !== '' && one !== 'none');
const compression = compressions.find((one) => one === values.compression);
const isUnknown = (one: string) => !(one in architectures);
if (values.help || compression === undefined || wanted.some(isUnknown)) {
  process.stdout.write(`npm run package -- [--out release] [--deb amd64,arm64|none] [--compression ${compressions.join('|')}]
                [--bundle [--mirror URL]]

Makes the npm package and a Debian package for each kind of machine: nothing is compiled. For another kind of machine than
this one its Node comes from the npm registry. --bundle: beside each Debian package an archive for places without internet, with
ffmpeg, all that it needs of Debian 12, and an install script; for it, apt downloads from a mirror of Debian.
`);
  process.exit(values.help ? 0 : 2);
}

const out = resolve(root, values.out);
mkdirSync(out, { recursive: true });
const tell = (file: string) =>
  process.stdout.write(`${file}  ${(statSync(file).size / 1e6).toFixed(1)} MB\n`);
const npm = (args: readonly string[]) =>
  execFileSync('npm', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });

const tarball = makeNpmPackage(out);
tell(tarball);
if (wanted.length > 0) {
  const sbom = join(out, 'campus-gateway.cdx.json');
  writeFileSync(sbom, npm(['run', '--silent', 'sbom']));
  // The same commit makes the same package.
  process.env['SOURCE_DATE_EPOCH'] ??= execFileSync('git', ['log', '-1', '--format=%ct'], {
    cwd: root,
    encoding: 'utf8',
  }).trim();
  for (const architecture of wanted as Architecture[]) {
    const of: Deb = { architecture, tarball, out, sbom, compression };
    const deb = makeDeb(of);
    tell(deb);
    if (values.bundle) tell(makeBundle({ architecture, version, deb, out, mirror: values.mirror }));
  }
  rmSync(sbom);
}

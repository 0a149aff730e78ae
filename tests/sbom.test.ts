/** The bill of materials of a release: what npm lists, against the lock file. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

interface Component {
  readonly type: string;
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly licenses?: readonly {
    readonly license?: { readonly id?: string };
    readonly expression?: string;
  }[];
}
interface Locked {
  readonly version?: string;
  readonly dev?: boolean;
}

const root = join(import.meta.dirname, '..');
const readJson = (name: string) => JSON.parse(readFileSync(join(root, name), 'utf8')) as unknown;

describe('the bill of materials', { timeout: 60_000 }, () => {
  const made = spawnSync('npm', ['run', '--silent', 'sbom'], { cwd: root, encoding: 'utf8' });
  const bill = JSON.parse(made.stdout) as {
    readonly bomFormat: string;
    readonly specVersion: string;
    readonly metadata: { readonly component: { readonly purl: string; readonly type: string } };
    readonly components: readonly Component[];
  };
  const { packages } = readJson('package-lock.json') as { packages: Record<string, Locked> };
  const locked = Object.entries(packages).flatMap(([path, { version = '', dev = false }]) =>
    path === '' ? [] : [{ id: `${path.replace(/^.*node_modules\//, '')}@${version}`, dev }],
  );

  it('is CycloneDX, of this application', () => {
    expect([made.status, bill.bomFormat, bill.specVersion]).toEqual([0, 'CycloneDX', '1.5']);
    expect(bill.metadata.component).toMatchObject({
      type: 'application',
      purl: expect.stringMatching(/^pkg:npm\/campus-gateway@/),
    });
  });

  it('has each production package, and no other', () => {
    const listed = bill.components.map(({ name, version }) => `${name}@${version}`);
    const production = locked.filter(({ dev }) => !dev).map(({ id }) => id);
    expect([...new Set(listed)].sort()).toEqual([...new Set(production)].sort());
    const { dependencies = {} } = readJson('package.json') as { dependencies?: Record<string, string> };
    for (const [name, version] of Object.entries(dependencies))
      expect(listed).toContain(`${name}@${version}`);
    for (const name of ['vitest', 'typescript', '@biomejs/biome', 'fast-check', 'node'])
      expect(listed.some((id) => id.startsWith(`${name}@`))).toBe(false);
  });

  it('says of each where it is from, and its licence by its SPDX name', () => {
    for (const { name, version, purl, licenses = [] } of bill.components) {
      // Package URL: the scope's @ is percent-encoded.
      expect(purl).toBe(`pkg:npm/${name.replace('@', '%40')}@${version}`);
      const names = licenses.map(({ license, expression }) => license?.id ?? expression);
      expect(names, name).toEqual([expect.stringMatching(/^[A-Za-z0-9.() +-]+$/)]);
    }
  });
});

/** What docs/city.md shows and tells to type, as far as it needs no broker (tests/system/city has those). */
import { execFileSync } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readConfig } from '../gateway/check.ts';
import { temporaryDirectory } from './helpers.ts';

const docs = join(import.meta.dirname, '../docs');
const page = readFileSync(join(docs, 'city.md'), 'utf8');
const script = (name: string, input: string, env: NodeJS.ProcessEnv = {}) =>
  execFileSync('sh', [join(docs, 'city', name)], { input, env: { ...process.env, ...env }, stdio: 'pipe' });

/** A folder in which ca.sh is typed. */
const folder = () => {
  const directory = temporaryDirectory();
  copyFileSync(join(docs, 'city/ca.sh'), join(directory, 'ca.sh'));
  const sh = (line: string) =>
    execFileSync('sh', ['-ec', line], {
      ...{ cwd: directory, encoding: 'utf8', stdio: 'pipe' },
      env: { ...process.env, CA_PASSWORD: 'of-the-test' },
    });
  const certificate = (name: string) =>
    new X509Certificate(readFileSync(join(directory, 'ca', `${name}.crt`)));
  return { directory, sh, certificate };
};

it('shows an uplink that check calls good', () => {
  const [, block = ''] = /```yaml\n(.*?)```/s.exec(page) ?? [];
  const { directory, sh } = folder();
  sh(
    'sh ca.sh init; sh ca.sh campus 4503000001; cp ca/ca.crt .; for x in crt key; do cp ca/4503000001.$x campus.$x; done',
  );
  const file = join(directory, 'campus.yaml');
  writeFileSync(file, `campus: { id: "4503000001", name: T }\n${block}`);
  const loaded = readConfig(file);
  expect('errors' in loaded ? loaded.errors : []).toEqual([]);
});

describe('the authority of docs/city/ca.sh', () => {
  const isGood = (sh: (line: string) => string, file: string): boolean => {
    try {
      sh(`openssl verify -purpose sslclient -crl_check -CAfile ca/ca.crt -CRLfile ca/ca.crl ${file}`);
      return true;
    } catch {
      return false;
    }
  };

  it('does what the page tells to type', () => {
    const { directory, sh, certificate } = folder();
    // A school that asks for another's name gets its own.
    sh(
      "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj '/CN=4503000001' -keyout school.key -out 4503000002.csr",
    );
    const [, block = ''] = /```sh\n(export CA_PASSWORD.*?)```/s.exec(page) ?? [];
    expect(block.split('\n').length).toBeGreaterThan(7);
    execFileSync('sh', ['-ec', block], { cwd: directory, stdio: 'pipe' });
    expect(certificate('4503000002').subject).toBe('CN=4503000002');
    expect(
      certificate('4503000002').checkPrivateKey(
        createPrivateKey(readFileSync(join(directory, 'school.key'))),
      ),
    ).toBe(true);
    expect(certificate('city-1').subjectAltName).toBe(
      'DNS:city-1, DNS:city-1.city.example, IP Address:10.0.0.11',
    );
    execFileSync(
      'sh',
      ['-ec', 'openssl pkey -in ca/ca.key -passin pass:correct-horse-battery-staple -noout'],
      { cwd: directory },
    );
  });

  it('renews without ending the old one, withdraws all of a campus, and tells whose end is near', () => {
    const { directory, sh } = folder();
    sh('sh ca.sh init; DAYS=30 sh ca.sh campus 4503000001; sh ca.sh campus 4503000002');
    expect(sh('sh ca.sh ending 60')).toMatch(/^4503000001 \d{12}Z\n$/);
    copyFileSync(join(directory, 'ca/4503000001.crt'), join(directory, 'old.crt'));
    sh('sh ca.sh campus 4503000001');
    expect(sh('sh ca.sh ending 60')).toBe('');
    const three = ['old.crt', 'ca/4503000001.crt', 'ca/4503000002.crt'];
    expect(three.map((file) => isGood(sh, file))).toEqual([true, true, true]);
    sh('sh ca.sh withdraw 4503000001');
    expect(three.map((file) => isGood(sh, file))).toEqual([false, false, true]);
  });

  it('refuses what is no number, a second beginning, and a wrong password', () => {
    const { sh } = folder();
    sh('sh ca.sh init');
    expect(() => sh('sh ca.sh init')).toThrow('there already');
    expect(() => sh("sh ca.sh campus '4503000001/CN=x'")).toThrow('digits alone');
    expect(() => sh('CA_PASSWORD=wrong sh ca.sh campus 4503000001')).toThrow();
  });
});

describe('the users of docs/city', () => {
  it('are one each, and none is made of what is no number', () => {
    const numbers = Array.from({ length: 1500 }, (_, i) => String(4_503_000_001 + i));
    const list = `${numbers.join('\n')}\n`;
    const made = JSON.parse(script('rabbitmq-users.sh', list).toString()) as Record<
      string,
      { user?: string }[]
    >;
    expect(Object.values(made).map((of) => of.length)).toEqual([1500, 1500, 1500]);
    const users = script('nats-users.sh', list, { PLATFORM_PASSWORD: 'x' }).toString();
    expect(users.match(/user: "CN=\d+"/g)).toHaveLength(1500);
    for (const name of ['rabbitmq-users.sh', 'nats-users.sh'])
      expect(() => script(name, '4503000001\n.*\n', { PLATFORM_PASSWORD: 'x' })).toThrow('digits alone');
  });
});

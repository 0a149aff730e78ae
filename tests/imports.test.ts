/** The import rules hold, see every file, and refuse what they say: wrong imports are planted in a copy of the tree. */
import { execFile } from 'node:child_process';
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..');
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  scripts: { check: string };
};
/** As `npm run check` calls it. */
const [, ...options] = /depcruise [^&]+/.exec(scripts.check)?.[0].trim().split(' ') ?? [];
const roots = options.filter((option) => existsSync(join(root, option)) && !option.startsWith('.'));

interface Cruise {
  readonly modules: readonly {
    readonly source: string;
    readonly dependencies: readonly { readonly module: string }[];
  }[];
  readonly summary: {
    readonly violations: readonly {
      readonly from: string;
      readonly to: string;
      readonly rule: { readonly name: string; readonly severity: string };
    }[];
    readonly environment?: { readonly issues?: readonly unknown[] };
  };
}

async function cruise(directory: string): Promise<Cruise> {
  const command = join(root, 'node_modules/.bin/depcruise');
  // Its exit status is the number of errors.
  const run = promisify(execFile)(command, [...options, '-T', 'json'], {
    cwd: directory,
    maxBuffer: 64 * 1024 * 1024,
  });
  const { stdout } = await run.catch((error: { stdout: string }) => error);
  return JSON.parse(stdout) as Cruise;
}

/** A copy of the tree as far as it is cruised, with these files in it. */
function treeWith(files: Readonly<Record<string, string>>): string {
  const directory = mkdtempSync(join(tmpdir(), 'campus-'));
  for (const path of [...roots, 'package.json', '.dependency-cruiser.js'])
    cpSync(join(root, path), join(directory, path), {
      recursive: true,
      filter: (from) => !/\.(h264|jpg|png|svg|css|html)$|docs\/events/.test(from),
    });
  symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), text);
  }
  return directory;
}

/** Of the forms that there are, swc misses `typeof import('x')`: allowed of packages, so not of our own files. */
const forms = [
  /^(?:import|export)\s[^;'"]*?from\s+'([^']+)'/gm,
  /^import\s+'([^']+)'/gm,
  /\bimport\('(\.[^']*)'\)/gm,
  /(?<!typeof )\bimport\('([^'.][^']*)'\)/gm,
];
function importsOf(path: string): string[] {
  const text = readFileSync(join(root, path), 'utf8');
  return forms.flatMap((form) => [...text.matchAll(form)].map(([, name = '']) => name.replace(/^node:/, '')));
}

/** Wrong imports: where, of what, and the rule that refuses it. */
const planted = [
  ['drivers/dc09/planted.ts', '../../gateway/main.ts', 'drivers-stand-alone'],
  ['drivers/osdp/planted.ts', '../modbus/driver.ts', 'drivers-stand-alone'],
  ['drivers/planted.ts', './dc09/codec.ts', 'shared-files-know-no-driver'],
  ['drivers/contract/planted.ts', '../line.ts', 'the-contract-is-the-ground'],
  ['drivers/platforms/planted/driver.ts', '../mqtt/stream.ts', 'platforms-stand-alone'],
  ['config/planted.ts', '../gateway/campus.ts', 'config-stands-on-drivers'],
  ['config/catalogue/planted.ts', '../schema.ts', 'the-catalogue-stands-on-the-contract'],
  ['config/catalogue/planted.ts', 'fastify', 'the-catalogue-stands-on-the-contract'],
  ['gateway/access/planted.ts', '../arming/index.ts', 'a-stage-knows-no-other-stage'],
  ['gateway/visitors/planted.ts', '../access/decide.ts', 'a-stage-knows-no-other-stage'],
  ['gateway/rules/planted.ts', '../notices/index.ts', 'parts-meet-in-main'],
  ['gateway/console/api/planted.ts', '../../alarms/index.ts', 'the-console-knows-no-stage'],
  ['gateway/uplink/planted.ts', 'mqtt', 'delivery-knows-no-protocol'],
  ['gateway/rules/planted.ts', '../../drivers/index.ts', 'only-main-knows-the-registry'],
  ['gateway/road/planted.ts', '../../simulators/panel.ts', 'simulators-only-in-the-command-line'],
  ['simulators/planted.ts', '../drivers/dc09/driver.ts', 'simulators-know-codecs-only'],
  ['gateway/planted.ts', '../tests/helpers.ts', 'no-tests-in-the-product'],
  ['gateway/planted.ts', 'fast-check', 'no-dev-dependencies-in-the-product'],
] as const;

/** One tree with all of them, cruised once. */
function plant(): string {
  const files: Record<string, string> = {};
  for (const [path, to] of planted) files[path] = `${files[path] ?? ''}import '${to}';\n`;
  files['drivers/wiegand/typed.ts'] =
    "import type { Config } from '../../config/schema.ts';\nexport type Own = Config;\n";
  files['drivers/modbus/round.ts'] = "import './trip.ts';\n";
  files['drivers/modbus/trip.ts'] = "import './round.ts';\n";
  return treeWith(files);
}

describe('the import rules', () => {
  let cruised: Cruise;
  beforeAll(async () => {
    const tree = plant();
    cruised = await cruise(tree);
    return () => rmSync(tree, { recursive: true, force: true });
  }, 60_000);

  it('see each TypeScript file and each import in it, types too, and find no error', () => {
    const { modules, summary } = cruised;
    const seen = new Map(
      modules.map(({ source, dependencies }) => [source, dependencies.map((one) => one.module)]),
    );
    const files = globSync('**/*.ts', { cwd: root, exclude: ['node_modules', '.git'] });
    expect(files.length).toBeGreaterThan(200);
    for (const file of files) expect(seen.get(file), file).toEqual(expect.arrayContaining(importsOf(file)));
    const ours = new Set(files);
    expect(
      summary.violations.filter(({ from, rule }) => rule.severity === 'error' && ours.has(from)),
    ).toEqual([]);
    // Such as: "it's likely to have missed TypeScript sources and dependencies".
    expect(summary.environment?.issues ?? []).toEqual([]);
  });

  it('refuse what they say, of values and of types alike', () => {
    const refused = cruised.summary.violations.map(({ from, rule }) => `${from}: ${rule.name}`);
    for (const [path, , rule] of planted) expect(refused).toContain(`${path}: ${rule}`);
    expect(refused).toContain('drivers/wiegand/typed.ts: drivers-stand-alone');
    expect(refused).toContain('drivers/modbus/round.ts: no-cycles');
  });
});

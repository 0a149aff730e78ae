/**
 * The gateway as plain JavaScript in `dist/`: Node strips no types under node_modules, so that what is installed from a
 * package brings them stripped. Node's own stripper does it; lines and columns stay as in the sources. Run by `npm pack`.
 */
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { dirname, extname, join } from 'node:path';

const root = join(import.meta.dirname, '..');
const PARTS = ['gateway', 'drivers', 'config', 'simulators'];
/** What is read by people only. */
const isForReaders = (file: string) => extname(file) === '.md' || file.endsWith('/scale.yaml');
/** It begins either of the two, and stands beside them. */
const ENTRY = 'gateway/campus-gateway.js';

/** A text that names a module beside this one: an import, a worker, a module that is given by its URL. */
const MODULE = /(['"])(\.{1,2}\/[^'"\n]*)\.ts\1/g;

/**
 * One source as JavaScript.
 * @throws Error where it names a module that is not there: what is no import after all would be a dead end.
 */
export function strippedOf(file: string): string {
  const javaScript = stripTypeScriptTypes(readFileSync(file, 'utf8'));
  return javaScript.replace(MODULE, (_whole, quote: string, path: string) => {
    if (!existsSync(join(dirname(file), `${path}.ts`))) throw new Error(`${file}: there is no ${path}.ts`);
    return `${quote}${path}.js${quote}`;
  });
}

/** Writes `dist/` anew. @returns how many files it has. */
export function writeDist(to = join(root, 'dist')): number {
  rmSync(to, { recursive: true, force: true });
  const files = PARTS.flatMap((part) =>
    readdirSync(join(root, part), { recursive: true, encoding: 'utf8' }).map((file) => join(part, file)),
  ).filter((file) => statSync(join(root, file)).isFile() && !isForReaders(file) && file !== ENTRY);
  for (const file of files) {
    const source = join(root, file);
    mkdirSync(dirname(join(to, file)), { recursive: true });
    if (extname(file) === '.ts') writeFileSync(join(to, file.replace(/\.ts$/, '.js')), strippedOf(source));
    else {
      cpSync(source, join(to, file));
      chmodSync(join(to, file), statSync(source).mode);
    }
  }
  // `version.ts` reads it, and its `type` says that these are modules.
  const { name, version, type } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  writeFileSync(join(to, 'package.json'), `${JSON.stringify({ name, version, type }, undefined, 2)}\n`);
  return files.length;
}

if (import.meta.main) {
  writeDist();
  // What is installed from the package has the versions of the lock file. `postpack` removes it.
  cpSync(join(root, 'package-lock.json'), join(root, 'npm-shrinkwrap.json'));
}

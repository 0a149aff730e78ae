/**
 * What the service's user may do with files, asked by root (sudo), who may do everything himself: by owner, group and mode,
 * and by every folder on the way. POSIX ACLs, capabilities and what a unit hides (ProtectHome=) are not seen.
 */
import { execFileSync } from 'node:child_process';
import { accessSync, readFileSync, realpathSync, type Stats, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

export interface Viewer {
  readonly uid: number;
  /** As it is logged in with; its number where it has no name. */
  readonly name: string;
  /** Its own first. */
  readonly groups: readonly number[];
}
type Rights = Pick<Stats, 'uid' | 'gid' | 'mode'>;

/** As access(2) has them; of a folder, `ENTER` is to reach what lies in it. */
export const READ = 4;
export const WRITE = 2;
export const ENTER = 1;

/** Whether somebody may do all of these with a file or folder of such rights. Pure. */
export function may({ uid, groups }: Pick<Viewer, 'uid' | 'groups'>, of: Rights, bits: number): boolean {
  if (uid === 0) return true;
  // The first that fits decides: an owner without rights has none, whatever his group has.
  const shift = uid === of.uid ? 6 : groups.includes(of.gid) ? 3 : 0;
  return ((of.mode >> shift) & bits) === bits;
}

/** The unit gives these to its user besides (SupplementaryGroups=). */
const OF_UNIT = { user: 'campus-gateway', groups: ['dialout', 'input'] };

/**
 * Whom the gateway runs as: who has the data folder, or what is there of its path. undefined: we are not root, or it is
 * root's: judge as ourselves.
 */
export function serviceUser(dataDir: string): Viewer | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const found = statOf(nearest(dataDir));
  if (found === undefined || found.uid === 0) return undefined;
  const { uid, gid } = found;
  const name = idOf('-un', uid) ?? String(uid);
  const own = idOf('-G', uid)?.split(' ').map(Number) ?? [gid];
  const given = name === OF_UNIT.user ? OF_UNIT.groups.flatMap((group) => groupNamed(group) ?? []) : [];
  return { uid, name, groups: [...new Set([...own, ...given])] };
}

const ID_MS = 5000;
/** What id(1) says, which knows users of a directory service, too; undefined: it knows no such user. */
function idOf(option: '-un' | '-G', uid: number): string | undefined {
  try {
    const said = execFileSync('id', [option, String(uid)], {
      ...{ encoding: 'utf8', timeout: ID_MS },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return said.trim();
  } catch {
    return undefined;
  }
}

function groupsHere(): readonly { readonly name: string; readonly gid: number }[] {
  try {
    return readFileSync('/etc/group', 'utf8')
      .split('\n')
      .map((line) => line.split(':'))
      .map(([name = '', , gid]) => ({ name, gid: Number(gid) }));
  } catch {
    return [];
  }
}
const groupNamed = (wanted: string) => groupsHere().find(({ name }) => name === wanted)?.gid;
/** As chgrp takes it: its number where it has no name here. */
export const groupName = (wanted: number): string =>
  groupsHere().find(({ name, gid }) => gid === wanted && name !== '')?.name ?? String(wanted);

export const statOf = (path: string): Stats | undefined => {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
};

/** A folder, or where it is not there yet, what is there of its path. */
export function nearest(folder: string): string {
  let there = resolve(folder);
  while (statOf(there) === undefined && there !== dirname(there)) there = dirname(there);
  return there;
}

/** The folders that lead to something, from the root down. */
export function foldersTo(path: string): readonly string[] {
  const above = dirname(path);
  return above === path ? [] : [...foldersTo(above), above];
}

/** What is in the way: the thing itself, or a folder that leads to it. */
export interface Hindrance {
  readonly at: string;
  readonly isFolder: boolean;
  readonly rights: Rights;
}

/** undefined: it may, or nothing is there. `viewer` undefined: ourselves. */
export function hindrance(viewer: Viewer | undefined, path: string, bits: number): Hindrance | undefined {
  const rights = statOf(path);
  if (viewer === undefined) return isClosedToUs(path, bits) ? hindered(path) : undefined;
  if (rights === undefined) return undefined;
  // A link is followed by its own path, and what it names has folders of its own.
  const folders = new Set([...foldersTo(resolve(path)), ...foldersTo(realpathSync(path))]);
  for (const folder of folders) {
    const found = statSync(folder);
    if (!may(viewer, found, ENTER)) return { at: folder, isFolder: true, rights: found };
  }
  return may(viewer, rights, bits) ? undefined : { at: path, isFolder: false, rights };
}

const hindered = (at: string): Hindrance => ({
  ...{ at, isFolder: false },
  rights: statOf(at) ?? { uid: 0, gid: 0, mode: 0 },
});

function isClosedToUs(path: string, bits: number): boolean {
  try {
    accessSync(path, bits);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ENOENT';
  }
}

/** For a shell. */
export const quoted = (path: string): string =>
  /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;

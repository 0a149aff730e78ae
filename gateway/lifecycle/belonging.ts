/**
 * Whose a new file or folder is. The command line runs as root (sudo) and the gateway does not: what root makes has to be read by the
 * gateway, and by nobody besides.
 *
 *   a folder of a user (the data folder)                 what is new in it is that user's
 *   root's folder with a group (/etc/campus-gateway)     root's, and the group reads it
 *   root's own                                           root's alone
 */
import {
  chmodSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  lchownSync,
  lstatSync,
  type Stats,
  statSync,
} from 'node:fs';
import { dirname } from 'node:path';

type Rights = Pick<Stats, 'uid' | 'gid' | 'mode'>;

/** Whose something of this mode is that root makes in such a folder; undefined: it stays root's alone. Pure. */
export function fitting({ uid, gid }: Pick<Rights, 'uid' | 'gid'>, mode: number): Rights | undefined {
  if (uid !== 0) return { uid, gid, mode };
  // What the owner may, the group may too, but write.
  return gid === 0 ? undefined : { uid, gid, mode: mode | ((mode >> 3) & 0o050) };
}

/**
 * Gives what root has just made to whom it fits in its folder; anybody else's is his own already. `made`: a path, or a
 * descriptor where others may write into the folder too. @throws what the disk says.
 */
export function belong(made: string | number, folder: string): void {
  if (process.getuid?.() !== 0) return;
  const before = typeof made === 'number' ? fstatSync(made) : lstatSync(made);
  const right = fitting(statSync(folder), before.mode & 0o777);
  if (right === undefined) return;
  const { uid, gid, mode } = right;
  // Never what a link names: root must not give away what somebody else points at.
  if (typeof made === 'number') fchownSync(made, uid, gid);
  else lchownSync(made, uid, gid);
  if (mode === (before.mode & 0o777)) return;
  if (typeof made === 'number') fchmodSync(made, mode);
  else if (!before.isSymbolicLink()) chmodSync(made, mode);
}

/** The same of a path and the folder that it lies in. */
export const belongHere = (path: string): void => belong(path, dirname(path));

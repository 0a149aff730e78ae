/** A disk that loses its power: what was written and not synced is gone, as after a cut; what was synced stays. */
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { temporaryDirectory } from '../../helpers.ts';

export interface Disk {
  /** Where it is mounted. */
  readonly folder: string;
  /** All that was written so far is on it. */
  sync(): void;
  /** Whoever writes to it is dead by now. */
  cut(): void;
}

/** ext4's EXT4_IOC_SHUTDOWN with EXT4_GOING_FLAGS_NOLOGFLUSH: nothing more reaches the disk from this moment on. */
const SHUTDOWN = `
import fcntl, os, struct, sys
fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587D, struct.pack('I', 2))`;

/** A file system of its own in a file. undefined: this machine lets nobody mount one. */
export function disk(megabytes: number): Disk | undefined {
  const directory = temporaryDirectory();
  const [image, folder] = [join(directory, 'disk'), join(directory, 'mounted')];
  mkdirSync(folder);
  const run = (command: string, ...args: string[]) => execFileSync(command, args, { stdio: 'pipe' });
  run('truncate', '-s', `${megabytes}M`, image);
  run('mkfs.ext4', '-q', image);
  const mount = () => run('mount', '-o', 'loop', image, folder);
  try {
    mount();
  } catch {
    return undefined;
  }
  onTestFinished(() => void run('umount', '--lazy', folder));
  return {
    folder,
    sync: () => void run('sync', '-f', folder),
    cut() {
      run('python3', '-c', SHUTDOWN, folder);
      run('umount', folder);
      mount();
    },
  };
}

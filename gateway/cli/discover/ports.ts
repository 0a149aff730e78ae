/** The serial ports and the readers that type, of this machine, and who has one open. */
import { readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { join } from 'node:path';

/** Where udev names ports by what is plugged in, then by where: both survive what /dev/ttyUSB0 does not. */
const NAMED = ['/dev/serial/by-id', '/dev/serial/by-path'];
const INPUTS = '/dev/input/by-id';
/** Kernel names of ports that are real: USB, ACM modems, UARTs of PCs and of ARM boards. */
const REAL = /^tty(USB|ACM|S|AMA|mxc|O|SC|UL|PS|XRUSB|CH343USB|WCHUSB)\d+$/;

const entriesOf = (folder: string): readonly string[] => {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
};
const textOf = (file: string): string | undefined => {
  try {
    return readFileSync(file, 'latin1').trim();
  } catch {
    return undefined;
  }
};
/** What stands behind a path; the path itself where nothing does. */
export function behind(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

/**
 * The ports of this machine, each by its best name. A UART that the kernel lists and no chip is behind (`type` 0) is none, and
 * the machine's own console is left to it.
 */
export function serialPorts(): readonly string[] {
  const named = new Map<string, string>();
  for (const folder of NAMED)
    for (const name of entriesOf(folder)) {
      const path = join(folder, name);
      if (!named.has(behind(path))) named.set(behind(path), path);
    }
  const consoles = textOf('/sys/class/tty/console/active')?.split(' ') ?? [];
  const plain = entriesOf('/sys/class/tty')
    .filter(
      (name) => REAL.test(name) && !consoles.includes(name) && textOf(`/sys/class/tty/${name}/type`) !== '0',
    )
    .map((name) => `/dev/${name}`)
    .filter((path) => !named.has(path));
  return [...named.values(), ...plain];
}

/** Input devices that type: readers, and keyboards. */
export const keyboards = (): readonly string[] =>
  entriesOf(INPUTS)
    .filter((name) => name.endsWith('-event-kbd'))
    .map((name) => join(INPUTS, name));

/** What a process has open; empty where that is not ours to know. */
const openOf = (pid: string): readonly string[] =>
  entriesOf(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${fd}`)];
    } catch {
      // It was closed meanwhile.
      return [];
    }
  });

/**
 * `campus-gateway (pid 812)`, who has a file open; undefined: nobody of whom we may know (root knows of all). Who made a
 * pseudo terminal, as socat does, has the other end of it.
 */
export function openedBy(path: string): string | undefined {
  const file = behind(path);
  const isPseudo = file.startsWith('/dev/pts/');
  for (const pid of entriesOf('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)) {
    const open = openOf(pid);
    if (open.includes(file) && !(isPseudo && open.some((one) => one.endsWith('/ptmx'))))
      return `${textOf(`/proc/${pid}/comm`) ?? ''} (pid ${pid})`;
  }
  return undefined;
}

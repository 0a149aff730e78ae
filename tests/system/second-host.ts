/** A host beside this one, for what the network does. */
import { spawnSync } from 'node:child_process';
import { onTestFinished } from 'vitest';

const ip = (...args: string[]) => spawnSync('ip', args, { encoding: 'utf8' });

/** A second host: a network namespace with a cable of its own. undefined: none can be made here. */
export function secondHost(number: number) {
  const space = `campus-${process.pid}-${number}`;
  const [near, far] = [`campus${number}a`, `campus${number}b`];
  if (ip('netns', 'add', space).status !== 0) return undefined;
  onTestFinished(() => void ip('netns', 'delete', space));
  const inside = (...args: string[]) => ip('-n', space, ...args);
  ip('link', 'add', near, 'type', 'veth', 'peer', 'name', far, 'netns', space);
  ip('address', 'add', `10.99.${number}.1/30`, 'dev', near);
  inside('address', 'add', `10.99.${number}.2/30`, 'dev', far);
  ip('link', 'set', near, 'up');
  inside('link', 'set', far, 'up');
  inside('link', 'set', 'lo', 'up');
  return {
    address: `10.99.${number}.2`,
    near,
    wrap: ['ip', 'netns', 'exec', space],
    /** Both hosts send what goes to a group of multicast over the cable. The routes go with it. */
    share(group: string) {
      ip('route', 'add', `${group}/32`, 'dev', near);
      inside('route', 'add', `${group}/32`, 'dev', far);
    },
    pull: () => inside('link', 'set', far, 'down'),
    plug: () => inside('link', 'set', far, 'up'),
  };
}

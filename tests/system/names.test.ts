/** A cluster behind one name: the addresses of the name are tried as those of a list are. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'vitest';
import { freePort, temporaryDirectory } from '../helpers.ts';
import { gateway, mosquitto, need, until } from './tools.ts';

it('a node that freezes is left for the other one of its name', async (context) => {
  need(context, 'mosquitto', 'unshare');
  if (spawnSync('unshare', ['-m', 'true']).status !== 0) context.skip('needs the right to mount');
  const directory = temporaryDirectory();
  const hosts = join(directory, 'hosts');
  writeFileSync(hosts, '127.0.0.1 localhost\n127.0.0.2 mq.example\n127.0.0.3 mq.example\n');
  const port = await freePort();
  const nodes = [
    await mosquitto([], { port, listen: '127.0.0.2' }),
    await mosquitto([], { port, listen: '127.0.0.3' }),
  ];
  await gateway(
    {
      campus: { id: '4503000001', name: '一中' },
      dataDir: join(directory, 'data'),
      devices: [],
      uplinks: [{ id: 'police', url: `mqtt://mq.example:${port}`, keepalive: '5s' }],
    },
    directory,
    {},
    ['unshare', '-m', 'sh', '-c', `mount --bind ${hosts} /etc/hosts && exec "$0" "$@"`],
  );
  const hasUs = ({ log }: { log(): string[] }) => log().some((line) => line.includes('4503000001-police'));
  await until('one of the nodes has the gateway', () => nodes.some(hasUs));
  const [first, other] = hasUs(nodes[0] as (typeof nodes)[0]) ? nodes : nodes.toReversed();
  first?.signal('SIGSTOP');
  context.onTestFinished(() => first?.signal('SIGCONT'));
  // Silence of 7 s, and then 4 s for each try of the frozen one.
  await until('the other has it', () => other !== undefined && hasUs(other), 40_000);
});

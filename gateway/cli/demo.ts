/**
 * The main job, with nothing else to install: a simulated campus over real protocols, the gateway, an embedded
 * broker, and a platform that sees the events arrive.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Command, configOrErrors } from './command.ts';
import { lengthOf, numberOf, RATES } from './values.ts';

const demoConfig = join(import.meta.dirname, '../../config/demo.yaml');

export const demo: Command = {
  name: 'demo',
  summary: [
    'Run a simulated campus, the gateway and a broker, and watch events arrive',
    '运行模拟校园、网关和内置平台，观看事件到达',
  ],
  usage: `campus-gateway demo [CONFIG] [--for 20s] [--rate 20]

  CONFIG      default config/demo.yaml
  --for TIME  stop by itself
  --rate N    actions of the simulated campus a second, default 20

Each line: when, what, where; the milliseconds from seen to disk, and from disk to the platform.
Exit status 1 where an event was lost.

  npm start -- --for 20s`,

  async run(args, terminal) {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: { for: { type: 'string' }, rate: { type: 'string', default: '20' } },
    });
    const rate = numberOf('rate', values.rate, ...RATES);
    const ms = values.for === undefined ? undefined : lengthOf('for', values.for);
    const { showDemo } = await import('./demo/show.ts');
    const config = await configOrErrors(positionals[0] ?? demoConfig, terminal);
    if (config === undefined) return 1;
    return await showDemo(config, { ms, rate }, terminal);
  },
};

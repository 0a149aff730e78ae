/**
 * The main job, with nothing else to install: a simulated campus over real protocols, the gateway, an embedded
 * broker, and a platform that sees the events arrive.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { say } from '../../config/language.ts';
import { atMost, type Command, configOrErrors } from './command.ts';
import { lengthOf, numberOf, RATES } from './values.ts';

/** From a package, which has plain JavaScript, and not from the repository. */
const isInstalled = import.meta.filename.endsWith('.js');
const demoConfig = join(import.meta.dirname, '../../config/demo.yaml');

const english = `campus-gateway demo [CONFIG] [--for 20s] [--rate 20]

  CONFIG      default config/demo.yaml
  --for TIME  stop by itself
  --rate N    actions of the simulated campus a second, default 20

Each line: when, what, where; the milliseconds from seen to disk, and from disk to the platform.
Exit status 1 where an event was lost.

  npm start -- --for 20s`;
const chinese = `campus-gateway demo [CONFIG] [--for 20s] [--rate 20]

  CONFIG      默认 config/demo.yaml
  --for TIME  到时自行停止
  --rate N    模拟校园每秒的动作数，默认 20

每行：何时、何事、何处；从发现到写盘、从写盘到平台的毫秒数。
有事件丢失时退出状态为 1。

  npm start -- --for 20s`;

export const demo: Command = {
  name: 'demo',
  summary: [
    'Run a simulated campus, the gateway and a broker, and watch events arrive',
    '运行模拟校园、网关和内置平台，观看事件到达',
  ],
  usage: say(english, chinese),

  async run(args, terminal) {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: { for: { type: 'string' }, rate: { type: 'string', default: '20' } },
    });
    const rate = numberOf('rate', values.rate, ...RATES);
    const ms = values.for === undefined ? undefined : lengthOf('for', values.for);
    const { showDemo } = await import('./demo/show.ts');
    atMost(1, positionals);
    const config = await configOrErrors(positionals[0] ?? demoConfig, terminal);
    if (config === undefined) return 1;
    if (positionals[0] !== undefined || !isInstalled) return await showDemo(config, { ms, rate }, terminal);
    // A package's own folder is no place to write to.
    const dataDir = mkdtempSync(join(tmpdir(), 'campus-gateway-demo-'));
    try {
      return await showDemo({ ...config, dataDir }, { ms, rate }, terminal);
    } finally {
      rmSync(dataDir, { recursive: true, force: true });
    }
  },
};

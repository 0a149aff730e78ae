import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';
import { say } from '../../config/language.ts';
import type { Command } from './command.ts';

/** An answer to WS-Discovery, as far as it is of interest. */
interface Match {
  readonly probeMatches: { readonly probeMatch: { readonly XAddrs?: string; readonly scopes?: string } };
}

export const discover: Command = {
  name: 'discover',
  summary: ['Find the cameras of this network', '查找本网络中的摄像机'],
  usage: `campus-gateway discover [--for 5s] [--interface eth0]

Asks the network for ONVIF cameras (WS-Discovery) and prints a device of the config for each, to be copied.

  campus-gateway discover`,

  async run(args, { stdout, stderr }) {
    const { values } = parseArgs({
      args,
      options: { for: { type: 'string', default: '5s' }, interface: { type: 'string' } },
    });
    const { milliseconds } = await import('../../simulators/simulator.ts');
    // Not a named export that Node can see.
    const { Discovery } = createRequire(import.meta.url)('onvif') as typeof import('onvif');
    const timeout = milliseconds(values.for);
    const found = new Map<string, string>();
    // A device that answers nonsense does not hide the others.
    Discovery.on('error', () => {});
    Discovery.on('device', (device: unknown) => {
      const { XAddrs = '', scopes = '' } = (device as Match).probeMatches.probeMatch;
      const address = XAddrs.split(/\s+/).find((one) => URL.canParse(one));
      if (address === undefined || found.has(address)) return;
      const { hostname, port } = new URL(address);
      const name = decodeURIComponent(/onvif:\/\/www\.onvif\.org\/name\/(\S+)/.exec(scopes)?.[1] ?? '');
      const id = `camera-${hostname.replace(/\W/g, '-')}${port === '' || port === '80' ? '' : `-${port}`}`;
      const words = [
        `id: ${id}`,
        ...(name === '' ? [] : [`name: ${JSON.stringify(name)}`]),
        'driver: onvif',
        `host: ${hostname}`,
      ];
      const line = `- { ${[...words, ...(port === '' ? [] : [`port: ${port}`]), 'username: admin', 'passwordFile: secrets/cameras'].join(', ')} }`;
      found.set(address, line);
      stdout.write(`${line}\n`);
    });
    await new Promise<void>((resolve) => {
      const options = {
        timeout,
        resolve: false,
        ...(values.interface !== undefined && { device: values.interface }),
      };
      Discovery.probe(options, () => resolve());
    });
    stderr.write(
      say(
        `${found.size} cameras answered in ${timeout / 1000} s\n`,
        `${timeout / 1000} 秒内有 ${found.size} 台摄像机应答\n`,
      ),
    );
    return found.size > 0 ? 0 : 1;
  },
};

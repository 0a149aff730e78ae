/** Where something is to listen: an address of this machine, written as one. */
import { isIP } from 'node:net';
import { isElsewhere, ownAddresses } from '../../drivers/addresses.ts';
import type { Problem } from '../../drivers/contract/driver.ts';
import { say } from '../language.ts';
import type { Config } from '../schema.ts';
import { type Listener, listenersOf } from './ports.ts';

type Listeners = Pick<Config, 'console' | 'status' | 'devices'>;

const pathOf = ({ path }: Listener) => [...path.slice(0, -1), 'host'];

/** The same place, as a port is listened on: without what stands around the host in a URL. */
function bareHost(host: string): string | undefined {
  const [, inner = ''] =
    /^(?:[a-z][a-z0-9+.-]*:\/\/)?(\[[0-9a-f:.]+\]|[^/:\s]+)(?::\d*)?(?:\/.*)?$/i.exec(host) ?? [];
  const bare = inner.replace(/^\[|\]$/g, '');
  return bare === '' || isWrong(bare) ? undefined : bare;
}

/** What is neither an address nor a name (RFC 1123, 2.1). `300.1.1.1` and `10.0.0` are meant as addresses. */
const isWrong = (host: string) =>
  isIP(host) === 0 && (/^[\d.]+$/.test(host) || !/^[\p{L}\p{N}_]([\p{L}\p{N}._-]*)$/u.test(host));

/** Hosts that nobody could listen on, on any machine. */
export function hostProblems(config: Listeners): Problem[] {
  return listenersOf(config).flatMap((one) => {
    const { host } = one;
    if (host === '' || !isWrong(host)) return [];
    const bare = bareHost(host);
    const [en, zh] =
      bare === undefined
        ? [
            'an address of this machine alone, such as 0.0.0.0, which is all of them',
            '只写本机的地址，例如 0.0.0.0（本机全部地址）',
          ]
        : [`the address alone; write host: ${quoted(bare)}`, `只写地址；请写 host: ${quoted(bare)}`];
    return [{ path: pathOf(one), message: `${JSON.stringify(host)}: ${say(en, zh)}` }];
  });
}

const quoted = (host: string) => (host.includes(':') ? `"${host}"` : host);

/** Addresses that this machine has not: it may be checked elsewhere, or get them later. `own`: those that it has. */
export function hostWarnings(config: Listeners, own: readonly string[] = ownAddresses()): Problem[] {
  return listenersOf(config).flatMap((one) => {
    if (!isElsewhere(one.host, own)) return [];
    const message = say(
      `warning: this machine has no address ${one.host}, nothing would be heard there; it has ${own.join(', ')}, and 0.0.0.0 is all of them`,
      `警告：本机没有地址 ${one.host}，将收不到任何数据；本机地址：${own.join('、')}，0.0.0.0 表示全部`,
    );
    return [{ path: pathOf(one), message }];
  });
}

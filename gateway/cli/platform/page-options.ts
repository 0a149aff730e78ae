/** The options of a city's page, checked before anything begins. */
import { say } from '../../../config/language.ts';
import { addressRange } from '../../../drivers/contract/options.ts';
import type { PlatformServerOptions } from '../../platform/server.ts';
import { UsageError } from '../command.ts';
import { hostPortOf, ValueError } from '../values.ts';
import { type PageValues, pageOptions } from './page-values.ts';

export type WantedPage = Pick<
  PlatformServerOptions,
  'listen' | 'dataDir' | 'names' | 'proxies' | 'tls' | 'city'
>;

const DEFAULT_LISTEN = '127.0.0.1:8090';

/** undefined: no page is wanted. @throws UsageError, ValueError. */
export function pageOf(values: PageValues): WantedPage | undefined {
  const { listen, data, city, timezone, name = [], proxy = [], cert, key } = values;
  if (data === undefined) {
    const more = Object.keys(pageOptions).find((name) => values[name as keyof PageValues] !== undefined);
    if (more === undefined) return undefined;
    throw new UsageError(
      say(
        `--${more} is of the page, which needs --data DIR: where are its accounts?`,
        `--${more} 属于页面，须与 --data 目录 同用（用于保存账户）`,
      ),
    );
  }
  if ((cert === undefined) !== (key === undefined))
    throw new UsageError(say('--cert FILE and --key FILE go together', '--cert 文件 与 --key 文件 须同用'));
  return {
    listen: hostPortOf('listen', listen ?? DEFAULT_LISTEN),
    ...{ dataDir: data, names: name, proxies: proxy.map(rangeOf) },
    city: {
      ...(city !== undefined && { name: city }),
      ...(timezone !== undefined && { timezone: timezoneOf(timezone) }),
    },
    ...(cert !== undefined && key !== undefined && { tls: { certFile: cert, keyFile: key } }),
  };
}

function rangeOf(text: string): string {
  if (addressRange().safeParse(text).success) return text;
  throw new ValueError(
    say(
      `--proxy "${text}": an address or a network, such as 10.0.0.9 or 10.0.0.0/24`,
      `--proxy "${text}"：地址或网段，如 10.0.0.9、10.0.0.0/24`,
    ),
  );
}

function timezoneOf(text: string): string {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: text }).resolvedOptions().timeZone;
  } catch {
    throw new ValueError(
      say(`--timezone "${text}": such as Asia/Shanghai`, `--timezone "${text}"：如 Asia/Shanghai`),
    );
  }
}

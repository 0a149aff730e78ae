/** How the page of a city is asked for on the command line. */
import { describe, expect, it } from 'vitest';
import { pageOf } from '../gateway/cli/platform/page-options.ts';
import type { PageValues } from '../gateway/cli/platform/page-values.ts';

describe('the page of a city', () => {
  it('is where --data is, on loopback until told otherwise', () => {
    expect(pageOf({})).toBeUndefined();
    expect(pageOf({ data: 'folder' })).toEqual({
      ...{ listen: { host: '127.0.0.1', port: 8090 }, dataDir: 'folder' },
      ...{ names: [], proxies: [], city: {} },
    });
    const values = { data: 'd', name: ['city.example'], proxy: ['10.0.0.0/24'], cert: 'c', key: 'k' };
    expect(pageOf({ ...values, listen: '[::]:443', city: '桂林市', timezone: 'Asia/Urumqi' })).toEqual({
      ...{ listen: { host: '::', port: 443 }, dataDir: 'd' },
      ...{ names: ['city.example'], proxies: ['10.0.0.0/24'], tls: { certFile: 'c', keyFile: 'k' } },
      city: { name: '桂林市', timezone: 'Asia/Urumqi' },
    });
  });

  it.each<[PageValues, RegExp]>([
    [{ listen: '127.0.0.1:8090' }, /--listen .*--data DIR/],
    [{ city: '桂林市' }, /--city .*--data DIR/],
    [{ data: 'd', cert: 'c' }, /--cert FILE and --key FILE go together/],
    [{ data: 'd', listen: 'localhost' }, /--listen "localhost"/],
    [{ data: 'd', listen: '127.0.0.1:0' }, /the port from 1 to 65535/],
    [{ data: 'd', proxy: ['proxy.example'] }, /--proxy "proxy.example"/],
    [{ data: 'd', timezone: 'Guilin' }, /--timezone "Guilin"/],
  ])('says what is wrong with %j', (values, sentence) => {
    expect(() => pageOf(values)).toThrow(sentence);
  });
});

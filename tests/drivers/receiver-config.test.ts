import { describe, expect, it } from 'vitest';
import { receiver } from '../../drivers/receiver/driver.ts';

describe('the config', () => {
  const problemsOf = (options: object) =>
    receiver.problems?.({ id: 'center', driver: 'receiver', options: receiver.options.parse(options) }) ?? [];
  const accounts = [{ account: '7037' }];

  it.each([
    ['neither connection nor listen', { accounts }, 'driver'],
    ['both', { accounts, listen: { port: 5100 }, connection: { serial: '/dev/ttyS0' } }, 'listen'],
  ])('is refused with %s', (_name, options, key) => {
    expect(problemsOf(options)).toMatchObject([{ path: [key] }]);
  });

  it('is refused where an account stands twice, zeros apart', () => {
    const twice = [{ account: '0123' }, { account: '123' }];
    expect(problemsOf({ accounts: twice, listen: { port: 5100 } })).toMatchObject([
      { path: ['accounts', 1, 'account'] },
    ]);
  });

  it('is warned of a port that anybody reaches', () => {
    const warned = (listen: object) =>
      receiver.warnings?.({
        id: 'center',
        driver: 'receiver',
        options: receiver.options.parse({ accounts, listen }),
      });
    expect(warned({ port: 5100 })).toEqual([]);
    expect(warned({ host: '0.0.0.0', port: 5100 })?.[0]?.en).toMatch(/anybody/);
    expect(warned({ host: '0.0.0.0', port: 5100, from: ['10.0.0.9'] })?.[0]?.en).toMatch(/clear text/);
  });
});

/** Configs that could not work say so before anything runs. */
import { describe, expect, it } from 'vitest';
import { httpPush } from '../../drivers/http-push/driver.ts';
import { profileSchema } from '../../drivers/http-push/profile.ts';
import { terminalProfile } from './terminal-profile.ts';

const device = (profile: string, own: object, id = 'gate') => ({
  id,
  driver: 'http-push',
  options: httpPush.options.parse({ profile, ...own }),
  profile: terminalProfile(profile),
});
const listen = { host: '0.0.0.0', port: 8080 };
const password = { username: 'gate', passwordFile: 'secret' };
const pull = { url: 'http://10.0.0.32/ISAPI/Event/notification/alertStream', ...password };
/** HTTP API, "subscribe to event message": codes and heartbeat. */
const dahua = (more: string) => ({
  ...pull,
  url: `http://10.0.0.32/cgi-bin/eventManager.cgi?action=attach&codes=[All]${more}`,
});

describe('a terminal that would never be heard', () => {
  it.each<[string, string, object, (string | number)[], RegExp]>([
    [
      'networks',
      'hikvision-face',
      { listen, from: ['10.0.0.31', '10.0.0.0/24'] },
      ['from', 1],
      /is no address/,
    ],
    ['names', 'hikvision-face', { listen, from: ['face-gate.lan'] }, ['from', 0], /is no address/],
    [
      'loopback',
      'hikvision-face',
      { listen: { port: 8080 }, from: ['10.0.0.31'] },
      ['listen'],
      /this machine only/,
    ],
    ['no serial number', 'zkteco-push', { listen, from: ['10.0.0.31'] }, ['profile'], /serial is needed/],
    ['a password', 'zkteco-push', { listen, serial: 'A', ...password }, ['passwordFile'], /says no password/],
    [
      'a token',
      'uniview-face',
      { listen, tokenFile: 'secret', from: ['10.0.0.31'] },
      ['tokenFile'],
      /without a token/,
    ],
    [
      'digest for nobody',
      'hikvision-face',
      { listen, from: ['::1'], authentication: 'digest' },
      ['authentication'],
      /nothing is asked/,
    ],
    ['a stream that none is', 'zkteco-push', { pull }, ['pull'], /no stream/],
    [
      'a password in an address',
      'hikvision-face',
      { pull: { ...pull, url: 'http://a:b@10.0.0.32/' } },
      ['pull', 'url'],
      /beside the address/,
    ],
    ['an address of a stream', 'hikvision-face', { pull, from: ['10.0.0.32'] }, ['from'], /that push/],
    ['a password beside a stream', 'dahua-face', { pull, ...password }, ['username'], /stand in pull/],
    ['the stream of another maker', 'dahua-face', { pull }, ['profile'], /nothing of alertStream/],
    [
      'the stream of another maker',
      'hikvision-face',
      { pull: dahua('&heartbeat=10') },
      ['profile'],
      /nothing of event/,
    ],
    ['a stream that none is', 'uniview-face', { pull }, ['pull'], /no stream/],
    ['a stream of a kiosk', 'visitor-kiosk', { pull }, ['profile'], /nothing of alertStream/],
    ['a stream without heartbeats', 'dahua-face', { pull: dahua('') }, ['pull', 'url'], /heartbeat=10/],
    [
      'a stream of rare ones',
      'dahua-face',
      { pull: dahua('&heartbeat=600') },
      ['pull', 'url'],
      /heartbeat=10/,
    ],
    ['a number', 'hikvision-face', { listen, from: ['10.0.0.31'], serial: 'A' }, ['serial'], /says none/],
  ])('for %s is a mistake', (_name, profile, own, path, message) => {
    const [first] = httpPush.problems?.(device(profile, own)) ?? [];
    expect(first).toMatchObject({ path, message: expect.stringMatching(message) });
  });

  it.each<[string, object]>([
    ['hikvision-face', { listen, from: ['10.0.0.31'] }],
    ['hikvision-face', { listen: { port: 8080 }, from: ['127.0.0.1', '10.0.0.31'] }],
    [
      'hikvision-face',
      { listen, from: ['FE80::0:1', '::ffff:10.0.0.9'], ...password, authentication: 'digest' },
    ],
    ['visitor-kiosk', { listen, tokenFile: 'secret' }],
    ['uniview-face', { listen, ...password }],
    ['zkteco-push', { listen, serial: 'A', from: ['10.0.0.31'] }],
    ['dahua-face', { pull: dahua('&heartbeat=10') }],
  ])('is none of %s with %j', (profile, own) => {
    expect(httpPush.problems?.(device(profile, own))).toEqual([]);
  });

  it('needs names that say something', () => {
    expect(
      httpPush.options.safeParse({ profile: 'x', listen, username: '', passwordFile: 'x' }).success,
    ).toBe(false);
    expect(httpPush.options.safeParse({ profile: 'x', pull: { ...pull, username: '' } }).success).toBe(false);
    expect(httpPush.options.safeParse({ profile: 'x', pull: { ...pull, vendor: 'hikvision' } }).success).toBe(
      false,
    );
  });

  it('has one answer to one path', () => {
    const twice = { path: '/alive', reply: { text: 'OK' } };
    const observations = [{ kind: 'none' }];
    const read = profileSchema.safeParse({
      title: 'x',
      requests: [twice, { ...twice, method: 'PUT' }, twice],
      observations,
    });
    expect(read.error?.issues).toMatchObject([{ path: ['requests', 2, 'path'] }]);
  });
});

describe('two terminals of which one would never be heard', () => {
  const clashes = (profile: string, one: object, other: object) => {
    const all = [device(profile, one, 'a'), device(profile, other, 'b')];
    if (httpPush.line(all[0] as never) !== httpPush.line(all[1] as never)) return [];
    return (httpPush.clashes?.(all) ?? []).map(({ device: id, path, en }) => [id, path.join('.'), en]);
  };
  const at = (address: string, more: object = {}) => ({ listen, from: [address], ...more });

  it.each<[string, string, object, object, string, RegExp]>([
    [
      'one path and one address',
      'uniview-face',
      at('10.0.0.31'),
      at('10.0.0.31'),
      'from',
      /nothing tells the two apart/,
    ],
    ['one address, written in two ways', 'uniview-face', at('::1'), at('0:0:0:0:0:0:0:1'), 'from', /apart/],
    [
      'one path and no address',
      'uniview-face',
      { listen, ...password },
      { listen, ...password },
      'listen',
      /apart/,
    ],
    [
      'one of them without a name',
      'uniview-face',
      at('10.0.0.31', password),
      at('10.0.0.31'),
      'from',
      /apart/,
    ],
    [
      'one serial number',
      'zkteco-push',
      at('10.0.0.31', { serial: 'A' }),
      at('10.0.0.32', { serial: 'A' }),
      'serial',
      /only one of the two/,
    ],
    ['one stream', 'hikvision-face', { pull }, { pull }, 'pull.url', /told twice/],
  ])('with %s are a mistake', (_name, profile, one, other, path, en) => {
    expect(clashes(profile, one, other)).toEqual([['b', path, expect.stringMatching(en)]]);
  });

  it.each<[string, object, object]>([
    ['uniview-face', at('10.0.0.31'), at('10.0.0.32')],
    ['uniview-face', at('10.0.0.31', password), at('10.0.0.31', { ...password, username: 'hall' })],
    ['uniview-face', at('10.0.0.31'), { listen, ...password }],
    ['hikvision-face', at('10.0.0.31'), at('10.0.0.31')],
    ['zkteco-push', at('10.0.0.31', { serial: 'A' }), at('10.0.0.31', { serial: 'B' })],
    ['hikvision-face', { pull }, { pull: { ...pull, url: 'http://10.0.0.33/alertStream' } }],
  ])('are none of %s with %j and %j', (profile, one, other) => {
    expect(clashes(profile, one, other)).toEqual([]);
  });
});

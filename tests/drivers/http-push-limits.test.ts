import { createHash } from 'node:crypto';
import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { createGuard, type Head, type Wanted } from '../../drivers/http-push/challenge.ts';
import { createHandshakes } from '../../drivers/http-push/handshakes.ts';
import { createLimits } from '../../drivers/http-push/limits.ts';
import { manualClock } from '../clocks.ts';

/** As far as limits look at one. */
function connection(remoteAddress: string) {
  const socket = Object.assign(new EventEmitter(), {
    remoteAddress,
    destroyed: false,
    destroy() {
      socket.destroyed = true;
      socket.emit('close');
    },
  });
  return socket as unknown as Socket;
}

function limited() {
  const time = manualClock();
  const ended: string[] = [];
  const limits = createLimits(time, (source) => ended.push(source));
  const from = (address: string) => {
    const socket = connection(address);
    limits.connected(socket);
    return socket;
  };
  return { time, limits, ended, from };
}

describe('an address', () => {
  it('has some connections: of one more, the oldest that showed no right password goes', () => {
    const { limits, ended, from } = limited();
    const known = from('10.0.0.1');
    limits.right(known);
    const others = Array.from({ length: 63 }, () => from('10.0.0.1'));
    expect(ended).toEqual([]);
    const next = from('10.0.0.1');
    expect(ended).toEqual(['10.0.0.1']);
    expect([known.destroyed, others[0]?.destroyed, others[1]?.destroyed, next.destroyed]).toEqual([
      false,
      true,
      false,
      false,
    ]);
    for (const one of [...others, next]) limits.right(one);
    expect(from('10.0.0.1').destroyed).toBe(true);
    expect(from('10.0.0.2').destroyed).toBe(false);
  });

  it.each([
    ['2001:db8::1', '2001:db8:0:0:5::', true],
    ['2001:db8:0:1::1', '2001:db8::1', false],
    ['::ffff:10.0.0.9', '10.0.0.9', true],
    ['::1', '::2', true],
    ['fe80::1%eth0', 'fe80::1', true],
  ])('of IPv6 is a network: %s and %s are one: %s', (a, b, isOne) => {
    const { ended, from } = limited();
    for (let i = 0; i < 64; i++) from(a);
    from(b);
    expect(ended.length === 1).toBe(isOne);
  });

  it('has so many requests a second, others have theirs, and who showed a right password is not counted', async () => {
    const { time, limits, from } = limited();
    const known = from('10.0.0.1');
    limits.right(known);
    const admitted = (address: string, count: number) =>
      Array.from({ length: count }, () => limits.admits(from(address), false)).filter(Boolean).length;
    expect(admitted('10.0.0.1', 300)).toBe(100);
    expect(admitted('10.0.0.2', 10)).toBe(10);
    expect(limits.admits(known, false)).toBe(true);
    await time.advance(1000);
    expect(admitted('10.0.0.1', 300)).toBe(50);
  });

  it('waits longer with each wrong guess, and has fewer of them; after a while that is forgotten', async () => {
    const { time, limits, from } = limited();
    const wrong = () => limits.wrong(from('10.0.0.1'));
    const waits = Array.from({ length: 14 }, wrong);
    expect(waits).toEqual([0, 0, 0, 0, 0, 250, 500, 1000, 2000, 4000, 8000, 8000, 8000, 8000]);
    expect(limits.wrong(from('10.0.0.2'))).toBe(0);
    await time.advance(60_000);
    const admitted = Array.from({ length: 100 }, () => limits.admits(from('10.0.0.1'), false)).filter(
      Boolean,
    );
    expect(admitted).toHaveLength(20);
    await time.advance(600_000);
    expect(wrong()).toBe(0);
  });

  it('has so many bytes on their way, and all have', () => {
    const { limits, from } = limited();
    const one = from('10.0.0.1');
    const held = [1, 2, 3].map(() => limits.reserve(one, 4_000_000));
    expect(limits.reserve(one, 1)).toBeUndefined();
    for (let i = 0; i < 3; i++) expect(limits.reserve(from('10.0.0.2'), 4_000_000)).toBeDefined();
    expect(limits.reserve(from('10.0.0.3'), 1)).toBeUndefined();
    held[0]?.();
    held[0]?.();
    expect(limits.reserve(from('10.0.0.3'), 4_000_000)).toBeDefined();
    expect(limits.reserve(from('10.0.0.3'), 1)).toBeUndefined();
  });

  it('is one of a bounded number that are remembered', () => {
    const { limits, from } = limited();
    const guess = (n: number) => {
      const socket = from(`10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`);
      const wait = limits.wrong(socket);
      socket.destroy();
      return wait;
    };
    for (let i = 0; i < 8; i++) guess(1);
    expect(guess(1)).toBeGreaterThan(0);
    for (let n = 2; n < 3000; n++) guess(n);
    expect(guess(1)).toBe(0);
  });

  it('paces a terminal that says more than one can', () => {
    const { limits } = limited();
    const waits = Array.from({ length: 240 }, () => limits.pace('face', 0, 5000));
    expect(waits.slice(0, 200).every((ms) => ms === 0)).toBe(true);
    expect(waits.at(-1)).toBe(2000);
    expect(limits.pace('other', 0, 5000)).toBe(0);
    expect([4, 4, 4, 4, 4, 4, 4, 4].map((mega) => limits.pace('third', mega * 1_000_000, 5000))).toEqual([
      0,
      0,
      0,
      0,
      2000,
      4000,
      undefined,
      undefined,
    ]);
  });
});

describe('a nonce', () => {
  const wanted: Wanted = {
    from: undefined,
    token: undefined,
    password: { username: 'face', password: 's3cret', digestOnly: true },
  };
  // RFC 7616, 3.4.2; printf 'face:campus-gateway:s3cret' | md5sum
  const HA1 = 'c093f04901598b17dd124da6e16f4126';
  const head = (authorization: string): Head => ({
    method: 'POST',
    url: '/push/face',
    address: '10.0.0.1',
    authorization,
    token: undefined,
  });
  const md5 = (text: string) => createHash('md5').update(text).digest('hex');

  function guarded() {
    const time = manualClock();
    const guard = createGuard(time);
    const fresh = () => /nonce="([^"]+)"/.exec(guard.challenges(wanted, false)[0] ?? '')?.[1] ?? '';
    const answer = (nonce: string, count: number, more: Partial<Record<string, string>> = {}) => {
      const nc = count.toString(16).padStart(8, '0');
      const all = { username: 'face', uri: '/push/face', qop: 'auth', ...more };
      const response = md5(`${HA1}:${nonce}:${nc}:0a4f113b:${all.qop}:${md5(`POST:${all.uri}`)}`);
      return guard.judge(
        head(
          `Digest username="${all.username}", realm="campus-gateway", nonce="${nonce}", uri="${all.uri}", qop=${all.qop}, nc=${nc}, cnonce="0a4f113b", response="${response}"`,
        ),
        wanted,
      ).is;
    };
    return { time, guard, fresh, answer };
  }

  it('serves each count once, in order', () => {
    const { fresh, answer } = guarded();
    const nonce = fresh();
    expect([1, 1, 2, 5, 4, 6].map((count) => answer(nonce, count))).toEqual([
      'right',
      'stale',
      'right',
      'right',
      'stale',
      'right',
    ]);
  });

  it('expires, and one that is not ours is as one that has', async () => {
    const { time, fresh, answer } = guarded();
    const nonce = fresh();
    expect(answer(`${nonce.slice(0, -1)}x`, 1)).toBe('stale');
    expect(answer('0.x.y', 1)).toBe('stale');
    expect(answer('', 1)).toBe('stale');
    await time.advance(300_001);
    expect(answer(nonce, 1)).toBe('stale');
  });

  it('serves no other address, name or way', () => {
    const { fresh, answer } = guarded();
    expect(answer(fresh(), 1, { uri: '/push/other' })).toBe('wrong');
    expect(answer(fresh(), 1, { username: 'x' })).toBe('wrong');
    expect(answer(fresh(), 1, { qop: 'auth-int' })).toBe('wrong');
    expect(answer(fresh(), 1)).toBe('right');
  });

  it('serves who knows RFC 2069 only, once, and who writes its address whole', () => {
    const { guard, fresh, answer } = guarded();
    // RFC 2069, 2.1.2: H(H(A1):nonce:H(A2)), with neither qop nor a count.
    const old = (nonce: string, ha1 = HA1) => {
      const response = md5(`${ha1}:${nonce}:${md5('POST:/push/face')}`);
      const said = `Digest username="face", realm="campus-gateway", nonce="${nonce}", uri="/push/face", response="${response}"`;
      return guard.judge(head(said), wanted).is;
    };
    const nonce = fresh();
    const all = [old(nonce), old(nonce), old(fresh()), old(fresh(), md5('face:campus-gateway:x'))];
    expect(all.join(' ')).toBe('right stale right wrong');
    // RFC 7616, 3.4: the address as it stands in the request, or whole.
    expect(answer(fresh(), 1, { uri: 'http://10.0.0.9:8080/push/face' })).toBe('right');
    expect(answer(fresh(), 1, { uri: 'http://10.0.0.9:8080/push/other' })).toBe('wrong');
  });

  it('of a table that is full is not served twice either', async () => {
    const { time, fresh, answer } = guarded();
    const first = fresh();
    expect(answer(first, 1)).toBe('right');
    for (let i = 0; i < 1100; i++) {
      await time.advance(1);
      expect(answer(fresh(), 1)).toBe('right');
    }
    expect(answer(first, 1)).toBe('stale');
  });

  it('is asked for with Digest alone where Basic is refused', () => {
    const { guard } = guarded();
    const basic = `Basic ${Buffer.from('face:s3cret').toString('base64')}`;
    expect(guard.judge(head(basic), wanted)).toMatchObject({ is: 'unsaid' });
    expect(guard.challenges(wanted, true)).toEqual([expect.stringMatching(/^Digest .*stale=true$/)]);
    const both = { ...wanted, password: { username: 'face', password: 's3cret', digestOnly: false } };
    expect(guard.judge(head(basic), both)).toEqual({ is: 'right' });
    expect(guard.challenges(both, false)[1]).toBe('Basic realm="campus-gateway"');
  });

  it.each<[string, string]>([
    ['nothing', ''],
    ['a scheme', 'Digest'],
    ['commas', `Digest ${' ,'.repeat(4000)}`],
    ['quotes that do not end', `Digest ${'a="'.repeat(2000)}`],
    ['another scheme', 'Bearer x'],
    ['names without values', 'digest nc=,nonce=,response='],
  ])('is not found in %s', (_name, authorization) => {
    expect(guarded().guard.judge(head(authorization), wanted).is).not.toBe('right');
  });
});

describe('a request without a password', () => {
  it('is counted where the other half of a handshake does not come, each once', async () => {
    const time = manualClock();
    const handshakes = createHandshakes(time);
    let counted = 0;
    const ask = (key: string) => handshakes.asked(key, () => counted++);
    ask('gate 10.0.0.1');
    handshakes.answered('gate 10.0.0.1');
    handshakes.answered('gate 10.0.0.1');
    ask('gate 10.0.0.1');
    ask('gate 10.0.0.2');
    handshakes.answered('gate 10.0.0.2');
    await time.advance(2999);
    expect(counted).toBe(0);
    await time.advance(1);
    expect(counted).toBe(1);
    for (let i = 0; i < 1500; i++) ask(`gate ${i}`);
    expect(counted).toBe(501);
    await time.advance(3000);
    expect(counted).toBe(1501);
    ask('gate 10.0.0.3');
    handshakes.close();
    expect(time.pending).toBe(0);
  });
});

describe('a sender that the config has a terminal at', () => {
  it('may have many to tell where the config has a terminal there, each on a connection of its own', () => {
    const { limits, from } = limited();
    const admitted = Array.from({ length: 400 }, () => limits.admits(from('10.0.0.1'), true)).filter(Boolean);
    expect(admitted).toHaveLength(400);
  });
});

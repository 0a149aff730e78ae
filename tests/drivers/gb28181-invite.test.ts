/** Video for a platform: a caller and a receiver of our own hand over real sockets; a camera that gives what a test says. */
import { createSocket } from 'node:dgram';
import { connect, createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { eventually, freePort, stream } from '../helpers.ts';
import { offer, PLATFORM } from './gb28181-caller.ts';
import { campus, DEVICE, GATE, picture, portIn, YARD } from './gb28181-campus.ts';
import { startReceiver } from './gb28181-receiver.ts';
import { payloadOf, readPs } from './ps-reader.ts';

describe('a camera for a platform', () => {
  it.each([
    ['UDP', 'udp'],
    ['TCP', 'udp'],
    ['UDP', 'passive'],
    ['TCP', 'active'],
  ] as const)('comes from the ACK on and until the BYE: SIP by %s, the stream %s', async (by, kind) => {
    const { caller, watched, began, channel } = await campus({}, by);
    const receiver = await startReceiver(kind);
    const call = caller.call(GATE);
    const answer = await call.invite(offer(receiver.port, kind === 'udp' ? {} : { setup: kind }));
    expect(answer.start).toBe('SIP/2.0 200 OK');
    expect(answer.header('Content-Type')).toBe('application/sdp');
    expect(answer.header('Contact')).toContain(DEVICE);
    expect(answer.body).toContain('y=0100000077\r\n');
    if (kind !== 'udp') expect(answer.body).toContain(`a=setup:${kind === 'active' ? 'passive' : 'active'}`);
    expect(watched).toEqual([]);
    call.ack();
    if (kind === 'active') receiver.connect(portIn(answer.body));
    const { camera, audio, sink } = await began.next();
    expect([camera, audio]).toEqual(['gate', true]);
    const units = Array.from({ length: 30 }, (_, i) => picture(i));
    for (const unit of units) expect(sink(unit)).toBe(true);
    const sent = Buffer.concat(units.map(({ bytes }) => bytes));
    await eventually(() => {
      expect(payloadOf(readPs(receiver.received.bytes), 0xe0).equals(sent)).toBe(true);
    });
    expect(receiver.received.wrong).toEqual([]);
    expect([...receiver.received.ssrcs]).toEqual([100_000_077]);
    expect(channel.state?.().streams).toMatchObject([{ camera: 'gate', kind: 'live' }]);
    expect((await call.bye()).start).toBe('SIP/2.0 200 OK');
    expect(watched[0]?.isClosed).toBe(true);
    if (kind !== 'udp') await receiver.ended;
    expect(channel.state?.().streams).toEqual([]);
    expect((await call.bye()).start).toMatch(/481/);
  });

  it('is sent from where the answer says', async () => {
    const { caller, began } = await campus();
    const socket = createSocket('udp4');
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
    onTestFinished(() => void socket.close());
    const from = stream<number>();
    socket.on('message', (_, { port }) => from.push(port));
    const call = caller.call(GATE);
    const answer = await call.invite(offer(socket.address().port));
    call.ack();
    (await began.next()).sink(picture(0));
    expect(await from.next()).toBe(portIn(answer.body));
  });

  it('is found by its Subject where the gateway itself is asked', async () => {
    const { caller } = await campus();
    const { start, body } = await caller.call(DEVICE).invite(offer(9), { subject: YARD });
    expect(start).toMatch(/200/);
    expect(body).toContain(`o=${YARD} `);
  });

  it('has no sound where the config leaves it out', async () => {
    const { caller, began } = await campus({ sound: false });
    const call = caller.call(GATE);
    await call.invite(offer(9));
    call.ack();
    expect((await began.next()).audio).toBe(false);
  });
});

describe('a camera is refused', () => {
  it.each([
    ['none of ours', '45030000001320000099', /404/],
    ['one that this platform may not see', '45030000001320000004', /404/],
    ['one that is away', '45030000001320000003', /480/],
    ['the gateway, which is none', DEVICE, /404/],
  ])('where it is %s', async (_, id, status) => {
    const { caller } = await campus();
    expect((await caller.call(id).invite(offer(9))).start).toMatch(status);
  });

  it.each([
    ['', 'an SDP whose session is neither Play, Playback nor Download'],
    [
      's=Play\r\nc=IN IP4 239.1.1.1\r\nm=video 9 RTP/AVP 96\r\n',
      'an SDP without an IPv4 address that can take a stream',
    ],
  ])('where its stream cannot go: %j', async (sdp, why) => {
    const { caller, discarded } = await campus();
    expect((await caller.call(GATE).invite(sdp)).start).toMatch(/488/);
    expect(await discarded.next()).toBe(why);
  });

  it('where its stream would go to another address than the config names', async () => {
    const { caller, discarded } = await campus({ mediaHosts: ['10.0.0.0/8'] });
    expect((await caller.call(GATE).invite(offer(9))).start).toMatch(/403/);
    expect(await discarded.next()).toBe('a stream to an address that is not in mediaHosts');
    const inside = offer(9).replace('c=IN IP4 127.0.0.1', 'c=IN IP4 10.7.7.7');
    expect((await caller.call(GATE).invite(inside)).start).toMatch(/200/);
  });

  it('where as many streams go as the config lets, until one is over', async () => {
    const { caller, discarded } = await campus({ streams: 2 });
    const first = caller.call(GATE);
    expect((await first.invite(offer(9))).start).toMatch(/200/);
    expect((await caller.call(YARD).invite(offer(9))).start).toMatch(/200/);
    expect((await caller.call(GATE).invite(offer(9))).start).toMatch(/486/);
    expect(await discarded.next()).toMatch(/beyond/);
    first.ack();
    await first.bye();
    expect((await caller.call(GATE).invite(offer(9))).start).toMatch(/200/);
  });

  it('while no port is free', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '0.0.0.0', resolve));
    onTestFinished(() => void taken.close());
    const { port } = taken.address() as { port: number };
    const { caller } = await campus({ mediaPorts: `${port}-${port}` });
    expect((await caller.call(GATE).invite(offer(9, { setup: 'active' }))).start).toMatch(/503/);
  });
});

describe('a call', () => {
  it('that is asked twice is one; what is not acknowledged is over, and said to be', async () => {
    const { caller, watched, channel } = await campus();
    const call = caller.call(GATE);
    const first = await call.invite(offer(9), { branch: 'z9hG4bKsame' });
    call.say('INVITE', [], offer(9), { branch: 'z9hG4bKsame' });
    expect((await call.answer()).header('To')).toBe(first.header('To'));
    // By another way it is the same, too (RFC 3261, 8.2.2.2).
    call.say('INVITE', [], offer(9), { branch: 'z9hG4bKother', to: '' });
    await eventually(async () => expect((await call.answer()).start).toMatch(/482/));
    expect(channel.state?.().streams).toHaveLength(1);
    // 32 s by its clock.
    expect((await call.asked('BYE')).start).toContain(`sip:${PLATFORM}@127.0.0.1:${caller.port}`);
    expect(channel.state?.().streams).toEqual([]);
    expect(watched).toEqual([]);
  });

  it('is not begun by who did not get the answer: an ACK with another tag sends nothing', async () => {
    const { caller, discarded, watched } = await campus();
    const call = caller.call(GATE);
    await call.invite(offer(9));
    call.ack('guessed');
    expect(await discarded.next()).toBe('an ACK of somebody who did not get our answer');
    expect(watched).toEqual([]);
    call.ack();
    await eventually(() => expect(watched).toHaveLength(1));
  });

  it('that is over before its ACK sends nothing', async () => {
    const { caller, watched } = await campus();
    const call = caller.call(GATE);
    await call.invite(offer(9));
    expect((await call.bye()).start).toMatch(/200/);
    call.ack();
    const other = caller.call(YARD);
    await other.invite(offer(9));
    other.ack();
    await eventually(() => expect(watched.map(({ camera }) => camera)).toEqual(['yard']));
  });

  it('goes on as it is when it is asked anew within; what is of no call is refused', async () => {
    const { caller, watched } = await campus();
    const call = caller.call(GATE);
    await call.invite(offer(9));
    call.ack();
    await eventually(() => expect(watched).toHaveLength(1));
    call.say('INVITE', [], offer(9), { number: 2 });
    expect((await call.answer('2 INVITE')).start).toMatch(/488/);
    expect(watched[0]?.isClosed).toBe(false);
    const strange = caller.call(YARD);
    strange.say('INVITE', [], offer(9), { to: 'unknown' });
    expect((await strange.answer()).start).toMatch(/481/);
  });

  it('is ended by us when the camera is lost', async () => {
    const { caller, began, channel } = await campus();
    const call = caller.call(GATE);
    await call.invite(offer(9));
    call.ack();
    (await began.next()).lose(new Error('the camera does not answer'));
    await call.asked('BYE');
    expect(channel.state?.().streams).toEqual([]);
  });

  it('is ended when the registration is', async () => {
    const { caller, began, channel } = await campus();
    const call = caller.call(GATE);
    await call.invite(offer(9));
    call.ack();
    const watched = await began.next();
    await channel.close(100, true);
    await call.asked('BYE');
    expect(watched.isClosed).toBe(true);
  });
});

describe('a receiver', () => {
  it('that is slow gets nothing until it has taken what waits; one that takes nothing is hung up', async () => {
    const { caller, began } = await campus();
    const server = createServer({ pauseOnConnect: true });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    server.on('connection', (socket) => onTestFinished(() => void socket.destroy()));
    const call = caller.call(GATE);
    await call.invite(offer((server.address() as { port: number }).port, { setup: 'passive' }));
    call.ack();
    const watched = await began.next();
    let taken = 0;
    while (watched.sink(picture(taken * 5, 500_000))) taken++;
    // What the system buffers, and a few MB.
    expect(taken).toBeGreaterThan(5);
    expect(taken).toBeLessThan(60);
    expect(watched.sink(picture(0))).toBe(false);
    await call.asked('BYE');
    expect(watched.isClosed).toBe(true);
  });

  it.each(['active', 'passive'] as const)('that never connects (%s) is hung up', async (setup) => {
    const { caller, watched } = await campus();
    const call = caller.call(GATE);
    await call.invite(offer(await freePort(), { setup }));
    call.ack();
    await call.asked('BYE');
    expect(watched).toEqual([]);
  });

  it('that closes its connection is hung up', async () => {
    const { caller, began } = await campus();
    const call = caller.call(GATE);
    const answer = await call.invite(offer(9, { setup: 'active' }));
    const socket = connect(portIn(answer.body), '127.0.0.1');
    call.ack();
    const watched = await began.next();
    socket.destroy();
    await call.asked('BYE');
    expect(watched.isClosed).toBe(true);
  });

  it('by datagrams where nobody listens is hung up', async () => {
    const { caller, began } = await campus();
    const call = caller.call(GATE);
    await call.invite(offer(await freePort()));
    call.ack();
    const watched = await began.next();
    let at = 0;
    const feeding = setInterval(() => watched.sink(picture(at++, 100)), 20);
    onTestFinished(() => clearInterval(feeding));
    await call.asked('BYE');
    expect(watched.isClosed).toBe(true);
  });

  it('gets a key picture by datagrams in steps, not at once', async () => {
    const { caller, began } = await campus();
    const receiver = await startReceiver('udp');
    const call = caller.call(GATE);
    await call.invite(offer(receiver.port));
    call.ack();
    const watched = await began.next();
    watched.sink(picture(0, 1_000_000));
    await eventually(() => expect(receiver.received.bytes.length).toBeGreaterThan(30_000));
    // 770 packets at 3200 a second.
    expect(receiver.received.bytes.length).toBeLessThan(1_000_000);
    await eventually(() => expect(receiver.received.bytes.length).toBeGreaterThan(1_000_000));
    expect(receiver.received.wrong).toEqual([]);
  });
});

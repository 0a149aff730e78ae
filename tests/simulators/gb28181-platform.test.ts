/** The simulated platform of GB/T 28181, as a gateway that was written by hand sees it. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { timeOf } from '../../simulators/gb28181/actions.ts';
import { manualClock } from '../clocks.ts';
import { CAMERA, GATEWAY, PLATFORM } from './gb28181-gateway.ts';
import { catalogOf, PASSWORD, registered, started } from './gb28181-started.ts';

const alarmOf = (sn: number, words: string) =>
  `<Notify><CmdType>Alarm</CmdType><SN>${sn}</SN><DeviceID>34020000001340000001</DeviceID><AlarmPriority>2</AlarmPriority>
<AlarmMethod>5</AlarmMethod><AlarmTime>2026-11-28T23:30:00</AlarmTime><AlarmDescription>${words}</AlarmDescription>
<Info><AlarmType>6</AlarmType></Info></Notify>`;
const keepalive = `<Notify><CmdType>Keepalive</CmdType><SN>9</SN><DeviceID>${GATEWAY}</DeviceID><Status>OK</Status></Notify>`;

describe('registration at a simulated platform', () => {
  it.each([
    ['md5', true],
    ['md5', false],
    ['sha-256', true],
    ['sm3', true],
    ['sm3', false],
  ] as const)('is proved by %s, with qop: %s', async (algorithm, qop) => {
    const { gateway, told } = await started({ algorithm, qop });
    const answer = await gateway.register(PASSWORD);
    expect(answer.start).toBe('SIP/2.0 200 OK');
    expect(answer.header('Expires')).toBe('3600');
    expect(answer.header('Via')).toContain(`;rport=${gateway.port};`);
    expect(answer.header('Date')).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}$/);
    expect(await told.next()).toBe(`${GATEWAY} is registered for 3600 s (UDP 127.0.0.1:${gateway.port})`);
  });

  it('is refused to a wrong password, which is told once, and to who does not say for how long', async () => {
    const { gateway, told } = await started();
    for (let i = 0; i < 3; i++) expect((await gateway.register('guess')).start).toContain('401');
    expect((await gateway.register(PASSWORD, '')).start).toContain('400');
    expect(told.rest()).toEqual([
      `${GATEWAY} was refused: a wrong password`,
      `${GATEWAY} was refused: no Expires`,
    ]);
  });

  it('is refreshed without a word, ended with one', async () => {
    const { gateway, told } = await registered();
    await gateway.register(PASSWORD);
    await gateway.register(PASSWORD, '0');
    expect(told.rest()).toEqual([`${GATEWAY} has left`]);
    expect((await gateway.message(keepalive)).start).toContain('403');
  });

  it('over the same connection, by TCP, both ways', async () => {
    const { platform, gateway, told } = await registered({}, 'TCP');
    const asking = platform.do('info');
    const question = await gateway.asked.next();
    expect(question.word('CmdType')).toBe('DeviceInfo');
    await gateway.message(
      `<Response><CmdType>DeviceInfo</CmdType><SN>${question.word('SN')}</SN><DeviceID>${GATEWAY}</DeviceID><Result>OK</Result></Response>`,
    );
    await asking;
    expect(told.rest()).toContain('  Result: OK');
  });

  it('is over where nobody renews it; silence is told', async () => {
    const time = manualClock();
    const { gateway, told } = await started({ time });
    await gateway.register(PASSWORD, '600');
    await told.next();
    await gateway.asked.next();
    await time.advance(190_000);
    await told.find((sentence) => sentence === `${GATEWAY}: nothing heard for 180 s`);
    await gateway.message(keepalive);
    expect(await told.next()).toBe('the gateway is heard again');
    await time.advance(420_000);
    await told.find((sentence) => sentence === `${GATEWAY} did not register again in time`);
  });
});

describe('a simulated platform', () => {
  it('asks for the catalogue by itself, in as many messages as it takes, and shows it as a table', async () => {
    const { gateway, told } = await started();
    await gateway.register(PASSWORD);
    const question = await gateway.asked.next();
    expect([question.method, question.word('CmdType'), question.word('DeviceID')]).toEqual([
      ...['MESSAGE', 'Catalog', GATEWAY],
    ]);
    await gateway.message(catalogOf(question, 3, CAMERA, '34020000001340000001'));
    await gateway.message(catalogOf(question, 3, '34020000001320000002'));
    await told.next();
    expect([await told.next(), await told.next(), await told.next(), await told.next()]).toEqual([
      'DeviceID              Name  Kind      Status  ParentID  Maker  Model',
      `${CAMERA}  东门  camera    ON`,
      '34020000001340000001  东门  alarm in  ON',
      '34020000001320000002  东门  camera    ON',
    ]);
    expect(await told.next()).toMatch(/^Catalog: 3 of 3 items \(SumNum\) in 2 messages, \d\.\d s$/);
  });

  it('says what is missing of a catalogue, or that it never came', async () => {
    const { platform, gateway, told } = await started();
    await gateway.register(PASSWORD);
    await gateway.message(catalogOf(await gateway.asked.next(), 3, CAMERA, CAMERA));
    expect(await told.find((one) => one.startsWith('Catalog'))).toMatch(/^Catalog: 2 of 3 .* !$/);
    expect(await told.next()).toBe(`more than once: ${CAMERA}`);
    await expect(platform.do('catalog')).rejects.toThrow('Catalog: received (200), and no Response came');
    gateway.behaviour.answers = () => undefined;
    await expect(platform.do('catalog')).rejects.toThrow('MESSAGE: no answer within 10 s');
  });

  it('shows an alarm in a line, and one that came again as such; it answers in words, too', async () => {
    const { gateway, told } = await registered();
    expect((await gateway.message(alarmOf(71, '区域入侵 操场'))).start).toBe('SIP/2.0 200 OK');
    const line =
      'alarm  2026-11-28T23:30:00  34020000001340000001  priority 2  method 5 video  type 6 intrusion  区域入侵 操场  SN 71';
    expect(await told.next()).toBe(line);
    const answer = await gateway.asked.next();
    expect(answer.body).toContain('<Response>');
    expect([answer.word('CmdType'), answer.word('SN'), answer.word('Result')]).toEqual(['Alarm', '71', 'OK']);
    await gateway.message(alarmOf(71, '区域入侵 操场'));
    expect(await told.next()).toBe(`${line}  (again, the 2. time)`);
  });

  it('gives the same answer to a question that comes again, and hears it once', async () => {
    const { gateway, told } = await registered();
    const text = gateway.ask('MESSAGE', [], alarmOf(1, 'x'));
    const first = await gateway.answered.next();
    gateway.send(text);
    expect((await gateway.answered.next()).text).toBe(first.text);
    expect(told.rest().filter((one) => one.startsWith('alarm'))).toHaveLength(1);
  });
});

describe('what a simulated platform wants', () => {
  it('is ordered as the standard writes it', async () => {
    const { platform, gateway, told } = await registered();
    // GB/T 28181-2016, A.3: the last byte is the sum of the others.
    await platform.do(`ptz ${CAMERA} left 31`);
    expect((await gateway.asked.next()).word('PTZCmd')).toBe('A50F01021F0000D6');
    await platform.do(`ptz ${CAMERA} up`);
    expect((await gateway.asked.next()).word('PTZCmd')).toBe('A50F0108004000FD');
    await platform.do(`ptz ${CAMERA} in 128`);
    expect((await gateway.asked.next()).word('PTZCmd')).toBe('A50F011000008045');
    await platform.do(`ptz ${CAMERA} stop`);
    expect((await gateway.asked.next()).word('PTZCmd')).toBe('A50F0100000000B5');
    await platform.do(`preset ${CAMERA} 3`);
    expect((await gateway.asked.next()).word('PTZCmd')).toBe('A50F01820003003A');
    await platform.do(`iframe ${CAMERA}`);
    expect((await gateway.asked.next()).word('IFameCmd')).toBe('Send');
    expect(told.rest().at(-1)).toBe('iframe: 200 OK');
    const guarding = platform.do('unguard');
    const order = await gateway.asked.next();
    expect([order.word('GuardCmd'), order.word('DeviceID')]).toEqual(['ResetGuard', GATEWAY]);
    await gateway.message(
      `<Response><CmdType>DeviceControl</CmdType><SN>${order.word('SN')}</SN><DeviceID>${GATEWAY}</DeviceID><Result>ERROR</Result></Response>`,
    );
    await guarding;
    expect(told.rest()).toContain('  Result: ERROR');
    await expect(platform.do('ptz 1 left')).rejects.toThrow('"1" is no id of 20 digits');
    await expect(platform.do(`ptz ${CAMERA} forth`)).rejects.toThrow('none of right, left');
  });

  it('is subscribed to, refreshed in the same dialog, heard in notices, and ended', async () => {
    const { platform, gateway, told } = await registered();
    gateway.behaviour.answers = ({ method }) => ({
      status: '200 OK',
      more: method === 'SUBSCRIBE' ? ['Expires: 90', 'Contact: <sip:s@127.0.0.1:1>'] : [],
    });
    await platform.do('subscribe catalog 600');
    const first = await gateway.asked.next();
    expect([first.method, first.header('Event'), first.header('Expires')]).toEqual([
      ...['SUBSCRIBE', 'Catalog', '600'],
    ]);
    expect(await told.next()).toBe('catalog: subscribed for 90 s');
    gateway.ask(
      'NOTIFY',
      ['Event: Catalog', 'Subscription-State: active;expires=90'],
      `<?xml version="1.0"?><Notify><CmdType>Catalog</CmdType><SN>1</SN><DeviceID>${GATEWAY}</DeviceID><DeviceList Num="1"><Item><DeviceID>${CAMERA}</DeviceID><Event>OFF</Event></Item></DeviceList></Notify>`,
      first.header('Call-ID'),
    );
    expect((await gateway.answered.next()).start).toBe('SIP/2.0 200 OK');
    expect(await told.next()).toBe(`NOTIFY  Catalog  OFF  ${CAMERA}`);
    await platform.do('subscribe catalog');
    const second = await gateway.asked.next();
    expect(second.header('Call-ID')).toBe(first.header('Call-ID'));
    expect(second.header('To')).toContain('tag=hand');
    expect(Number.parseInt(second.header('CSeq'), 10)).toBe(Number.parseInt(first.header('CSeq'), 10) + 1);
    await platform.do('unsubscribe catalog');
    expect((await gateway.asked.next()).header('Expires')).toBe('0');
    gateway.ask('NOTIFY', ['Subscription-State: terminated'], '', first.header('Call-ID'));
    expect((await gateway.answered.next()).start).toContain('481');
  });
});

describe('a gateway that wants to know who orders', () => {
  it.each([
    ['MD5', 'md5', ', qop="auth"'],
    ['SM3', 'sm3', ''],
  ])('is shown a proof by %s, under the next number', async (name, hash, qop) => {
    const { platform, gateway, told } = await registered();
    const challenge = `WWW-Authenticate: Digest realm="4503000000", nonce="abcdefgh1", algorithm=${name}${qop}`;
    gateway.behaviour.answers = (asked) =>
      asked.header('Authorization') === ''
        ? { status: '401 Unauthorized', more: [challenge] }
        : { status: '200 OK' };
    await platform.do(`iframe ${CAMERA}`);
    const [first, second] = [await gateway.asked.next(), await gateway.asked.next()];
    expect(Number.parseInt(second.header('CSeq'), 10)).toBe(Number.parseInt(first.header('CSeq'), 10) + 1);
    const of = (member: string) =>
      new RegExp(`[ ,]${member}="?([^",]*)`).exec(second.header('Authorization'))?.[1] ?? '';
    const digest = (text: string) => createHash(hash).update(text).digest('hex');
    const uri = `sip:${CAMERA}@127.0.0.1:${gateway.port}`;
    // RFC 2617, 3.2.2.1; without qop as in RFC 2069.
    const middle = qop === '' ? ['abcdefgh1'] : ['abcdefgh1', '00000001', of('cnonce'), 'auth'];
    const [who, what] = [digest(`${PLATFORM}:4503000000:${PASSWORD}`), digest(`MESSAGE:${uri}`)];
    expect(of('response')).toBe(digest([who, ...middle, what].join(':')));
    expect([of('username'), of('uri')]).toEqual([PLATFORM, uri]);
    expect(told.rest().at(-1)).toBe('iframe: 200 OK');
  });
});

describe('the faults of a simulated platform', () => {
  it('refuses so many, forgets a registration, hears nothing', async () => {
    const { platform, gateway, told } = await registered();
    await platform.do('refuse 100');
    expect((await gateway.message(alarmOf(1, 'x'))).start).toContain('503');
    await platform.do('refuse 0');
    expect((await gateway.message(alarmOf(1, 'x'))).start).toContain('200');
    await platform.do('forget');
    expect((await gateway.message(alarmOf(2, 'x'))).start).toContain('403');
    // It comes back, and is one that was not here before.
    await gateway.register(PASSWORD);
    await told.find((sentence) => sentence.includes('is registered'));
    await platform.do('silent');
    gateway.ask('OPTIONS', []);
    await expect(platform.do('info')).rejects.toThrow('MESSAGE: no answer within 10 s');
    await platform.do('answer');
    gateway.ask('OPTIONS', [], '', 'after');
    expect((await gateway.answered.next()).header('Call-ID')).toBe('after');
  });

  it('does one thing after another, and waits for a gateway', async () => {
    const { platform, gateway, told } = await started();
    const doing = [platform.do('unsubscribe alarm'), platform.do('counts'), platform.do('quit')];
    expect(await told.next()).toBe('no gateway is registered: waiting for one');
    await gateway.register(PASSWORD);
    await expect(doing[0]).rejects.toThrow('alarm: there is no subscription');
    await Promise.all(doing.slice(1));
    await platform.ended;
    expect(told.rest().at(-1)).toBe('0 keepalives of this registration, 0 alarms');
  });

  it('lives through whatever comes, by datagrams and connections', async () => {
    const { platform, gateway, all } = await registered();
    const good = gateway.ask('OPTIONS', []);
    await gateway.answered.next();
    await fc.assert(
      fc.asyncProperty(fc.nat(good.length), fc.uint8Array({ maxLength: 60 }), async (at, noise) => {
        const bytes = Buffer.concat([Buffer.from(good.slice(0, at)), Buffer.from(noise)]);
        gateway.send(bytes.toString('latin1'));
        const socket = connect(platform.port, '127.0.0.1');
        socket.on('error', () => {});
        socket.resume().end(bytes);
        await once(socket, 'close');
      }),
      { numRuns: 40 },
    );
    gateway.send(good.replace(/branch=\w+/, 'branch=z9hG4bKlast'));
    await gateway.answered.find(({ text }) => text.includes('z9hG4bKlast'));
    expect(all.some((one) => one.startsWith('not understood, of 127.0.0.1: '))).toBe(true);
    expect(all.length).toBeLessThan(60);
  });
});

it.each([
  ['now', '2026-11-28T04:00:00Z'],
  ['-10m', '2026-11-28T03:50:00Z'],
  ['08:30', '2026-11-28T00:30:00Z'],
  ['2026-11-27T23:59:05', '2026-11-27T15:59:05Z'],
])("reads %s as Beijing's time", (text, utc) => {
  const noon = Date.UTC(2026, 10, 28, 4);
  expect(timeOf(text, noon)).toBe(Date.parse(utc));
  expect(() => timeOf(`${text}x`, noon)).toThrow('is no time');
});

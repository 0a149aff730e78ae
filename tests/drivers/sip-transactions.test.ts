/** By the timers and rules of RFC 3261, 17, RFC 3581 and RFC 6026; the peer's messages are written here by hand. */
import { describe, expect, it } from 'vitest';
import {
  headerOf,
  listOf,
  type Message,
  type Request,
  type Response,
  readDatagram,
  readVia,
} from '../../drivers/platforms/gb28181/sip/message.ts';
import {
  type Asked,
  createTransactions,
  type Peer,
} from '../../drivers/platforms/gb28181/sip/transactions.ts';
import { manualClock } from '../clocks.ts';

const own = (method = 'MESSAGE'): Request => ({
  ...{ method, uri: 'sip:34020000002000000001@3402000000', body: Buffer.from('x') },
  headers: [
    ['from', '<sip:34020000001180000001@3402000000>;tag=ours'],
    ['to', '<sip:34020000002000000001@3402000000>'],
    ['call-id', 'call@us'],
    ['cseq', `20 ${method}`],
  ],
});

function world(transport: Peer['transport'] = 'UDP') {
  const clock = manualClock();
  const sent: { readonly at: number; readonly message: Request & Response; readonly bytes: string }[] = [];
  const asked: Asked[] = [];
  const discarded: string[] = [];
  const peer: Peer = {
    ...{ transport, address: '192.0.2.7', port: 4060 },
    send(bytes) {
      sent.push({
        at: clock.elapsed(),
        message: readDatagram(bytes) as Request & Response,
        bytes: bytes.toString(),
      });
    },
  };
  const transactions = createTransactions({
    time: clock,
    admits: () => true,
    asked: (one) => void asked.push(one),
    discarded: (reason) => void discarded.push(reason),
  });
  const receive = (text: string, from = peer) =>
    transactions.receive(readDatagram(Buffer.from(text.replace(/\n/g, '\r\n'))) as Message, from);
  return { clock, sent, asked, discarded, peer, transactions, receive };
}

/** As the platform answers: our Via as it came, its own tag. */
const answerTo = (request: Request, status: number) => `SIP/2.0 ${status} Word
Via: ${headerOf(request, 'via')};received=198.51.100.9
From: ${headerOf(request, 'from')}
To: ${headerOf(request, 'to')};tag=theirs
Call-ID: ${headerOf(request, 'call-id')}
CSeq: ${headerOf(request, 'cseq')}
Content-Length: 0

`;

describe('a question over UDP', () => {
  it('that is given up is not sent again', async () => {
    const { clock, sent, peer, transactions } = world();
    const over = new AbortController();
    const answer = transactions.ask(own(), peer, '192.0.2.1:5060', over.signal);
    answer.catch(() => {});
    await clock.advance(5000);
    const before = sent.length;
    over.abort();
    await expect(answer).rejects.toMatchObject({ code: 'E_SIP_CLOSED' });
    await clock.advance(30_000);
    expect([before, sent.length, clock.pending]).toEqual([4, 4, 0]);
  });

  it('is sent again after 0.5 s, 1 s, 2 s and each 4 s, and is over after 32 s (17.1.2.2)', async () => {
    const { clock, sent, peer, transactions } = world();
    const answer = transactions.ask(own(), peer, '192.0.2.1:5060');
    await expect(clock.until(answer)).rejects.toMatchObject({ code: 'E_SIP_SILENT' });
    expect(clock.elapsed()).toBe(32_000);
    expect(sent.map(({ at }) => at)).toEqual([
      0, 500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500,
    ]);
    expect(new Set(sent.map(({ bytes }) => bytes)).size).toBe(1);
    expect(clock.pending).toBe(0);
  });

  it('has a Via of its own with rport, and is sent each 4 s once it is heard', async () => {
    const { clock, sent, peer, transactions, receive } = world();
    const answer = transactions.ask(own(), peer, '192.0.2.1:5060');
    const { message } = sent[0] ?? expect.fail();
    expect(readVia(headerOf(message, 'via') ?? '')).toMatchObject({
      ...{ transport: 'UDP', host: '192.0.2.1', port: 5060 },
      params: { rport: '', branch: expect.stringMatching(/^z9hG4bK/) },
    });
    receive(answerTo(message, 100));
    await clock.advance(9000);
    expect(sent.map(({ at }) => at)).toEqual([0, 500, 4500, 8500]);
    receive(answerTo(message, 200));
    await expect(answer).resolves.toMatchObject({ status: 200 });
    await clock.advance(60_000);
    expect(sent).toHaveLength(4);
  });

  it('takes no answer of another question, and none with a second Via', async () => {
    const { clock, sent, peer, transactions, receive, discarded } = world();
    const answer = transactions.ask(own(), peer, '192.0.2.1:5060');
    const { message } = sent[0] ?? expect.fail();
    receive(answerTo(message, 403).replace(/branch=\w+/, 'branch=z9hG4bKother'));
    receive(answerTo(message, 403).replace('CSeq: 20 MESSAGE', 'CSeq: 20 REGISTER'));
    receive(answerTo(message, 403).replace('From:', 'Via: SIP/2.0/UDP 192.0.2.200\nFrom:'));
    expect(discarded).toEqual(['an answer that is for somebody else']);
    receive(answerTo(message, 200));
    await expect(clock.until(answer)).resolves.toMatchObject({ status: 200 });
  });
});

it('a question over TCP is sent once', async () => {
  const { clock, sent, peer, transactions } = world('TCP');
  const answer = transactions.ask(own(), peer, '192.0.2.1:5060');
  await expect(clock.until(answer)).rejects.toMatchObject({ code: 'E_SIP_SILENT' });
  expect(sent).toHaveLength(1);
  expect(headerOf(sent[0]?.message ?? expect.fail(), 'via')).toContain('SIP/2.0/TCP');
});

const query = (
  method = 'MESSAGE',
  branch = 'z9hG4bK77',
  cseq = `7 ${method}`,
) => `${method} sip:us@192.0.2.1 SIP/2.0
Via: SIP/2.0/UDP 10.0.0.5:5060;rport;branch=${branch}
Via: SIP/2.0/UDP 10.0.0.6;branch=z9hG4bKproxy
From: <sip:platform@3402000000>;tag=a1
To: <sip:us@3402000000>
Call-ID: q1@10.0.0.5
CSeq: ${cseq}
Content-Length: 0

`;

describe('an answer of ours', () => {
  it('finds its way back through NAT, with the Vias of the question (18.2; RFC 3581, 4)', () => {
    const { sent, asked, receive } = world();
    receive(query());
    asked[0]?.answer({ status: 200, reason: 'OK' });
    const { message } = sent[0] ?? expect.fail();
    expect(listOf(message, 'via')).toEqual([
      'SIP/2.0/UDP 10.0.0.5:5060;rport=4060;branch=z9hG4bK77;received=192.0.2.7',
      'SIP/2.0/UDP 10.0.0.6;branch=z9hG4bKproxy',
    ]);
    expect(headerOf(message, 'to')).toMatch(/^<sip:us@3402000000>;tag=\w+$/);
    expect(headerOf(message, 'cseq')).toBe('7 MESSAGE');
  });

  it('is given again, the same, to a question that comes again, for 32 s; it is asked once', async () => {
    const { clock, sent, asked, receive } = world();
    receive(query());
    receive(query());
    expect(sent).toHaveLength(0);
    asked[0]?.answer({ status: 200, reason: 'OK' });
    receive(query());
    asked[0]?.answer({ status: 403, reason: 'Forbidden' });
    await clock.advance(31_000);
    receive(query());
    expect(sent.map(({ message }) => message.status)).toEqual([200, 200, 200]);
    expect(new Set(sent.map(({ bytes }) => bytes)).size).toBe(1);
    expect(asked).toHaveLength(1);
    await clock.advance(2000);
    expect(clock.pending).toBe(0);
    receive(query());
    expect(asked).toHaveLength(2);
  });

  it('of a peer of RFC 2543, whose branch says nothing, is told apart by what it is', () => {
    const { asked, receive } = world();
    receive(query('MESSAGE', '1'));
    receive(query('MESSAGE', '1'));
    receive(query('MESSAGE', '1', '8 MESSAGE'));
    expect(asked).toHaveLength(2);
  });

  it('costs no more than so much, however many ask', () => {
    const { sent, asked, discarded, receive } = world();
    for (let i = 0; i < 2100; i++) receive(query('MESSAGE', `z9hG4bK${i}`));
    expect(asked).toHaveLength(2000);
    expect(discarded).toHaveLength(100);
    expect(sent.at(-1)?.message.status).toBe(503);
  });
});

describe('an INVITE', () => {
  const ack = (branch: string, tag = 'x') =>
    query('ACK', branch, '7 ACK').replace('To: <sip:us@3402000000>', `To: <sip:us@3402000000>;tag=${tag}`);

  it('is told after 200 ms that it is heard; its 200 goes again until the ACK, whose branch is another', async () => {
    const { clock, sent, asked, receive } = world();
    receive(query('INVITE'));
    await clock.advance(250);
    const acknowledged: (string | undefined)[] = [];
    asked[0]?.onAcknowledged((one) => void acknowledged.push(one?.method));
    asked[0]?.answer({ status: 200, reason: 'OK', body: Buffer.from('v=0\r\n') });
    await clock.advance(2000);
    receive(ack('z9hG4bK-another', asked[0]?.tag));
    receive(ack('z9hG4bK-another', asked[0]?.tag));
    await clock.advance(40_000);
    expect(sent.map(({ at, message }) => [at, message.status])).toEqual([
      [200, 100],
      [250, 200],
      [750, 200],
      [1750, 200],
    ]);
    expect(acknowledged).toEqual(['ACK']);
    expect(clock.pending).toBe(0);
  });

  it('is not acknowledged by who did not get the answer and guesses its tag', async () => {
    const { clock, sent, asked, discarded, receive } = world();
    receive(query('INVITE'));
    const acknowledged: (string | undefined)[] = [];
    asked[0]?.onAcknowledged((one) => void acknowledged.push(one?.method));
    asked[0]?.answer({ status: 200, reason: 'OK' });
    receive(ack('z9hG4bK-another', 'guessed'));
    expect(discarded).toEqual(['an ACK of somebody who did not get our answer']);
    await clock.advance(500);
    expect([acknowledged, sent.length]).toEqual([[], 2]);
  });

  it('whose ACK never comes is over after 32 s, and that is told', async () => {
    const { clock, asked, receive } = world('TCP');
    receive(query('INVITE'));
    const acknowledged: (string | undefined)[] = [];
    asked[0]?.onAcknowledged((one) => void acknowledged.push(one?.method));
    asked[0]?.answer({ status: 200, reason: 'OK' });
    await clock.advance(33_000);
    expect(acknowledged).toEqual([undefined]);
  });

  it('that is refused is refused again until its ACK, which has its branch', async () => {
    const { clock, sent, asked, receive } = world();
    receive(query('INVITE'));
    asked[0]?.answer({ status: 486, reason: 'Busy Here' });
    await clock.advance(600);
    receive(ack('z9hG4bK77'));
    await clock.advance(40_000);
    expect(sent.map(({ message }) => message.status)).toEqual([486, 486]);
  });

  it('can be withdrawn until it is answered (9.2)', async () => {
    const { sent, asked, receive } = world();
    receive(query('CANCEL', 'z9hG4bK77', '7 CANCEL'));
    receive(query('INVITE'));
    asked[0]?.onCancel(() => asked[0]?.answer({ status: 487, reason: 'Request Terminated' }));
    receive(query('CANCEL', 'z9hG4bK77', '7 CANCEL'));
    expect(sent.map(({ message }) => [message.status, headerOf(message, 'cseq')])).toEqual([
      [481, '7 CANCEL'],
      [200, '7 CANCEL'],
      [487, '7 INVITE'],
    ]);
  });
});

it('what is open when we end fails, and no timer is left', async () => {
  const { clock, peer, asked, transactions, receive } = world();
  const answer = transactions.ask(own(), peer, '192.0.2.1:5060');
  receive(query('INVITE'));
  asked[0]?.answer({ status: 200, reason: 'OK' });
  transactions.close();
  await expect(answer).rejects.toMatchObject({ code: 'E_SIP_CLOSED' });
  expect(clock.pending).toBe(0);
});

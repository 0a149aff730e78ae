/** Dialogs by the words of RFC 3261, 12: requests as they would stand on the wire, written by hand. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { acceptDialog, dialogKeyOf } from '../../drivers/platforms/gb28181/sip/dialog.ts';
import {
  headerOf,
  isRequest,
  listOf,
  type Request,
  readDatagram,
} from '../../drivers/platforms/gb28181/sip/message.ts';
import type { Peer } from '../../drivers/platforms/gb28181/sip/transactions.ts';
import { runs } from '../fuzz.ts';

const CONTACT = 'sip:45030000001180000007@10.0.0.2:5060';
const PLATFORM = '<sip:34020000002000000001@3402000000>';
const DEVICE = '<sip:45030000001180000007@4503000000>';

function parsed(lines: readonly string[]): Request {
  const message = readDatagram(Buffer.from([...lines, '', ''].join('\r\n')));
  if ('broken' in message || !isRequest(message)) throw new Error(JSON.stringify(message));
  return message;
}

const subscribe = (more: readonly string[] = [], cseq = 20, to = DEVICE) =>
  parsed([
    'SUBSCRIBE sip:45030000001180000007@10.0.0.2:5060 SIP/2.0',
    'Via: SIP/2.0/UDP 10.1.1.1:5060;branch=z9hG4bK1',
    `From: ${PLATFORM};tag=theirs`,
    `To: ${to}`,
    'Call-ID: call1',
    `CSeq: ${cseq} SUBSCRIBE`,
    ...more,
  ]);
const from = (port: number, transport: Peer['transport'] = 'UDP'): Peer => ({
  ...{ transport, port, address: '10.1.1.1' },
  send() {},
});
const accepted = (more: readonly string[], peer = from(5060)) => {
  const dialog = acceptDialog({ request: subscribe(more), from: peer, tag: 'ours' }, CONTACT);
  if (dialog === undefined) throw new Error('no dialog');
  return dialog;
};

describe('a dialog that a platform begins', () => {
  it('has our tag in From and theirs in To, their Contact as its target, and numbers that rise', () => {
    const dialog = accepted(['Contact: <sip:34020000002000000001@10.1.1.1:5070>']);
    const first = dialog.request('NOTIFY', { headers: [['event', 'Catalog']], body: Buffer.from('x') });
    expect(first.uri).toBe('sip:34020000002000000001@10.1.1.1:5070');
    expect(Object.fromEntries(first.headers)).toMatchObject({
      from: `${DEVICE};tag=ours`,
      to: `${PLATFORM};tag=theirs`,
      'call-id': 'call1',
      cseq: '1 NOTIFY',
      contact: `<${CONTACT}>`,
      event: 'Catalog',
    });
    expect(listOf(first, 'route')).toEqual([]);
    expect(headerOf(dialog.request('BYE'), 'cseq')).toBe('2 BYE');
    expect(dialog.headers).toEqual([['contact', `<${CONTACT}>`]]);
  });

  it('is found by what is said in it, and by nothing else', () => {
    const { key } = accepted(['Contact: <sip:a@10.1.1.1>']);
    expect(dialogKeyOf(subscribe([], 21, `${DEVICE};tag=ours`))).toBe(key);
    expect(dialogKeyOf(subscribe([], 21, `${DEVICE};tag=other`))).not.toBe(key);
    expect(dialogKeyOf(subscribe([], 21))).toBeUndefined();
  });

  it('goes through those who recorded their way, in their order (12.1.1), and a strict one is asked itself (12.2.1.1)', () => {
    const loose = accepted([
      'Record-Route: <sip:10.1.1.1:5080;lr>, <sip:p2@10.9.9.9;lr>',
      'Contact: <sip:a@10.8.8.8>',
    ]);
    const one = loose.request('NOTIFY');
    expect(listOf(one, 'route')).toEqual(['<sip:10.1.1.1:5080;lr>', '<sip:p2@10.9.9.9;lr>']);
    expect(one.uri).toBe('sip:a@10.8.8.8');
    expect(loose.place).toMatchObject({ address: '10.1.1.1', port: 5080 });
    expect(loose.headers.filter(([name]) => name === 'record-route')).toHaveLength(2);
    const strict = accepted([
      'Record-Route: <sip:10.1.1.1:5080>, <sip:p2@10.9.9.9;lr>',
      'Contact: <sip:a@10.8.8.8>',
    ]).request('NOTIFY');
    expect(strict.uri).toBe('sip:10.1.1.1:5080');
    expect(listOf(strict, 'route')).toEqual(['<sip:p2@10.9.9.9;lr>', '<sip:a@10.8.8.8>']);
  });

  it.each([
    ['the port that it names', '<sip:a@10.1.1.1:5070>', from(31_000), 'UDP', 5070],
    ['5060 where it names none', '<sip:a@10.1.1.1>', from(31_000), 'UDP', 5060],
    ['TCP where it says so', '<sip:a@10.1.1.1:5070;transport=TCP>', from(5060), 'TCP', 5070],
    ['where it came from, behind NAT', '<sip:a@192.168.1.2:5060>', from(31_000), 'UDP', 31_000],
    ['no port of a connection', '<sip:a@192.168.1.2:5066>', from(31_000, 'TCP'), 'TCP', 5066],
  ] as const)('is answered at its own address: %s', (_, contact, peer, transport, port) => {
    expect(accepted([`Contact: ${contact}`], peer).place).toEqual({ transport, address: '10.1.1.1', port });
  });

  it('refuses what is older than what was here, and takes a new target', () => {
    const dialog = accepted(['Contact: <sip:a@10.1.1.1>']);
    expect(dialog.take(subscribe(['Contact: <sip:b@10.1.1.1:5099>'], 21))).toBeUndefined();
    expect(dialog.request('NOTIFY').uri).toBe('sip:b@10.1.1.1:5099');
    expect(dialog.take(subscribe([], 20))).toMatchObject({ status: 500 });
  });

  it('does not begin where nobody says where to answer', () => {
    for (const more of [[], ['Contact: nonsense'], ['Contact: *'], ['Contact: <mailto:a@b>']])
      expect(acceptDialog({ request: subscribe(more), from: from(1), tag: 'a' }, CONTACT)).toBeUndefined();
  });

  it('bears any Contact and any way', () => {
    const word = fc.string({ maxLength: 60 }).map((text) => text.replace(/[\r\n]/g, ''));
    fc.assert(
      fc.property(word, word, (contact, route) => {
        const request = { ...subscribe(), headers: [...subscribe().headers] };
        request.headers.push(['contact', contact], ['record-route', route]);
        const dialog = acceptDialog({ request, from: from(5060), tag: 'ours' }, CONTACT);
        if (dialog === undefined) return;
        dialog.take(request);
        dialog.request('NOTIFY');
        expect(dialog.place.address).toBe('10.1.1.1');
      }),
      { numRuns: runs(300) },
    );
  });
});

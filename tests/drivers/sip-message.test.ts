/** Against the torture messages of RFC 4475: their bytes and what the RFC says of each. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Broken,
  headerOf,
  listOf,
  type Message,
  type Request,
  readAddress,
  readCSeq,
  readDatagram,
  readUri,
  readVia,
  sipSplitter,
  writeMessage,
} from '../../drivers/platforms/gb28181/sip/message.ts';

const wire = (text: string) => Buffer.from(text.replace(/\n/g, '\r\n'));
const read = (text: string) => readDatagram(wire(text)) as Request & Broken;

/** 3.1.1.1 */
const wsinv = String.raw`INVITE sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0
TO :
 sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n
from   : "J Rosenberg \\\""       <sip:jdrosen@example.com>
  ;
  tag = 98asjd8
MaX-fOrWaRdS: 0068
Call-ID: wsinv.ndaksdj@192.0.2.1
Content-Length   : 150
cseq: 0009
  INVITE
Via  : SIP  /   2.0
 /UDP
    192.0.2.2;branch=390skdjuw
s :
NewFangledHeader:   newfangled value
 continued newfangled value
UnknownHeaderWithUnusualValue: ;;,,;;,;
Content-Type: application/sdp
Route:
 <sip:services.example.com;lr;unknownwith=value;unknown-no-value>
v:  SIP  / 2.0  / TCP     spindle.example.com   ;
  branch  =   z9hG4bK9ikj8  ,
 SIP  /    2.0   / UDP  192.168.255.111   ; branch=
 z9hG4bK30239
m:"Quoted string \"\"" <sip:jdrosen@example.com> ; newparam =
      newvalue ;
  secondparam ; q = 0.33

v=0
o=mhandley 29739 7272939 IN IP4 192.0.2.3
s=-
c=IN IP4 192.0.2.4
t=0 0
m=audio 49217 RTP/AVP 0 12
m=video 3227 RTP/AVP 31
a=rtpmap:31 LPC
`;

const smallest = (extra = '', body = '') =>
  `OPTIONS sip:user@example.com SIP/2.0
Via: SIP/2.0/UDP host1.example.com;branch=z9hG4bKkdjuw
From: <sip:caller@example.net>;tag=3234
To: <sip:user@example.com>
Call-ID: x.1@host1
CSeq: 1 OPTIONS
${extra}
${body}`;

describe('a valid message', () => {
  it('may be folded, spaced and shortened (3.1.1.1)', () => {
    const message = read(wsinv);
    expect(message.broken).toBeUndefined();
    expect(message).toMatchObject({
      method: 'INVITE',
      uri: 'sip:vivekg@chair-dnrc.example.com;unknownparam',
    });
    expect(readAddress(headerOf(message, 'to') ?? '')).toMatchObject({
      ...{ name: '', uri: 'sip:vivekg@chair-dnrc.example.com', params: { tag: '1918181833n' } },
    });
    expect(readAddress(headerOf(message, 'from') ?? '')).toMatchObject({
      ...{ name: 'J Rosenberg \\"', uri: 'sip:jdrosen@example.com', params: { tag: '98asjd8' } },
    });
    expect(readCSeq(headerOf(message, 'cseq') ?? '')).toEqual({ number: 9, method: 'INVITE' });
    expect(listOf(message, 'via').map(readVia)).toMatchObject([
      { transport: 'UDP', host: '192.0.2.2', params: { branch: '390skdjuw' } },
      { transport: 'TCP', host: 'spindle.example.com', params: { branch: 'z9hG4bK9ikj8' } },
      { transport: 'UDP', host: '192.168.255.111', params: { branch: 'z9hG4bK30239' } },
    ]);
    expect(headerOf(message, 'subject')).toBe('');
    expect(headerOf(message, 'newfangledheader')).toBe('newfangled value continued newfangled value');
    expect(headerOf(message, 'unknownheaderwithunusualvalue')).toBe(';;,,;;,;');
    expect(readAddress(headerOf(message, 'contact') ?? '')).toMatchObject({
      name: 'Quoted string ""',
      params: { newparam: 'newvalue', secondparam: '', q: '0.33' },
    });
    expect(message.body.length).toBe(150);
  });

  it('may have any sign of a token in its method and elsewhere (3.1.1.2)', () => {
    const message =
      read(String.raw`!interesting-Method0123456789_*+${'`'}.%indeed'~ sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com SIP/2.0
Via: SIP/2.0/TCP host1.example.com;branch=z9hG4bK-.!%66*_+${'`'}'~
To: "BEL:${'\\\x07'} NUL:${'\\\x00'} DEL:${'\\\x7F'}" <sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*@example.com>
From: token1~${'`'} token2'+_ token3*%!.- <sip:mundane@example.com>;fromParam''~+*_!.-%="работающий";tag=_token~1'+${'`'}*%!-.
Call-ID: intmeth.word%ZK-!.*_+'@word${'`'}~)(><:\/"][?}{
CSeq: 139122385 !interesting-Method0123456789_*+${'`'}.%indeed'~
Max-Forwards: 255
extensionHeader-!.%*+_${'`'}'~:大停電
Content-Length: 0

`);
    expect(message.broken).toBeUndefined();
    expect(message.method).toBe("!interesting-Method0123456789_*+`.%indeed'~");
    expect(readUri(message.uri)).toMatchObject({
      user: "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*",
      host: 'example.com',
    });
    expect(readAddress(headerOf(message, 'from') ?? '')).toMatchObject({
      name: "token1~` token2'+_ token3*%!.-",
      params: { tag: "_token~1'+`*%!-.", "fromparam''~+*_!.-%": 'работающий' },
    });
    expect(readAddress(headerOf(message, 'to') ?? '')?.name).toBe('BEL:\x07 NUL:\x00 DEL:\x7F');
    expect(headerOf(message, "extensionheader-!.%*+_`'~")).toBe('大停電');
    expect(headerOf(message, 'call-id')).toBe(`intmeth.word%ZK-!.*_+'@word\`~)(><:\\/"][?}{`);
  });

  it('keeps what is escaped as it stands, and % elsewhere escapes nothing (3.1.1.4, 3.1.1.5)', () => {
    const nulls = read(`REGISTER sip:example.com SIP/2.0
To: sip:null-%00-null@example.com
From: sip:null-%00-null@example.com;tag=839923423
Max-Forwards: 70
Call-ID: escnull.39203ndfvkjdasfkq3w4otrq0adsfdfnavd
CSeq: 14398234 REGISTER
Via: SIP/2.0/UDP host5.example.com;branch=z9hG4bKkdjuw
Contact: <sip:%00@host5.example.com>
Contact: <sip:%00%00@host5.example.com>
L:0

`);
    expect(listOf(nulls, 'contact').map((one) => readUri(readAddress(one)?.uri ?? '')?.user)).toEqual([
      '%00',
      '%00%00',
    ]);
    const odd = read(`RE%47IST%45R sip:registrar.example.com SIP/2.0
To: "%Z%45" <sip:resource@example.com>
From: "%Z%45" <sip:resource@example.com>;tag=f232jadfj23
Call-ID: esc02.asdfnqwo34rq23i34jrjasdcnl23nrlknsdf
Via: SIP/2.0/TCP host.example.com;branch=z9hG4bK209%fzsnel234
CSeq: 29344 RE%47IST%45R
Max-Forwards: 70
Contact: <sip:alias1@host1.example.com>
C%6Fntact: <sip:alias2@host2.example.com>
Contact: <sip:alias3@host3.example.com>
l: 0

`);
    expect(odd.method).toBe('RE%47IST%45R');
    expect(listOf(odd, 'contact')).toHaveLength(2);
    expect(readAddress(headerOf(odd, 'to') ?? '')?.name).toBe('%Z%45');
  });

  it('ends where its Content-Length says, whatever a datagram has behind it (3.1.1.7)', () => {
    const [first = '', second = ''] = [smallest('Content-Length: 0\n'), smallest('Content-Length: 0\n')];
    expect(read(first + second)).toMatchObject({ method: 'OPTIONS', body: Buffer.alloc(0) });
    expect(sipSplitter()(wire(first + second))).toHaveLength(2);
  });

  it('has a semicolon in its user, and no space before an angle bracket (3.1.1.6, 3.1.1.8)', () => {
    const user = readUri('sip:user;par=u%40example.net@example.com');
    expect(user).toMatchObject({ user: 'user;par=u%40example.net', host: 'example.com', params: {} });
    expect(readAddress('caller<sip:caller@example.com>;tag=323')).toMatchObject({
      ...{ name: 'caller', uri: 'sip:caller@example.com', params: { tag: '323' } },
    });
  });

  it('may have lines that end with LF alone, and a status line without words (3.1.1.13)', () => {
    expect(readDatagram(Buffer.from(smallest('Content-Length: 0\n')))).toMatchObject({ method: 'OPTIONS' });
    const bare = read(smallest('l: 0\n').replace(/^.*\n/, 'SIP/2.0 100 \n'));
    expect(bare).toMatchObject({ status: 100, reason: '' });
  });
});

describe('an invalid message', () => {
  it.each([
    [
      'a Content-Length beyond its body (3.1.2.2)',
      'Content-Length: 9999\n',
      'a Content-Length that is not that of its body',
    ],
    [
      'a negative Content-Length (3.1.2.3)',
      'Content-Length: -999\n',
      'a Content-Length that is not that of its body',
    ],
    [
      'two lengths that differ (3.3.9)',
      'Content-Length: 0\nl: 13\n',
      'a Content-Length that is not that of its body',
    ],
  ])('with %s can be answered', (_, header, broken) => {
    expect(read(smallest(header, 'what may be a body'))).toMatchObject({
      broken,
      request: { method: 'OPTIONS' },
    });
  });

  it.each([
    ['a sequence number beyond 31 bits (3.1.2.4)', ['CSeq: 1 OPTIONS', 'CSeq: 36893488147419103232 OPTIONS']],
    ['another method in its CSeq (3.1.2.17)', ['CSeq: 1 OPTIONS', 'CSeq: 8 INVITE']],
    ['a quote without end (3.1.2.6)', ['To: <', 'To: "Mr J. User <']],
  ] as const)('with %s is broken, and can be answered', (_, [from, to]) => {
    expect(read(smallest('l: 0\n').replace(from, to))).toMatchObject({ request: { method: 'OPTIONS' } });
  });

  it.each([
    [
      'with angle brackets around its Request-URI (3.1.2.7)',
      ['sip:user@example.com SIP', '<sip:user@example.com> SIP'],
    ],
    [
      'with spaces in its Request-URI (3.1.2.8)',
      ['sip:user@example.com SIP', 'sip:user@example.com; lr SIP'],
    ],
    ['with more than one space (3.1.2.9)', ['OPTIONS sip', 'OPTIONS  sip']],
    ['with spaces at the end of its first line (3.1.2.10)', ['SIP/2.0\n', 'SIP/2.0  \n']],
    ['of another version (3.1.2.16)', ['com SIP/2.0', 'com SIP/7.0']],
    ['without a Call-ID (3.3.1)', ['Call-ID', 'No-ID']],
  ] as const)('%s is not read as another one', (_, [from, to]) => {
    const message = read(smallest('l: 0\n').replace(from, to));
    if (message.broken === undefined) expect(readUri(message.uri)).toBeUndefined();
    else expect(message.broken).not.toBe('');
  });
});

const sample = wire(smallest('Content-Length: 5\nSubject: 报警\n', 'hello'));
const parts = (bytes: Buffer, cuts: readonly number[]) => {
  const at = [0, ...cuts.map((cut) => cut % bytes.length).sort((a, b) => a - b), bytes.length];
  return at.slice(1).map((end, i) => bytes.subarray(at[i], end));
};

describe('a connection', () => {
  it('is parted into its messages however it comes, with empty lines between them', () => {
    const all = Buffer.concat([Buffer.from('\r\n\r\n'), sample, sample, Buffer.from('\r\n'), sample]);
    fc.assert(
      fc.property(fc.array(fc.nat(), { maxLength: 12 }), (cuts) => {
        const split = sipSplitter();
        const found = parts(all, cuts).flatMap((part) => split(part));
        expect(found.map((one) => (one as Message).body.toString())).toEqual(['hello', 'hello', 'hello']);
      }),
      { numRuns: 200 },
    );
  });

  it('that is broken says so once, and gives nothing more', () => {
    for (const bad of ['Content-Length: -1\n', 'Content-Length: 999999999\n', 'Subject: none\n']) {
      const split = sipSplitter();
      const found = [...split(wire(smallest(bad, 'x'))), ...split(sample)];
      expect(found).toEqual([{ broken: expect.any(String) }]);
    }
    const split = sipSplitter();
    expect(split(Buffer.alloc(20_000, 'a'))).toEqual([{ broken: 'a head that is too long' }]);
  });
});

describe('whatever comes', () => {
  it('is a message or says what is broken, and what is a message can be written and read again', () => {
    const pieces = fc.oneof(
      fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
      ...[
        'Via: ',
        'v:',
        ';',
        ',',
        '"',
        '<',
        '>',
        '\r\n',
        '\n',
        ' ',
        '=',
        'SIP/2.0',
        'sip:a@b',
        'Content-Length: 3\r\n',
      ].map((text) => fc.constant(Buffer.from(text))),
    );
    const mutated = fc
      .tuple(fc.nat(sample.length), fc.nat(20), fc.array(pieces, { maxLength: 8 }))
      .map(([at, cut, more]) => Buffer.concat([sample.subarray(0, at), ...more, sample.subarray(at + cut)]));
    fc.assert(
      fc.property(mutated, (bytes) => {
        const message = readDatagram(bytes);
        for (const one of sipSplitter()(bytes)) expect(one).toBeTypeOf('object');
        if ('broken' in message) return;
        for (const name of ['via', 'from', 'to', 'contact'])
          for (const value of listOf(message, name))
            [readAddress(value), readVia(value), readUri(value)].join();
        expect(readDatagram(writeMessage(message))).toEqual({
          ...message,
          headers: [
            ...message.headers.filter(([name]) => name !== 'content-length'),
            ['content-length', String(message.body.length)],
          ],
        });
      }),
      { numRuns: 300 },
    );
  });
});

/** Bodies as the standard's annex J and platforms in use write them; bytes of GB 2312 by its table. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fieldOf, type Manscdp, readManscdp, writeManscdp } from '../../drivers/platforms/gb28181/manscdp.ts';

const body = (text: string) => Buffer.from(text.replace(/\n/g, '\r\n'));
const CATALOG = `<?xml version="1.0"?>
<Query>
<CmdType>Catalog</CmdType>
<SN>248</SN>
<DeviceID>34020000001110000001</DeviceID>
</Query>
`;

describe('what a platform says', () => {
  it('is read with its command, number and device', () => {
    expect(readManscdp(body(CATALOG))).toMatchObject({
      ...{ root: 'Query', command: 'Catalog', sn: '248', device: '34020000001110000001' },
    });
  });

  it('is read where it has fields in fields, and entities', () => {
    const control = readManscdp(
      body(`<?xml version="1.0" encoding="GB2312"?>
<Control>
<CmdType>DeviceControl</CmdType>
<SN>11</SN>
<DeviceID>34020000001310000001</DeviceID>
<PTZCmd>A50F01021F0000D6</PTZCmd>
<Info>
<ControlPriority>5</ControlPriority>
</Info>
<Name>A&amp;B</Name>
</Control>
`),
    ) as Manscdp;
    expect(fieldOf(control.fields, 'PTZCmd')).toBe('A50F01021F0000D6');
    expect(control.fields['Info']).toEqual({ ControlPriority: '5' });
    expect(fieldOf(control.fields, 'Name')).toBe('A&B');
  });

  // 报警: B1A8 BEAF in GB 2312. 模: C4A3, which would be one sign of UTF-8 too.
  it.each([
    ['GB2312, as declared', 'GB2312', Buffer.from('b1a8beaf', 'hex'), '报警'],
    ['GB2312, whose bytes would be UTF-8 as well', 'GB2312', Buffer.from('c4a3', 'hex'), '模'],
    ['UTF-8, as declared', 'UTF-8', Buffer.from('报警'), '报警'],
    ['UTF-8, declared as GB2312', 'GB2312', Buffer.from('报警'), '报警'],
    ['a sign of four bytes', 'gb18030', Buffer.from('9534c231', 'hex'), '𠱓'],
  ])('is read in %s', (_, encoding, bytes, name) => {
    const text = CATALOG.replace('"1.0"', `"1.0" encoding="${encoding}"`).replace(
      '</Query>',
      '<Name>|</Name></Query>',
    );
    const [before = '', after = ''] = text.split('|');
    const read = readManscdp(Buffer.concat([Buffer.from(before), bytes, Buffer.from(after)])) as Manscdp;
    expect(fieldOf(read.fields, 'Name')).toBe(name);
  });

  it('may end with zeros', () => {
    expect(readManscdp(Buffer.concat([body(CATALOG), Buffer.alloc(3)]))).toMatchObject({ sn: '248' });
  });

  it.each([
    [
      'an entity of its own',
      '<!DOCTYPE a [<!ENTITY b "bb">]><Query/>',
      'an XML with declarations of its own',
    ],
    ['elements without end', '<a>'.repeat(3000), 'an XML with more elements than are read'],
    ['elements in elements', `${'<a>'.repeat(500)}${'</a>'.repeat(500)}`, 'no XML'],
    ['no XML', 'hello', 'no XML'],
    ['another root', '<Order><CmdType>a</CmdType></Order>', 'no MANSCDP'],
    ['no number', CATALOG.replace(/<SN>.*<\/SN>/, ''), 'MANSCDP without CmdType, SN or DeviceID'],
    [
      'two devices',
      CATALOG.replace('</Query>', '<DeviceID>1</DeviceID></Query>'),
      'MANSCDP without CmdType, SN or DeviceID',
    ],
  ])('is nothing where it has %s', (_, text, reason) => {
    expect(readManscdp(body(text))).toBe(reason);
  });
});

describe('what we say', () => {
  it('is GB 2312, declared so, in the order of the standard, with nothing that XML cannot hold', () => {
    const bytes = writeManscdp('Notify', [
      ['CmdType', 'Alarm'],
      ['SN', 1],
      ['AlarmDescription', '报警 <1&2>\u0007'],
      ['Longitude', undefined],
      ['Info', [['AlarmType', 2]]],
    ]);
    expect(bytes.toString('latin1')).toBe(
      [
        '<?xml version="1.0" encoding="GB2312"?>',
        ...['<Notify>', '<CmdType>Alarm</CmdType>', '<SN>1</SN>'],
        '<AlarmDescription>\xb1\xa8\xbe\xaf &lt;1&amp;2&gt;</AlarmDescription>',
        ...['<Info>', '<AlarmType>2</AlarmType>', '</Info>', '</Notify>', ''],
      ].join('\r\n'),
    );
  });

  it('says how long a list is', () => {
    expect(
      writeManscdp('Response', [['DeviceList Num="1"', [['Item', [['Name', 'a']]]]]]).toString(),
    ).toContain('<DeviceList Num="1">\r\n<Item>\r\n<Name>a</Name>\r\n</Item>\r\n</DeviceList>');
  });
});

it('whatever comes is read or refused with a reason', () => {
  const mutated = fc
    .tuple(fc.nat(CATALOG.length), fc.nat(30), fc.uint8Array({ maxLength: 30 }))
    .map(([at, cut, more]) =>
      Buffer.concat([body(CATALOG).subarray(0, at), more, body(CATALOG).subarray(at + cut)]),
    );
  fc.assert(
    fc.property(mutated, (bytes) => {
      const read = readManscdp(bytes);
      if (typeof read === 'string') expect(read).not.toBe('');
      else expect(read.device).toMatch(/^\d{18,20}$/);
    }),
    { numRuns: 300 },
  );
});

/**
 * What the codes of panels become. alarm-codes.tsv beside this file was put together from SIA DC-03/DC-07, SIA DC-05 and
 * what receivers of others make of them: family, code, what ends it, meaning, kind.
 */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseContactId } from '../../drivers/alarm-codes/contact-id.ts';
import { observationOf, type PanelEvent } from '../../drivers/alarm-codes/report.ts';
import { parseSiaDcs } from '../../drivers/alarm-codes/sia.ts';
import { type DeviceObservation, observationKinds } from '../../drivers/contract/observation.ts';
import type { ZoneOptions } from '../../drivers/contract/options.ts';
import { stateKeyOf } from '../../gateway/road/event.ts';

const rows = readFileSync(new URL('alarm-codes.tsv', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) => line.split('\t') as [string, string, string, string, string]);
const ofFamily = (family: string) => rows.filter((row) => row[0] === family);

const seen = (events: PanelEvent[], zones: ZoneOptions[] = []) =>
  events.map((event) => observationOf(event, { device: 'panel', account: '1234', zones }));
const sia = (data: string, zones?: ZoneOptions[]) => seen(parseSiaDcs(`#1234|${data}`), zones);
const cid = (data: string, zones?: ZoneOptions[]) => seen(parseContactId(`#1234|${data}`), zones);
const keyOf = (observation: DeviceObservation | undefined) => observation && stateKeyOf(observation);

/** Where the table is not followed: the code, and why. */
const otherwise: Readonly<Record<string, string>> = {
  // "Periodic test, system trouble present": the trouble was reported by itself, and a test never ends as a fault does.
  608: 'test',
};

describe('the table of codes', () => {
  it('has 180 rows', () => {
    expect(rows.length).toBeGreaterThanOrEqual(180);
  });

  it.each(ofFamily('SIA'))('%s %s, ended by %s: %s is %s', (_family, code, ends, _meaning, kind) => {
    const [raised] = sia(`Nri1/${code}7`);
    if (kind === 'none') return expect(raised).toBeUndefined();
    expect(raised).toMatchObject({ kind, state: 'raised', codes: { sia: code } });
    if (ends === '-') return;
    const [restored] = sia(`Nri1/${ends}7`);
    expect(restored).toMatchObject({ kind, state: 'restored' });
    if (kind === 'test') return;
    expect(restored?.ends?.causes).toContain(kind === 'arming' ? '' : (raised?.cause ?? ''));
  });

  it.each(ofFamily('CID'))('%s %s, ended by %s: %s is %s', (_family, code, ends, _meaning, given) => {
    const kind = otherwise[code] ?? given;
    const [first] = cid(`1${code} 01 007`);
    const [last] = cid(`${ends} 01 007`);
    if (kind === 'none') return expect([first, last]).toEqual([undefined, undefined]);
    // 628 ends what 627 began; 456 and 459 are arming whatever their qualifier; else 1 disarms and 3 arms.
    const isArmedBy1 = ['456', '459'].includes(code);
    const begins = code !== '628' && (kind !== 'arming' || isArmedBy1);
    expect(first).toMatchObject({
      kind,
      state: begins ? 'raised' : 'restored',
      codes: { contactId: `E${code}` },
    });
    if (kind === 'cancel' || kind === 'credential') return expect(last?.state).toBe('raised');
    const ended = kind === 'arming' ? 'raised' : 'restored';
    expect(last).toMatchObject({ kind, state: ended, codes: { contactId: `R${code}` } });
    if (kind !== 'arming') expect(last?.ends?.causes).toContain(first?.cause ?? '');
  });

  it('ends by the restore of an alarm both what H and what R ends', () => {
    for (const alarm of 'PHQMBUFKSGWZT')
      for (const last of 'RH') {
        const [raised] = sia(`NXA4`.replace('X', alarm));
        const [restored] = sia(`N${alarm}${last}4`);
        expect(keyOf(restored)).toBe(keyOf(raised));
        expect(restored?.state).toBe('restored');
      }
  });

  it('knows one restore that may end several things', () => {
    expect(sia('NYR')[0]?.ends?.causes).toEqual(['', 'missing']);
    expect(sia('NYK')[0]?.ends?.causes).toEqual(['communication', 'communication-trouble']);
    expect(cid('1628 00 000')[0]?.ends?.causes).toEqual(['program-mode']);
  });

  it('keeps a code that it does not know, as a fault with its code', () => {
    expect(sia('NVZ9')).toMatchObject([
      {
        kind: 'fault',
        state: 'raised',
        cause: 'code-VZ',
        zone: { number: 9 },
        details: { unknownCode: true },
      },
    ]);
    expect(cid('1999 01 009')).toMatchObject([
      { kind: 'fault', cause: 'code-999', details: { unknownCode: true } },
    ]);
  });

  it('takes E and R for 1 and 3, as the protocol of 恒博 (captainwong/ademco_hb) allows', () => {
    expect(cid('E120 00 005')).toEqual(cid('1120 00 005'));
    expect(cid('R400 00 000')).toEqual(cid('3400 00 000'));
  });

  it('ends by a restore that it does not know what it names, or nothing', () => {
    for (const code of ['VR', 'VJ', 'VH'])
      expect(sia(`N${code}9`)).toMatchObject([{ kind: 'fault', state: 'restored', ends: { untold: true } }]);
    expect(sia('NVR9')[0]?.ends?.causes).toContain('code-VA');
    expect(cid('3999 01 009')[0]?.ends).toEqual({ causes: ['code-999'], untold: true });
  });
});

describe('what the number behind a code names', () => {
  it('is a user where somebody armed, disarmed or cancelled', () => {
    for (const code of ['CL', 'OP', 'BC', 'OC', 'CF', 'OR']) {
      const [observed] = sia(`Nri1/${code}501`);
      expect(observed).toMatchObject({ details: { user: '501', partition: '1' } });
      expect(observed?.zone).toBeUndefined();
    }
    for (const code of ['1401', '3401', '1406', '1456', '1121']) {
      const [observed] = cid(`${code} 02 057`);
      expect(observed).toMatchObject({ details: { user: '057', partition: '2' } });
      expect(observed?.zone).toBeUndefined();
    }
  });

  it('is an area where an area was armed, and no modifier says another', () => {
    expect(sia('NCG3')[0]?.details).toMatchObject({ partition: '3' });
    expect(sia('Nri1/CG3')[0]?.details).toMatchObject({ partition: '1' });
  });

  it('makes two partitions two states, and one however it is written', () => {
    expect(keyOf(sia('Nri1/CL1')[0])).not.toBe(keyOf(sia('Nri2/CL1')[0]));
    expect(keyOf(sia('Nri1/CL1')[0])).toBe(keyOf(sia('Nri1/OP2')[0]));
    expect(keyOf(sia('Nri1/NL')[0])).toBe(keyOf(sia('Nri1/OP2')[0]));
    expect(keyOf(sia('Nri1/BA7')[0])).toBe(keyOf(cid('1130 01 007')[0]));
    expect(keyOf(cid('1130 01 007')[0])).not.toBe(keyOf(cid('1130 02 007')[0]));
  });

  it('is a zone of whatever length, whole', () => {
    expect(sia('Nri1/BA12345')[0]?.zone).toEqual({ number: 12_345 });
    expect(cid('1130 01 1234')[0]?.zone).toEqual({ number: 1234 });
  });

  it('is a door where somebody passed', () => {
    expect(sia('Nid42/DG3')).toMatchObject([
      { kind: 'credential', credential: { number: '42' }, access: { door: 'door-3', decision: 'granted' } },
    ]);
    expect(cid('1421 01 042')).toMatchObject([
      { kind: 'credential', credential: { number: '042' }, access: { door: 'panel', decision: 'denied' } },
    ]);
    expect(sia('NDF3')).toMatchObject([{ kind: 'forced', zone: { number: 3 } }]);
  });
});

describe('what the config says of a zone', () => {
  const zones: ZoneOptions[] = [
    { zone: 1, kind: 'perimeter', id: 'wall' },
    { zone: 2, kind: 'panic' },
    { zone: 3, kind: 'contact' },
  ];

  it('says what a burglary is', () => {
    for (const code of ['BA', 'BR', 'UA', 'BV']) expect(sia(`N${code}1`, zones)[0]?.kind).toBe('perimeter');
    for (const code of ['1130', '1131', '1134', '3133'])
      expect(cid(`${code} 01 002`, zones)[0]?.kind).toBe('panic');
    expect(sia('NBA1', zones)[0]?.zone).toEqual({ number: 1, id: 'wall' });
  });

  it('hides no fire, no panic, no tamper, and makes no alarm less than one', () => {
    expect(sia('NFA1', zones)[0]?.kind).toBe('fire');
    expect(sia('NPA1', zones)[0]?.kind).toBe('panic');
    expect(cid('1383 01 001', zones)[0]?.kind).toBe('tamper');
    expect(cid('1162 01 002', zones)[0]?.kind).toBe('gas');
    expect(sia('NBA3', zones)[0]?.kind).toBe('intrusion');
  });
});

describe('codes beside the table', () => {
  // Ajax's own table of codes (OS Malevich 2.8); SIA DC-03 as pysiaalarm lists it.
  it.each([
    ['Nri1/NL1', 'arming raised'],
    ['Nri1/NP1', 'arming restored'],
    ['Nri1/NO1', 'arming restored'],
    ['Nri1/NF1', 'arming raised'],
    ['Nri1/CB1', 'arming raised'],
    ['Nri1/OB1', 'arming restored'],
    ['Nri1/OH4', 'arming restored'],
    ['Nri1/OL4', 'arming restored'],
    ['Nri1/ND1', 'duress raised, arming restored'],
    ['Nri1/FM4', 'fire raised'],
    ['Nri1/UZ4', 'intrusion raised'],
    ['Nri1/FC3', 'cancel raised'],
    ['Nri1/EN1', 'fault restored'],
    ['Nri1/YJ', 'power restored'],
    ['Nri1/DL2', 'held raised'],
  ])('%s is %s', (data, expected) => {
    expect(
      sia(data)
        .map((one) => `${one?.kind} ${one?.state}`)
        .join(', '),
    ).toBe(expected);
  });

  it('of Contact ID that is said once more is news only to whom missed it', () => {
    expect(cid('6130 01 023')).toMatchObject([{ state: 'raised', initial: true }]);
    expect(cid('1130 01 023')[0]?.initial).toBeUndefined();
    expect(cid('1463 01 001')).toMatchObject([{ kind: 'arming', state: 'raised' }]);
  });
});

describe('data of panels in use', () => {
  // Each line was sent by the vendor named, or stands in its manual or in an issue about it.
  it.each([
    [
      'Inim',
      'Nri1BA503^Volum.Taverna   Appartam.Giorno ^',
      'raised intrusion 503',
      'Volum.Taverna   Appartam.Giorno',
    ],
    ['Inim', 'Nri1BR503^Hall^', 'restored intrusion 503', 'Hall'],
    ['Lupus XT2', 'Nri1HA7', 'raised duress 7', undefined],
    ['dc09_spt', 'Nri2ti03:39:35BA7^Gang^|AInbraak', 'raised intrusion 7', 'Inbraak'],
    ['Hall/faucet', "Nri1/BA42*'HALL/FAUCET'NM", 'raised intrusion 42', 'HALL/FAUCET'],
    ['Eaton', 'Nti10:23/id1/ri12/BA43/ATECH BLOCK', 'raised intrusion 43', 'TECH BLOCK'],
    ['Eaton', 'Nti10:23/id1/ri12/BA44/APANEL ROOM', 'raised intrusion 44', 'PANEL ROOM'],
    ['a text of the next floor', 'Nri1/BA45/A2nd floor/FA1', 'raised intrusion 45', '2nd floor/FA1'],
    ['a text block', 'Nri1/BA45|ANORTH/FA GATE', 'raised intrusion 45', 'NORTH/FA GATE'],
    ['between carets', 'Nri1/BA41^CORTILE/FALEGNAMERIA^', 'raised intrusion 41', 'CORTILE/FALEGNAMERIA'],
    ['SATEL', 'Npi0/AT', 'raised power ', undefined],
    ['pysiaalarm 006969', 'Nri04/OP001NM', 'restored arming ', undefined],
    ['node-red sia, 2018', 'Nri1OP0001*Familie*', 'restored arming ', 'Familie'],
    ['a bar in a name', 'Nri1/BA79^Hall|Nord/FA1^', 'raised intrusion 79', 'Hall|Nord/FA1'],
    ['no N', 'ri1/PA5', 'raised panic 5', undefined],
    ['no N', 'PA5', 'raised panic 5', undefined],
  ])('%s: %s', (_vendor, data, expected, text) => {
    const observed = sia(data);
    expect(observed.map((one) => `${one?.state} ${one?.kind} ${one?.zone?.number ?? ''}`)).toEqual([
      expected,
    ]);
    expect(observed[0]?.text).toBe(text);
  });

  it('takes several events of a block, with the last modifier before each', () => {
    expect(sia('Nri1/BA1/ri2/BA2/AT').map((one) => [one?.codes?.sia, one?.details['partition']])).toEqual([
      ['BA', '1'],
      ['BA', '2'],
      ['AT', '2'],
    ]);
  });

  it('names the partition where the name stands before the event', () => {
    expect(sia('Nri2^Boven^ti03:39:35OP14|ASectie uit')).toMatchObject([
      {
        kind: 'arming',
        state: 'restored',
        text: 'Sectie uit',
        details: { partitionName: 'Boven', user: '14' },
      },
    ]);
  });

  it('takes several reports of one ADM-CID, and no text for one', () => {
    const numbers = (data: string) => cid(data).map((one) => one?.zone?.number);
    expect(numbers('1130 01 001|1131 01 002')).toEqual([1, 2]);
    expect(numbers('1130 01 001 3130 01 001')).toEqual([1, 1]);
    expect(numbers('1130 01 001|room 1120 01 009')).toEqual([1]);
    expect(numbers('1130 01 001 room 1120 01 009')).toEqual([1]);
  });

  it('never throws, and makes of whatever comes something of the contract', () => {
    const likely = fc.stringMatching(/^(#[0-9A-F]{4})?(\|[NOA]?[a-zA-Z0-9/^*' ]{0,14}){0,4}$/);
    fc.assert(
      fc.property(fc.oneof(fc.string(), likely), (data) => {
        for (const observed of seen([...parseSiaDcs(data), ...parseContactId(data)])) {
          if (observed === undefined) continue;
          expect(observationKinds).toContain(observed.kind);
          if (observed.zone !== undefined) expect(Number.isSafeInteger(observed.zone.number)).toBe(true);
        }
      }),
    );
  });
});

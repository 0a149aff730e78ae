/** Whose a frame is, and which key opens it. Frames are panels', or of Python and openssl. */
import { createDecipheriv } from 'node:crypto';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { dc09 } from '../../drivers/dc09/driver.ts';
import { manualClock } from '../clocks.ts';
import { temporaryDirectory } from '../helpers.ts';
import { dialRaw, openReceiver } from './dc09-port.ts';

describe('an account', () => {
  it.each([
    // In the head, in other letters or with more zeros than in the config.
    ['aaa', '97F90078"SIA-DCS"6002L0#AAA[|Nri2/JC12]_12:58:23,09-15-2021', '6002L0#AAA'],
    ['8312', 'D3440015"NULL"0000L0#008312[]', '0000L0#008312'],
    ['7303658550', 'BB86002C"NULL"0001L#7303658550[]_15:39:38,06-07-2019', '0001L#7303658550'],
    // In the data only.
    ['1234', '0745001D"SIA-DCS"0001[#1234|Nri1/PA9]', '0001'],
    ['01234', '641A0024"ADM-CID"0002R1L0[#1234|1130 01 009]', '0002R1L0'],
    // SATEL: the head's counts, whatever stands in the data.
    ['ABCD', 'D8910037"SIA-DCS"0097L0#ABCD[#0000|Npi0/AT]_11:26:04,03-01-2026', '0097L0#ABCD'],
    // A transmitter's own number in the head, the panel's in the data.
    ['ABCD', 'E1DA0037"SIA-DCS"0097L0#9999[#ABCD|Npi0/AT]_11:26:04,03-01-2026', '0097L0#9999'],
    // Nowhere: the only panel is meant.
    ['1234', '5D7C0008"NULL"[]', ''],
  ])('%s is known in %s', async (account, text, head) => {
    const { port } = await openReceiver([{ account }]);
    const panel = await dialRaw(port);
    panel.send(text);
    expect(await panel.answers.next()).toMatch(new RegExp(`^.{8}"ACK"${head}\\[\\]$`));
  });

  it('that two could be by its zeros is the one that is written so, or nobody', async () => {
    const { port, discards } = await openReceiver([{ account: '8312' }, { account: '08312' }]);
    const panel = await dialRaw(port);
    panel.send('D3440015"NULL"0000L0#008312[]');
    expect(await discards.next()).toMatchObject({
      reason: 'unknown account',
      detail: 'account 008312 from 127.0.0.1',
    });
  });

  it('that stands nowhere is not guessed where there are several, but by the address', async () => {
    const other = { account: '5678', from: ['10.0.0.1'] };
    const { port } = await openReceiver([{ account: '1234', from: ['127.0.0.1'] }, other]);
    const panel = await dialRaw(port);
    panel.send('5D7C0008"NULL"[]');
    expect(await panel.answers.next()).toMatch(/"ACK"\[\]$/);
    const { port: open, discards } = await openReceiver([{ account: '1234' }, { account: '5678' }]);
    (await dialRaw(open)).send('5D7C0008"NULL"[]');
    expect(await discards.next()).toMatchObject({ reason: 'unknown account' });
  });

  it('may be letters, and stands once in the config', () => {
    const accounts = [{ account: 'Gate7' }, { account: 'GATE7' }];
    const options = dc09.options.parse({ listen: { port: 1 }, accounts });
    expect(dc09.problems?.({ id: 'p', driver: 'dc09', options })).toMatchObject([
      { path: ['accounts', 1, 'account'] },
    ]);
    for (const account of ['12', 'a b', '12345678901234567'])
      expect(dc09.options.safeParse({ listen: { port: 1 }, accounts: [{ account }] }).success).toBe(false);
  });
});

const NOON = Date.UTC(2026, 0, 15, 8);
const AS_HEX =
  '91F60076"*SIA-DCS"0001L0#1234[DCC294253869AE45EB1B798014E959321BE50A674759CC171715E78864D81F46690764EE5443938744D9B51CC4888B94';
const AS_TEXT =
  'A9FE0076"*SIA-DCS"0002L0#1234[9C737949245DC46A4F3C8ED277F9BA2FCD90B63E97192BD8FD1432099DF831A5D44445A54AEE6302603B47F395314948';
const TEXT_16 =
  '87C50076"*SIA-DCS"0003L0#1234[7C4270B71BB03B408CB11F750C76955E5AD79B287B0D20A0274658680B95750AE2291FABEB09F5434434F6EE6DC1295D';

describe('a panel that writes the time of its place, encrypted', () => {
  it('is in time by that, and is answered and corrected in it', async () => {
    const keyFile = join(temporaryDirectory(), 'key');
    writeFileSync(keyFile, 'A1B2C3D4E5F60718');
    const time = manualClock(Date.UTC(2026, 0, 15, 0, 0, 5));
    const account = { account: '1234', keyFile, timezone: 'Asia/Shanghai' };
    const { port, reports } = await openReceiver([account], { time });
    const panel = await dialRaw(port);
    // 08:00:00 in Shanghai is midnight in GMT.
    panel.send(TEXT_16);
    const answer = await panel.answers.next();
    const sealed = Buffer.from(/\[([0-9A-F]+)$/.exec(answer)?.[1] ?? '', 'hex');
    const open = createDecipheriv('aes-128-cbc', 'A1B2C3D4E5F60718', Buffer.alloc(16)).setAutoPadding(false);
    expect(Buffer.concat([open.update(sealed), open.final()]).toString()).toMatch(
      /^[^|[\]]*\|?\]_08:00:05,01-15-2026$/,
    );
    expect((await reports.next()).at).toEqual({ time: Date.UTC(2026, 0, 15), trusted: true });
    time.step(3_600_000);
    panel.send(TEXT_16);
    expect(await panel.answers.next()).toMatch(/^.{8}"NAK"0000R0L0A0\[\]_09:00:05,01-15-2026$/);
  });
});

describe('a key of digits', () => {
  const opened = async (key: string, account = '1234', now = NOON) => {
    const keyFile = join(temporaryDirectory(), 'key');
    writeFileSync(keyFile, `${key}\n`);
    return { keyFile, ...(await openReceiver([{ account, keyFile }], { time: manualClock(now) })) };
  };

  it.each([
    ['as hex', '32888888888888888888888888888888', AS_HEX, 'hex: AES-128'],
    ['as a text', '32888888888888888888888888888888', AS_TEXT, 'text: AES-256'],
  ])('is read %s where a frame opens so, which is said once', async (_name, key, frame, how) => {
    const { port, reports, said } = await opened(key);
    const panel = await dialRaw(port);
    panel.send(frame);
    panel.send(frame);
    expect(await panel.answers.next()).toMatch(/"\*ACK"000[12]L0#1234\[[0-9A-F]+$/);
    expect(await panel.answers.next()).toContain('"*ACK"');
    expect(await reports.next()).toMatchObject({ kind: 'panic', zone: { number: 9 } });
    expect(said).toMatchObject([
      { fields: { device: 'panel', account: '1234' }, sentence: expect.stringContaining(how) },
    ]);
    expect(JSON.stringify(said)).not.toContain(key);
  });

  it.each([
    ['16, a text', 'A1B2C3D4E5F60718', TEXT_16],
    [
      '24, a text',
      'A1B2C3D4E5F60718A1B2C3D4',
      'AC480076"*SIA-DCS"0004L0#1234[6406EA9A412FB4BC4C9406EFC9A43D5CBDBEC928C59F27065AE1F0772C11B710A32FC7898B6733D45A37B54007BE6E44',
    ],
    [
      '48, in hex',
      'A1B2C3D4E5F60718A1B2C3D4A1B2C3D4E5F60718A1B2C3D4',
      '6FF50076"*SIA-DCS"0005L0#1234[0B11DABB0F0575F34D3A1207420787A347B44A57CD46C91B47B0B68C746321E8AB95C10C5A1B6E38893E94884CFAA189',
    ],
    [
      '64, in hex',
      'A1B2C3D4E5F60718'.repeat(4),
      '39E30076"*SIA-DCS"0006L0#1234[863E9B324E77B9C297F6E165C182B85EC35B7D07EB32DE52D511F485240C0449A62BF851EE436980C51A656495952382',
    ],
    [
      // openssl without -nopad: PKCS 7 at the end, as iobroker.sia pads too, and zeros before the "|".
      '16, a text, with padding at the end',
      'A1B2C3D4E5F60718',
      'C25E0076"*SIA-DCS"0008L0#1234[ED38497EAB75BE47F2CD5A5EB355415C74C1C52AFB83D4A4F5E6808D37B3B1A408A11DD1E9BCDBBFF53C2EACE7C660A3',
    ],
  ])('of %s, needs no word', async (_name, key, frame) => {
    const { port, reports, said } = await opened(key);
    const panel = await dialRaw(port);
    panel.send(frame);
    expect(await panel.answers.next()).toContain('"*ACK"');
    expect(await reports.next()).toMatchObject({ kind: 'panic' });
    expect(said).toEqual([]);
  });

  it('opens what a panel sent once', async () => {
    // pysiaalarm's tests, from a Hikvision hub: its key is a text of 16 hex digits.
    const { port, links } = await opened('AAAAAAAAAAAAAAAA', 'AAAB', Date.UTC(2020, 6, 5, 18, 25));
    const panel = await dialRaw(port);
    panel.send(
      '76D80055"*NULL"0000R0L0#AAAB[B4BC8B40D0E6D959D6BEA78E88CC0B2155741A3C44FBB96D476A3E557CAD64D9',
    );
    expect(await panel.answers.next()).toContain('"*ACK"0000R0L0#AAAB[');
    expect(await links.next()).toMatchObject({ state: 'online', part: 'AAAB' });
  });

  it('decides whose a frame is that has no account in its head', async () => {
    const directory = temporaryDirectory();
    const keyed = (account: string, key: string) => {
      writeFileSync(join(directory, account), key);
      return { account, keyFile: join(directory, account) };
    };
    const key = 'A1B2C3D4E5F60718';
    const accounts = [keyed('9999', 'A1B2C3D4E5F60719'), keyed('8888', key), keyed('1234', key)];
    const { port, reports } = await openReceiver(accounts, { time: manualClock(NOON) });
    const panel = await dialRaw(port);
    panel.send(
      '66070071"*SIA-DCS"0007L0[7C4270B71BB03B408CB11F750C76955E5AD79B287B0D20A0274658680B95750AE2291FABEB09F5434434F6EE6DC1295D',
    );
    expect(await panel.answers.next()).toContain('"*ACK"0007L0[');
    expect(await reports.next()).toMatchObject({ details: { account: '1234' } });
  });

  it('is taken up where its file changes, without a restart', async () => {
    const { keyFile, port, reports, said } = await opened('00000000000000000000000000000000');
    const panel = await dialRaw(port);
    panel.send(TEXT_16);
    expect(await panel.answers.next()).toContain('"DUH"');
    // Half written, then whole: as an editor, and as a rename would do it.
    writeFileSync(keyFile, 'A1B2');
    panel.send(TEXT_16);
    expect(await panel.answers.next()).toContain('"DUH"');
    expect(said.at(-1)?.sentence).toContain('stays in use');
    writeFileSync(`${keyFile}.new`, 'A1B2C3D4E5F60718\n');
    renameSync(`${keyFile}.new`, keyFile);
    panel.send(TEXT_16);
    expect(await panel.answers.next()).toContain('"*ACK"');
    expect(await reports.next()).toMatchObject({ kind: 'panic' });
    expect(said.at(-1)?.sentence).toContain('read anew');
  });
});

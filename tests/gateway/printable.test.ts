/** What others wrote, on a terminal and in the log. */
import { closeSync, mkdirSync, openSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { prettyFactory } from 'pino-pretty';
import { describe, expect, it } from 'vitest';
import { asErrors, printing } from '../../gateway/cli/command.ts';
import { eventLine } from '../../gateway/cli/watch/event-line.ts';
import { isJournal } from '../../gateway/observe/journald.ts';
import { burstLog, type LogForm, logTo } from '../../gateway/observe/log.ts';
import { printable, printableOutput } from '../../gateway/printable.ts';
import { manualClock } from '../clocks.ts';
import { silentLog, temporaryDirectory } from '../helpers.ts';
import { campus } from './campus.ts';
import { run } from './terminal.ts';

const of = (...codes: number[]) => String.fromCodePoint(...codes);
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
/** ECMA-48 C0 and C1, DEL; the bidirectional characters of UAX #9, 2; Unicode's line and paragraph separators. */
const MOVING = [
  ...range(0x00, 0x1f),
  ...range(0x7f, 0x9f),
  0x061c,
  0x200e,
  0x200f,
  ...range(0x202a, 0x202e),
  ...range(0x2066, 0x2069),
  0x2028,
  0x2029,
];
const ESC = of(0x1b);
/** Clears the screen, sets a title, answers for the keyboard, a C1 colour, a line of its own, letters turned around. */
const HOSTILE = `${ESC}[2J${ESC}]0;x${of(7)}${ESC}[6n${of(0x9b)}31m\nFAKE  alarm${of(0x202e)}txt`;
const moves = (text: string) => [...text].filter((one) => MOVING.includes(one.codePointAt(0) ?? 0));

describe('a foreign text', () => {
  it('shows each character that moves something, as JSON writes it', () => {
    for (const code of MOVING) {
      const shown = printable(`a${of(code)}b`);
      expect(shown, code.toString(16)).toBe(`a\\u${code.toString(16).padStart(4, '0')}b`);
      expect(JSON.parse(`"${shown}"`)).toBe(`a${of(code)}b`);
    }
  });

  it('is as it is where it moves nothing', () => {
    for (const text of ['', '北墙 · 一键报警', 'Ümläut ñ', 'عربي', '👩‍👧 𠮷', 'a\\u001b[2J'])
      expect(printable(text)).toBe(text);
  });

  it('leaves an output its own colours and lines, and nothing else', () => {
    const own = `${ESC}[31malarm.raised${ESC}[39m  gate\n\r12 %\tx\n`;
    expect(printableOutput(own)).toBe(own);
    expect(printableOutput(`a${ESC}[2J${ESC}]0;t${of(7)}\n`)).toBe('a\\u001b[2J\\u001b]0;t\\u0007\n');
  });
});

describe('what a terminal shows', () => {
  it('of an event is one line, whatever stands in it', () => {
    const line = eventLine({
      time: '2026-11-24T08:00:00Z',
      type: `cn.campus.${HOSTILE}`,
      subject: HOSTILE,
      source: `/campus/1/device/${HOSTILE}`,
      data: { kind: HOSTILE, cause: HOSTILE, text: HOSTILE },
    } as unknown as Parameters<typeof eventLine>[0]);
    const ours = new RegExp(`${ESC}\\[\\d+m`, 'g');
    expect(moves(line.replace(ours, ''))).toEqual([]);
    expect(line).toContain('FAKE');
  });

  it('of a command that forgot to escape is escaped all the same', () => {
    let said = '';
    const stream = {
      isTTY: true,
      write(text: string | Uint8Array) {
        said += text;
        return true;
      },
    };
    const { stdout, stderr } = printing({
      stdout: stream,
      stderr: stream,
      stdin: process.stdin,
      clock: manualClock(),
    });
    stdout.write(`${HOSTILE}\n`);
    stderr.write(`${HOSTILE}\n`);
    expect(moves(said)).toEqual(['\n', '\n', '\n', '\n']);
  });

  it('of a journal is escaped, and the export is still the same JSON', async () => {
    const { record, directory } = await campus(1);
    const { id } = await record('panic', { text: HOSTILE });
    const exported = (await run('journal', 'export', directory)).stdout;
    const life = (await run('journal', 'inspect', directory, '--event', id ?? '')).stdout;
    for (const text of [exported, life]) expect(moves(text.replaceAll('\n', ''))).toEqual([]);
    expect(exported.trim().split('\n')).toHaveLength(1);
    expect((JSON.parse(exported) as { data: { text: string } }).data.text).toBe(HOSTILE);
  });

  it('of a config with such words is escaped', async () => {
    const folder = join(temporaryDirectory(), `x${ESC}[2J`);
    mkdirSync(folder);
    const file = join(folder, 'c.yaml');
    writeFileSync(file, JSON.stringify({ campus: { id: '1', name: 'x' }, [`key${HOSTILE}`]: 1 }));
    const { status, stderr } = await run('check', file);
    expect(status).toBe(1);
    expect(moves(stderr.replaceAll('\n', ''))).toEqual([]);
    expect(stderr).toContain('key\\u001b[2J');
  });
});

describe('a log line', () => {
  const logged = (form: LogForm) => {
    let said = '';
    const shown = form === 'pretty' ? prettyFactory({}) : (line: string) => line;
    const stream = {
      write(line: string) {
        said += shown(line);
      },
    };
    logTo(stream, 'info', form).warn({ detail: HOSTILE, deep: [{ [HOSTILE]: HOSTILE }] }, HOSTILE);
    return said;
  };

  it('as JSON has no such character in it, and says the same', () => {
    const line = logged('json');
    expect(moves(line)).toEqual(['\n']);
    expect(JSON.parse(line)).toMatchObject({ detail: HOSTILE, deep: [{ [HOSTILE]: HOSTILE }], msg: HOSTILE });
  });

  it('for people has no such character in it', () => {
    const text = logged('pretty');
    expect(moves(text.replaceAll('\n', ''))).toEqual([]);
    expect(text).not.toContain('\nFAKE');
    expect(text).toContain('\\u001b[2J');
  });

  it('says to journald how grave it is, and only where that reads it', () => {
    let said = '';
    const log = logTo({ write: (line: string) => (said += line) }, 'trace', 'journal');
    for (const level of ['fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const)
      log[level]({ a: 1 }, level);
    const lines = said.trimEnd().split('\n');
    expect(lines.map((line) => line.slice(0, 3))).toEqual(['<2>', '<3>', '<4>', '<6>', '<7>', '<7>']);
    expect(JSON.parse(lines[2]?.slice(3) ?? '')).toMatchObject({ level: 40, msg: 'warn' });

    // Why a command of a unit ended, as well.
    const errors: string[] = [];
    asErrors({ isTTY: false, write: (text) => errors.push(text) > 0 }).write('no\n\nport\n');
    expect(errors).toEqual(['<3>no\n\n<3>port\n']);

    const file = join(temporaryDirectory(), 'log');
    const fd = openSync(file, 'w');
    const { dev, ino } = statSync(file);
    expect(isJournal(`${dev}:${ino}`, fd)).toBe(true);
    expect(isJournal(`${dev}:${ino + 1}`, fd)).toBe(false);
    expect(isJournal(undefined, fd)).toBe(false);
    closeSync(fd);
    expect(isJournal(`${dev}:${ino}`, 1_000_000)).toBe(false);
  });

  it('of ever new kinds is no flood', async () => {
    let lines = 0;
    const time = manualClock();
    const bursts = burstLog({ ...silentLog, warn: () => lines++ }, time);
    for (let i = 0; i < 20_000; i++) bursts.warn(`kind ${i}`, {}, 'a sentence');
    expect(lines).toBeLessThanOrEqual(1001);
    await time.advance(20_000);
    bursts.warn('kind 20001', {}, 'a sentence');
    expect(lines).toBeLessThanOrEqual(1003);
    bursts.close();
  });
});

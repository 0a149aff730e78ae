/** A device that was never heard: what to look at. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { run } from '../gateway/terminal.ts';
import { temporaryDirectory } from '../helpers.ts';
import {
  type Answer,
  exception,
  loopClock,
  made,
  oddDevice,
  profileOf,
  registers,
  rtuFrame,
  tcpFrame,
} from './modbus-odd.ts';
import { open } from './modbus-peer.ts';

const silent: Answer = () => {};
/** 9600 baud heard at 19200: bytes, and no frame. */
const garbled: Answer = (_question, write) => write(Buffer.from([0x78, 0x80, 0x86, 0xf8, 0x00]));
const closing: Answer = (_question, _write, socket) => void socket.destroy();
const late: Answer = ({ unit, fn }, write) => write(rtuFrame(unit, registers(fn, [1])), 400);

describe('the reason of a device that was never heard', () => {
  it.each<[string, 'rtu' | 'tcp', Answer, RegExp]>([
    [
      'is silent',
      'rtu',
      silent,
      /^unit 1 does not answer; look at: its address \(unit 1\); serialServer or tcp .*baud rate and parity at the serial server; the wires A and B.*a gateway that runs$/,
    ],
    ['is silent', 'tcp', silent, /^unit 1 does not answer; look at: its address .*; tcp or serialServer /],
    [
      'makes noise',
      'rtu',
      garbled,
      /; what came was \S.*; look at: baud rate and parity at the serial server/,
    ],
    [
      'passes bytes on',
      'tcp',
      (_question, write) => write(rtuFrame(1, registers(3, [1, 2, 3]))),
      /what comes is no Modbus TCP: .* `serialServer`/,
    ],
    [
      'has another master',
      'rtu',
      closing,
      /look at whether another master is connected|another master has the serial server/,
    ],
    ['answers late', 'rtu', late, /^unit 1 answers after \d+ ms, and its `timeout` is 300 ms$/],
    [
      'refuses',
      'tcp',
      ({ transaction, unit, fn }, write) => write(tcpFrame(transaction, unit, exception(fn, 2))),
      /does the profile fit the device\?$/,
    ],
  ])('that %s, over %s, says what to look at', async (_name, framing, answer, reason) => {
    const time = loopClock();
    const peer = await oddDevice(framing, time, answer);
    const one = made(peer.connection, profileOf({ function: 3, address: 0, bit: 0 }), {
      timeout: '300ms',
      poll: '20ms',
    });
    const { links, session } = await open([one], time);
    const ended = session.ended.then(
      () => '',
      ({ message }: Error) => message,
    );
    const told = await Promise.race([links.next().then((link) => link.reason), ended]);
    expect(told).toMatch(reason);
  });
});

describe('modbus read of a device that says nothing', () => {
  it.each<[string, Answer, RegExp]>([
    ['is silent', silent, /unit 4 does not answer[\s\S]*look at: its address \(unit 4\)/],
    ['closes', closing, /look at: whether another master has the serial server/],
  ])('says what to look at, where it %s', async (_name, answer, words) => {
    const peer = await oddDevice('rtu', loopClock(), answer);
    const file = join(temporaryDirectory(), 'c.yaml');
    writeFileSync(
      file,
      `devices:\n  - { id: fence, driver: modbus, connection: { serialServer: "${peer.connection.serialServer}" }, unit: 4, timeout: 100ms }\n`,
    );
    const { status, stdout, stderr } = await run(
      'modbus',
      'read',
      file,
      'fence',
      '--once',
      '--function',
      '3',
      '--count',
      '1',
    );
    expect([status, stdout + stderr]).toEqual([1, expect.stringMatching(words)]);
  });
});

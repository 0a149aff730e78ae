/** Alarms on the road to a platform of GB/T 28181: from a panel's frame over a gateway that is killed to the platform. */
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { dialRaw, withCrc } from '../drivers/dc09-port.ts';
import { type Heard, startPlatform } from '../drivers/gb28181-peer.ts';
import { freePort, temporaryDirectory } from '../helpers.ts';
import { gateway, until } from './tools.ts';

const wordOf = (name: string, { body }: Heard) => new RegExp(`<${name}>(.*)</${name}>`).exec(body)?.[1] ?? '';

describe('a platform of GB/T 28181', { timeout: 60_000 }, () => {
  it('gets each panic of a panel, in order, though the gateway is killed between an alarm and its 200', async () => {
    const platform = await startPlatform({ asks: 'qop' });
    const directory = temporaryDirectory();
    writeFileSync(join(directory, 'pw'), 'secret\n');
    const [panel, sip] = [await freePort(), await freePort()];
    const config = {
      campus: { id: '4503000001', name: '一中' },
      dataDir: join(directory, 'data'),
      uplinks: [
        {
          ...{ id: 'gb', protocol: 'gb28181', server: `127.0.0.1:${platform.port}`, port: sip },
          ...{ serverId: '34020000002000000001', deviceId: '45030000001180000007', passwordFile: 'pw' },
          ...{ events: ['alarm.*'], eventId: true, reconnectSpread: '0s' },
        },
      ],
      devices: [{ id: 'panel', driver: 'dc09', listen: { port: panel }, accounts: [{ account: '1234' }] }],
    };
    const alarms: Heard[] = [];
    const left: Heard[] = [];
    const collect = async () => {
      for (;;) {
        const one = await platform.heard.next();
        if (one.method === 'REGISTER' && one.header('Expires') === '0') left.push(one);
        if (one.body.includes('<CmdType>Alarm')) alarms.push(one);
      }
    };
    void collect();
    // "the gateway runs" is said before its devices' ports are open.
    const listens = () =>
      new Promise<boolean>((resolve) => {
        const socket = connect(panel, '127.0.0.1', () => resolve(true));
        socket.on('error', () => resolve(false));
        socket.on('connect', () => socket.destroy());
      });
    const press = async (sequence: number, zone: number) => {
      await until('the port of panels is open', listens);
      const { send, answers, socket } = await dialRaw(panel);
      send(withCrc(`"SIA-DCS"000${sequence}L0#1234[#1234|NPA${String(zone).padStart(3, '0')}]`));
      expect(await answers.next()).toContain('"ACK"');
      socket.destroy();
    };
    const first = await gateway(config, directory);
    await press(1, 1);
    await until('the first alarm came', () => alarms.length === 1);
    // It hears the next one, and does not answer: then the gateway is gone.
    platform.behaviour.message = undefined;
    await press(2, 2);
    await press(3, 1);
    await until('the second alarm came', () => alarms.length > 1);
    await first.kill();
    const unanswered = alarms.at(-1) as Heard;
    platform.behaviour.message = 200;
    const second = await gateway(config, directory);
    await until('all came', () => new Set(alarms.map((one) => wordOf('SN', one))).size === 3);
    // Sent again, it is the same: number, input, time, words, and the event's id at its end.
    const again = alarms.filter((one) => wordOf('SN', one) === wordOf('SN', unanswered));
    expect(new Set(again.map(({ body }) => body)).size).toBe(1);
    expect(again.length).toBeGreaterThan(1);
    const order = alarms.map((one) => Number(wordOf('SN', one)));
    expect(order).toEqual([...order].sort((a, b) => a - b));
    const inputs = alarms.map((one) => wordOf('DeviceID', one));
    // The first is that of the panel itself.
    expect(new Set(inputs)).toEqual(new Set(['45030000001340000002', '45030000001340000003']));
    expect(inputs.at(-1)).toBe(inputs[0]);
    expect(await second.stop()).toBe(0);
    await until('it said goodbye', () => left.length > 0);
  });
});

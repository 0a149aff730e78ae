/** Platforms of GB/T 28181 that are away, over real SIP to platforms that are written by hand; on a clock that is moved. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { manualClock } from '../clocks.ts';
import { type Heard, startPlatform } from '../drivers/gb28181-peer.ts';
import { freePort, temporaryDirectory } from '../helpers.ts';
import { campus } from './campus.ts';

const MINUTE = 60_000;
const wordOf = (name: string, { body }: Heard) => new RegExp(`<${name}>(.*)</${name}>`).exec(body)?.[1] ?? '';
const isAlarm = ({ body }: Heard) => body.includes('<CmdType>Alarm');
const isKeepalive = ({ body }: Heard) => body.includes('<CmdType>Keepalive');

const uplink = (port: number, more: object = {}) => ({
  ...{ protocol: 'gb28181', port, serverId: '34020000002000000001', deviceId: '45030000001180000007' },
  ...{ events: ['alarm.*', 'device.*'], ...more },
});

async function registered(more: object = {}) {
  const time = manualClock(Date.UTC(2026, 10, 28, 7, 30));
  const platform = await startPlatform({ asks: 'nothing' });
  const port = await freePort();
  const gateway = await campus(platform.port, uplink(port, more), temporaryDirectory(), { time });
  await time.until(platform.heard.find(({ method }) => method === 'REGISTER'));
  onTestFinished(() => time.until(gateway.close(0), MINUTE));
  const record = (...one: Parameters<typeof gateway.record>) => time.until(gateway.record(...one));
  /** The next so many alarms that come, without those that come again. */
  const alarms = async (count: number, from = platform) => {
    const heard = new Map<string, Heard>();
    while (heard.size < count) {
      const one = await time.until(from.heard.find(isAlarm), 30 * MINUTE);
      if (!heard.has(wordOf('SN', one))) heard.set(wordOf('SN', one), one);
    }
    return [...heard.values()];
  };
  return { ...gateway, time, platform, port, record, alarms };
}

/** As it is on the campus's clocks. */
const beijing = (at: number) => new Date(at + 8 * 60 * MINUTE).toISOString().slice(0, 19);

describe('a platform that is away for 10 minutes', () => {
  it('gets all that happened meanwhile, alarms first and each lane in its order, each with its true time', async () => {
    const { time, platform, record, alarms } = await registered();
    platform.behaviour.isSilent = true;
    const happened: { kind: string; at: string }[] = [];
    for (let minute = 0; minute < 10; minute++) {
      for (const kind of ['fault', 'panic'] as const) {
        happened.push({ kind, at: beijing(time.wall()) });
        await record(kind, { zone: { number: minute + 1 } });
        await time.advance(MINUTE / 2);
      }
    }
    const unanswered = platform.heard.rest().filter(isAlarm);
    platform.behaviour.isSilent = false;
    const came = await alarms(20);
    const told = (kind: string) => happened.filter((one) => one.kind === kind).map(({ at }) => at);
    expect(came.map((one) => wordOf('AlarmTime', one))).toEqual([...told('panic'), ...told('fault')]);
    expect(came.map((one) => wordOf('AlarmMethod', one))).toEqual([
      ...Array.from({ length: 10 }, () => '2'),
      ...Array.from({ length: 10 }, () => '6'),
    ]);
    // What was sent into the silence comes again, the same.
    expect(unanswered.length).toBeGreaterThan(0);
    for (const one of unanswered) {
      const again = came.find((other) => wordOf('SN', other) === wordOf('SN', one));
      expect(again?.body).toBe(one.body);
    }
  });

  it('leaves another one unharmed, over the same port', async () => {
    const { time, platform, port, record, alarms, connectTo } = await registered();
    const living = await startPlatform({ asks: 'nothing' });
    connectTo(living.port, uplink(port, { id: 'bureau', serverId: '34020000002000000002' }));
    await time.until(living.heard.find(({ method }) => method === 'REGISTER'));
    platform.behaviour.isSilent = true;
    for (let minute = 0; minute < 10; minute++) {
      const at = time.wall();
      await record('panic', { zone: { number: minute + 1 } });
      const [one] = await alarms(1, living);
      expect(wordOf('AlarmTime', one as Heard)).toBe(beijing(at));
      // Before the dead one can have been given up.
      expect(time.wall() - at).toBeLessThan(5000);
      await time.advance(MINUTE);
    }
    expect(living.heard.rest().filter(({ method }) => method === 'REGISTER')).toEqual([]);
  });
});

describe('a gateway', () => {
  it('registers anew after three keepalives without an answer, and begins to count from 0', async () => {
    const { time, platform } = await registered({ keepalive: '1m' });
    const keepalives = async (count: number) => {
      for (let i = 0; i < count; i++) await time.until(platform.heard.find(isKeepalive));
    };
    await keepalives(1);
    platform.behaviour.message = 500;
    await keepalives(3);
    const again = await time.until(platform.heard.find(({ method }) => method === 'REGISTER'));
    expect(again.header('CSeq')).toBe('2 REGISTER');
    // Two more and one that is answered: no third.
    await keepalives(2);
    platform.behaviour.message = 200;
    await keepalives(1);
    platform.behaviour.message = 500;
    await keepalives(2);
    platform.behaviour.message = 200;
    await keepalives(2);
    expect(platform.heard.rest().filter(({ method }) => method === 'REGISTER')).toEqual([]);
  });

  it('that is not let in comes again seldom, and sooner for an alarm', async () => {
    const {
      time,
      platform,
      record,
      alarms,
      uplink: own,
    } = await registered({ keepalive: '1m', reconnectSpread: '30s' });
    platform.behaviour.message = 403;
    platform.behaviour.register = 403;
    await time.advance(2 * MINUTE);
    platform.heard.rest();
    /** Without those that are sent again for want of an answer. */
    const registers = () => {
      const all = platform.heard.rest().filter(({ method }) => method === 'REGISTER');
      return new Set(all.map(({ header }) => header('CSeq'))).size;
    };
    await time.advance(60 * MINUTE);
    // 6 to 12 an hour once it has doubled to 10 minutes.
    expect(registers()).toBeLessThanOrEqual(13);
    expect(own.state().reason).toMatch(/does not let this device id in/);
    await record('panic');
    // In half a minute to a minute.
    await time.advance(MINUTE);
    const tries = registers();
    expect(tries).toBeGreaterThan(0);
    expect(tries).toBeLessThanOrEqual(2);
    platform.behaviour.message = 200;
    platform.behaviour.register = undefined;
    const [alarm] = await alarms(1);
    expect(wordOf('AlarmMethod', alarm as Heard)).toBe('2');
  });
});

/** Orders of a platform that is written by hand, over real SIP, and what the gateway is asked for. */
import { describe, expect, it } from 'vitest';
import { commandActions } from '../../config/catalogue/actions.ts';
import { manualClock } from '../clocks.ts';
import { DEVICE, HALL, PLATFORM, what, world, YARD, ZONE } from './gb28181-orders.ts';

describe('a platform of GB/T 28181', () => {
  it('turns a camera that it may see, and is told nothing of it, as the standard has it', async () => {
    const { order, asked, platform } = await world();
    await order(YARD, '<PTZCmd>A50F010800FF00BC</PTZCmd>');
    await order(YARD, '<PTZCmd>A50F0100000000B5</PTZCmd>');
    await order(YARD, '<PTZCmd>A50F018200010038</PTZCmd>');
    expect([what(await asked.next()), what(await asked.next()), what(await asked.next())]).toEqual([
      ['move', 'yard', { pan: 0, tilt: 1, zoom: 0 }],
      ['halt', 'yard', {}],
      ['preset', 'yard', { preset: '1' }],
    ]);
    expect(platform.heard.rest().some(({ body }) => body.includes('<Response>'))).toBe(false);
  });

  it('turns none that it may not see, and none by a code whose checksum is wrong', async () => {
    const { order, asked, discarded } = await world();
    await order(HALL, '<PTZCmd>A50F010800FF00BC</PTZCmd>');
    expect(await discarded.next()).toBe('an order for nothing that there is');
    await order(YARD, '<PTZCmd>A50F010800FF00BD</PTZCmd>');
    expect(await discarded.next()).toBe('a PTZCmd whose checksum is not right');
    expect(asked.rest()).toEqual([]);
  });

  it('names one order by one id, whatever its branch is: sent again later, it is known', async () => {
    const { order, asked } = await world();
    await order(YARD, '<PTZCmd>A50F010800FF00BC</PTZCmd>', { sn: 7 });
    await order(YARD, '<PTZCmd>A50F010800FF00BC</PTZCmd>', { sn: 7, branch: 'z9hG4bK-another' });
    await order(YARD, '<PTZCmd>A50F010800FF00BC</PTZCmd>', { sn: 8 });
    const ids = [await asked.next(), await asked.next(), await asked.next()].map(({ id }) => id);
    expect(ids[1]).toBe(ids[0]);
    expect(ids[2]).not.toBe(ids[0]);
    expect(ids[0]?.length).toBeLessThanOrEqual(64);
  });

  it.each(['IFrameCmd', 'IFameCmd'])('asks for a key picture by %s', async (element) => {
    const { order, refreshed } = await world();
    await order(YARD, `<${element}>Send</${element}>`);
    expect(await refreshed.next()).toBe('yard');
  });

  it.each([
    ['<RecordCmd>Record</RecordCmd>', 'record', 'DeviceControl'],
    ['<HomePosition><Enabled>1</Enabled></HomePosition>', 'home-position', 'DeviceControl'],
    ['<DragZoomIn><Length>1</Length></DragZoomIn>', 'drag-zoom', undefined],
    [
      '<SnapShotConfig><UploadURL>http://evil/</UploadURL></SnapShotConfig>',
      'upload-snapshots',
      'DeviceConfig',
    ],
    ['<Strange>1</Strange>', 'order', 'DeviceControl'],
  ])('is refused %s, under a name that no rule can allow', async (xml, action, answered) => {
    const { order, asked, result } = await world({}, {});
    await order(YARD, xml, { sn: 5 });
    const one = await asked.next();
    expect(what(one).slice(0, 2)).toEqual([action, 'yard']);
    expect(commandActions).not.toContain(action);
    if (answered !== undefined) expect(await result()).toMatch(new RegExp(`^${answered} 5 ${YARD}`));
  });

  it('that is refused hears ERROR where the standard wants an answer', async () => {
    const { order, result } = await world({}, { ask: async () => ({ done: false }) });
    await order(YARD, '<RecordCmd>Record</RecordCmd>', { sn: 5 });
    expect(await result()).toBe(`DeviceControl 5 ${YARD} ERROR`);
  });
});

describe('TeleBoot', () => {
  it('restarts a camera, and says whether it was done', async () => {
    const { order, asked, result } = await world();
    await order(YARD, '<TeleBoot>Boot</TeleBoot>', { sn: 3 });
    expect(what(await asked.next())).toEqual(['reboot', 'yard', {}]);
    expect(await result()).toBe(`DeviceControl 3 ${YARD} OK`);
    const refusing = await world({}, { ask: async () => ({ done: false }) });
    await refusing.order(YARD, '<TeleBoot>Boot</TeleBoot>', { sn: 4 });
    expect(await refusing.result()).toBe(`DeviceControl 4 ${YARD} ERROR`);
  });

  it.each([
    ['the gateway', DEVICE],
    ['a camera that it may not see', HALL],
    ['an alarm input', ZONE],
  ])('of %s is refused, under a name that no rule can allow', async (_what, device) => {
    const { order, asked } = await world();
    await order(device, '<TeleBoot>Boot</TeleBoot>');
    expect(what(await asked.next())).toEqual(['restart', device, {}]);
    expect(commandActions).not.toContain('restart');
    expect(asked.rest()).toEqual([]);
  });
});

describe('orders without end', () => {
  it('wait for those that are under way', async () => {
    const { promise, resolve } = Promise.withResolvers<{ done: boolean }>();
    const { order, discarded, result } = await world({}, { ask: () => promise });
    for (let i = 0; i < 32; i++) await order(YARD, '<RecordCmd>Record</RecordCmd>');
    await order(YARD, '<RecordCmd>Record</RecordCmd>', { answer: 'SIP/2.0 503 Service Unavailable' });
    expect(await discarded.next()).toBe('more orders than are carried out');
    resolve({ done: false });
    for (let i = 0; i < 32; i++) await result();
    await expect.poll(() => order(YARD, '<RecordCmd>Record</RecordCmd>')).toBeUndefined();
  });

  it('ask no camera for more than some key pictures', async () => {
    const { order, refreshed } = await world({}, { clock: manualClock() });
    for (let i = 0; i < 10; i++) await order(YARD, '<IFrameCmd>Send</IFrameCmd>');
    await order(YARD, '<IFrameCmd>Send</IFrameCmd>', { answer: 'SIP/2.0 503 Service Unavailable' });
    expect(refreshed.rest()).toHaveLength(10);
  });
});

describe('a guard command', () => {
  it('does nothing: what comes is told in any case, so the one is OK and the other ERROR', async () => {
    const { order, result, asked } = await world();
    await order(DEVICE, '<GuardCmd>SetGuard</GuardCmd>', { sn: 1 });
    expect(await result()).toBe(`DeviceControl 1 ${DEVICE} OK`);
    await order(DEVICE, '<GuardCmd>ResetGuard</GuardCmd>', { sn: 2 });
    expect(await result()).toBe(`DeviceControl 2 ${DEVICE} ERROR`);
    expect(asked.rest()).toEqual([]);
  });

  it('arms and disarms the area that the config gives it', async () => {
    const { order, result, asked } = await world({ guardArea: 'school' });
    await order(DEVICE, '<GuardCmd>SetGuard</GuardCmd>', { sn: 1 });
    expect(what(await asked.next())).toEqual(['arm', 'school', { by: PLATFORM }]);
    expect(await result()).toBe(`DeviceControl 1 ${DEVICE} OK`);
    await order(DEVICE, '<GuardCmd>ResetGuard</GuardCmd>', { sn: 2 });
    expect(what(await asked.next())).toEqual(['disarm', 'school', { by: PLATFORM }]);
  });
});

describe('ResetAlarm', () => {
  const reset = (info = '') => `<AlarmCmd>ResetAlarm</AlarmCmd>${info}`;

  it.each([
    ['of an input, all of it', ZONE, '', ['a3', 'a2']],
    ['of the gateway, all', DEVICE, '', ['a3', 'a2', 'a1']],
    [
      'of a type, that one',
      ZONE,
      '<Info><AlarmMethod>2</AlarmMethod><AlarmType>2</AlarmType></Info>',
      ['a2'],
    ],
    ['of methods that are written together', DEVICE, '<Info><AlarmMethod>25</AlarmMethod></Info>', 3],
    ['of another method, none', DEVICE, '<Info><AlarmMethod>5</AlarmMethod></Info>', []],
  ])('acknowledges %s', async (_what, device, info, ids) => {
    const { order, result, asked } = await world();
    await order(device, reset(info), { sn: 9 });
    expect(await result()).toBe(`DeviceControl 9 ${device} OK`);
    const all = asked.rest();
    if (typeof ids === 'number') expect(all).toHaveLength(ids);
    else expect(all.map(({ arguments: { event } }) => event)).toEqual(ids);
    for (const one of all) expect(what(one)).toMatchObject(['acknowledge', 'gateway', { by: PLATFORM }]);
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
  });

  it('of an input that is not there is an error, and so is one that the disk cannot answer', async () => {
    const { order, result, discarded } = await world();
    await order('45030000001340000099', reset(), { sn: 9 });
    expect(await result()).toBe('DeviceControl 9 45030000001340000099 ERROR');
    expect(await discarded.next()).toBe('an order for nothing that there is');
    const broken = await world({}, { untaken: () => Promise.reject(new Error('no disk')) });
    await broken.order(DEVICE, reset(), { sn: 9 });
    expect(await broken.result()).toBe(`DeviceControl 9 ${DEVICE} ERROR`);
  });
});

/** What panels say beside the event: when and where it happened, and where its picture is. */
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Receipt } from '../../drivers/contract/observation.ts';
import { readExtended } from '../../drivers/dc09/extended.ts';
import { inZone } from '../../drivers/dc09/panel-clock.ts';
import { mayFetch } from '../../drivers/dc09/pictures.ts';
import { manualClock } from '../clocks.ts';
import { dialRaw, openReceiver, wireStamp, withCrc } from './dc09-port.ts';

const NOW = Date.UTC(2026, 6, 5, 8);
const sent = async (account: object, bodies: readonly string[]) => {
  const time = manualClock(NOW);
  const fake = await openReceiver([{ account: '1234', ...account }], { time });
  const panel = await dialRaw(fake.port);
  for (const body of bodies) panel.send(withCrc(body));
  return { ...fake, panel, time };
};
const alarm = (rest: string, ms?: number, sequence = '0001') =>
  `"SIA-DCS"${sequence}L0#1234[#1234|Nri1/PA9]${rest}${ms === undefined ? '' : `_${wireStamp(ms)}`}`;

describe('extended data', () => {
  it('are details of the event', async () => {
    // Dahua (pysiaalarm#87) sends the room; the coordinates and the MAC are of pysiaalarm's tests.
    const blocks = '[RLivingRoom][X006E07.7777777][Y49N06.6666666][M0026B9E4268B][S宿舍楼][I北墙被翻越]';
    const { reports } = await sent({}, [alarm(blocks)]);
    expect(await reports.next()).toMatchObject({
      text: '北墙被翻越',
      details: {
        account: '1234',
        room: 'LivingRoom',
        longitude: '006E07.7777777',
        latitude: '49N06.6666666',
        mac: '0026B9E4268B',
        site: '宿舍楼',
      },
    });
  });

  it('keep no key, no hash and no password', () => {
    const blocks = [
      'KAAAAAAAAAAAAAAAA',
      'A38475345',
      'Vrtsp://admin:pass@10.0.0.9/1',
      'Vhttp://admin:pass@10.0.0.9/a.jpg',
      'qwhat is this',
    ];
    const { details, pictureAddresses } = readExtended(blocks);
    expect(details).toEqual({
      verification: 'rtsp://10.0.0.9/1',
      pictureAddress: 'http://10.0.0.9/a.jpg',
      extended: 'qwhat is this',
    });
    expect(pictureAddresses).toEqual(['http://admin:pass@10.0.0.9/a.jpg']);
  });

  it('name several pictures, with commas between them', () => {
    // A report of Ajax, in nielsfaber/alarmo#924.
    const value = 'https://ajax-sample.com/first_photo.jpg,https://ajax-sample.com/second_photo.jpg';
    expect(readExtended([`V${value}`])).toEqual({
      details: { pictureAddress: value },
      pictureAddresses: [
        'https://ajax-sample.com/first_photo.jpg',
        'https://ajax-sample.com/second_photo.jpg',
      ],
    });
  });

  it('of many events in one frame are short', () => {
    const long = `R${'x'.repeat(1000)}`;
    expect(readExtended([long], 1).details['room']).toHaveLength(256);
    expect(readExtended([long, `?${long}`], 9).details).toMatchObject({
      room: 'x'.repeat(64),
      extended: expect.stringMatching(/^.{64}$/),
    });
  });

  it('never throw', () => {
    const block = fc.oneof(fc.string(), fc.stringMatching(/^[A-Z](https?:\/\/)?[!-~]{0,40}$/));
    fc.assert(
      fc.property(fc.array(block, { maxLength: 8 }), fc.integer({ min: 1, max: 64 }), (blocks, events) => {
        const { pictureAddresses } = readExtended(blocks, events);
        expect(pictureAddresses.length).toBeLessThanOrEqual(4);
        expect(pictureAddresses.every((address) => URL.canParse(address))).toBe(true);
      }),
    );
  });
});

describe('the time of an event', () => {
  const test = (ms: number) => `"NULL"0000L0#1234[]_${wireStamp(ms)}`;

  it('is that of H where the panel says when it happened, and believed as its clock is', async () => {
    const hours = 3_600_000;
    const occurred = NOW - 3 * hours;
    const { reports } = await sent({}, [
      alarm(`[H${wireStamp(occurred)}]`, NOW),
      alarm(`[H${wireStamp(NOW - 30 * hours)}]`, NOW, '0002'),
      test(NOW - hours),
      alarm(`[H${wireStamp(occurred)}]`, NOW - hours, '0003'),
    ]);
    expect((await reports.next()).at).toEqual({ time: occurred, trusted: true });
    expect((await reports.next()).at).toEqual({ time: NOW - 30 * hours, trusted: false });
    expect((await reports.next()).at).toEqual({ time: occurred, trusted: false });
  });

  it('may be that of the place where the panel is', async () => {
    // Summer time in Berlin: two hours before GMT.
    const local = NOW + 2 * 3_600_000;
    const { reports } = await sent({ timezone: 'Europe/Berlin' }, [
      alarm(`[H${wireStamp(local - 5000)}]`, local),
      alarm('', local, '0002'),
      alarm('', NOW, '0003'),
    ]);
    expect((await reports.next()).at).toEqual({ time: NOW - 5000, trusted: true });
    expect((await reports.next()).at).toEqual({ time: NOW, trusted: true });
    expect((await reports.next()).at).toEqual({ time: NOW - 2 * 3_600_000, trusted: true });
  });

  it.each([
    // Berlin goes back from 03:00 to 02:00 on 25 October 2026, at 01:00 GMT, and from 02:00 to 03:00 on 29 March.
    ['2026-10-25T02:30:00Z', '2026-10-25T00:31:00Z', '2026-10-25T00:30:00Z'],
    ['2026-10-25T02:30:00Z', '2026-10-25T01:31:00Z', '2026-10-25T01:30:00Z'],
    ['2026-03-29T03:30:00Z', '2026-03-29T01:31:00Z', '2026-03-29T01:30:00Z'],
    ['2026-07-05T10:00:00Z', '2026-07-05T08:00:00Z', '2026-07-05T08:00:00Z'],
  ])('%s on a clock of Berlin is, seen at %s, %s', (written, now, moment) => {
    expect(inZone(Date.parse(written), 'Europe/Berlin', Date.parse(now))).toBe(Date.parse(moment));
  });

  it('may be further off than the standard lets it, as the account says', async () => {
    const { reports } = await sent({ clockTolerance: { ahead: '5m' } }, [
      alarm('', NOW + 299_000),
      alarm('', NOW - 39_000, '0002'),
    ]);
    expect((await reports.next()).at).toMatchObject({ trusted: true });
    expect((await reports.next()).at).toMatchObject({ trusted: true });
    const { reports: strict } = await sent({ clockTolerance: { ahead: '5s' } }, [
      alarm('', NOW + 6000),
      alarm('', NOW - 41_000, '0002'),
    ]);
    expect((await strict.next()).at).toMatchObject({ trusted: false });
    expect((await strict.next()).at).toMatchObject({ trusted: false });
  });
});

describe('a picture whose address a panel sends', () => {
  const JPEG = Buffer.from('ffd8ffe000104a464946', 'hex');
  const camera = async (answer: RequestListener) => {
    const server = createServer(answer).listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  };

  it('is fetched after the alarm is on disk and acknowledged, and kept as of it', async () => {
    const asked = Promise.withResolvers<void>();
    const host = await camera((_request, response) => {
      asked.promise.then(() => response.writeHead(200, { 'content-type': 'image/jpeg' }).end(JPEG));
    });
    const { panel, pictures, kept, reports } = await sent({ pictures: { hosts: ['127.0.0.1'] } }, [
      alarm(`[Vhttp://${host}/a.jpg]`),
    ]);
    expect(await panel.answers.next()).toContain('"ACK"0001');
    expect(await reports.next()).toMatchObject({ details: { pictureAddress: `http://${host}/a.jpg` } });
    asked.resolve();
    expect(await pictures.next()).toEqual(JPEG);
    expect(await kept.next()).toBe('x');
  });

  it('is not fetched from a host that the config does not name, nor for an alarm that is repeated', async () => {
    let questions = 0;
    const host = await camera((_request, response) => {
      questions++;
      response.writeHead(200, { 'content-type': 'image/jpeg' }).end(JPEG);
    });
    const address = `[Vhttp://${host}/a.jpg]`;
    for (const account of [{}, { pictures: { hosts: ['10.0.0.9', '127.0.0.1:1'] } }]) {
      const { panel } = await sent(account, [alarm(address)]);
      expect(await panel.answers.next()).toContain('"ACK"');
    }
    const fake = await openReceiver([{ account: '1234', pictures: { hosts: [host] } }], {
      store: async ({ zone }): Promise<Receipt> => ({ sequence: 1, id: 'x', repeated: zone?.number === 9 }),
    });
    const panel = await dialRaw(fake.port);
    panel.send(withCrc(alarm(address)));
    panel.send(withCrc(`"SIA-DCS"0002L0#1234[#1234|Nri1/PR8]${address}`));
    panel.send(withCrc(`"SIA-DCS"0003L0#1234[#1234|Nri1/PA8]${address}`));
    expect(await fake.pictures.next()).toEqual(JPEG);
    expect(questions).toBe(1);
  });

  it('that cannot be had costs a line of the log', async () => {
    const host = await camera((_request, response) => response.writeHead(404).end());
    const { said, panel } = await sent({ pictures: { hosts: [host] } }, [alarm(`[Vhttp://${host}/a.jpg]`)]);
    expect(await panel.answers.next()).toContain('"ACK"');
    await expect
      .poll(() => said)
      .toMatchObject([{ fields: { device: 'panel', host, error: 'it answers 404' } }]);
  });

  it.each([
    ['http://10.0.0.9/a', ['10.0.0.9'], true],
    ['http://10.0.0.9:8080/a', ['10.0.0.9'], true],
    ['http://10.0.0.9:8080/a', ['10.0.0.9:8080'], true],
    ['http://10.0.0.9:8081/a', ['10.0.0.9:8080'], false],
    ['http://10.0.0.9@evil.example/a', ['10.0.0.9'], false],
    ['http://10.0.0.9.evil.example/a', ['10.0.0.9'], false],
    ['http://evil.example/10.0.0.9', ['10.0.0.9'], false],
    ['ftp://10.0.0.9/a', ['10.0.0.9'], false],
    ['https://NVR.campus.example/a', ['nvr.campus.example'], true],
    ['nonsense', ['nonsense'], false],
  ])('at %s may be fetched where %j are named: %s', (address, hosts, may) => {
    expect(mayFetch(address, { hosts })).toBe(may);
    expect(mayFetch(address, undefined)).toBe(false);
  });
});

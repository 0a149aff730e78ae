/** What becomes of our events at a view library: which object, with which ids, and what is never in it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createDeviceIds, imageId, seenId, serialOf } from '../../drivers/platforms/gat1400/ids.ts';
import {
  addressOf,
  carriedOf,
  compactTime,
  kindOf,
  objectOf,
  type SeenEvent,
} from '../../drivers/platforms/gat1400/objects.ts';
import { sizeOf } from '../../drivers/platforms/gat1400/picture.ts';
import { jpeg } from './gat1400-campus.ts';

const PICTURE = 'a'.repeat(64);
const event = (type: string, data: object = {}, more: object = {}): SeenEvent => ({
  ...{
    id: '019ac3a0-0000-7000-8000-000000000001',
    type: `cn.campus.${type}`,
    time: '2026-11-28T15:30:00.250Z',
  },
  sequence: '4711',
  data: { state: 'raised', device: { id: 'gate', name: '校门' }, picture: PICTURE, ...data },
  ...more,
});
const kept = (of: string | undefined, contentType = 'image/jpeg') =>
  event('media.kept', { state: undefined, contentType, event: 'x', of });

describe('an event with a picture', () => {
  it.each([
    // What, without `faces`, and with it.
    [event('access.granted', { credential: { format: 'face' } }), undefined, 'face'],
    [event('access.unknown', { credential: { format: 'card' } }), undefined, 'face'],
    [event('access.held'), undefined, 'image'],
    [event('access.forced'), 'image', 'image'],
    [event('visitor.arrived'), undefined, 'person'],
    [event('video.face'), undefined, 'face'],
    [event('video.person'), undefined, 'person'],
    [event('video.vehicle'), undefined, 'vehicle'],
    [event('video.line-crossed'), undefined, 'image'],
    [event('alarm.raised', { kind: 'panic' }), 'image', 'image'],
    [kept('alarm.raised'), 'image', 'image'],
    [kept('video.person'), undefined, 'person'],
    [kept('video.vehicle'), undefined, 'vehicle'],
    [kept('access.denied'), undefined, 'person'],
    // Of what it is is not known any more: it may be anybody.
    [kept(undefined), undefined, 'image'],
    // Ends, clips, and what has no picture.
    [event('video.person', { state: 'restored' }), undefined, undefined],
    [kept('alarm.raised', 'video/mp4'), undefined, undefined],
    [event('access.granted', { picture: undefined }), undefined, undefined],
    [event('alarm.raised', { kind: 'fire', picture: undefined }), undefined, undefined],
  ] as const)('is one object or none: %o', (one, without, withFaces) => {
    expect(kindOf(one, false)).toBe(without);
    expect(kindOf(one, true)).toBe(withFaces);
  });

  it('never leaves without `faces` unless it is of an alarm, whatever its type', () => {
    const types = [
      'access.granted',
      'visitor.left',
      'video.face',
      'video.person',
      'media.kept',
      'device.fault',
      'x.y',
    ];
    const word = fc.oneof(fc.constantFrom(...types), fc.string());
    fc.assert(
      fc.property(word, word, fc.string(), (type, of, contentType) => {
        fc.pre(![type, of].some((one) => one.startsWith('alarm.') || one === 'access.forced'));
        expect(kindOf(event(type, { of, contentType }), false)).toBeUndefined();
      }),
    );
    expect(
      carriedOf(false).filter((one) => !['alarm.raised', 'access.forced', 'media.kept'].includes(one)),
    ).toEqual([]);
  });

  it('is refused together with what goes the same way', () => {
    expect(
      ['access.denied', 'video.person', 'video.vehicle', 'visitor.left', 'alarm.raised', 'media.kept'].map(
        addressOf,
      ),
    ).toEqual([
      '/VIID/Faces',
      '/VIID/Persons',
      '/VIID/MotorVehicles',
      '/VIID/Persons',
      '/VIID/Images',
      '/VIID/Images',
    ]);
  });
});

describe('ids', () => {
  it('are made as GA/T 1400.1 says in tables 3 and 4', () => {
    const image = imageId('34020000001190000001', '20200510200408', '00001');
    // As it stands in examples of other makers.
    expect(image).toBe('34020000001190000001022020051020040800001');
    expect(image).toHaveLength(41);
    expect(seenId(image, 'face')).toBe(`${image}0600001`);
    expect([seenId(image, 'person'), seenId(image, 'vehicle')].map((id) => id.slice(41))).toEqual([
      '0100001',
      '0200001',
    ]);
  });

  it('are of the number in the journal, and of the id where there is none yet', () => {
    const id = '019ac3a0-0000-7000-8000-000000000001';
    expect([serialOf({ id, sequence: '4711' }), serialOf({ id, sequence: '300007' })]).toEqual([
      '04711',
      '00007',
    ]);
    const unsaved = serialOf({ id, sequence: '0' });
    expect(unsaved).toMatch(/^\d{5}$/);
    expect(serialOf({ id })).toBe(unsaved);
    expect(serialOf({ id: `${id}x` })).not.toBe(unsaved);
  });

  it('of a device are made once', async () => {
    const asked: string[] = [];
    const ids = createDeviceIds('45030000001200000007', {
      numbers: async (series, names) => {
        asked.push(`${series} ${names.join()}`);
        return [12];
      },
    });
    expect(await ids.of('gate')).toBe('45030000001190000012');
    expect(await ids.of('gate')).toBe('45030000001190000012');
    expect(asked).toEqual(['119 gate']);
    expect(ids.known()).toEqual({ '45030000001190000012': 'gate' });
  });
});

describe('an object', () => {
  const shot = {
    bytes: jpeg(300, [480, 640]),
    contentType: 'image/jpeg',
    device: '45030000001190000012',
    timeZone: 'Asia/Shanghai',
  };

  it('is the same for the same event, however often', () => {
    const one = event('access.granted', { credential: { format: 'face' } });
    expect(objectOf('face', one, shot)).toEqual(objectOf('face', one, shot));
  });

  it('has the time of the campus, its picture as it is, and nothing of a person that nobody asked for', () => {
    const one = event('access.granted', {
      credential: { format: 'face', number: '450300201501011234', hash: 'h' },
      access: { door: 'gate', decision: 'granted', holder: 's-1042', children: ['c-1'] },
      text: '李雷',
      raw: 'raw',
      details: { match: 0.93, name: '李雷' },
    });
    const { path, id, body } = objectOf('face', one, shot);
    const [face] = (JSON.parse(body) as { FaceListObject: { FaceObject: Record<string, unknown>[] } })
      .FaceListObject.FaceObject;
    expect(path).toBe('/VIID/Faces');
    expect(face).toMatchObject({
      FaceID: id,
      InfoKind: 1,
      SourceID: '45030000001190000012022026112823300004711',
      DeviceID: '45030000001190000012',
      FaceAppearTime: '20261128233000',
      LeftTopX: 0,
      LeftTopY: 0,
      RightBtmX: 480,
      RightBtmY: 640,
      Similaritydegree: 0.93,
      IsSuspiciousPerson: 2,
      SubImageList: {
        SubImageInfoObject: [
          {
            ImageID: '45030000001190000012022026112823300004711',
            EventSort: 2,
            Type: '11',
            FileFormat: 'Jpeg',
            ShotTime: '20261128233000',
            Width: 480,
            Height: 640,
            FileSize: 300,
            Data: shot.bytes.toString('base64'),
          },
        ],
      },
    });
    for (const never of ['450300201501011234', 's-1042', 'c-1', '李雷', 'raw', '"h"'])
      expect(body).not.toContain(never);
  });

  it('of an alarm says which alarm, where and what', () => {
    const { id, body } = objectOf(
      'image',
      event('alarm.raised', { kind: 'panic', zone: { number: 3, name: '三号楼' }, test: 'walk-test' }),
      shot,
    );
    const [image] = (
      JSON.parse(body) as { ImageListObject: { Image: { ImageInfo: object; Data: string }[] } }
    ).ImageListObject.Image;
    expect(image?.ImageInfo).toMatchObject({
      ImageID: id,
      Title: '一键报警（测试）',
      ContentDescription: '019ac3a0-0000-7000-8000-000000000001',
      ShotPlaceFullAdress: '三号楼',
      Type: '14',
    });
    expect(JSON.parse(objectOf('image', kept('alarm.raised'), shot).body)).toMatchObject({
      ImageListObject: { Image: [{ ImageInfo: { ContentDescription: 'x', ShotPlaceFullAdress: '校门' } }] },
    });
  });

  it('is no longer in its words than the standard lets it be', () => {
    const long = '长'.repeat(300);
    const place = objectOf(
      'image',
      event('alarm.raised', { kind: 'fire', device: { id: 'd', name: long } }),
      shot,
    );
    expect(place.body).toContain(`"ShotPlaceFullAdress":"${'长'.repeat(100)}"`);
    expect(objectOf('person', event('visitor.arrived', { visit: { name: long } }), shot).body).toContain(
      `"Name":"${'长'.repeat(50)}"`,
    );
  });

  it('of a vehicle says that no plate was read', () => {
    expect(JSON.parse(objectOf('vehicle', event('video.vehicle'), shot).body)).toMatchObject({
      MotorVehicleListObject: { MotorVehicleObject: [{ PlateNo: '无车牌', PlateColor: '99' }] },
    });
  });

  it('is in the time of its zone, over midnight and in summer', () => {
    expect(compactTime('2026-11-28T16:00:00Z', 'Asia/Shanghai')).toBe('20261129000000');
    expect(compactTime('2026-07-01T12:00:00Z', 'Europe/Berlin')).toBe('20260701140000');
  });
});

describe('the size of a picture', () => {
  it('is read of JPEG and PNG', () => {
    expect(sizeOf(jpeg(200, [1920, 1080]))).toEqual({ width: 1920, height: 1080 });
    // The first 24 bytes of a PNG of 300 x 200 pixels (PNG specification, 11.2.1).
    const png = Buffer.from('89504e470d0a1a0a0000000d494844520000012c000000c8', 'hex');
    expect(sizeOf(png)).toEqual({ width: 300, height: 200 });
  });

  it('is none of what is none', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        fc.constantFrom('', 'ffd8', 'ffd8ffe0', '89504e470d0a1a0a'),
        (bytes, start) => {
          const size = sizeOf(Buffer.concat([Buffer.from(start, 'hex'), bytes]));
          if (size !== undefined) expect(size.width).toBeGreaterThanOrEqual(0);
        },
      ),
    );
    expect(sizeOf(Buffer.alloc(0))).toBeUndefined();
  });
});
